"""What an arm sees of one event: the user's state at some age, and the candidates that its own counters give for it.

States of several ages are beginnings of the live one: touches stand in the order they were learned of, so an older
state knows the first so many of them. What fell out of the live state's bounds is unknown to the older ones too.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from swerve.counts.counters import Counters
from swerve.derived import Derived
from swerve.evaluate.prq.paces import Learn
from swerve.evaluate.prq.places import DAY_S, Place
from swerve.protocols import Retriever
from swerve.rank.features import Features
from swerve.retrieve.merge import gather
from swerve.types import Candidates, Floats, Query, Rows, Touch, UserState

AGES = ("day", "session", "live")
"""Whose state: a day old, as it was after the session's first interaction, or live."""
PACES = ("frozen", "nightly", "online")
"""How the population's counters learn after the warm-up."""


class ReplayArm(NamedTuple):
    """One way to know: a state by its age, counters by the name of their pace."""

    name: str
    age: str
    """One of AGES, or `delayed`."""
    pace: str
    delay_s: float = 0.0
    """How old a `delayed` state is."""


class Depth(NamedTuple):
    """How much of a live state an older one knows: so many of its first touches and rejections."""

    touches: int
    rejected: int


class Looked(NamedTuple):
    """One event before it is folded: the user's live state, where the event stands, and when (Unix s)."""

    state: UserState
    place: Place
    now: float

    @property
    def live(self) -> Depth:
        """All of it."""
        return Depth(len(self.state.touches), len(self.state.rejected))

    def depth(self, arm: ReplayArm) -> Depth:
        """How much of the live state this arm knows."""
        if arm.age == "live" or (arm.age == "session" and self.place.opened < 0):
            return self.live
        if arm.age == "session":
            return self._until(self.place.opened, lambda touch: touch.offset)
        return self._until(self.now - (DAY_S if arm.age == "day" else arm.delay_s), lambda touch: touch.time)

    def _until(self, limit: float, of: Callable[[Touch], float]) -> Depth:
        touches, rejected = self.state.touches, self.state.rejected
        return Depth(bisect_right(touches, limit, key=of), bisect_right(rejected, limit, key=of))


class Serving(msgspec.Struct, frozen=True):
    """What serves from one set of counters."""

    retrievers: Sequence[Retriever]
    features: Features
    learn: Learn | None = None
    """What else learns from the log (a user model): given the records when their pace may know them."""


Serve = Callable[[str, Counters], Serving]
"""(name of the pace, its counters) -> what serves from them. A user model comes in here: retrievers or features may
read a model of this pace's own, and `learn` teaches it."""


class Views:
    """Queries and candidates for one event, each made once however many arms share it."""

    def __init__(self, derived: Derived, serving: Mapping[str, Serving], looked: Looked, k: int) -> None:
        self._derived = derived
        self._serving = serving
        self._looked = looked
        self._k = k
        self._queries: dict[Depth, Query] = {}
        self._found: dict[tuple[Depth, str], Candidates] = {}

    def query(self, depth: Depth) -> Query:
        """What retrieval would see of a user of whom so much is known."""
        if depth not in self._queries:
            state = self._looked.state
            if depth != self._looked.live:
                state = msgspec.structs.replace(
                    state, touches=state.touches[: depth.touches], rejected=state.rejected[: depth.rejected]
                )
            self._queries[depth] = self._derived.query(state, self._looked.now, 1, self._k)
        return self._queries[depth]

    def candidates(self, depth: Depth, pace: str) -> Candidates:
        """What the retrievers of this pace put forward."""
        key = (depth, pace)
        if key not in self._found:
            self._found[key] = gather(self.query(depth), self._serving[pace].retrievers)
        return self._found[key]


def arms_of(delays: Sequence[float]) -> tuple[ReplayArm, ...]:
    """Every arm that is blended: ages by paces, then one for each delay in seconds."""
    crossed = [ReplayArm(f"{age}+{pace}", age, pace) for age in AGES for pace in PACES]
    return (*crossed, *(ReplayArm(delay_name(delay), "delayed", delay_name(delay), delay) for delay in delays))


def delay_name(delay_s: float) -> str:
    """The name of the arm, and of its pace, that hears of everything `delay_s` late."""
    return f"delay {delay_s:g} s"


def aligned(candidates: Candidates, rows: Rows) -> Candidates:
    """The same said of `rows` (ascending, holding all of the candidates'): zeros where nothing was said."""
    columns = np.zeros((len(candidates.sources), len(rows)), np.float32)
    columns[:, np.searchsorted(rows, candidates.rows)] = candidates.columns
    return Candidates(rows, columns, candidates.sources)


def spread(own: Rows, scores: Floats, rows: Rows) -> Floats:
    """Scores (m,) of distinct rows `own` as a column over `rows` (ascending, holding all of them), zeros elsewhere."""
    column = np.zeros(len(rows), np.float32)
    column[np.searchsorted(rows, own)] = scores
    return column


def rank(scores: Floats, at: int) -> int:
    """1 + how many score better than the one at `at` + half of all that score the same, itself counted, rounded down.

    0 where its score is 0: nothing speaks for it.
    """
    own = scores[at]
    if own <= 0:
        return 0
    return 1 + int(np.count_nonzero(scores > own)) + int(np.count_nonzero(scores == own)) // 2
