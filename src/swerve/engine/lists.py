"""A request's way to its slate: state -> query -> candidates -> scores -> filters -> policy -> picks.

Composes the rooms and times them; every decision is theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from swerve.counts.popularity import WINDOWS
from swerve.derived import Derived, touches_of
from swerve.engine.live import Live
from swerve.errors import InvalidInput
from swerve.protocols import Clock, Policy
from swerve.rank.blend import Blend
from swerve.rank.features import FEATURES
from swerve.respond.config import RespondConfig
from swerve.respond.filters import Conditions, Filters
from swerve.respond.ids import new_slate_id
from swerve.respond.topics import topic_factors
from swerve.retrieve.merge import only
from swerve.slot import Slot
from swerve.types import Candidates, Floats, Impression, Pick, Query, Rows, Slate, UserState

POOL = 5_000
"""Items looked through, most liked first, when a filter leaves too few of the usual candidates."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, and for what."""

    user: str = ""
    session: str = ""
    history: tuple[str, ...] = ()
    """Item ids instead of a known user, oldest first."""
    n: int = 10
    conditions: Conditions = Conditions()


class Made(msgspec.Struct, frozen=True):
    """A slate and what its impression needs to say."""

    slate: Slate
    state: UserState


class Lists:
    """Answers requests from the live state. Safe to call from several threads."""

    def __init__(
        self,
        derived: Derived,
        slot: Slot[Live],
        filters: Filters,
        policy: Policy,
        config: RespondConfig,
        clock: Clock,
        entropy: Callable[[int], bytes],
    ) -> None:
        self._derived = derived
        self._slot = slot
        self._filters = filters
        self._policy = policy
        self._config = config
        self._clock = clock
        self._entropy = entropy
        self._rng = np.random.default_rng(int.from_bytes(entropy(8), "big"))

    def recommend(self, request: Request, k: int, *, explain: bool) -> Made:
        """The best items for whoever asks."""
        now = self._clock()
        state = self._state(request, now)
        query = self._derived.query(state, now, request.n, k)
        live = self._slot.live
        ahead = live.ahead(query)
        with self._derived.lock:
            candidates = live.gather(query, ahead)
            scores, kept = self._score(live.blend, query, candidates, request)
            if len(kept) < request.n:
                candidates = self._more(candidates)
                scores, kept = self._score(live.blend, query, candidates, request)
        chosen, propensities = self._policy.choose(candidates.rows[kept], scores[kept], request.n, self._rng)
        return self._made(live.blend, query, candidates, (kept[chosen], scores, propensities), explain=explain)

    def rank(self, request: Request, items: Sequence[str]) -> Made:
        """The given items, best first; unknown and unavailable ones are left out."""
        now = self._clock()
        state = self._state(request, now)
        rows = np.unique([row for item in items if (row := self._derived.catalog.row(item)) >= 0]).astype(np.int32)
        query = self._derived.query(state, now, max(len(rows), 1), len(self._derived.catalog.ids))
        live = self._slot.live
        ahead = live.ahead(query)
        with self._derived.lock:
            candidates = only(live.gather(query, ahead), rows)
            scores = live.blend.score(query, candidates)
        kept = np.flatnonzero(self._derived.catalog.available[rows])
        order = kept[np.lexsort((rows[kept], -scores[kept]))].astype(np.int32)
        chosen = (order, scores, np.ones(len(order), np.float32))
        return self._made(live.blend, query, candidates, chosen, explain=False)

    def trending(self, request: Request, window: str) -> tuple[Pick, ...]:
        """What is most popular in a window, best first; the score is its share of the window."""
        if window not in WINDOWS:
            raise InvalidInput(f"expected one of {', '.join(WINDOWS)}", field="window", code="out_of_range")
        with self._derived.lock:
            rows = self._derived.counters.popularity.best(window, self._config.n_max)
            shares = self._derived.counters.popularity.shares(rows)[list(WINDOWS).index(window)]
            kept = self._filters.keep(rows, UserState(), request.conditions, self._clock()).mask
        ids = self._derived.catalog.ids
        best = zip(rows[kept].tolist(), shares[kept].tolist(), strict=True)
        return tuple(
            Pick(item=ids[row], position=place, score=share)
            for place, (row, share) in zip(range(request.n), best, strict=False)
        )

    def why(self, impression: Impression, item: str) -> dict[str, float]:
        """Shares of the score of an item that a slate showed, from the history it was made from and today's counts."""
        request = Request(user=impression.user, session=impression.session, history=impression.history)
        now = self._clock()
        state = self._state(request, now)
        touches = tuple(touch for touch in state.touches if touch.offset <= impression.state_offset)
        query = self._derived.query(msgspec.structs.replace(state, touches=touches), now, 1, self._config.n_max)
        row = self._derived.catalog.row(item)
        if row < 0:
            return {}  # deleted since, or an impression from elsewhere that names what is not in the catalog
        live = self._slot.live
        ahead = live.ahead(query)
        with self._derived.lock:
            one = only(live.gather(query, ahead), np.full(1, row, np.int32))
            return _why(live.blend.shares(query, one)[:, 0])

    def _state(self, request: Request, now: float) -> UserState:
        if request.history:
            return touches_of(request.history, now)
        if not request.user and not request.session:
            return UserState()
        return self._derived.users.state(request.user, request.session)

    def _score(self, blend: Blend, query: Query, candidates: Candidates, request: Request) -> tuple[Floats, Rows]:
        """Scores (n,) with topics the user refused turned down, and the indices that pass the filters."""
        scores = blend.score(query, candidates)
        if query.state.rejected:
            scores = scores * topic_factors(
                candidates.rows, query.state, self._derived.catalog, query.time, self._config
            )
        kept = self._filters.keep(candidates.rows, query.state, request.conditions, query.time)
        return scores, np.flatnonzero(kept.mask).astype(np.int32)

    def _more(self, candidates: Candidates) -> Candidates:
        """The candidates and, without any evidence of their own, the catalog's most liked items."""
        size = self._derived.catalog.size
        liked = self._derived.counters.popularity.positives[:size]
        rows = np.arange(size) if size <= POOL else np.argpartition(-liked, POOL)[:POOL]
        rows = np.setdiff1d(rows, candidates.rows).astype(np.int32)
        columns = np.pad(candidates.columns, ((0, 0), (0, len(rows))))
        return Candidates(np.concatenate([candidates.rows, rows]), columns, candidates.sources)

    def _made(
        self, blend: Blend, query: Query, candidates: Candidates, chosen: tuple[Rows, Floats, Floats], *, explain: bool
    ) -> Made:
        at, scores, propensities = chosen
        rows = candidates.rows[at]
        whys: Sequence[dict[str, float]] = [{}] * len(at)
        if explain:
            picked = Candidates(rows, candidates.columns[:, at], candidates.sources)
            with self._derived.lock:
                whys = [_why(shares) for shares in blend.shares(query, picked).T]
        ids = self._derived.catalog.ids
        parts = zip(rows.tolist(), scores[at].tolist(), propensities.tolist(), whys, strict=True)
        picks = tuple(
            Pick(item=ids[row], position=place, score=score, propensity=propensity, why=why)
            for place, (row, score, propensity, why) in enumerate(parts)
        )
        slate = Slate(
            slate=new_slate_id(self._derived.offset, self._entropy),
            picks=picks,
            state_offset=query.state.offset,
            model_version=blend.version,
        )
        return Made(slate, query.state)


def _why(shares: Floats) -> dict[str, float]:
    """Shares by feature, largest first, those below 1 % left out."""
    named = sorted(zip(shares.tolist(), FEATURES, strict=True), reverse=True)
    return {name: round(share, 4) for share, name in named if share >= 0.01}


def checked(n: int, n_max: int) -> int:
    """`n` if it lies in 1..n_max; raises InvalidInput."""
    if not 1 <= n <= n_max:
        raise InvalidInput(f"expected 1 <= n <= {n_max}", field="n", code="out_of_range")
    return n
