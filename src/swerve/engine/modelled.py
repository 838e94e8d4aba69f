"""The user model among the arms of a judgement: alone, and as one more feature of the blend.

Needs torch, so nothing else imports this module at its top.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec
import numpy as np

from swerve.config import Config
from swerve.derived import Derived
from swerve.engine.judging import Material, evidence
from swerve.evaluate.blended import Blended, Reading, fitted
from swerve.evaluate.cases import Pasts, Task, descriptions, training
from swerve.evaluate.choices import fold
from swerve.evaluate.judge import Setting, questions
from swerve.evaluate.learned import FURTHER, Lesson, Made, train
from swerve.learn.config import LearnConfig
from swerve.model.config import ModelConfig
from swerve.protocols import Arm
from swerve.rank.features import Features
from swerve.types import Record

CHOICES = 5_000
"""Validation's choices that the blend is fitted to, at most."""


class Halves(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was counted, twice, as the user model was trained twice."""

    config: Config
    before: Derived
    """Folded without the validation."""
    material: Material
    """Folded with it."""


def halves(material: Material, empty: Derived, read: Callable[[], Iterable[Record]]) -> Halves:
    """Fold the training part without its validation into `empty`."""
    stream, task = material.stream, material.task
    first = without_validation(task)
    for records in (descriptions(read()), training(read(), stream, first)):
        fold(empty, records)
    return Halves(config=material.config, before=empty, material=material)


def blended(name: str, counted: Halves, lesson: Lesson, made: tuple[Made, ...]) -> list[Arm]:
    """The blend over counters and models, fitted to the validation's choices; empty where there are too few."""
    stream, setting = lesson.stream, lesson.setting
    first = msgspec.structs.replace(without_validation(lesson.task), test=lesson.task.validation)
    paper = questions(stream, first, msgspec.structs.replace(setting, most=min(setting.most, CHOICES)))
    pasts = Pasts(stream, query_time=setting.query_time)
    early = _reading(counted.config, counted.before, lesson, [one.before for one in made])
    table = fitted(early, pasts, paper.positions, paper.targets, np.random.default_rng(setting.seed))
    if table is None:
        return []
    late = _reading(counted.config, counted.material.derived, lesson, [one.after for one in made])
    return [Blended(name, late, table)]


def without_validation(task: Task) -> Task:
    """The same task before its validation began."""
    return msgspec.structs.replace(task, train=np.setdiff1d(task.train, task.validation))


def learning(minutes: float, seed: int) -> LearnConfig:
    """How a model for a judgement is trained."""
    return LearnConfig(minutes=minutes, seed=seed, every=2)


def user_model(
    counted: Halves,
    setting: Setting,
    wanted: tuple[ModelConfig, LearnConfig],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[list[Arm], str]:
    """`user model` and `blend with user model`, and a sentence on how they were made.

    `progress(epochs done, epochs at most)` is called after each epoch. Raises InvalidInput when there is too little to
    learn from.
    """
    model, learn = wanted
    material = counted.material
    lesson = Lesson(stream=material.stream, task=material.task, setting=setting, model=model, learn=learn)
    made = train("user model", lesson, lambda epoch: progress(epoch.epoch, learn.epochs))
    words = (
        f"user model: {model.kind}, {model.size}, ids only; trained for this judgement on the training part alone, "
        f"{len(made.curves)} epochs against its validation and {FURTHER} over all of it"
    )
    return [made.after, *blended("blend with user model", counted, lesson, (made,))], words


def _reading(config: Config, derived: Derived, lesson: Lesson, others: list[Arm]) -> Reading:
    features = Features(derived.counters, derived.catalog, config.retrieve.fresh_half_life_s)
    return Reading(evidence(config, derived, lesson.stream), features, others)
