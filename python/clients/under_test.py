"""What every script here is told about the server under test, and how it runs its checks."""

import argparse
import time
from contextlib import contextmanager
from dataclasses import dataclass

# A second key, which the server does not know.
WRONG_KEY = "a-key-that-nobody-has-given-0123456789"


@dataclass
class Server:
    """Where the server listens, `host:port`, and a key that may do everything."""

    address: str
    key: str
    # A file with the certificate that is to be trusted; None: the server speaks no TLS.
    authority: str | None


def arguments() -> Server:
    """`--address HOST:PORT --key KEY [--authority FILE]`. Which models are there is said in `tests/tests/clients/main.rs`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--address", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--authority")
    told = parser.parse_args()
    return Server(told.address, told.key, told.authority)


def run(checks, subject) -> None:
    """Runs each check on the subject; the first that fails ends the script with its traceback."""
    for check in checks:
        with named(check):
            check(subject)


async def run_async(checks, subject) -> None:
    """As `run`, for checks that are coroutines."""
    for check in checks:
        with named(check):
            await check(subject)


@contextmanager
def named(check):
    """Says which check runs and, when it is through, how long it took."""
    begun = time.perf_counter()
    print(f"{check.__name__} ...", end=" ", flush=True)
    yield
    print(f"{time.perf_counter() - begun:.2f} s", flush=True)
