"""The public face: one object, one directory, the verbs of the README. Holds no logic; every verb is a room's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType

import msgspec

from swerve.config import Config
from swerve.derived import Derived
from swerve.engine.copies import back_up
from swerve.engine.fitting import Fitted, newest_model, refit
from swerve.engine.intake import Intake, refusal
from swerve.engine.keeper import Keeper
from swerve.engine.lists import Lists, Made, Request, checked
from swerve.engine.live import Live, ranking, remember
from swerve.engine.models import save
from swerve.engine.reasons import reasons
from swerve.engine.shown import Shown
from swerve.errors import InvalidInput, NotFound, SwerveError
from swerve.log.writer import GroupWriter
from swerve.protocols import Clock, EventLog
from swerve.respond.filters import Conditions
from swerve.slot import Slot
from swerve.telemetry import Metrics
from swerve.types import (
    Ack,
    Event,
    Explanation,
    Impression,
    Item,
    Json,
    Pick,
    Record,
    Rejection,
    Slate,
    UserView,
)


class Rooms(msgspec.Struct, frozen=True, kw_only=True):
    """Everything an engine is composed of; made by `swerve.open`."""

    config: Config
    directory: Path | None
    derived: Derived
    log: EventLog
    writer: GroupWriter
    intake: Intake
    lists: Lists
    shown: Shown
    keeper: Keeper
    slot: Slot[Live]
    metrics: Metrics
    clock: Clock
    timer: Callable[[], float]
    empty: Callable[[], Derived]
    """Makes empty derived state with the same settings, for a replay beside the live one."""
    reports: tuple[str, ...]
    """What recovery had to say."""


class Engine:
    """A recommender over one directory. Thread-safe; close it (or use `with`) to save what speeds up the next start."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self.config = rooms.config
        self.telemetry = rooms.metrics
        self._closed = False

    def submit(self, events: Sequence[Event | Rejection], *, atomic: bool = False) -> Future[Ack]:
        """`observe` without waiting: the future resolves when everything accepted is durable and visible.

        Wrong events are in `Ack.rejected`; with `atomic`, one of them refuses all. Raises Overloaded.
        """
        return self._rooms.intake.submit(events, atomic=atomic)

    def observe(self, events: Event | Sequence[Event], *, atomic: bool = False) -> Ack:
        """Take one event or many; returns once they are on disk and in the state the next request reads.

        A single wrong event, or any with `atomic`, raises InvalidInput (or Conflict) and stores nothing; in a
        sequence the wrong ones come back in `rejected`. Raises Overloaded, StorageFull, LogFailed.
        """
        alone = isinstance(events, (Item, Impression)) or not isinstance(events, Sequence)
        ack = self.submit([events] if alone else events, atomic=atomic).result()  # type: ignore[list-item, arg-type]
        if ack.rejected and (alone or atomic):
            raise refusal(ack.rejected[0])
        return ack

    def recommend(
        self,
        user: str = "",
        *,
        session: str = "",
        history: Sequence[str] = (),
        n: int = 10,
        exclude: Sequence[str] = (),
        filter: str = "",
        explain: bool = False,
        after_offset: int = -1,
    ) -> Slate:
        """The n best items now for a user, a session, or whoever has this `history` (item ids, oldest first).

        `exclude`: item ids; `filter`: an expression over item fields, e.g. `price < 20 and category == "mugs"`;
        `after_offset`: answer only from a state that holds this offset. Raises InvalidInput.
        """
        request = Request(
            user=user,
            session=session,
            history=tuple(history),
            n=checked(n, self.config.respond.n_max),
            conditions=Conditions(exclude=tuple(exclude), filter=filter),
        )
        started = self._rooms.timer()
        degraded = () if after_offset < self._rooms.derived.offset else ("after_offset",)
        made = self._rooms.lists.recommend(request, self.config.retrieve.k, explain=explain)
        return self._answer(request, made, started, degraded)

    def rank(self, items: Sequence[str], user: str = "", *, session: str = "", history: Sequence[str] = ()) -> Slate:
        """The given items in the order this user would want them. Unknown and unavailable ones are left out."""
        started = self._rooms.timer()
        if len(items) > self.config.respond.max_exclude:
            raise InvalidInput(f"expected at most {self.config.respond.max_exclude} items", field="items")
        request = Request(user=user, session=session, history=tuple(history), n=max(len(items), 1))
        return self._answer(request, self._rooms.lists.rank(request, items), started, ())

    def similar(self, item: str, n: int = 10, *, filter: str = "") -> tuple[Pick, ...]:
        """Items like this one by content and by what people did next. Raises NotFound for an unknown item."""
        self.item(item)
        conditions = Conditions(exclude=(item,), filter=filter)
        request = Request(history=(item,), n=checked(n, self.config.respond.n_max), conditions=conditions)
        return self._rooms.lists.recommend(request, self.config.retrieve.k, explain=False).slate.picks

    def trending(self, n: int = 10, *, window: str = "1d", filter: str = "") -> tuple[Pick, ...]:
        """The most popular items of the last hour (`1h`), day (`1d`) or week (`7d`)."""
        request = Request(n=checked(n, self.config.respond.n_max), conditions=Conditions(filter=filter))
        return self._rooms.lists.trending(request, window)

    def item(self, id: str) -> Item:
        """What is known of an item. Raises NotFound."""
        known = self._rooms.derived.catalog.get(id)
        if known is None:
            raise NotFound("no such item", field="item")
        return known

    def user(self, id: str) -> UserView:
        """What is known of a user. Raises NotFound when nothing is."""
        state = self._rooms.derived.users.state(id)
        if state.offset < 0:
            raise NotFound("nothing is known of this user", field="user")
        return UserView(
            user=id,
            offset=state.offset,
            touches=state.touches,
            rejected=state.rejected,
            counters=dict(state.counters),
            fields=dict(state.fields),
        )

    def explain(self, slate: str, item: str) -> Explanation:
        """Why `item` stood in a slate, strongest reason first. Raises NotFound for an unknown slate or item."""
        impression = self._rooms.shown.find(slate)
        for pick in impression.picks:
            if pick.item == item:
                why = pick.why or self._rooms.lists.why(impression, item)
                found = reasons(self._rooms.derived, impression, item, why)
                return Explanation(slate=slate, item=item, score=pick.score, reasons=found)
        raise NotFound("this item was not in the slate", field="item")

    def events(self, start: int = 0, stop: int | None = None) -> Iterator[Record]:
        """Records of the log in order, beside whatever else goes on."""
        return self._rooms.log.read(start, stop)

    def metrics(self) -> Json:
        """Counters and latency estimates as one flat dict."""
        self._gauge()
        return self.telemetry.snapshot()

    def metrics_text(self) -> bytes:
        """The same in the Prometheus text format."""
        self._gauge()
        return self.telemetry.render()

    def status(self) -> Json:
        """Whether it works: next offset, durability class, model version, what is degraded, what recovery said."""
        rooms = self._rooms
        failed = rooms.writer.failed
        return {
            "ready": not failed and not self._closed,
            "offset": rooms.derived.offset,
            "durable": rooms.log.durability,
            "model_version": rooms.slot.live.version,
            "user_model": rooms.slot.live.user_model,
            "items": rooms.derived.catalog.size,
            "users": len(rooms.derived.users),
            "degraded": ["log"] if failed else [],
            "reports": list(rooms.reports),
        }

    def fit(self, *, newest: int = 20_000, seed: int = 0) -> Fitted:
        """Fit the blend to the newest records of this log; it goes live and is saved only if it predicts better.

        A user model that was trained since comes along with it. Replays the whole log beside the running engine. Raises
        InvalidInput when there is too little to fit to that the user model has not learned from.
        """
        rooms = self._rooms
        live = rooms.slot.live
        trained = newest_model(rooms.directory)
        fitted = refit(self.config, rooms.log, rooms.empty(), live, trained, newest=newest, seed=seed)
        if fitted.better:
            memory = None if trained is None else remember(self.config, rooms.derived, trained)
            if memory is not None and live.memory is not None:
                memory.prepare(live.memory.recent())
            if rooms.directory is not None:
                save(rooms.directory, fitted.saved())
            rooms.slot.swap(ranking(self.config, rooms.derived, fitted.weights, fitted.version, memory))
        return fitted

    def backup(self, to: Path) -> Path:
        """A consistent copy of the log (and of the settings and models) in a new directory, while serving goes on."""
        return back_up(self._rooms.directory, self._rooms.log, to)

    def snapshot(self) -> int:
        """Save what is derived now; the next start replays only what follows. Returns the offset saved."""
        return self._rooms.writer.run(self._rooms.keeper.save).result()

    def close(self) -> None:
        """Drain the writer, save a snapshot, release the directory. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        rooms = self._rooms
        rooms.writer.close()
        try:
            if not rooms.writer.failed:
                rooms.keeper.save()
        finally:
            rooms.log.close()

    def __enter__(self) -> Engine:
        """Use as a context manager: closes at the end."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def _answer(self, request: Request, made: Made, started: float, degraded: tuple[str, ...]) -> Slate:
        rooms = self._rooms
        slate = made.slate
        took_s = rooms.timer() - started
        rooms.metrics.lists.inc()
        rooms.metrics.list_seconds.observe(took_s)
        now = rooms.clock()
        impression = Impression(
            slate=slate.slate,
            picks=slate.picks,
            user=request.user,
            session=request.session,
            state_offset=slate.state_offset,
            model_version=slate.model_version,
            history=request.history,
            time=now,
        )
        rooms.shown.add(impression)
        if self.config.engine.log_impressions:
            record = Record(event=impression, received=now, time=now)
            if not rooms.writer.offer(record):
                rooms.metrics.impressions_dropped.inc()
        return msgspec.structs.replace(slate, took_ms=took_s * 1e3, degraded=degraded)

    def _gauge(self) -> None:
        rooms = self._rooms
        rooms.metrics.log_head.set(rooms.log.head())
        rooms.metrics.items.set(rooms.derived.catalog.size)
        rooms.metrics.users.set(len(rooms.derived.users))
        rooms.metrics.model_version.set(rooms.slot.live.version)


__all__ = ["Engine", "Rooms", "SwerveError"]
