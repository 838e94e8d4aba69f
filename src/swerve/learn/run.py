"""One training from a corpus to a checkpoint, whatever happens in between: killed and started again, it goes on.

Its state lies in a folder of its own and is written after each epoch; a killed training repeats the epoch it was in,
with the same draws, so that it ends in the weights it would have had. Content vectors are given as an array: who
encodes items is none of this room's business.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import torch

from swerve.errors import InvalidInput
from swerve.learn import resume
from swerve.learn.config import LearnConfig
from swerve.learn.corpus import Corpus
from swerve.learn.export import checkpoint_of
from swerve.learn.progress import Epoch, Progress
from swerve.learn.resume import Identity
from swerve.learn.trainer import Trainer
from swerve.model.checkpoint import Checkpoint
from swerve.model.config import ModelConfig, Shape
from swerve.model.nets.network import Network
from swerve.types import Floats


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be trained on what."""

    corpus: Corpus
    model: ModelConfig = ModelConfig()
    learn: LearnConfig = LearnConfig()
    content: Floats | None = None
    """(items + 1, any) float32: vectors of the corpus's items, row 0 zeros; None: the model knows ids only."""
    encoder: str = ""
    """Who made them."""


class Place(NamedTuple):
    """Where the state of a training is kept, and what its model will be called."""

    folder: Path
    version: int


class Watch(NamedTuple):
    """Who is told how it goes."""

    started: Callable[[Trainer, int], None]
    """The trainer, and how many epochs an interrupted training had done."""
    told: Callable[[Epoch], None]
    """Each epoch's row, after its state is on disk."""
    at: Callable[[int, int, float], None]
    """Step, number of all steps, seconds spent; after each step."""
    clock: Callable[[], float]
    """Seconds from any moment on."""


def train(task: Task, place: Place, device: torch.device, watch: Watch) -> Checkpoint:
    """Train to the end, or go on with what lies in the folder, if it is of this very task.

    Where several processes train, each calls this; the first one writes. The folder is the caller's to remove, after
    the checkpoint is saved. Raises InvalidInput for too little to learn from, OSError, SwerveError (`diverged`).
    """
    trainer, identity = prepared(task, device), identity_of(task)
    before = resume.kept(place.folder)
    version = place.version
    if before is not None and before.identity == identity:
        resume.load(trainer, before.parts)
        version = before.version
    trainer.processes.agreed(0.0)  # nobody writes before everybody has read
    watch.started(trainer, trainer.progress.epoch)

    def told(row: Epoch) -> None:
        if trainer.processes.first:
            resume.keep(place.folder, trainer, identity, version)
        watch.told(row)

    trainer.run(told, watch.at, watch.clock)
    facts = facts_of(trainer.progress)
    return checkpoint_of(trainer.network, task.corpus, version, encoder=task.encoder, facts=facts)


def prepared(task: Task, device: torch.device) -> Trainer:
    """A trainer before its first step; weights follow from the seed. Raises InvalidInput, ConfigError."""
    corpus, content = task.corpus, task.content
    if content is not None and content.shape[0] != len(corpus.items) + 1:
        raise InvalidInput(f"expected {len(corpus.items) + 1} rows of content", field="content")
    torch.manual_seed(task.learn.seed)
    network = Network(shape_of(task), dropout=task.learn.dropout, hide=task.learn.hide)
    if content is not None:
        seen = torch.from_numpy(corpus.without_last(1).seen()).float()
        network.items.inform(seen, torch.from_numpy(np.ascontiguousarray(content, np.float32)))
    return Trainer(network, corpus, task.learn, device)


def shape_of(task: Task) -> Shape:
    """The network's shape."""
    length = 0 if task.content is None else task.content.shape[1]
    return task.model.shape(items=len(task.corpus.items), actions=len(task.corpus.actions), content=length)


def identity_of(task: Task) -> Identity:
    """What makes this training this one."""
    corpus, digest = task.corpus, hashlib.sha256()
    lengths = [len(history) for history in corpus.histories]
    digest.update(msgspec.json.encode([corpus.items, corpus.actions, lengths, corpus.repeats]))
    for history in corpus.histories:
        for column in (history.items, history.actions, history.times):
            digest.update(column.tobytes())
    if task.content is not None:
        digest.update(task.content.astype(np.float32).tobytes())
    return Identity(
        shape=shape_of(task),
        learn=task.learn,
        encoder=task.encoder,
        offset=corpus.offset,
        digest=digest.hexdigest(),
    )


def facts_of(progress: Progress) -> dict[str, float]:
    """What is saved with the weights: figures of the best validation, and what the training cost."""
    best = next((row for row in progress.curves if row.ndcg10 == progress.best), None)
    if best is None or best.hr10 is None or best.ndcg10 is None:
        raise ValueError("expected a training with a validation")
    return {
        "hr10": best.hr10,
        "ndcg10": best.ndcg10,
        "epoch": float(best.epoch),
        "epochs": float(progress.epoch),
        "seconds": progress.spent_s,
        "tokens_per_s": float(np.median([row.tokens_per_s for row in progress.curves])),
    }
