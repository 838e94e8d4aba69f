"""Trainings whose checkpoints stay under a work folder, so that a part of the benchmark can be run again without them.

A checkpoint is found again only under the same settings, seed and data: its folder is named after them.
"""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import msgspec
import numpy as np
import torch

from benchmarks.common import rss_mb
from swerve.learn.config import LearnConfig
from swerve.learn.corpus import Corpus
from swerve.learn.export import checkpoint_of
from swerve.learn.trainer import Trainer
from swerve.model import checkpoint
from swerve.model.checkpoint import Checkpoint
from swerve.model.config import ModelConfig
from swerve.model.nets.network import Network

CURVES = "curves.json"


def device() -> torch.device:
    """Where trainings run."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def folder_of(work: Path, name: str, corpus: Corpus, config: LearnConfig, model: ModelConfig) -> Path:
    """Where the checkpoint of this training belongs."""
    told = msgspec.json.encode([config, model, len(corpus.histories), corpus.events])
    return work / f"{name}-{config.seed}-{hashlib.sha256(told).hexdigest()[:8]}"


def trained(work: Path, name: str, corpus: Corpus, config: LearnConfig, model: ModelConfig) -> Checkpoint:
    """The checkpoint with the best validation, found under `work` or made now; the test items stay unseen.

    `facts` hold what was measured: `validation_hr10`, `validation_ndcg10`, `epochs`, `train_min` (by the clock, without
    validations), `train_cpu_min` (all threads, with them), `train_tokens_per_s`, `rss_mib`.
    """
    folder = folder_of(work, name, corpus, config, model)
    found = checkpoint.newest(folder)
    if found is not None:
        print(f"  {folder.name}: found", flush=True)
        return found
    torch.manual_seed(config.seed)
    network = Network(model.shape(items=len(corpus.items), actions=0, content=0), dropout=config.dropout)
    trainer = Trainer(network, corpus.without_last(1), config, device())
    began = time.process_time()
    trainer.run(lambda epoch: print(f"  {folder.name}: {epoch}", flush=True), lambda *_: None, time.monotonic)
    cpu_s = time.process_time() - began
    made = checkpoint_of(trainer.network, corpus, 1, facts=_facts(trainer) | {"train_cpu_min": cpu_s / 60})
    checkpoint.save(folder, made)
    (folder / CURVES).write_bytes(msgspec.json.encode(trainer.progress.curves))
    return made


def _facts(trainer: Trainer) -> dict[str, float]:
    progress = trainer.progress
    best = max((row for row in progress.curves if row.ndcg10 is not None), key=lambda row: row.ndcg10 or 0.0)
    return {
        "validation_hr10": best.hr10 or 0.0,
        "validation_ndcg10": best.ndcg10 or 0.0,
        "epochs": float(progress.epoch),
        "train_min": progress.spent_s / 60,
        "train_tokens_per_s": float(np.median([row.tokens_per_s for row in progress.curves])),
        "rss_mib": rss_mb(os.getpid(), peak=True),
    }
