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
    """Medians over the turns, with the smallest and largest ratio; of `users` users drawn at random.

    Raises RivalFailed.
    """
    drawn = np.random.default_rng(0).choice(len(sequences), min(users, len(sequences)), replace=False)
    corpus = from_sequences([sequences[user] for user in drawn])
    theirs, equal, default = [], [], []
    for turn in range(turns):
        rival = ranking.speed([(history.items - 1).tolist() for history in corpus.histories])
        theirs.append(float(rival["tokens_per_s"]))
        equal.append(tokens_per_s(corpus, *equal_size(corpus)))
        default.append(tokens_per_s(corpus, LearnConfig(), ModelConfig()))
        print(f"  turn {turn}: {theirs[-1]:.0f}, {equal[-1]:.0f}, {default[-1]:.0f} ({rival['note']})", flush=True)
    of_equal, of_default = np.array(equal) / theirs, np.array(default) / theirs
    return {
        "train_speed_ratio": float(np.median(of_equal)),
        "train_speed_ratio_least": float(of_equal.min()),
        "train_speed_ratio_most": float(of_equal.max()),
        "train_speed_default_ratio": float(np.median(of_default)),
        "train_speed_default_ratio_least": float(of_default.min()),
        "train_speed_default_ratio_most": float(of_default.max()),
        "train_speed_sasrec_tokens_per_s": float(np.median(equal)),
        "train_speed_default_tokens_per_s": float(np.median(default)),
        "train_speed_rectools_tokens_per_s": float(np.median(theirs)),
    }


def equal_size(corpus: Corpus) -> tuple[LearnConfig, ModelConfig]:
    """Our SASRec as RecTools trains its own: all items as negatives, as many events a step without padding."""
    events = np.mean([min(len(history) - 1, LENGTH) for history in corpus.histories])
    rows = max(1, round(BATCH * float(events) / LENGTH))
    return LearnConfig(length=LENGTH, rows=rows, negatives=len(corpus.items)), ModelConfig(kind="sasrec")


def tokens_per_s(corpus: Corpus, config: LearnConfig, model: ModelConfig) -> float:
    """Of one epoch of a fresh training."""
    torch.manual_seed(config.seed)
    network = Network(model.shape(items=len(corpus.items), actions=0, content=0), dropout=config.dropout)
    trainer = Trainer(network, corpus, config, device())
    trainer.epoch(lambda _: None, lambda *_: None, time.perf_counter)
    return trainer.progress.curves[0].tokens_per_s
