"""What training costs those who are served, and what those who watch cost training; prints both as ratios.

usage: python studio.py SERVOIR LOAD ONNXRUNTIME [--repeats N] [--rate R]

SERVOIR and LOAD are built programs, ONNXRUNTIME the library. One server trains on 50,000 rows of 30 numbers. The load asks
for predictions of a deployed version at a fixed rate, in turn with no run and with a run going on. Then runs take turns
with nobody and with 200 clients following: 160 that take everything, 20 that take five frames a second, 20 that leave and
come back all the time.
"""

import argparse
import asyncio
import json
import random
import statistics
import subprocess
import tempfile
import time
from datetime import datetime
from pathlib import Path

import aiohttp
import numpy as np
from own_server import OwnServer

ROWS, COLUMNS = 50_000, 30
FAST, SLOW, RESTLESS = 160, 20, 20


def table(path: Path) -> None:
    rng = np.random.default_rng(17)
    rows = rng.normal(size=(ROWS, COLUMNS)).astype(np.float32)
    target = (rows[:, 0] * rows[:, 1] + rows[:, 2] + rng.normal(scale=0.5, size=ROWS) > 0).astype(int)
    names = ",".join(f"f{column}" for column in range(COLUMNS))
    np.savetxt(path, np.column_stack([rows, target]), delimiter=",", fmt="%.6g", header=f"{names},target", comments="")


class Server(OwnServer):
    def model(self, name: str, dataset: str, **hyperparameters: object) -> str:
        config = {"target_column": "target", "algorithm": "gradient_boosting", "hyperparameters": hyperparameters}
        new = {"name": name, "model_type": "auto", "task_type": "classification", "dataset_id": dataset, "config": config}
        return self.call("POST", "/api/v1/models", new)["id"]

    def run(self, model: str) -> str:
        return self.call("POST", f"/api/v1/models/{model}/train", {})["run_id"]

    def state(self, model: str, run: str) -> dict:
        return self.call("GET", f"/api/v1/models/{model}/runs/{run}")

    def ended(self, model: str, run: str) -> float:
        """Waits for the end, and gives the seconds that the run took."""
        while (state := self.state(model, run))["status"] in ("queued", "running"):
            time.sleep(0.2)
        if state["status"] != "completed":
            raise SystemExit(f"the run {state['status']}: {state}")
        times = [datetime.fromisoformat(state[field]) for field in ("started_at", "finished_at")]
        return (times[1] - times[0]).total_seconds()


def load(program: Path, server: Server, rate: float, seconds: float) -> dict:
    command = [program, "--url", server.url, "--model", "served", "-c", "8", "--rate", str(rate), "--seconds", str(seconds)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


async def follow(session: aiohttp.ClientSession, url: str, kind: str, seed: int) -> int:
    """Follows a run to its end; the number of its last frame."""
    seen, chance = 0, random.Random(seed)
    while True:
        async with session.ws_connect(f"{url}&from_seq={seen + 1}", max_msg_size=0) as socket:
            patience = chance.randrange(5, 60) if kind == "restless" else None
            async for message in socket:
                frame = json.loads(message.data)
                if frame["type"] != "snapshot" and kind != "slow" and frame["seq"] != seen + 1:
                    raise SystemExit(f"after frame {seen} came {frame['seq']}")
                seen = frame["seq"]
                if frame["type"] in ("complete", "failed", "cancelled"):
                    return seen
                if kind == "slow":
                    await asyncio.sleep(0.2)
                if patience is not None and (patience := patience - 1) == 0:
                    break


async def watched(server: Server, model: str) -> float:
    run = server.run(model)
    url = f"{server.url}/api/v1/models/{model}/training-metrics/ws?run_id={run}"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        kinds = ["fast"] * FAST + ["slow"] * SLOW + ["restless"] * RESTLESS
        followers = [asyncio.create_task(follow(session, url, kind, seed)) for seed, kind in enumerate(kinds)]
        lasts = await asyncio.gather(*followers)
    seconds = await asyncio.to_thread(server.ended, model, run)
    last = server.state(model, run)["last_seq"]
    if set(lasts) != {last}:
        raise SystemExit(f"the last frame is {last}, clients ended at {set(lasts)}")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("servoir", type=Path)
    parser.add_argument("load", type=Path)
    parser.add_argument("onnxruntime", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--rate", type=float, default=500.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.csv"
        table(file)
        server = Server(options.servoir, options.onnxruntime, Path(folder))
        try:
            upload = ["curl", "-sSf", "-F", f"file=@{file}", f"{server.url}/api/v1/datasets"]
            dataset = json.loads(subprocess.run(upload, capture_output=True, check=True).stdout)["id"]
            served = server.model("served", dataset, n_estimators=50)
            server.ended(served, server.run(served))
            server.call("POST", f"/api/v1/models/{served}/deploy", {})
            long = server.model("long", dataset, n_estimators=10_000, early_stopping_rounds=0)
            quiet, busy = [], []
            for _ in range(options.repeats):
                quiet.append(load(options.load, server, options.rate, 5))
                run = server.run(long)
                while server.state(long, run)["last_seq"] < 20:
                    time.sleep(0.1)
                busy.append(load(options.load, server, options.rate, 5))
                server.call("POST", f"/api/v1/models/{long}/train/cancel", {})
            print(f"predictions at {options.rate:.0f} a second, beside no run and beside a run:")
            for name in ("p50Us", "p99Us", "p999Us"):
                pair = [statistics.median(round[name] for round in rounds) for rounds in (quiet, busy)]
                print(f"  {name:7} {pair[0]:9.0f} {pair[1]:9.0f}   x {pair[1] / pair[0]:.2f}")
            short = server.model("short", dataset, n_estimators=300, early_stopping_rounds=0)
            alone, followed = [], []
            for _ in range(options.repeats):
                alone.append(server.ended(short, server.run(short)))
                followed.append(asyncio.run(watched(server, short)))
            pair = [statistics.median(times) for times in (alone, followed)]
            print(f"a run of 300 rounds, with nobody and with {FAST + SLOW + RESTLESS} clients that follow it:")
            print(f"  seconds {pair[0]:9.2f} {pair[1]:9.2f}   x {pair[1] / pair[0]:.3f}   {alone} {followed}")
        finally:
            server.stop()


if __name__ == "__main__":
    main()
