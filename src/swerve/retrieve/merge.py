"""Several sources, one set of candidates: a column per source, zero where a source has nothing to say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from swerve.protocols import Retriever
from swerve.types import Candidates, Floats, Query, Rows

Found = tuple[Rows, Floats]
"""What one source says: rows and their scores."""


def strongest(rows: Rows, scores: Floats, k: int) -> tuple[Rows, Floats]:
    """The k best of (rows, scores), in no order; ties at the cut go to the lower row."""
    if len(rows) <= k:
        return rows, scores
    cut = np.partition(scores, len(scores) - k)[len(scores) - k]
    above = np.flatnonzero(scores > cut)
    level = np.flatnonzero(scores == cut)
    level = level[np.argsort(rows[level])][: k - len(above)]
    chosen = np.concatenate([above, level])
    return rows[chosen], scores[chosen]


def distinct(rows: Rows) -> Rows:
    """Each of `rows` once, ascending; np.unique hashes first, which costs four times as much for a few thousand."""
    ordered = np.sort(rows)
    keep = np.ones(len(ordered), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=keep[1:])
    return ordered[keep]


def gather(query: Query, retrievers: Sequence[Retriever]) -> Candidates:
    """Ask every retriever and merge: rows ascending, one column each."""
    return merge(ask(query, retrievers), retrievers)


def ask(query: Query, retrievers: Sequence[Retriever]) -> list[Found]:
    """The k best of each."""
    return [strongest(*retriever.retrieve(query), query.k) for retriever in retrievers]


def merge(found: Sequence[Found], retrievers: Sequence[Retriever]) -> Candidates:
    """One set of candidates from what each retriever found: rows ascending, one column each."""
    rows = distinct(np.concatenate([rows for rows, _ in found])) if found else np.empty(0, np.int32)
    columns = np.zeros((len(found), len(rows)), np.float32)
    for column, (own, scores) in zip(columns, found, strict=True):
        column[np.searchsorted(rows, own)] = scores
    return Candidates(rows.astype(np.int32), columns, tuple(retriever.name for retriever in retrievers))


def only(candidates: Candidates, rows: Rows) -> Candidates:
    """What the sources say of these rows (distinct, ascending), zeros where none of them said anything."""
    columns = np.zeros((len(candidates.sources), len(rows)), np.float32)
    _, here, there = np.intersect1d(rows, candidates.rows, assume_unique=True, return_indices=True)
    columns[:, here] = candidates.columns[:, there]
    return Candidates(rows, columns, candidates.sources)
