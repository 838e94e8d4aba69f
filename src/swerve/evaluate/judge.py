"""Judges arms: full ranking of every known item for every question, then figures with the range they are sure within.

Seen items are left out unless repeats are asked for, and then so are the questions whose answer the user had already
touched. An answer that nobody may know (an item that no training record names) is asked about all the same and is a
miss for every arm. Ties go against the arm (`pessimistic`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from swerve.errors import InvalidInput
from swerve.evaluate.bootstrap import Interval, mean_interval, paired_bootstrap
from swerve.evaluate.cases import Pasts, Stream, Task
from swerve.evaluate.metrics import Values, coverage, hit_rate, inverse_popularity_ndcg, mrr, ndcg, novelty
from swerve.evaluate.ranks import rank_of, top_n
from swerve.protocols import Arm
from swerve.types import Floats, Rows

TOP = 10
"""Length of the slates that coverage and novelty are counted on."""
MATRIX = 16_000_000
"""Scores held at once: bounds a batch of questions to 64 MB of float32."""


class Questions(msgspec.Struct, frozen=True, kw_only=True):
    """What every arm is asked, and what is known of the answers."""

    positions: NDArray[np.int64]
    """(q,) in the stream."""
    targets: Rows
    users: Rows
    repeats: int
    """Questions left out because the user had touched the item before."""
    unknown: int
    """Questions whose item is not known: a miss for every arm."""


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """How one arm did."""

    name: str
    ranks: NDArray[np.int64]
    """(q,) 1 = best."""
    slates: Rows
    """(q, TOP)."""


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """How it is asked, the same for every arm."""

    repeats: bool = False
    """Whether items the user touched before are ranked and asked about."""
    query_time: bool = False
    """Whether arms are told the moment of the event asked about."""
    most: int = 10_000
    """Questions at most, drawn at random."""
    seed: int = 0


def questions(stream: Stream, task: Task, setting: Setting) -> Questions:
    """The positions of a task that are asked about. Raises InvalidInput when none is left."""
    pasts = Pasts(stream, query_time=False)
    asked = task.test
    again = np.zeros(len(asked), np.bool_)
    if not setting.repeats:
        again = np.array([stream.rows[at] in pasts.touched(at) for at in asked.tolist()], np.bool_)
    asked = asked[~again]
    if not len(asked):
        raise InvalidInput("expected interactions with items that are new to their users, found none", field="repeats")
    if len(asked) > setting.most:
        asked = np.sort(np.random.default_rng(setting.seed).choice(asked, setting.most, replace=False))
    targets = stream.rows[asked]
    unknown = int(np.count_nonzero(~task.known[targets]))
    return Questions(
        positions=asked, targets=targets, users=stream.users[asked], repeats=int(again.sum()), unknown=unknown
    )


def judge(
    arm: Arm,
    stream: Stream,
    task: Task,
    asked: Questions,
    setting: Setting,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Judged:
    """Ask one arm everything; `progress(done, total)` is called after each batch. Raises InvalidInput naming it."""
    pasts = Pasts(stream, query_time=setting.query_time)
    step = max(1, min(256, MATRIX // max(len(stream.items), 1)))
    ranks, slates = [np.empty(0, np.int64)], [np.empty((0, TOP), np.int32)]
    total = len(asked.positions)
    for start in range(0, total, step):
        places = asked.positions[start : start + step].tolist()
        scores = _checked(arm, arm.scores([pasts.of(at) for at in places]), (len(places), len(stream.items)))
        excluded = np.tile(~task.known, (len(places), 1))
        if not setting.repeats:
            for line, at in zip(excluded, places, strict=True):
                line[pasts.touched(at)] = True
        ranks.append(rank_of(scores, asked.targets[start : start + step], excluded))
        slates.append(top_n(scores, TOP, excluded))
        progress(min(start + step, total), total)
    return Judged(name=arm.name, ranks=np.concatenate(ranks), slates=np.concatenate(slates))


def _checked(arm: Arm, scores: Floats, shape: tuple[int, int]) -> Floats:
    if scores.shape != shape or np.isnan(scores).any():
        raise InvalidInput(f"expected scores {shape} without NaN from the arm {arm.name!r}", field="arm")
    return scores


VALUES: Mapping[str, Callable[[NDArray[np.int64]], Values]] = {
    "HR@10": lambda ranks: hit_rate(ranks, 10),
    "NDCG@10": lambda ranks: ndcg(ranks, 10),
    "MRR@10": lambda ranks: mrr(ranks, 10),
    "HR@20": lambda ranks: hit_rate(ranks, 20),
}
"""Metrics that get an interval, from ranks (q,) to values (q,)."""


def accuracy(judged: Judged, asked: Questions, seed: int) -> dict[str, Interval]:
    """Mean and 95 % interval of each of VALUES, over users."""
    return {name: mean_interval(value(judged.ranks), asked.users, seed=seed) for name, value in VALUES.items()}


def variety(judged: Judged, asked: Questions, stream: Stream, task: Task) -> dict[str, float]:
    """What accuracy does not say: how much of the catalog is shown, how new it is, how rare finds count."""
    counts = np.bincount(stream.rows[task.train], minlength=len(stream.items))
    popularity = np.maximum(counts[asked.targets], 1).astype(np.float64)
    return {
        f"coverage@{TOP}": coverage(judged.slates, int(np.count_nonzero(task.known))),
        f"novelty@{TOP}": float(novelty(judged.slates, counts).mean()),
        "rare NDCG@10": float(inverse_popularity_ndcg(judged.ranks, popularity, 10).mean()),
    }


def lead(every: Sequence[Judged], asked: Questions, metric: str, seed: int) -> dict[str, Interval]:
    """By how much the best arm of a metric is ahead of each other one: paired over users."""
    values = {judged.name: VALUES[metric](judged.ranks) for judged in every}
    best = max(values, key=lambda name: float(values[name].mean()))
    return {
        name: paired_bootstrap(values[best], theirs, asked.users, seed=seed)
        for name, theirs in values.items()
        if name != best
    }
