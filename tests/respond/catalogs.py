"""A small catalog and states to filter it with."""

from __future__ import annotations

import numpy as np

from swerve.catalog.catalog import Catalog
from swerve.catalog.config import CatalogConfig
from swerve.types import Item, Record, Rows, Touch, UserState

NOW = 1_700_000_000.0
DAY_S = 86_400.0


def catalog_of(*items: Item) -> Catalog:
    """A catalog with these items at rows 0, 1, … An item's time is when it was published."""
    catalog = Catalog(CatalogConfig())
    for offset, item in enumerate(items):
        time = float(item.time) or NOW
        catalog.apply(Record(event=item, received=time, time=time, offset=offset))
    return catalog


def rows_of(catalog: Catalog) -> Rows:
    return np.arange(catalog.size, dtype=np.int32)


def touch(item: str, gain: float = 1.0, *, action: str = "view", days_ago: float = 0.0, offset: int = 0) -> Touch:
    return Touch(item, action, gain, NOW - days_ago * DAY_S, offset)


def state_of(*touches: Touch, older: tuple[str, ...] = ()) -> UserState:
    """Negative gains are rejections, as the fold has it."""
    return UserState(
        offset=len(touches) - 1,
        touches=tuple(one for one in touches if one.gain >= 0),
        rejected=tuple(one for one in touches if one.gain < 0),
        older=older,
    )
