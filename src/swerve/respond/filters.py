"""Which candidates may be shown: one mask over rows, and the reason for every item left out.

Works on the catalog's columns; items themselves are read only when a filter expression names their fields, and only
those that everything else let through.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from swerve.catalog.catalog import Catalog
from swerve.errors import InvalidInput
from swerve.respond.config import RespondConfig
from swerve.respond.expression import ItemView, Predicate, compile_filter
from swerve.types import Item, Rows, UserState

Mask: TypeAlias = NDArray[np.bool_]


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """What one request asks for beyond the settings."""

    exclude: tuple[str, ...] = ()
    """Items to leave out."""
    categories: tuple[str, ...] = ()
    """Keep only items of at least one of these; empty = all."""
    filter: str = ""
    """Keep only items this expression holds for (see `expression.py`); empty = all."""


class Kept(NamedTuple):
    """Which candidates are left, and what took the others out."""

    mask: Mask
    """(n,) bool, True = may be shown."""
    removed: tuple[tuple[str, Mask], ...]
    """Reason and (n,) bool, True = taken out for it, in the order of checking; an item may have several reasons."""

    def why(self, index: int) -> str:
        """The first reason the candidate at `index` was left out for; empty when it was not."""
        return next((reason for reason, mask in self.removed if mask[index]), "")


class Filters:
    """The rules of one engine, applied to one request at a time. Pure reads; any thread may use it."""

    def __init__(self, catalog: Catalog, config: RespondConfig, consuming: frozenset[str]) -> None:
        """`consuming`: actions that use an item up, for `hide_seen = "consumed"`."""
        self._catalog = catalog
        self._config = config
        self._consuming = consuming

    def check(self, conditions: Conditions) -> Predicate | None:
        """The filter of the request, ready to use. Raises InvalidInput (`too_many`, `bad_filter`) naming the field."""
        config = self._config
        if len(conditions.exclude) > config.max_exclude:
            raise InvalidInput(f"expected at most {config.max_exclude} items", field="exclude", code="too_many")
        if not conditions.filter:
            return None
        return compile_filter(conditions.filter, config.max_filter_chars, config.max_filter_depth)

    def keep(self, rows: Rows, state: UserState, conditions: Conditions, now: float) -> Kept:
        """Which of `rows` (n,) may be shown to this user at `now` (Unix s). Raises what `check` raises."""
        predicate = self.check(conditions)
        removed = [("unavailable", ~self._catalog.available[rows])]
        for reason, items in (
            ("excluded", conditions.exclude),
            ("seen", self._seen(state)),
            ("rejected", [one.item for one in state.rejected] if self._config.hide_rejected else ()),
        ):
            if items:
                removed.append((reason, self._named(rows, items)))
        if conditions.categories:
            removed.append(("category", ~self._in_categories(rows, conditions.categories)))
        mask: Mask = ~np.logical_or.reduce([mask for _, mask in removed])
        if predicate is not None:
            failed = self._failed(rows, mask, predicate, now)
            removed.append(("filter", failed))
            mask = mask & ~failed
        return Kept(mask, tuple(removed))

    def _seen(self, state: UserState) -> list[str]:
        match self._config.hide_seen:
            case "all":
                return [*(touch.item for touch in state.touches), *state.older]
            case "consumed":
                return [touch.item for touch in state.touches if touch.action in self._consuming]
            case _:
                return []

    def _named(self, rows: Rows, items: Iterable[str]) -> Mask:
        row_of = self._catalog.row
        named = [row for item in items if (row := row_of(item)) >= 0]
        marks = np.zeros(len(self._catalog.available), dtype=np.bool_)
        marks[named] = True
        return marks[rows]

    def _in_categories(self, rows: Rows, categories: Iterable[str]) -> Mask:
        codes = [self._catalog.category_code(name) for name in categories]
        # -1 is "unknown category" on one side and "no more categories" on the other: they must not meet.
        wanted = np.array([code for code in codes if code >= 0], dtype=np.int32)
        found: Mask = np.logical_or.reduce(np.isin(self._catalog.topics[rows], wanted), axis=1)
        return found

    def _failed(self, rows: Rows, mask: Mask, predicate: Predicate, now: float) -> Mask:
        """Which rows still in `mask` the filter does not hold for; of their items only what it names is decoded."""
        catalog, matches = self._catalog, predicate.matches
        needs_item, needs_fields = predicate.needs_item, predicate.needs_fields
        at = np.flatnonzero(mask)
        left = rows[at]
        columns = zip(left.tolist(), catalog.available[left].tolist(), catalog.published[left].tolist(), strict=True)
        results = np.zeros(len(at), dtype=np.bool_)
        for index, (row, available, published) in enumerate(columns):
            name = catalog.ids[row]
            if needs_item:
                item = catalog.get(name)
            else:
                item = Item(id=name, fields=catalog.fields_of(row) if needs_fields else {})
            results[index] = item is None or not matches(ItemView(item, available, now - published))
        failed = np.zeros(len(rows), dtype=np.bool_)
        failed[at] = results
        return failed
