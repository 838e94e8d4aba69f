"""How fast training is beside RecTools' SASRec: items predicted per second, padding not counted.

Both train on the same users with the same threads, in turns, each turn a fresh training of one epoch, timed from its
first step. Equal size: 64 dimensions, 2 blocks, 2 heads, 200 events, softmax over all items, as many events a step.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import torch

from benchmarks.p1.training import device
from benchmarks.rivals import ranking
from swerve.learn.config import LearnConfig
from swerve.learn.corpus import Corpus, from_sequences
from swerve.learn.trainer import Trainer
from swerve.model.config import ModelConfig
from swerve.model.nets.network import Network

LENGTH, BATCH = 200, 64
"""Events and histories of a step of RecTools (`benchmarks.rivals.of_rectools`)."""


def ratios(sequences: Sequence[Sequence[str]], users: int, turns: int) -> dict[str, float]:
    """Medians over the turns, with the smallest and largest ratio; on `users` users drawn at random.

    `_cpu_ratio` is that of items per second of CPU time, which neighbours on the machine hardly change.

    Raises RivalFailed.
    """
    drawn = np.random.default_rng(0).choice(len(sequences), min(users, len(sequences)), replace=False)
    corpus = from_sequences([sequences[user] for user in drawn])
    speeds: dict[str, list[tuple[float, float]]] = {"rectools": [], "sasrec": [], "default": []}
    for turn in range(turns):
        rival = ranking.speed([(history.items - 1).tolist() for history in corpus.histories])
        speeds["rectools"].append((float(rival["tokens_per_s"]), float(rival["tokens_per_cpu_s"])))
        speeds["sasrec"].append(tokens_per_s(corpus, *equal_size(corpus)))
        speeds["default"].append(tokens_per_s(corpus, LearnConfig(), ModelConfig()))
        print(f"  turn {turn}: { ({name: rows[-1] for name, rows in speeds.items()}) }; {rival['note']}", flush=True)
    return compared({name: np.array(rows) for name, rows in speeds.items()})


def compared(speeds: dict[str, np.ndarray]) -> dict[str, float]:
    """From (turns, 2) items per second of the clock and of the CPU, by name, to medians and ratios."""
    metrics: dict[str, float] = {}
    for name, prefix in (("sasrec", "train_speed"), ("default", "train_speed_default")):
        ratio, cpu_ratio = (speeds[name] / speeds["rectools"]).T
        metrics |= {
            f"{prefix}_ratio": float(np.median(ratio)),
            f"{prefix}_ratio_least": float(ratio.min()),
            f"{prefix}_ratio_most": float(ratio.max()),
            f"{prefix}_cpu_ratio": float(np.median(cpu_ratio)),
        }
    return metrics | {f"train_{name}_tokens_per_s": float(np.median(rows[:, 0])) for name, rows in speeds.items()}


def equal_size(corpus: Corpus) -> tuple[LearnConfig, ModelConfig]:
    """Our SASRec as RecTools trains its own: all items as negatives, as many events a step without padding."""
    events = np.mean([min(len(history) - 1, LENGTH) for history in corpus.histories])
    rows = max(1, round(BATCH * float(events) / LENGTH))
    return LearnConfig(length=LENGTH, rows=rows, negatives=len(corpus.items)), ModelConfig(kind="sasrec")


def tokens_per_s(corpus: Corpus, config: LearnConfig, model: ModelConfig) -> tuple[float, float]:
    """Of one epoch of a fresh training, per second of the clock and of the CPU."""
    torch.manual_seed(config.seed)
    network = Network(model.shape(items=len(corpus.items), actions=0, content=0), dropout=config.dropout)
    trainer = Trainer(network, corpus, config, device())
    busy = time.process_time()
    trainer.epoch(lambda _: None, lambda *_: None, time.perf_counter)
    busy = time.process_time() - busy
    (row,) = trainer.progress.curves
    return row.tokens_per_s, row.tokens_per_s * row.seconds / busy
