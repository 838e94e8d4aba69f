"""Settings of the catalog: how much it may hold, and when a row of a deleted item may be used again."""

from __future__ import annotations

from typing import Literal

import msgspec

from swerve.errors import ConfigError


class CatalogConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the catalog holds. Raises ConfigError for values out of range."""

    max_items: int = 2_000_000
    """Most rows; items beyond are refused and counted (about 400 bytes an item)."""
    max_topics: int = 8
    """Categories of one item that filters and "less of this" act on: its first ones; an item may have more."""
    max_categories: int = 100_000
    """Most category names that are known; items keep the names beyond, but nothing acts on them."""
    unknown_items: Literal["create", "ignore"] = "create"
    """What an interaction with an item nobody announced does: `create` makes a bare item of it, `ignore` nothing."""
    reuse_after: int = 10_000
    """Item events that must follow a deletion before the row may stand for another item."""
    remember_deleted: int = 100_000
    """Deleted ids remembered, so that a late interaction does not bring them back; only announcing them again does."""
    newest: int = 1000
    """Newest items kept in order; asking for more of them walks over the whole catalog."""

    def __post_init__(self) -> None:
        for name in ("max_items", "max_topics", "max_categories", "newest"):
            if getattr(self, name) < 1:
                raise ConfigError("must be at least 1", field=f"catalog.{name}")
        for name in ("reuse_after", "remember_deleted"):
            if getattr(self, name) < 0:
                raise ConfigError("must not be negative", field=f"catalog.{name}")
        if self.max_items >= 2**31:
            raise ConfigError("must be below 2**31: rows are int32", field="catalog.max_items")
