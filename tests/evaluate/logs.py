"""Synthetic logs whose answer is known by construction, and projects to replay them in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from swerve.config import load
from swerve.engine.opening import compose
from swerve.engine.replaying import as_served
from swerve.evaluate.prq.outcome import Outcome, Project, Settings
from swerve.evaluate.prq.replay import replay
from swerve.types import Interaction, Item, Record

T0 = 1_600_000_000.0 - 1_600_000_000.0 % 86_400  # a midnight
DAY = 86_400.0
Click = tuple[float, str, str, str]
"""time, user, session, item"""

PLAIN = {
    "retrieve.sources": ("transitions", "own", "popular"),
    "retrieve.discount": 0.0,
    "retrieve.smoothing": 1.0,
    "respond.hide_seen": "none",
    "rank.weights": {"transitions": (1.0,) * 4, "own": (0.01,) * 4, "popular_7d": (0.1,) * 4},
}
"""Settings under which transitions speak first, then the user's own items, then popularity."""


def records(clicks: Sequence[Click]) -> list[Record]:
    """Clicks in time order as the log's records."""
    return [
        Record(
            event=Interaction(user=user, session=session, item=item, action="view"),
            received=time,
            time=time,
            gain=1.0,
            offset=offset,
        )
        for offset, (time, user, session, item) in enumerate(sorted(clicks, key=lambda click: click[0]))
    ]


def deletion(item: str, time: float, offset: int) -> Record:
    return Record(event=Item(id=item, deleted=True), received=time, time=time, offset=offset)


def project(**settings: object) -> Project:
    """An empty project in memory, with PLAIN and these settings (`__` for the dot)."""
    given = {**PLAIN, **{name.replace("__", "."): value for name, value in settings.items()}}
    with compose(load(None, None, {**given, "log.backend": "memory"}, {}).config, None, lambda: T0) as engine:
        return as_served(engine)


def replayed(clicks: Sequence[Click] | list[Record], settings: Settings | None = None, **of_project: object) -> Outcome:
    log = clicks if clicks and isinstance(clicks[0], Record) else records(clicks)  # type: ignore[arg-type]
    return replay(lambda: iter(log), project(**of_project), settings or Settings(every=1, tuned=False))  # type: ignore[arg-type]


def hr(outcome: Outcome, arm: str, n: int = 10, mask: np.ndarray | None = None) -> float:
    ranks = outcome.judged.ranks[:, outcome.arms.index(arm)]
    found = (ranks > 0) & (ranks <= n)
    return float((found if mask is None else found[mask]).mean())


def told_by_the_session(pauses_s: Sequence[float], sessions: int = 500, seed: int = 0) -> list[Click]:
    """Sessions a, b, f(b), g(a): the third item follows from the second alone, the fourth from the first alone.

    `pauses_s`: between one event and the next, drawn anew for each. Users come back after days, and nothing they did
    then says anything.
    """
    rng = np.random.default_rng(seed)
    clicks: list[Click] = []
    for number in range(sessions):
        a, b = rng.integers(0, 60, 2)
        items = (f"a{a}", f"b{b}", f"f{b}", f"g{a}")
        times = T0 + number * 14_400 + np.concatenate([[0.0], np.cumsum(rng.choice(pauses_s, 3))])
        clicks += [
            (float(time), f"u{number % 35}", f"s{number}", item) for time, item in zip(times, items, strict=True)
        ]
    return clicks


def drifting(days: int = 24, regime: int = 3, seed: int = 0) -> list[Click]:
    """Pairs a, f(a) of users who come once; f is another mapping every `regime` days, shared by all."""
    rng = np.random.default_rng(seed)
    clicks: list[Click] = []
    for day in range(days):
        followers = np.random.default_rng(1000 + day // regime).permutation(200)
        for place in range(80):
            a, time = int(rng.integers(0, 12)), T0 + day * DAY + place * 1000.0
            user = f"u{day}-{place}"
            clicks += [(time, user, "", f"a{a}"), (time + 10, user, "", f"x{followers[a]}")]
    return clicks


def loyal(users: int = 30, visits: int = 60, seed: int = 0) -> list[Click]:
    """Users who go back to four items of their own, which nobody else knows, in random order."""
    rng = np.random.default_rng(seed)
    clicks: list[Click] = []
    for visit in range(visits):
        for user in range(users):
            item = visit % 4 if visit < 4 else int(rng.integers(0, 4))
            clicks.append((T0 + visit * 3600.0 + user, f"u{user}", "", f"i{user}-{item}"))
    return clicks


def followed(times: Sequence[float], user: str = "u") -> Iterator[Record]:
    """One user's clicks on items i0, i1, … at these times, in this order."""
    for offset, time in enumerate(times):
        event = Interaction(user=user, item=f"i{offset}", action="view")
        yield Record(event=event, received=time, time=time, gain=1.0, offset=offset)
