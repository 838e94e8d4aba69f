"""Ratings to actions: a preset that knows `rate` takes the stars as they are, others get the nearest action.

Stars are scaled to 1..5 by the caller (`--scale`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from swerve.errors import InvalidInput
from swerve.readers.mapping import parse_pairs


@dataclass(frozen=True)
class Ratings:
    """What a rating becomes. Without steps: the action `rate` with the rating as its value."""

    steps: tuple[tuple[float, str], ...] = ()
    """(least rating, action), highest first; a rating below every step takes the last one."""

    def acts(self, values: Sequence[float | None]) -> tuple[Sequence[str], Sequence[float | None]]:
        """(actions, values) for ratings. Raises InvalidInput where a rating is missing."""
        if None in values:
            raise InvalidInput("no rating given", field="value", code="empty")
        if not self.steps:
            return ["rate"] * len(values), values
        return [self._action(value) for value in values if value is not None], [None] * len(values)

    def _action(self, value: float) -> str:
        return next((action for least, action in self.steps if value >= least), self.steps[-1][1])


def parse_ratings(text: str) -> Ratings:
    """`4=like,3=view,0=hide` as steps; empty text = the action `rate`. Raises InvalidInput."""
    try:
        steps = [(float(least), action) for least, action in parse_pairs(text, "ratings").items()]
    except ValueError:
        raise InvalidInput("expected LEAST=ACTION pairs like 4=like,0=hide", field="ratings", code="bad_map") from None
    return Ratings(tuple(sorted(steps, reverse=True)))


def usual_ratings(actions: Collection[str]) -> str:
    """The usual thresholds for a project with these actions, as `parse_ratings` takes them.

    Empty (the action `rate`) when the project knows `rate`; else 4 and more is its word for liking, 2.5 and more its
    word for looking, and less its word for refusing. Empty again when it has none of these words.
    """
    if "rate" in actions:
        return ""
    steps = {least: next(filter(actions.__contains__, words), "") for least, words in _USUAL.items()}
    return ",".join(f"{least:g}={action}" for least, action in steps.items()) if all(steps.values()) else ""


_USUAL = {4.0: ("favourite", "like"), 2.5: ("view", "read"), 0.0: ("not_interested", "hide", "dislike")}
"""Least rating -> words for it, the first that the project has is taken."""
