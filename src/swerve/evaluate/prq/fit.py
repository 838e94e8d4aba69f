"""Weights for each age of the state, fitted to the end of the warm-up: a stale state deserves its own best blend.

Otherwise a comparison of live with stale states would partly measure that the weights in use suit live ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from swerve.rank.fit import Choice, fit, log_likelihood
from swerve.types import Floats

LEAST = 200
"""With fewer choices than this, an age keeps the project's own weights."""
CHOICES = 1_500
"""About so many of the warm-up's last choices are fitted to."""


class Tuned(msgspec.Struct, frozen=True, kw_only=True):
    """What an age is ranked by."""

    table: Floats
    """(buckets, features) float32."""
    choices: int
    """How many choices there were to fit to."""
    fitted: bool
    """Whether the fit predicted the newest fifth of them better than the project's own weights, and is used."""


def tune(choices: Mapping[str, Sequence[Choice]], own: Floats) -> dict[str, Tuned]:
    """By age: the fitted table where it is better on the newest fifth of the choices (oldest first), else `own`."""
    return {age: _better(made, own) for age, made in choices.items()}


def _better(choices: Sequence[Choice], own: Floats) -> Tuned:
    if len(choices) < LEAST:
        return Tuned(table=own, choices=len(choices), fitted=False)
    held = len(choices) // 5
    table = fit(choices[:-held])
    better = log_likelihood(choices[-held:], table) > log_likelihood(choices[-held:], own)
    return Tuned(table=table if better else own, choices=len(choices), fitted=better)
