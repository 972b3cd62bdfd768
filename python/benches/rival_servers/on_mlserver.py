"""MLServer with ONNX Runtime, as a custom runtime. Its adaptive batching and the rest of its settings are written by servers.py;
its own runtime for xgboost, the other line of the table, needs no code.

usage: mlserver start FOLDER, where FOLDER has MLServer's settings, with MODEL=FILE.onnx
"""

import os

from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class OnnxModel(MLModel):
    """One session of one thread."""

    async def load(self) -> bool:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        providers = ["CPUExecutionProvider"]
        self.session = onnxruntime.InferenceSession(os.environ["MODEL"], options, providers=providers)
        self.source = self.session.get_inputs()[0].name
        self.names = [output.name for output in self.session.get_outputs()]
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        rows = NumpyCodec.decode_input(payload.inputs[0]).astype("float32")
        answers = self.session.run(None, {self.source: rows})
        outputs = [NumpyCodec.encode_output(name, answer) for name, answer in zip(self.names, answers)]
        return InferenceResponse(model_name=self.name, outputs=outputs)
