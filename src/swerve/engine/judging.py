"""Puts the arms of an offline judgement together: what serves, folded from the training part, and its baselines."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

import msgspec
import numpy as np

from swerve.config import Config
from swerve.derived import Derived
from swerve.engine.fitting import replaying
from swerve.engine.live import ranking
from swerve.errors import ConfigError
from swerve.evaluate.arms import Evidence, Lately, Loudest, Popular, Served
from swerve.evaluate.cases import Stream, Task, descriptions, training
from swerve.model import checkpoint
from swerve.model.config import SIZES, ModelConfig
from swerve.protocols import Arm
from swerve.rank.blend import Blend, from_config
from swerve.rank.features import Features
from swerve.rank.fit import LEAST, Choice, fit
from swerve.retrieve.sources import Reach, build
from swerve.types import Floats, Record


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """What an arm may be made from; nothing in it knows what will be asked but `task`, which says what not to learn."""

    config: Config
    stream: Stream
    task: Task
    derived: Derived
    """Folded from the training part."""
    fitted: Floats | None
    """Weights of the blend fitted to the newest choices of the training part; None = there were too few."""


def prepare(
    config: Config, derived: Derived, read: Callable[[], Iterable[Record]], parts: tuple[Stream, Task], *, newest: int
) -> Material:
    """Fold the training part into `derived`, which is empty, and fit the blend to its `newest` interactions.

    `read` gives the records of the log from the start, each time it is called.
    """
    stream, task = parts
    replay = replaying(config, derived, ranking(config, derived, from_config(config.rank.weights), 0, None))
    replay.skip(descriptions(read()))
    lessons = training(read(), stream, task)
    replay.skip(islice(lessons, max(len(task.train) - newest, 0)))
    choices: list[Choice] = list(replay.choices(lessons, np.random.default_rng(0)))
    weights = fit(choices) if len(choices) >= LEAST else None
    return Material(config=config, stream=stream, task=task, derived=derived, fitted=weights)


def arms(material: Material, *, repeats: bool) -> list[Arm]:
    """The arms that every project has: popularity, transitions alone, the blend as it starts and as fitted."""
    config, stream, task, derived = material.config, material.stream, material.task, material.derived
    anew = msgspec.structs.replace(config.retrieve, repeat=True)
    reach = Reach(derived.counters, derived.catalog, derived.neighbours, config.retrieve)
    features = Features(derived.counters, derived.catalog, config.retrieve.fresh_half_life_s)
    serving = evidence(config, derived, stream)
    found: list[Arm] = [
        Popular(stream.rows[task.train], len(stream.items)),
        Served("popular 7d", Evidence(derived, (), stream), Lately(derived.counters, "7d")),
    ]
    if repeats:
        own = build(("own",), msgspec.structs.replace(reach, config=anew))
        found.append(Served("own history", Evidence(derived, own, stream), Loudest()))
    found.append(Served("transitions", Evidence(derived, build(("transitions",), reach), stream), Loudest()))
    weights = {"blend": from_config(config.rank.weights)}
    if material.fitted is not None:
        weights["blend, fitted"] = material.fitted
    found += [Served(name, serving, Blend(features, table, 0)) for name, table in weights.items()]
    return found


def evidence(config: Config, derived: Derived, stream: Stream) -> Evidence:
    """What serving sees, by these counters."""
    reach = Reach(derived.counters, derived.catalog, derived.neighbours, config.retrieve)
    return Evidence(derived, build(config.retrieve.sources, reach), stream)


def wanted_model(directory: Path, kind: str) -> ModelConfig | None:
    """The user model to judge: of this kind, or for `own` one like the newest of the project; None: it has none.

    Only its shape is taken. Its weights have seen the whole log, and with it the answers. Raises ConfigError where the
    dial has no such size.
    """
    if kind != "own":
        return msgspec.convert({"kind": kind}, ModelConfig)
    own = checkpoint.newest(directory)
    if own is None:
        return None
    shape = own.words.shape
    parts = ("dim", "blocks", "heads", "inner")
    for size, dial in SIZES.items():
        if all(dial[part] == getattr(shape, part) for part in parts):
            return ModelConfig(kind=shape.kind, size=size)
    raise ConfigError("expected a user model of a size that the dial has; name a kind instead", field="model")


def loaded(name: str, material: Material) -> Arm:
    """An arm of one's own: `module:factory`, called with the material. Raises ConfigError naming what is missing."""
    module, _, attribute = name.partition(":")
    try:
        factory: Callable[[Material], Arm] = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f"expected module:factory, cannot import {name}: {type(error).__name__}", field="arm") from (
            error
        )
    return factory(material)
