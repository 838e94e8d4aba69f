"""Where a training stands: what goes into its curves, and what it needs to go on."""

from __future__ import annotations

import msgspec


class Epoch(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the curves."""

    epoch: int
    loss: float
    """Mean over the steps, of all processes."""
    seconds: float
    tokens_per_s: float
    hr10: float | None = None
    ndcg10: float | None = None
    """Of the validation items; None in epochs without a validation."""


class Progress(msgspec.Struct):
    """Where a training is: enough, with network and optimizer, to go on."""

    epoch: int = 0
    step: int = 0
    best: float = -1.0
    waited: int = 0
    """Validations since the best one."""
    spent_s: float = 0.0
    curves: list[Epoch] = []
