"""Every plug-in door on one page. A class fits by its methods; built-ins enter by the same doors.

Obligations stand in the docstrings and are checked by `swerve.testing.check_*`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

import numpy as np

from swerve.types import Appended, Batch, Candidates, Floats, History, Item, Past, Query, Record, Rows

S = TypeVar("S")


class Clock(Protocol):
    """Where time comes from. Passed in, never taken from the air."""

    def __call__(self) -> float:
        """Now, Unix seconds."""
        ...


class EventLog(Protocol):
    """The only truth: append-only records at gap-free offsets from 0.

    One thread appends. Durable in its class before `append` returns. Deduplicates by `event_id` within a
    window of at least 7 days, across restarts, in the same commit as the records.
    """

    durability: str
    """`fsync`, `os` or `memory`: what an append survives."""

    def append(self, batches: Sequence[Batch]) -> list[Appended]:
        """Commit all batches as one group, in order; one answer a batch. Raises LogFailed, StorageFull."""
        ...

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Record]:
        """Records with start <= offset < stop, in order; may run beside an append. Raises LogDamaged."""
        ...

    def head(self) -> int:
        """The offset the next new record will get."""
        ...

    def close(self) -> None:
        """Release files and locks; safe to call twice."""
        ...


class Encoder(Protocol):
    """Items -> vectors. Pure: the same item always gives the same vector, alone or in a batch."""

    dim: int
    name: str
    """Names kind and version, e.g. `hashing-v1-64`; another name means other vectors."""

    def encode(self, items: Sequence[Item]) -> Floats:
        """(n, dim) float32, rows of unit length (or all zero when an item says nothing)."""
        ...


class VectorIndex(Protocol):
    """Rows of unit vectors that can be searched by inner product. Empty rows are never found."""

    def update(self, rows: Rows, vectors: Floats) -> None:
        """Put vectors (n, dim) at rows (n,); a zero vector removes a row."""
        ...

    def search(self, queries: Floats, k: int) -> tuple[Rows, Floats]:
        """The k best rows and their inner products for queries (q, dim): (q, k) each, best first, -1 = none."""
        ...


class UserModel(Protocol[S]):
    """A user's events -> a preference in the space of the items, which moves with every event. Immutable.

    `S` is what the events left behind, a value: a step makes a new one. Stepping through a history gives what `encode`
    gives for the whole of it, within 1e-4. Rows are those of the model's own tables; 0 is any item or action that it
    does not know.
    """

    version: int
    table: Floats
    """(items + 1, dim) float32, the items' embeddings; the score of row i is preference . table[i] + bias[i]."""
    bias: Floats
    """(items + 1,) float32."""

    def encode(self, histories: Sequence[History]) -> list[S]:
        """What each history leaves behind; an empty one too. One user's does not depend on the others."""
        ...

    def step(self, state: S, item: int, action: int, time: float) -> S:
        """The same after one more event; `time` in Unix seconds, 0 = not known."""
        ...

    def preference(self, state: S, query_time: float) -> Floats:
        """(dim,) float32, finite, for a question at this time (Unix seconds, 0 = not known)."""
        ...


class Retriever(Protocol):
    """One source of candidates. Reads shared counters or vectors; never changes them."""

    name: str

    def retrieve(self, query: Query) -> tuple[Rows, Floats]:
        """Distinct rows (m,) int32 and scores (m,) float32 >= 0, in any order; empty when it has nothing to say."""
        ...


class Ranker(Protocol):
    """Scores candidates. Pure; the score of one item does not depend on the other candidates."""

    version: int

    def score(self, query: Query, candidates: Candidates) -> Floats:
        """(n,) float32, higher is better, finite."""
        ...


class Policy(Protocol):
    """Chooses the slate from scored candidates. Propensities must be true."""

    name: str

    def choose(self, rows: Rows, scores: Floats, n: int, rng: np.random.Generator) -> tuple[Rows, Floats]:
        """Indices into `rows` (m,) int32 in slate order, m <= n, and the propensity (m,) of each in its place."""
        ...


class Arm(Protocol):
    """One way to recommend, judged offline beside others. Pure; an answer does not depend on the other questions."""

    name: str

    def scores(self, pasts: Sequence[Past]) -> Floats:
        """(q, items) float32: how much each item of the judgement is wanted now; no NaN, `-inf` = never."""
        ...
