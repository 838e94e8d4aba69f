"""Fits the blend to a project's own log: replay, look at the newest choices, keep what predicts them better."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from swerve.config import Config
from swerve.derived import Derived
from swerve.engine.live import Live, ranking
from swerve.engine.models import Saved, named
from swerve.errors import InvalidInput
from swerve.evaluate.choices import Replay
from swerve.model import checkpoint
from swerve.model.checkpoint import Checkpoint
from swerve.model.loading import user_model
from swerve.model.memory import Memory
from swerve.protocols import EventLog, Retriever
from swerve.rank.fit import LEAST, Choice, fit, log_likelihood
from swerve.respond.filters import Conditions, Filters
from swerve.types import Floats


class Fitted(msgspec.Struct, frozen=True, kw_only=True):
    """What a fit found. Likelihoods are means over the newest fifth of the choices, which were not fitted to."""

    version: int
    """Of what ranks, if it goes live."""
    weights: Floats
    """Of the blend, (buckets, features)."""
    user_model: int
    """Version of the user model whose scores it reads; 0 = none."""
    examples: int
    log_likelihood: float
    before: float

    @property
    def better(self) -> bool:
        """Whether the new weights predict the held-out choices better than those that were live."""
        return self.log_likelihood > self.before

    def saved(self) -> Saved:
        """As it is written to disk."""
        return Saved(
            version=self.version,
            weights=named(self.weights),
            examples=self.examples,
            log_likelihood=self.log_likelihood,
            before=self.before,
            user_model=self.user_model,
        )


def newest_model(directory: Path | None) -> Checkpoint | None:
    """The user model trained last in this directory, live or not. Raises ConfigError, MissingExtra."""
    return None if directory is None else checkpoint.newest(directory)


def refit(
    config: Config,
    log: EventLog,
    derived: Derived,
    live: Live,
    trained: Checkpoint | None,
    *,
    newest: int,
    seed: int,
) -> Fitted:
    """Fit the blend, with the scores of `trained` as one of its columns, to the last `newest` records of the log.

    `derived` is empty and is filled by the replay. What the user model learned from is not fitted to: there it knows
    the answers, and would be trusted too much. Raises InvalidInput when what is left holds too few choices that
    retrieval could have got right.
    """
    head = log.head()
    memory = None if trained is None else Memory(user_model(trained), trained.words, config.model.users)
    start = max(head - newest, 0 if trained is None else trained.words.offset)
    trial = ranking(config, derived, live.blend.weights, live.version, memory)
    in_use = () if live.memory is None or live.user_model == trial.user_model else live.over(config, derived).apart
    return _fit(log, replaying(config, derived, trial, in_use), trial, range(start, head), seed)


def replaying(config: Config, derived: Derived, trial: Live, before: Sequence[Retriever] = ()) -> Replay:
    """A replay into `derived` that sees the choices as `trial` would; `before` as in `Replay`."""
    filters = Filters(derived.catalog, config.respond, config.events.consuming)
    return Replay(
        derived,
        trial.sources,
        trial.blend.features,
        lambda rows, state, now: filters.keep(rows, state, Conditions(), now).mask,
        config.retrieve.k,
        before,
    )


def _fit(log: EventLog, replay: Replay, trial: Live, span: range, seed: int) -> Fitted:
    replay.skip(log.read(0, span.start))
    choices: list[Choice] = list(replay.choices(log.read(span.start, span.stop), np.random.default_rng(seed)))
    if len(choices) < LEAST:
        raise InvalidInput(f"expected at least {LEAST} choices to fit to, found {len(choices)}", field="log")
    held = len(choices) // 5
    train, test = choices[:-held], choices[-held:]
    weights = fit(train)
    return Fitted(
        version=trial.version + 1,
        weights=weights,
        user_model=trial.user_model,
        examples=len(train),
        log_likelihood=log_likelihood(test, weights),
        before=log_likelihood([_as_before(choice) for choice in test], trial.blend.weights),
    )


def _as_before(choice: Choice) -> Choice:
    """The choice as the version in use saw it."""
    return choice if choice.before is None else msgspec.structs.replace(choice, features=choice.before)
