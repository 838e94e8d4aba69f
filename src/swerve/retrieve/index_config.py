"""Settings of vector search."""

from __future__ import annotations

from typing import Literal

import msgspec

from swerve.errors import ConfigError


class IndexConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the nearest vectors are found. Raises ConfigError for values out of range."""

    kind: Literal["auto", "exact"] = "auto"
    """`auto`: exact while there are few items, then by codes with an exact last step; `exact`: always exact."""
    exact_below: int = 5000
    """With `auto`, catalogs smaller than this are searched exactly: there it costs no more."""
    shortlist: int = 1000
    """Items that the codes leave for the exact last step (20 for each one asked for, if that is more); more of them
    miss less and take longer."""
    seed: int = 0
    """Of the planes that the codes are made with."""

    def __post_init__(self) -> None:
        for name in ("exact_below", "shortlist"):
            if getattr(self, name) < 1:
                raise ConfigError("must be at least 1", field=f"retrieve.index.{name}")
        if self.seed < 0:
            raise ConfigError("must not be negative", field="retrieve.index.seed")
