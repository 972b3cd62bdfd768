"""mosec with ONNX Runtime: a Rust front, Python workers, batches of at most eight requests, gathered for a millisecond.

usage: python on_mosec.py --address 127.0.0.1 --port PORT, with MODEL=FILE.onnx and WORKERS=N
"""

import os

import numpy as np
import onnxruntime
import orjson
from mosec import Server, Worker

BATCH_REQUESTS_MAX = 8


class Churn(Worker):
    """One process with a session of its own."""

    def __init__(self):
        super().__init__()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])
        self.source = self.session.get_inputs()[0].name

    def deserialize(self, data: bytes) -> np.ndarray:
        return np.asarray(orjson.loads(data)["instances"], dtype=np.float32)

    def serialize(self, data: dict) -> bytes:
        return orjson.dumps(data, option=orjson.OPT_SERIALIZE_NUMPY)

    def forward(self, data: list) -> list:
        labels, probabilities = self.session.run(None, {self.source: np.concatenate(data)})
        ends = np.cumsum([len(rows) for rows in data])
        parts = zip([0, *ends[:-1]], ends)
        return [{"predictions": labels[start:end], "probabilities": probabilities[start:end]} for start, end in parts]


if __name__ == "__main__":
    server = Server()
    server.append_worker(Churn, num=int(os.environ["WORKERS"]), max_batch_size=BATCH_REQUESTS_MAX, max_wait_time=1)
    server.run()
