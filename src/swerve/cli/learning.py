"""`swerve train --model`: from a project to a checkpoint. Imports PyTorch; loaded only when it is asked for.

Started by `torchrun`, every process reads the log for itself; the first one writes and tells.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec
import torch
from torch import distributed

from swerve.config import Config, load
from swerve.engine.learning import material
from swerve.engine.models import newest_blend
from swerve.evaluate.curves import report
from swerve.evaluate.report import html
from swerve.learn import resume
from swerve.learn.processes import Processes
from swerve.learn.progress import Epoch
from swerve.learn.run import Place, Task, Watch, identity_of, train
from swerve.learn.trainer import Trainer
from swerve.log import beside
from swerve.log.lock import LOCK, DirectoryLock
from swerve.model import checkpoint
from swerve.model.checkpoint import Checkpoint
from swerve.terminal import Progress

STATE = "training"
"""Folder of a project that holds an interrupted training, and is held by the one that runs."""
LEFT = 10
"""One of so many records, the newest, is left to the blend: where the model knows the answers, it would be trusted too
much."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asked for."""

    settings: dict[str, Any]
    """Dotted names of settings and their values."""
    content: bool | None
    report: Path | None
    newest: int
    """Records at most that are left to the blend."""


def train_model(directory: Path, asked: Asked) -> bool:
    """Train, save the checkpoint, say what came out; whether this process is the one to go on with anything else."""
    config = load(directory, None, asked.settings, os.environ).config
    with _together() as device:
        processes = Processes(device)
        if not processes.first:
            _train(directory, config, asked, device)
            return False
        with _held(directory / STATE):
            made, curves = _train(directory, config, asked, device)
            blend = newest_blend(directory)
            checkpoint.save(directory, made, blend.user_model if blend else 0)
            shutil.rmtree(directory / STATE)
    if asked.report is not None:
        page = report(curves, f"Training of {directory.name}", _about(made), made.words.facts)
        asked.report.write_text(html(page), encoding="utf-8")
    facts = made.words.facts
    click.echo(
        f"user model, version {made.version}: NDCG@10 {facts['ndcg10']:.4f}, HR@10 {facts['hr10']:.4f} on the "
        f"validation items, after {facts['epoch']:.0f} of {facts['epochs']:.0f} epochs in {facts['seconds']:.0f} s"
    )
    if facts["epochs"] < config.learn.epochs and facts["seconds"] >= config.learn.minutes * 60:
        click.echo(
            f"note: the minutes ended it before the learning rate had fallen; with --epochs {facts['epochs']:.0f} it "
            "would fall within them",
            err=True,
        )
    return True


def _train(directory: Path, config: Config, asked: Asked, device: torch.device) -> tuple[Checkpoint, list[Epoch]]:
    silent = not Processes(device).first
    task, newest = _task(directory, config, asked, device), checkpoint.newest(directory)
    told = _Told(task, silent=silent)
    place = Place(directory / STATE, newest.version + 1 if newest else 1)
    with told.showing():
        made = train(task, place, device, Watch(told.started, told.epoch, told.at, time.perf_counter))
    return made, told.curves


def _task(directory: Path, config: Config, asked: Asked, device: torch.device) -> Task:
    """What an interrupted training was of, if that can still be had, else the log but for what the blend needs."""

    def upto(stop: int) -> Task:
        given = material(directory, config, stop, content=asked.content)
        return Task(
            corpus=given.corpus, model=config.model, learn=config.learn, content=given.content, encoder=given.encoder
        )

    processes, before = Processes(device), resume.kept(directory / STATE)
    end = int(processes.agreed(beside.end(directory)))  # what is logged from now on is for the next time
    if before is not None and before.identity.offset <= end:
        task = upto(before.identity.offset)
        if identity_of(task) == before.identity:
            return task
    if before is not None and processes.first:
        click.echo("note: an interrupted training was of other data or settings; this one starts anew", err=True)
    return upto(end - min(asked.newest, end // LEFT))


class _Told:
    """What the terminal shows of a training."""

    def __init__(self, task: Task, *, silent: bool) -> None:
        self.curves: list[Epoch] = []
        self._task, self._silent = task, silent
        self._bar = Progress(sys.stderr, f"training {task.model.kind}", unit="tokens")
        self._tokens = 0

    @contextmanager
    def showing(self) -> Iterator[None]:
        """The bar, until the training ends or fails."""
        try:
            yield
        except BaseException:
            self._bar.stop()
            raise
        if not self._silent:
            self._bar.end(f"{len(self.curves)} epochs, {self.curves[-1].tokens_per_s:,.0f} tokens/s")

    def started(self, trainer: Trainer, epochs: int) -> None:
        self._tokens = trainer.tokens_per_step
        self.curves = list(trainer.progress.curves)
        if self._silent:
            return
        corpus = self._task.corpus
        content = f"content by {self._task.encoder}" if self._task.encoder else "ids only"
        click.echo(
            f"{corpus.events:,} likes of {len(corpus.items):,} items by {len(corpus.histories):,} users and sessions; "
            f"{self._task.model.kind}, {self._task.model.size}, {content}",
            err=True,
        )
        if epochs:
            click.echo(f"an interrupted training goes on after epoch {epochs}", err=True)

    def epoch(self, row: Epoch) -> None:
        self.curves.append(row)

    def at(self, step: int, steps: int, spent_s: float) -> None:
        if self._silent:
            return
        rate = step * self._tokens / max(spent_s, 1e-9)
        learn = self._task.learn
        within = min(float(steps * self._tokens), rate * learn.minutes * 60)
        note = f"epoch {len(self.curves) + 1} of {learn.epochs}"
        judged = [row.ndcg10 for row in self.curves if row.ndcg10 is not None]
        note += f"  NDCG@10 {judged[-1]:.4f}" if judged else ""
        self._bar(step * self._tokens, int(within), rate, spent_s, note=note)


def _about(made: Checkpoint) -> str:
    words = made.words
    content = f", content by {words.encoder}" if words.encoder else ""
    return (
        f"Version {made.version}: {words.shape.kind}, dim {words.shape.dim}, {words.shape.blocks} blocks; "
        f"{len(words.items):,} items, {len(words.actions):,} actions, the log up to offset {words.offset:,}{content}."
    )


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """One training of a project at a time; leaves nothing behind that has no state in it. Raises DirectoryInUse."""
    folder.mkdir(exist_ok=True)
    lock = DirectoryLock(folder / LOCK)
    try:
        yield
    finally:
        if folder.exists() and not (folder / "snapshots").exists():
            shutil.rmtree(folder)
        lock.release()


@contextmanager
def _together(environ: Mapping[str, str] = os.environ) -> Iterator[torch.device]:
    """The device of this process, joined with the others that `torchrun` started, if it did."""
    gpu = torch.cuda.is_available()
    device = torch.device("cuda", int(environ.get("LOCAL_RANK", "0"))) if gpu else torch.device("cpu")
    if gpu:
        torch.cuda.set_device(device)
    if int(environ.get("WORLD_SIZE", "1")) == 1:
        yield device
        return
    distributed.init_process_group("nccl" if gpu else "gloo")
    try:
        yield device
    finally:
        distributed.destroy_process_group()
