"""FastAPI with ONNX Runtime, written for speed: no pydantic, orjson both ways, one thread in the engine, no thread pool.

usage: uvicorn on_fastapi:app, with MODEL=FILE.onnx
"""

import os

import numpy as np
import onnxruntime
import orjson
from fastapi import FastAPI, Request, Response

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])
source = session.get_inputs()[0].name

app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)


@app.post("/predict")
async def predict(request: Request) -> Response:
    rows = np.asarray(orjson.loads(await request.body())["instances"], dtype=np.float32)
    labels, probabilities = session.run(None, {source: rows})
    answer = {"predictions": labels, "probabilities": probabilities}
    return Response(orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY), media_type="application/json")
