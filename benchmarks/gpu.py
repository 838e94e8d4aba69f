"""Training speed on a GPU: as many events as an epoch of ML-1M P1, in float32 and in bf16, by the trainer that ships.

Where no GPU is present this says so, reports `gpu_present` 0, and ends well. The histories are made up (as many users,
items and events as ML-1M has, popularity falling as in a catalog), because speed does not depend on what they say and a
GPU machine need not have the data. A short training comes first, unmeasured; a validation is not part of the time.
"""

from __future__ import annotations

import argparse
import time
from typing import Literal

import numpy as np
import torch

from benchmarks import common
from swerve.learn.config import LearnConfig
from swerve.learn.corpus import Corpus
from swerve.learn.run import Task, prepared
from swerve.model.config import ModelConfig
from swerve.model.history import History

USERS, ITEMS, EVENTS = 6_040, 3_416, 999_611
"""Of ML-1M P1."""
ROWS = 128
"""Packed rows of a step: more than on a CPU, so that a GPU has something to do."""


def made_up(users: int, items: int, events: int, seed: int = 0) -> Corpus:
    """`events` events of `users` users, at least 5 each, lengths as uneven as people are."""
    rng = np.random.default_rng(seed)
    shares = rng.lognormal(0.0, 1.0, users)
    lengths = 5 + rng.multinomial(events - 5 * users, shares / shares.sum())
    popularity = np.arange(1, items + 1, dtype=np.float64) ** -0.8
    drawn = rng.choice(items, events, p=popularity / popularity.sum()) + 1
    ends = np.cumsum(lengths)
    histories = tuple(History.of(part) for part in np.split(drawn, ends[:-1]))
    return Corpus(histories, tuple(f"i{item}" for item in range(items)), ())


def speed(corpus: Corpus, precision: Literal["float32", "bf16"], device: torch.device, *, rows: int = ROWS) -> float:
    """Tokens per second of one epoch, after a warm-up of a few steps."""
    few = Corpus(corpus.histories[: max(len(corpus.histories) // 20, 40)], corpus.items, ())
    _epoch(few, precision, device, rows)
    return _epoch(corpus, precision, device, rows)


def _epoch(corpus: Corpus, precision: Literal["float32", "bf16"], device: torch.device, rows: int) -> float:
    config = LearnConfig(epochs=1, rows=rows, minutes=1e6, precision=precision)
    trainer = prepared(Task(corpus=corpus, model=ModelConfig(), learn=config), device)
    ends: list[float] = []
    began = time.perf_counter()  # every step waits for its loss, so the clock needs no other wait
    trainer.run(lambda _: None, lambda *_: ends.append(time.perf_counter()), time.perf_counter)
    return trainer.tokens_per_step * len(ends) / (ends[-1] - began)


def measure(device: torch.device, corpus: Corpus, *, rows: int = ROWS) -> dict[str, float]:
    """Metrics of a device that is there."""
    plain, fast = (speed(corpus, precision, device, rows=rows) for precision in ("float32", "bf16"))
    return {"gpu_present": 1, "float32_tokens_per_s": plain, "bf16_tokens_per_s": fast, "bf16_speedup": fast / plain}


def outcome(args: argparse.Namespace) -> tuple[dict[str, object], dict[str, float]]:
    """Settings and metrics of one run."""
    if not torch.cuda.is_available():
        print("no GPU is present (PyTorch sees no CUDA device): nothing was measured")
        return {"device": "none"}, {"gpu_present": 0}
    part = 10 if args.quick else 1
    corpus = made_up(USERS // part, ITEMS, EVENTS // part)
    model = ModelConfig()
    settings = {
        "device": torch.cuda.get_device_name(),
        "events": corpus.events,
        "items": ITEMS,
        "rows": ROWS,
        "model": f"{model.kind} {model.size}",
        "negatives": LearnConfig().negatives,
        "torch": torch.__version__,
    }
    return settings, measure(torch.device("cuda"), corpus)


def main() -> None:
    """Measure and report."""
    args = common.arguments(__doc__ or "")
    settings, metrics = outcome(args)
    common.report("gpu", settings, metrics, args)


if __name__ == "__main__":
    main()
