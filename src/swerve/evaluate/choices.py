"""Observed choices, replayed: what the candidates looked like just before somebody went on to one of them.

Prequential: each interaction is first looked at as a choice, then folded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from swerve.derived import Derived
from swerve.protocols import Retriever
from swerve.rank.features import Features, bucket
from swerve.rank.fit import Choice
from swerve.retrieve.merge import gather
from swerve.types import Candidates, Interaction, Record, Rows, UserState

SAMPLE = 200
"""Candidates kept of each choice besides the one taken. A conditional logit may be fitted on a uniform sample of
the alternatives (McFadden 1978)."""


def fold(derived: Derived, records: Iterable[Record], chunk: int = 8192) -> None:
    """Fold records that nothing is asked about, many at once."""
    part: list[Record] = []
    for record in records:
        part.append(record)
        if len(part) == chunk:
            derived.apply(part, chunk=chunk)
            part.clear()
    derived.apply(part, chunk=chunk)


class Replay:
    """Folds records and yields the choices among them."""

    def __init__(
        self,
        derived: Derived,
        retrievers: Sequence[Retriever],
        features: Features,
        allowed: Callable[[Rows, UserState, float], np.ndarray[tuple[int], np.dtype[np.bool_]]],
        k: int,
        before: Sequence[Retriever] = (),
    ) -> None:
        """`allowed`: which rows the slate's filters would let through, (n,) bool.

        `before`: sources of the version in use, in place of those of the same name, to judge it on the same choices.
        """
        self._derived = derived
        self._retrievers = retrievers
        self._features = features
        self._allowed = allowed
        self._k = k
        self._before = tuple(before)

    def skip(self, records: Iterable[Record]) -> None:
        """Fold without looking."""
        fold(self._derived, records)

    def choices(self, records: Iterable[Record], rng: np.random.Generator) -> Iterator[Choice]:
        """Choices that retrieval could have got right: those whose item was among the candidates."""
        for record in records:
            if isinstance(record.event, Interaction) and record.gain > 0:
                choice = self._choice(record.event, record.time, rng)
                if choice is not None:
                    yield choice
            self._derived.apply([record])

    def _choice(self, event: Interaction, now: float, rng: np.random.Generator) -> Choice | None:
        derived = self._derived
        target = derived.catalog.row(event.item)
        if target < 0:
            return None
        state = derived.users.state(event.user, event.session)
        query = derived.query(state, now, 1, self._k)
        with derived.lock:
            candidates = gather(query, (*self._retrievers, *self._before))
            values = self._features.of(query, _first(candidates, len(self._retrievers)))
            before = (
                self._features.of(query, candidates) if self._before else None
            )  # of two of one name the last counts
        taken = np.flatnonzero(candidates.rows == target)
        others = np.flatnonzero(self._allowed(candidates.rows, state, now) & (candidates.rows != target))
        if len(taken) == 0 or len(others) == 0:
            return None
        if len(others) > SAMPLE:
            others = rng.choice(others, SAMPLE, replace=False)
        chosen = np.concatenate([taken, others])
        in_use = None if before is None else before[:, chosen]
        return Choice(values[:, chosen], 0, bucket(len(query.history)), in_use)


def _first(candidates: Candidates, n: int) -> Candidates:
    """What the first n sources say of all of them."""
    return Candidates(candidates.rows, candidates.columns[:n], candidates.sources[:n])
