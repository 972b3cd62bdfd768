"""A Servoir of the benchmarks' own: on a free port, without authentication, in a folder that its owner removes."""

import contextlib
import json
import os
import socket
import subprocess
import urllib.request
from pathlib import Path


class OwnServer:
    def __init__(self, program: Path, onnxruntime: Path, folder: Path, settings: dict = {}, under: tuple = ()):
        self.program, self.folder = program, folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        settings = settings | {
            "SERVOIR_AUTH__MODE": "off",
            "SERVOIR_SERVER__LISTEN": f"127.0.0.1:{port}",
            "SERVOIR_STORAGE__DATA_DIR": str(folder),
            "ORT_DYLIB_PATH": str(onnxruntime),
        }
        self.log = (folder / "log").open("w")
        self.process = subprocess.Popen([*under, program, "serve"], env=os.environ | settings, stdout=self.log, stderr=self.log)
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{self.url}/readyz").read()
                return
            if self.process.poll() is not None:
                raise SystemExit((folder / "log").read_text())

    def call(self, method: str, path: str, body: object = None) -> dict:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data, headers, method=method)) as answer:
            return json.loads(answer.read() or b"null")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()
