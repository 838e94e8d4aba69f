"""Scores of all items by the arrays that serve (NumPy, no torch), and the place of the target among them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from swerve.evaluate.metrics import hit_rate, ndcg
from swerve.learn.corpus import Corpus
from swerve.model.config import LONGEST
from swerve.model.history import History
from swerve.model.recurrent import RecurrentModel

BATCH = 64
"""Histories encoded at once."""

Matrix = np.ndarray[tuple[int, int], np.dtype[np.float32]]


def all_scores(model: RecurrentModel, corpus: Corpus, back: int) -> Matrix:
    """Score of every row for each user before item number -`back`: (users, items + 1); there are no times in P1."""
    histories = [history.upto(len(history) - back).last(LONGEST) for history in corpus.histories]
    order = np.argsort([len(history) for history in histories], kind="stable")
    scores = np.empty((len(histories), len(model.table)), np.float32)
    for begin in range(0, len(order), BATCH):
        chosen = order[begin : begin + BATCH]
        states = model.encode([histories[user] for user in chosen])
        preferences = np.stack([model.preference(state, 0.0) for state in states])
        scores[chosen] = preferences @ model.table.T + model.bias
    return scores


def rank(scores: np.ndarray, history: History, back: int) -> int:
    """Place of item number -`back` among all rows (items + 1,) that are not in the history before it, 1 = best.

    Equal scores count as better than the target's.
    """
    return 1 + int((scores[others(len(scores), history, back)] >= scores[history.items[-back]]).sum())


def others(rows: int, history: History, back: int) -> np.ndarray:
    """(rows,) bool: what competes with item number -`back`. Never row 0, the target itself, or what came before it."""
    against = np.ones(rows, np.bool_)
    against[0] = False
    against[history.items[: len(history) - back]] = False
    against[history.items[-back]] = False
    return against


def figures(ranks: Sequence[int], n: int = 10) -> tuple[float, float]:
    """HR@n and NDCG@n with one target each."""
    places = np.asarray(ranks)
    return float(hit_rate(places, n).mean()), float(ndcg(places, n).mean())
