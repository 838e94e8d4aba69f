"""Fits the blend to a project's own log: replay, look at the newest choices, keep what predicts them better."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import msgspec
import numpy as np

from swerve.config import Config
from swerve.derived import Derived
from swerve.errors import InvalidInput
from swerve.evaluate.choices import Replay
from swerve.protocols import EventLog
from swerve.rank.blend import Blend
from swerve.rank.features import Features
from swerve.rank.fit import Choice, fit, log_likelihood
from swerve.respond.filters import Conditions, Filters
from swerve.retrieve.sources import Reach, build
from swerve.types import Record

LEAST = 50
"""Fewer choices than this say nothing."""


class Fitted(msgspec.Struct, frozen=True, kw_only=True):
    """What a fit found. Likelihoods are means over the newest fifth of the choices, which were not fitted to."""

    blend: Blend
    examples: int
    log_likelihood: float
    before: float

    @property
    def better(self) -> bool:
        """Whether the new weights predict the held-out choices better than those that were live."""
        return self.log_likelihood > self.before


def fit_blend(config: Config, log: EventLog, derived: Derived, live: Blend, *, newest: int, seed: int) -> Fitted:
    """Fit to the last `newest` records of the log. `derived` is empty and is filled by the replay.

    Raises InvalidInput when they hold too few choices that retrieval could have got right.
    """
    features = Features(derived.counters, derived.catalog, config.retrieve.fresh_half_life_s)
    reach = Reach(derived.counters, derived.catalog, derived.neighbours, config.retrieve)
    filters = Filters(derived.catalog, config.respond, config.events.consuming)
    replay = Replay(
        derived,
        build(config.retrieve.sources, reach),
        features,
        lambda rows, state, now: filters.keep(rows, state, Conditions(), now).mask,
        config.retrieve.k,
    )
    records: Iterator[Record] = log.read()
    replay.skip(islice(records, max(log.head() - newest, 0)))
    choices: list[Choice] = list(replay.choices(records, np.random.default_rng(seed)))
    if len(choices) < LEAST:
        raise InvalidInput(f"expected at least {LEAST} choices to fit to, found {len(choices)}", field="log")
    held = len(choices) // 5
    train, test = choices[:-held], choices[-held:]
    weights = fit(train)
    return Fitted(
        blend=Blend(live.features, weights, live.version + 1),
        examples=len(train),
        log_likelihood=log_likelihood(test, weights),
        before=log_likelihood(test, live.weights),
    )
