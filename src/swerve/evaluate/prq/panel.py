"""One event, ranked in every arm: states of several ages by counters of several paces, and the controls.

All arms rank the same candidates: what the retrievers that serve put forward in any arm, and what any control would,
less what the filters hide from this user now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from swerve.counts.counters import Counters
from swerve.counts.popularity import WINDOWS
from swerve.derived import Derived
from swerve.evaluate.prq.views import PACES, Depth, Looked, ReplayArm, Serving, Views, aligned, rank, spread
from swerve.protocols import Retriever
from swerve.rank.blend import Blend
from swerve.rank.features import bucket
from swerve.rank.fit import Choice
from swerve.respond.config import RespondConfig
from swerve.respond.filters import Conditions, Filters
from swerve.respond.topics import topic_factors
from swerve.retrieve.config import RetrieveConfig
from swerve.retrieve.merge import distinct, strongest
from swerve.retrieve.own import OwnHistory
from swerve.retrieve.transitions import TransitionRetriever
from swerve.types import Floats, Query, Rows

TOP = 10
"""Length of the lists whose items are counted as shown."""
OTHERS = 200
"""Candidates kept of a choice that is fitted to, besides the one taken (see `choices`)."""
REPEAT = "repeat prior"
"""The control that knows nothing but the user's own items, the latest first."""


class Rules(msgspec.Struct, frozen=True):
    """What a project serves by."""

    retrieve: RetrieveConfig
    respond: RespondConfig
    filters: Filters


class Controls:
    """What needs no blend and little knowledge: popularity, the last item's followers, the user's own items."""

    def __init__(self, counters: Mapping[str, Counters], config: RetrieveConfig) -> None:
        """`counters` by the name of the pace; `online` must be among them."""
        self._popularity = counters["online"].popularity
        last = msgspec.structs.replace(config, lags=1, power=1.0, discount=0.0)
        self._sources: dict[str, Retriever] = {
            f"last item, {pace}": TransitionRetriever(counters[pace], None, last) for pace in PACES if pace in counters
        }
        self._sources[REPEAT] = OwnHistory(msgspec.structs.replace(config, repeat=True))
        self._k = config.popular
        self.names = (*(f"popular {window}" for window in WINDOWS), *self._sources)

    def ask(self, live: Query) -> list[tuple[Rows, Floats]]:
        """Distinct rows and scores > 0 of each control, in the order of `names`, at most k each."""
        best = [self._popularity.best(window, self._k) for window in WINDOWS]
        popular = [(rows, self._popularity.shares(rows)[place]) for place, rows in enumerate(best)]
        return popular + [strongest(*source.retrieve(live), live.k) for source in self._sources.values()]


class Ranked(NamedTuple):
    """One event in every arm."""

    ranks: NDArray[np.int32]
    """(arms,), 0 = missed."""
    reached: bool
    """Whether the item was a candidate at all."""


class Panel:
    """Ranks an event in all arms at once."""

    def __init__(
        self,
        derived: Derived,
        rules: Rules,
        counters: Mapping[str, Counters],
        serving: Mapping[str, Serving],
        arms: Sequence[ReplayArm],
        blends: Mapping[str, Floats],
    ) -> None:
        """`counters`, `serving` by the name of the pace, `blends` (tables) by the age of the state."""
        self._derived = derived
        self._rules = rules
        self.serving = serving
        self._arms = tuple(arms)
        self._blends = {
            (pace, age): Blend(served.features, table, 0)
            for pace, served in serving.items()
            for age, table in blends.items()
        }
        self._controls = Controls(counters, rules.retrieve)
        self.names = (*(arm.name for arm in self._arms), *self._controls.names)
        """Names of the arms, in the order of the ranks."""
        self.shown = np.zeros((len(self.names), 0), np.bool_)
        """(arms, rows) whether an item ever stood in the first TOP of the arm's lists."""

    def hides(self, row: int, looked: Looked) -> bool:
        """Whether the filters keep this item from the user now: then no list could have held it."""
        return not self._open(np.array([row], np.int32), looked)[0]

    def ranks(self, row: int, looked: Looked) -> Ranked:
        """Rank of the item on `row` (-1 = not known yet) in every arm."""
        views = Views(self._derived, self.serving, looked, self._rules.retrieve.k)
        found = [views.candidates(looked.depth(arm), arm.pace) for arm in self._arms]
        controls = self._controls.ask(views.query(looked.live))
        rows = distinct(np.concatenate([*(seen.rows for seen in found), *(own for own, _ in controls)]))
        open_ = self._open(rows, looked)
        scores = [*self._blended(views, rows, looked), *(spread(own, said, rows) for own, said in controls)]
        at = int(np.searchsorted(rows, row))
        reached = at < len(rows) and rows[at] == row and bool(open_[at])
        ranks = np.zeros(len(scores), np.int32)
        for place, said in enumerate(scores):
            visible = said * open_
            ranks[place] = rank(visible, at) if reached else 0
            self._show(place, rows, visible)
        return Ranked(ranks, reached)

    def choices(self, row: int, looked: Looked, rng: np.random.Generator) -> dict[str, Choice]:
        """The event as a choice among candidates, by age of the state; empty when it was not among them.

        An age whose state is the live one adds nothing of its own. Only counters that learn online are read.
        """
        views = Views(self._derived, self.serving, looked, self._rules.retrieve.k)
        depths = {arm.age: looked.depth(arm) for arm in self._arms if arm.pace == "online"}
        found = {
            age: (views.query(depth), views.candidates(depth, "online"))
            for age, depth in depths.items()
            if age == "live" or depth != looked.live
        }
        rows = distinct(np.concatenate([seen.rows for _, seen in found.values()]))
        taken, others = np.flatnonzero(rows == row), np.flatnonzero(self._open(rows, looked) & (rows != row))
        if len(taken) == 0 or len(others) == 0:
            return {}
        if len(others) > OTHERS:
            others = rng.choice(others, OTHERS, replace=False)
        kept = np.concatenate([taken, others])
        features = self.serving["online"].features
        return {
            age: Choice(features.of(query, aligned(seen, rows))[:, kept], 0, bucket(len(query.history)))
            for age, (query, seen) in found.items()
        }

    def _open(self, rows: Rows, looked: Looked) -> NDArray[np.bool_]:
        return self._rules.filters.keep(rows, looked.state, Conditions(), looked.now).mask

    def _blended(self, views: Views, rows: Rows, looked: Looked) -> list[Floats]:
        """(n,) scores of every blended arm. Who knows as much as a live state is served as one."""
        made: dict[tuple[Depth, str, str], Floats] = {}
        answers = []
        for arm in self._arms:
            depth = looked.depth(arm)
            age = "live" if arm.age == "delayed" or depth == looked.live else arm.age
            key = (depth, arm.pace, age)
            if key not in made:
                made[key] = self._scored(views, key, rows)
            answers.append(made[key])
        return answers

    def _scored(self, views: Views, key: tuple[Depth, str, str], rows: Rows) -> Floats:
        depth, pace, age = key
        query = views.query(depth)
        scores = self._blends[pace, age].score(query, aligned(views.candidates(depth, pace), rows))
        if query.state.rejected:
            scores = scores * topic_factors(rows, query.state, self._derived.catalog, query.time, self._rules.respond)
        return scores

    def _show(self, place: int, rows: Rows, scores: Floats) -> None:
        size = self._derived.catalog.size
        if size > self.shown.shape[1]:
            self.shown = np.pad(self.shown, ((0, 0), (0, max(size * 2, 256) - self.shown.shape[1])))
        best, said = strongest(rows, scores, TOP)
        self.shown[place, best[said > 0]] = True
