"""A server that the benchmarks start, wait for and end, and what it said last where it could not be measured."""

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import grpc_load

SERVERS_FOLDER = Path(__file__).resolve().parent / "rival_servers"
READY_SECONDS_MAX = 90
END_SECONDS_MAX = 10
# How much is shown of what a server printed.
LAST_LINES = 20
# Two workers for two cores: more than that only share them.
WORKERS = max(1, min(2, os.cpu_count() or 1))


class NotMeasured(Exception):
    """Why there is no figure of a server, in words for the person who reads the table."""


@dataclass
class Running:
    """One form of asking a server: the load generator's arguments, or what h2load needs for gRPC."""

    name: str
    load_arguments: list
    grpc: grpc_load.Target | None = None


class Server:
    """A process that is started on entering and ended, with its children, on leaving."""

    name = ""

    def __init__(self, given, scratch: Path):
        self.given, self.scratch, self.port = given, scratch, free_port()
        self.model = given.models.absolute() / "churn" / "model.onnx"
        scratch.mkdir()

    def command(self) -> list:
        raise NotImplementedError

    def environment(self) -> dict:
        return {"MODEL": str(self.model), "WORKERS": str(WORKERS), "PYTHONPATH": str(SERVERS_FOLDER)}

    def ready_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v2/health/ready"

    def asked(self) -> dict:
        """How it is asked: the load generator's arguments by the name in the table."""
        raise NotImplementedError

    def asked_by_grpc(self) -> list:
        """Where its gRPC is, if it has one that is measured."""
        return []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def forms(self) -> list:
        forms = [Running(name, [*words, "--pid", self.process.pid]) for name, words in self.asked().items()]
        return [*forms, *(Running(f"{self.name}, gRPC", [], target) for target in self.asked_by_grpc())]

    def __enter__(self) -> "Server":
        environment = {**os.environ, **self.environment(), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [str(word) for word in self.command()]
        with self.log.open("wb") as log:
            try:
                # A session of its own, so that ending it ends its workers.
                self.process = subprocess.Popen(
                    command, cwd=self.scratch, env=environment, stdout=log, stderr=log, start_new_session=True
                )
            except OSError as error:
                raise NotMeasured(f"did not start: {command[0]}: {error.strerror}") from error
        try:
            self.wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def wait_until_ready(self) -> None:
        until = time.monotonic() + READY_SECONDS_MAX
        while not self.is_ready():
            if self.process.poll() is not None:
                raise NotMeasured(f"did not start: it {self.how_it_ended()}{self.last_lines()}")
            if time.monotonic() > until:
                raise NotMeasured(f"was not ready after {READY_SECONDS_MAX} s{self.last_lines()}")
            time.sleep(0.1)

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(self.ready_url(), timeout=1) as answer:
                return answer.status == 200
        except urllib.error.HTTPError as error:
            # Servers without a probe of their own answer 404 or 405 when they are up.
            return error.code in (404, 405)
        except OSError:
            return False

    @property
    def log(self) -> Path:
        return self.scratch / "log"

    def how_it_ended(self) -> str:
        code = self.process.returncode
        return f"was ended by signal {-code}" if code < 0 else f"ended with status {code}"

    def last_lines(self) -> str:
        """What it printed last, on lines of their own."""
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        return "\n    ".join([". The last that it printed:", *lines[-LAST_LINES:]]) if lines else ". It printed nothing."

    def how_it_is(self) -> str:
        """What there is to say of it when a load failed."""
        state = "it runs" if self.process.poll() is None else f"it {self.how_it_ended()}"
        return f"{state}{self.last_lines()}"

    def __exit__(self, *_) -> None:
        try:
            os.killpg(self.process.pid, 15)
            self.process.wait(END_SECONDS_MAX)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            pass
        try:
            os.killpg(self.process.pid, 9)
        except ProcessLookupError:
            pass
        self.process.wait()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
