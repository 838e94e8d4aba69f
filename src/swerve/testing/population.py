"""A small population to try retrievers and rankers on: real counters, a real catalog, real vectors."""

from __future__ import annotations

import numpy as np

from swerve.catalog.config import CatalogConfig
from swerve.counts.config import CountsConfig
from swerve.derived import Derived, Parts
from swerve.encode import EncodeConfig, load
from swerve.retrieve.config import RetrieveConfig
from swerve.retrieve.exact import ExactIndex
from swerve.retrieve.sources import Reach
from swerve.state.config import StateConfig
from swerve.types import Interaction, Item, Query, Record

NOW = 1_700_000_000.0
ITEMS, USERS, STEPS = 60, 40, 12


def population(seed: int = 0) -> Derived:
    """Items of a few topics and users who walk among neighbouring ones, folded like any log."""
    encoder = load(EncodeConfig())
    parts = Parts(
        catalog=CatalogConfig(),
        state=StateConfig(),
        counts=CountsConfig(),
        encoder=encoder,
        index=ExactIndex(encoder.dim),
        neighbours=10,
    )
    derived, rng = Derived(parts), np.random.default_rng(seed)
    records: list[Record] = []
    for number in range(ITEMS):
        item = Item(id=f"i{number}", title=f"thing {number} of kind {number % 7}", categories=(f"kind {number % 7}",))
        records.append(Record(event=item, received=NOW, time=NOW - 3600.0 * number, offset=len(records)))
    for user in range(USERS):
        for place in (rng.integers(ITEMS) + np.cumsum(rng.integers(0, 4, STEPS))) % ITEMS:
            event = Interaction(user=f"u{user}", item=f"i{place}", action="view")
            records.append(Record(event=event, received=NOW, time=NOW, gain=1.0, offset=len(records)))
    derived.apply(records)
    return derived


def reach(derived: Derived) -> Reach:
    """What a retriever of this population may read."""
    return Reach(derived.counters, derived.catalog, derived.neighbours, RetrieveConfig())


def queries(derived: Derived, k: int = 100) -> list[Query]:
    """Of users with a long history, with one event, and with none."""
    known = [derived.users.state(f"u{user}") for user in range(3)]
    short = [type(state)(offset=state.touches[0].offset, touches=state.touches[:1]) for state in known]
    return [derived.query(state, NOW + 60.0, 10, k) for state in (*known, *short, derived.users.state("nobody"))]
