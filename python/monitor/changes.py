"""Where river's ADWIN sees a stream change."""

from dataclasses import dataclass

import numpy as np
from cases import SEED, Samples
from river.drift import ADWIN


@dataclass
class Stream:
    name: str
    values: np.ndarray
    changes_at: list[int]


def streams() -> list[Stream]:
    draw = np.random.default_rng(SEED + 2)
    return [
        Stream("errors_double", (draw.random(8000) < np.repeat([0.1, 0.2], 4000)).astype(float), [4000]),
        Stream("mean_jumps", np.clip(draw.normal(np.repeat([0.4, 0.6], 3000), 0.1), 0, 1), [3000]),
        Stream("jumps_twice", np.clip(draw.normal(np.repeat([0.2, 0.5, 0.3], 2000), 0.15), 0, 1), [2000, 4000]),
        Stream("steady", draw.random(20_000), []),
        Stream("steady_errors", (draw.random(20_000) < 0.05).astype(float), []),
        Stream("constant", np.full(5000, 0.25), []),
        Stream("drifts_slowly", np.clip(draw.normal(np.linspace(0.3, 0.7, 10_000), 0.1), 0, 1), [1]),
    ]


def detected(stream: Stream, samples: Samples) -> dict:
    adwin = ADWIN(delta=0.002)
    found, widths = [], []
    for index, value in enumerate(stream.values):
        adwin.update(float(value))
        if adwin.drift_detected:
            found.append(index)
            widths.append(int(adwin.width))
    return {
        "name": stream.name,
        "values": samples.write(f"stream.{stream.name}", stream.values),
        "changes_at": stream.changes_at,
        "detected": found,
        "width": int(adwin.width),
        "mean": adwin.estimation,
    }
