"""Accuracy of the counting recommender, through the engine that serves: ML-1M (P1) and DIGINETICA (16 weeks).

ML-1M, protocol P1: each user's last item is the target, everything before it is observed; `recommend(n=10)` must
contain it (full ranking over all items, seen ones left out). Ties in the score go to the lower row.

DIGINETICA, protocol of ADER (RecSys 2020): in each of 16 weeks every click is predicted from the session so far,
`recommend(n=20)`, repeats allowed, items and sessions filtered as published; figures are the plain mean over weeks.
`weekly`: a week's clicks are counted only when it is over (the session itself is always known); `online`: at once.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

import swerve
from benchmarks import common, streams
from benchmarks.fit import observe_all

QUIET = {"engine.log_impressions": False, "log.backend": "memory"}


class ManualClock:
    """The replay's own time: Unix seconds of the event at hand."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        """Now."""
        return self.now


def ml1m(sequences: Sequence[Sequence[str]], every: int) -> dict[str, float]:
    """HR@10 and NDCG@10 of every `every`-th user."""
    with swerve.open(None, preset="media", config=QUIET) as engine:
        observe_all(
            engine,
            (
                swerve.Interaction(user=str(user), item=item, action="complete")
                for user, items in enumerate(sequences)
                for item in items[:-1]
            ),
        )
        gains = []
        for user in range(0, len(sequences), every):
            picks = [pick.item for pick in engine.recommend(str(user), n=10).picks]
            target = sequences[user][-1]
            gains.append(1 / np.log2(picks.index(target) + 2) if target in picks else 0.0)
    return {"ml1m_hr10": float(np.mean(np.array(gains) > 0)), "ml1m_ndcg10": float(np.mean(gains))}


def counted(week: Sequence[tuple[str, str]], seen: set[str]) -> list[bool]:
    """Which clicks of a week take part: item known from earlier weeks, session with more than one such click."""
    lengths = Counter(session for session, item in week if item in seen)
    return [item in seen and lengths[session] > 1 for session, item in week]


def click(session: str, item: str, time: float) -> swerve.Interaction:
    """One click of the stream."""
    return swerve.Interaction(session=session, item=item, action="view", time=time)


def diginetica(periods: Sequence[Sequence[tuple[str, str]]], *, online: bool, every: int) -> tuple[float, float]:
    """R@20 and MRR@20, mean over the weeks after period 0; every `every`-th session is asked for."""
    clock = ManualClock(streams.week(1, 0.0))
    seen: set[str] = set()
    recall, reciprocal = [], []
    with swerve.open(None, preset="shop", config=QUIET, clock=clock) as engine:
        for number, period in enumerate(periods):
            times = [streams.week(number, place / len(period)) for place in range(len(period))]
            if number == 0:
                observe_all(engine, (click(*pair, time) for pair, time in zip(period, times, strict=True)))
            else:
                ranks = replay(engine, clock, period, times, counted(period, seen), online=online, every=every)
                recall.append(np.mean(np.array(ranks) > 0))
                reciprocal.append(np.mean([1 / rank if rank else 0.0 for rank in ranks]))
                if not online:
                    clock.now = streams.week(number + 1, 0.0)
                    observe_all(engine, (click(*pair, time) for pair, time in zip(period, times, strict=True)))
            seen.update(item for _, item in period)
    return float(np.mean(recall)), float(np.mean(reciprocal))


def replay(
    engine: swerve.Engine,
    clock: ManualClock,
    period: Sequence[tuple[str, str]],
    times: Sequence[float],
    takes_part: Iterable[bool],
    *,
    online: bool,
    every: int,
) -> list[int]:
    """Rank (1..20, 0 = missed) of each click that is predicted, in order; observes the clicks when `online`."""
    ranks: list[int] = []
    prefixes: dict[str, list[str]] = {}
    waiting: list[swerve.Interaction] = []
    for (session, item), time, part in zip(period, times, takes_part, strict=True):
        clock.now = max(time, clock.now)
        prefix = prefixes.setdefault(session, [])
        if part and prefix and hash_of(session) % every == 0:
            if waiting:
                engine.observe(waiting)
                waiting.clear()
            picks = [pick.item for pick in engine.recommend(history=prefix[-50:], n=20).picks]
            ranks.append(picks.index(item) + 1 if item in picks else 0)
        if part:
            prefix.append(item)
        if online:
            waiting.append(click(session, item, time))
    if waiting:
        engine.observe(waiting)
    return ranks


def hash_of(session: str) -> int:
    """A stable number for a session id (ids are decimal)."""
    return int(session) // 7


def measure(args: argparse.Namespace) -> tuple[dict[str, object], dict[str, float]]:
    """Settings and metrics of one run."""
    sequences = streams.ml1m_p1(common.required("ml-1m-p1"))
    periods = streams.diginetica(common.required("diginetica"))
    every = 4  # 180,000 predictions an arm: a standard error of .0012
    if args.quick:
        sequences, periods, every = sequences[:1500], periods[:2], 10
    metrics = ml1m(sequences, 1)
    for arm in ("weekly", "online"):
        recall, reciprocal = diginetica(periods, online=arm == "online", every=every)
        metrics |= {f"digi_{arm}_r20": recall, f"digi_{arm}_mrr20": reciprocal}
    settings = {"users": len(sequences), "weeks": len(periods) - 1, "every_session": every, "ties": "lower row first"}
    return settings, metrics


def main() -> None:
    """Measure and report."""
    args = common.arguments(__doc__ or "")
    settings, metrics = measure(args)
    common.report("counting", settings, metrics, args)


if __name__ == "__main__":
    main()
