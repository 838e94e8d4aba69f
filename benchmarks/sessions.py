"""DIGINETICA, 16 weeks: the counts that serve, the user model, and both blended, on the same questions.

Protocol of ADER (RecSys 2020): in each week every click is predicted from the session so far, at most its last 50
clicks; events on items not seen in earlier weeks are left out, then sessions with one event left; all items that are
known are ranked, repeats allowed; figures are plain means over weeks. Of equal scores the lower row comes first.

`weekly`: a week's clicks are counted when it is over. `online`: at once. The user's state is live in both, and the
network learns from a week when it is over in both. It is asked through NumPy, as it serves.

`served`: the engine's own retrievers and features with the weights of the shop preset, as it answers before anything
was fitted. `counts`: the same, weights climbed from there to the best MRR@20 of the answers of earlier weeks. `blend`:
with the model's lift as one more feature. `model`: its lift alone. Nothing before week 1 can be fitted to: there
`counts` and `blend` are `served`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import numpy as np

from benchmarks import common, streams
from benchmarks.counting import click, counted, hash_of
from benchmarks.weekly import Found, Plan, Weekly, preferences
from swerve.config import load
from swerve.derived import Derived, touches_of
from swerve.engine.opening import derive
from swerve.rank.blend import from_config
from swerve.rank.climb import climb
from swerve.rank.features import Features, bucket
from swerve.rank.fit import Choice
from swerve.retrieve.merge import gather, strongest
from swerve.retrieve.sources import Reach, build
from swerve.types import Candidates, Floats, Query, Record, Rows

NAME = "preference"
"""The model's column."""
LONGEST = 50
TOP = 20
CHOICES, CONTENDERS = 5_000, 150
"""The newest choices, all of earlier weeks, that a week's weights are fitted to, and candidates kept of each."""
BEGIN = 0.2
"""Weight of the model's lift that a climb begins from."""
Period = Sequence[tuple[str, str]]


class Question(msgspec.Struct, frozen=True):
    """A click that is to be predicted."""

    place: int
    """Of the click in its period."""
    item: str
    history: tuple[str, ...]
    """Items of its session before it, oldest first."""


class Answer(msgspec.Struct, frozen=True):
    """What was known of the candidates when a question was asked."""

    rows: Rows
    features: Floats
    """(features + 1, n), the model's lift last."""
    target: int
    """Row of the click's item."""
    bucket: int

    def rank(self, weights: Floats) -> int:
        """Place of the target when candidates are ordered by weights (features + 1,); 0: not within TOP."""
        at = np.flatnonzero(self.rows == self.target)
        if not len(at):
            return 0
        scores = weights @ self.features
        own = scores[at[0]]
        rank = 1 + int((scores > own).sum()) + int(((scores == own) & (self.rows < self.target)).sum())
        return rank if rank <= TOP else 0

    def choice(self, weights: Floats) -> Choice | None:
        """As an example to fit to, with its best contenders by these weights; None where retrieval missed it."""
        target, others = np.flatnonzero(self.rows == self.target), np.flatnonzero(self.rows != self.target)
        if not len(target) or not len(others):
            return None
        best, _ = strongest(others.astype(np.int32), (weights @ self.features)[others], CONTENDERS)
        return Choice(self.features[:, [target[0], *best]], 0, self.bucket)


class Prepared:
    """Retriever that says what the model was asked beforehand, for a whole week at once."""

    name = NAME

    def __init__(self) -> None:
        self.found: Found = (np.empty(0, np.int32), np.empty(0, np.float32))

    def retrieve(self, query: Query) -> Found:
        """The answer to the question at hand."""
        return self.found


class World:
    """Counters, catalog and retrievers of one arm of the stream."""

    def __init__(self, *, online: bool) -> None:
        self._config = load(None, "shop", {"log.backend": "memory"}, {}).config
        self._derived: Derived = derive(self._config, None)
        retrieve, derived = self._config.retrieve, self._derived
        self._features = Features(derived.counters, derived.catalog, retrieve.fresh_half_life_s)
        self._prepared = Prepared()
        sources = [source for source in retrieve.sources if source != NAME]
        reach = Reach(derived.counters, derived.catalog, derived.neighbours, retrieve)
        self._retrievers = (*build(sources, reach), self._prepared)
        self._online = online
        self._offset = 0

    @property
    def k(self) -> int:
        """Candidates of each source."""
        return self._config.retrieve.k

    @property
    def preset(self) -> Floats:
        """The preset's weights, none for the model: (buckets, features + 1)."""
        return np.pad(from_config(self._config.rank.weights), ((0, 0), (0, 1)))

    def learn(self, number: int, period: Period) -> None:
        """Fold a period that is over."""
        self._derived.apply([self._record(number, period, place) for place in range(len(period))])

    def week(self, number: int, period: Period, asked: Sequence[Question], told: Sequence[Found]) -> Iterator[Answer]:
        """Answers to the questions of a period, in order; the period is folded afterwards, or on the way if online."""
        waiting = 0
        for question, found in zip(asked, told, strict=True):
            if self._online:
                self._derived.apply([self._record(number, period, at) for at in range(waiting, question.place)])
                waiting = question.place
            yield self._answer(question, streams.week(number, question.place / len(period)), found)
        if self._online:
            self._derived.apply([self._record(number, period, at) for at in range(waiting, len(period))])
        else:
            self.learn(number, period)

    def _answer(self, question: Question, now: float, found: Found) -> Answer:
        rows, lifts = found
        self._prepared.found = rows - 1, lifts  # the network counts its rows from 1, in the same order
        query = self._derived.query(touches_of(question.history, now), now, TOP, self.k)
        candidates = gather(query, self._retrievers)
        counting = Candidates(candidates.rows, candidates.columns[:-1], candidates.sources[:-1])
        features = np.vstack([self._features.of(query, counting), candidates.columns[-1:]])
        target = self._derived.catalog.row(question.item)
        return Answer(candidates.rows, features, target, bucket(len(query.history)))

    def _record(self, number: int, period: Period, place: int) -> Record:
        time_s = streams.week(number, place / len(period))
        record = Record(event=click(*period[place], time_s), received=time_s, time=time_s, gain=1.0)
        offset, self._offset = self._offset, self._offset + 1
        return msgspec.structs.replace(record, offset=offset)

    def check(self, items: Sequence[str]) -> None:
        """Raise ValueError unless the catalog has these items as its rows 0, 1, …"""
        if self._derived.catalog.ids[: len(items)] != list(items):
            raise ValueError("expected the rows of the network and of the catalog in one order")


def questions(period: Period, seen: set[str], every: int) -> list[Question]:
    """What is predicted in a period, of every `every`-th session."""
    prefixes: dict[str, list[str]] = {}
    asked = []
    for place, ((session, item), part) in enumerate(zip(period, counted(period, seen), strict=True)):
        prefix = prefixes.setdefault(session, [])
        if part and prefix and hash_of(session) % every == 0:
            asked.append(Question(place, item, tuple(prefix[-LONGEST:])))
        if part:
            prefix.append(item)
    return asked


class Arm:
    """One way of counting: its world, its weights and its ranks, week by week."""

    def __init__(self, *, online: bool) -> None:
        self.world = World(online=online)
        preset, alone = self.world.preset, np.zeros_like(self.world.preset)
        alone[:, -1] = 1.0
        self._weights = {"served": preset, "counts": preset, "blend": preset, "model": alone}
        self._choices: list[Choice] = []
        self.figures: dict[str, list[tuple[float, float]]] = {name: [] for name in self._weights}
        """R@20 and MRR@20 of each week."""

    def week(self, number: int, period: Period, asked: Sequence[Question], told: Sequence[Found]) -> None:
        """Answer a week's questions, then fit the next week's weights to them and to those before."""
        answers = list(self.world.week(number, period, asked, told))
        for name, weights in self._weights.items():
            ranks = np.array([answer.rank(weights[answer.bucket]) for answer in answers])
            reciprocal = np.divide(1.0, ranks, out=np.zeros(len(ranks)), where=ranks > 0)
            self.figures[name].append((float((ranks > 0).mean()), float(reciprocal.mean())))
        start, without = self.world.preset, self.world.preset
        start[:, -1] = BEGIN
        new = [choice for answer in answers if (choice := answer.choice(start[answer.bucket])) is not None]
        self._choices = [*self._choices, *new][-CHOICES:]
        self._weights |= {"counts": climb(self._choices, without, TOP), "blend": climb(self._choices, start, TOP)}


def replay(periods: Sequence[Period], plan: Plan, every: int) -> dict[str, Arm]:
    """All weeks, both arms."""
    arms = {name: Arm(online=name == "online") for name in ("weekly", "online")}
    network = Weekly(plan)
    seen: set[str] = set()
    for number, period in enumerate(periods):
        began = time.process_time()
        if number:
            asked = questions(period, seen, every)
            told = preferences(network.model, [network.history(one.history) for one in asked], arms["weekly"].world.k)
            for name, arm in arms.items():
                arm.world.check(network.items)
                arm.week(number, period, asked, told)
                line = ", ".join(f"{way} {rows[-1][0]:.4f} {rows[-1][1]:.4f}" for way, rows in arm.figures.items())
                print(f"  week {number} {name}: {line}", flush=True)
        else:
            for arm in arms.values():
                arm.world.learn(number, period)
        if number + 1 < len(periods):
            answered = time.process_time()
            network.learn(period)
            spent = answered - began, time.process_time() - answered
            print(f"  period {number}: {spent[0]:.0f} s of answers, {spent[1]:.0f} s of training", flush=True)
        seen.update(item for _, item in period)
    return arms


def figures(runs: Sequence[dict[str, Arm]]) -> dict[str, float]:
    """Means over weeks and seeds, and of what is trained the standard deviation over seeds."""
    found: dict[str, float] = {}
    for way, suffix in (("blend", ""), ("counts", "_counts"), ("model", "_model"), ("served", "_served")):
        for name in runs[0]:
            seeds = np.array([np.mean(arms[name].figures[way], axis=0) for arms in runs])
            keys = [f"digi_{name}_{metric}{suffix}" for metric in ("r20", "mrr20")]
            found |= dict(zip(keys, seeds.mean(axis=0).tolist(), strict=True))
            if len(runs) > 1 and way in ("blend", "model"):
                spread = seeds.std(axis=0, ddof=1).tolist()
                found |= {f"{key}_spread": value for key, value in zip(keys, spread, strict=True)}
    return found


def measure(args: argparse.Namespace) -> tuple[dict[str, Any], dict[str, float]]:
    """Settings and metrics of one run."""
    periods = streams.diginetica(common.required("diginetica"))
    plan, every = Plan(), 20  # 39,000 predictions an arm: a standard error of .0025
    seeds = range(1 if args.quick else args.seeds)
    if args.quick:
        periods, plan = [period[:8000] for period in periods[:3]], Plan(dim=32, first=3, weekly=1)
    began = time.process_time()
    runs = [replay(periods, msgspec.structs.replace(plan, seed=seed), every) for seed in seeds]
    spent = {"digi_cpu_min": (time.process_time() - began) / 60 / len(runs)}
    settings = {"weeks": len(periods) - 1, "every_session": every, "ties": "lower row first", "seeds": len(runs)}
    told = {name: getattr(plan, name) for name in plan.__struct_fields__ if name != "seed"}
    return settings | told, figures(runs) | spent


def options(parser: argparse.ArgumentParser) -> None:
    """What only this benchmark takes."""
    parser.add_argument("--seeds", type=int, default=3, help="how many times the network is trained (quick: once)")


def main() -> None:
    """Measure and report."""
    args = common.arguments(__doc__ or "", more=options)
    settings, metrics = measure(args)
    common.report("sessions", settings, metrics, args)


if __name__ == "__main__":
    main()
