"""One replay under way: every record of the log is folded once, and the ones that are due are looked at first.

Folding is `Derived.apply`, as in the engine; its counters are those that learn online. Slower paces get the same
moves later, into counters of their own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from swerve.counts.counters import Counters, Move
from swerve.derived import UNDO
from swerve.errors import InvalidInput
from swerve.evaluate.prq.fit import CHOICES, Tuned, tune
from swerve.evaluate.prq.outcome import Judged, Outcome, Project, Settings
from swerve.evaluate.prq.paces import Pace, copied, delayed, frozen, nightly, online
from swerve.evaluate.prq.panel import Panel
from swerve.evaluate.prq.places import Axis, Sessions
from swerve.evaluate.prq.views import AGES, Looked, arms_of, delay_name
from swerve.rank.fit import Choice
from swerve.types import Floats, Interaction, Item, Record, UserState

CHUNK = 8_192
"""Records folded at once where nothing is looked at."""
LEAST = 50
"""Fewer judged events than this say nothing."""


class _Event(NamedTuple):
    """What is kept of one judged event besides its ranks; the columns of `Judged`."""

    person: int
    time: float
    position: int
    person_age_s: float
    item_age_s: float
    repeat: bool
    popularity: int
    reached: bool


class Run:
    """Takes the records of a log in order; `outcome` when there are no more."""

    def __init__(self, project: Project, settings: Settings, axis: Axis, every: int) -> None:
        self._project, self._settings, self._axis, self._every = project, settings, axis, every
        self._derived = project.derived
        self._arms = arms_of(settings.delays)
        self._sessions = Sessions(settings.gap_s)
        self._born: dict[str, float] = {}
        self._clock = -math.inf
        self._waiting: list[Record] = []
        self._paces: tuple[Pace, ...] = ()
        self._added = 0
        self._choices: dict[str, list[Choice]] = {age: [] for age in AGES}
        self._tuned: dict[str, Tuned] = {}
        self._events: list[_Event] = []
        self._ranks: list[NDArray[np.int32]] = []
        self._hidden = 0
        self._drawn, self._picked = np.random.default_rng(settings.seed).spawn(2)
        self._panel = self._made({"online": self._derived.counters}, dict.fromkeys(AGES, project.blend))

    def take(self, record: Record) -> None:
        """The next record: looked at when it is due, then folded."""
        event = record.event
        if type(event) is not Interaction:
            self._fold(record)
            return
        self._clock = max(self._clock, record.time)
        if self._clock >= self._axis.start and not self._paces:
            self._open()
        place = self._sessions.place(record, self._clock)
        if record.gain > 0 and UNDO not in record.flags and self._due():
            self._settle()
            self._look(event, Looked(self._derived.users.state(event.user, event.session), place, self._clock))
        self._born.setdefault(event.item, self._clock)
        self._fold(record)

    def outcome(self) -> Outcome:
        """What was found. Raises InvalidInput when it is too little to say anything."""
        if len(self._events) < LEAST:
            raise InvalidInput(f"expected at least {LEAST} events to judge, found {len(self._events)}", field="log")
        values = zip(*self._events, strict=True)
        columns = {name: np.array(column) for name, column in zip(_Event._fields, values, strict=True)}
        return Outcome(
            axis=self._axis,
            every=self._every,
            arms=self._panel.names,
            delays=self._settings.delays,
            judged=Judged(**columns, ranks=np.stack(self._ranks)),
            shown=self._panel.shown.sum(axis=1),
            items=len(self._derived.catalog),
            hidden=self._hidden,
            tuned=self._tuned,
        )

    def _due(self) -> bool:
        """Whether the interaction at hand is looked at; draws once for each that could be."""
        if self._paces:
            return bool(self._drawn.random() * self._every < 1)
        tuning = self._settings.tuned and self._clock >= self._axis.tuned_from
        return tuning and bool(self._picked.random() * self._axis.tuning < CHOICES)

    def _look(self, event: Interaction, looked: Looked) -> None:
        row = self._derived.catalog.row(event.item)
        if row >= 0 and self._panel.hides(row, looked):
            self._hidden += bool(self._paces)
            return
        if not self._paces:
            for age, choice in self._panel.choices(row, looked, self._picked).items():
                self._choices[age].append(choice)
            return
        ranked = self._panel.ranks(row, looked)
        self._ranks.append(ranked.ranks)
        state, place = looked.state, looked.place
        self._events.append(
            _Event(
                person=place.person,
                time=looked.now,
                position=place.position,
                person_age_s=place.age_s,
                item_age_s=self._item_age(event.item, row),
                repeat=_knows(state, event.item),
                popularity=int(self._derived.counters.popularity.positives[row]) if row >= 0 else 0,
                reached=ranked.reached,
            )
        )

    def _item_age(self, item: str, row: int) -> float:
        published = float(self._derived.catalog.published[row]) if row >= 0 else math.inf
        return max(self._clock - min(published, self._born.get(item, self._clock)), 0.0)

    def _open(self) -> None:
        """The warm-up is over: fit the weights, and let the paces part."""
        self._settle()
        self._tuned = tune(self._choices, self._project.blend)
        live, config = self._derived.counters, self._project.counts
        slow: dict[str, Callable[[float], float]] = {"frozen": frozen, "nightly": nightly}
        slow |= {delay_name(delay): delayed(delay) for delay in self._settings.delays}
        own = {name: copied(live, config) for name in slow}
        self._panel = self._made({"online": live, **own}, {age: tuned.table for age, tuned in self._tuned.items()})
        learns = {name: served.learn for name, served in self._panel.serving.items()}
        self._paces = (
            *(Pace(name, own[name], known, learns[name]) for name, known in slow.items()),
            Pace("online", None, online, learns["online"]),
        )

    def _made(self, counters: Mapping[str, Counters], blends: Mapping[str, Floats]) -> Panel:
        serving = {name: self._project.serve(name, one) for name, one in counters.items()}
        arms = [arm for arm in self._arms if arm.pace in counters]
        return Panel(self._derived, self._project.rules, counters, serving, arms, blends)

    def _settle(self) -> None:
        """Fold everything that waits, so that the next event can be looked at."""
        if self._waiting:
            self._derived.apply(self._waiting, chunk=CHUNK)
            self._waiting.clear()
        for pace in self._paces:
            pace.catch_up(self._clock, self._derived.catalog.size)

    def _fold(self, record: Record) -> None:
        if not self._paces:
            self._waiting.append(record)
            if len(self._waiting) == CHUNK:
                self._settle()
            return
        event = record.event
        if type(event) is Item and event.deleted:
            self._delete(event.id, record)
            return
        state = self._derived.users.state(event.user, event.session) if type(event) is Interaction else UserState()
        self._derived.apply([record])
        move = self._move(event, record, state) if type(event) is Interaction else None
        for pace in self._paces:
            pace.add(self._clock, record, move)
        self._added += 1
        if self._added % CHUNK == 0:
            self._settle()

    def _delete(self, item: str, record: Record) -> None:
        row = self._derived.catalog.row(item)
        self._derived.apply([record])
        for pace in self._paces:
            if row >= 0:
                pace.forget(self._clock, record, row)

    def _move(self, event: Interaction, record: Record, before: UserState) -> Move | None:
        """The interaction as `Derived` counted it; the tests hold the two against each other."""
        rows = self._derived.catalog.rows
        row = rows.get(event.item, -1)
        if row < 0 or UNDO in record.flags:
            return None
        tail = before.touches[-self._project.counts.window :] if record.gain > 0 else ()
        return Move(row, record.time, record.gain, tuple(rows[t.item] for t in reversed(tail) if t.item in rows))


def _knows(state: UserState, item: str) -> bool:
    return any(touch.item == item for touch in state.touches) or item in state.older
