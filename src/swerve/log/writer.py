"""The one thread that appends: it commits everything that waits as one group, folds it, and only then answers.

Fold before answer is what makes an acknowledged event visible to the next request. The caller only waits: when it
goes away, its events are stored and folded all the same.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from swerve.errors import InvalidInput, LogFailed, Overloaded, StorageFull
from swerve.log.codec import encode
from swerve.log.config import LogConfig
from swerve.protocols import EventLog
from swerve.types import Appended, Batch, Record

T = TypeVar("T")
IDLE_S = 1.0
"""When nothing came for this long, `idle` is called once more."""
OFFER_WAIT_S, OFFERS = 0.1, 512
"""Offered records alone wait this long, or until there are so many: a commit for each would cost more than its list."""


_EMPTY = Batch(())


@dataclass(slots=True)
class _Ask:
    """One thing that waits for the writer: a batch to append, or a call to make between two groups."""

    batch: Batch = _EMPTY
    call: Callable[[], Any] | None = None
    size_bytes: int = 0
    future: Future[Any] = field(default_factory=Future)


class GroupWriter:
    """Feeds `log` from any number of threads. `apply` folds new records (in offset order) before they are answered.

    `idle` is called from the writer's thread whenever nothing waits (a log's housekeeping); `on_failed` once, from
    the same thread, when the writer stops for good: the process must then stop too.
    """

    failed: LogFailed | None = None
    """Why nothing is taken any more; None while all is well."""
    dropped: int = 0
    """Offered records that were refused or lost because the queue, or the disk, was full."""

    def __init__(
        self,
        log: EventLog,
        apply: Callable[[Sequence[Record]], None],
        config: LogConfig,
        *,
        idle: Callable[[], None] | None = None,
        on_failed: Callable[[LogFailed], None] | None = None,
    ) -> None:
        self._log, self._apply, self._config = log, apply, config
        self._idle, self._on_failed = idle or _nothing, on_failed
        self._asks: deque[_Ask] = deque()
        self._offers: deque[tuple[Record, int]] = deque()
        self._events = self._bytes = 0
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="log-writer", daemon=True)
        self._thread.start()

    def submit(self, batch: Batch) -> Future[Appended]:
        """Append a batch with the next group; the future is resolved when it is durable and folded.

        Its exception is StorageFull (nothing of the batch is stored; try later) or LogFailed. Raises Overloaded when
        the queue is full, LogFailed when the writer has stopped, InvalidInput for records that cannot be encoded.
        """
        ask = _Ask(batch=batch, size_bytes=_size_of(batch))
        count = len(batch.records)
        with self._changed:
            self._refuse_if_stopped()
            if not self._room(count, ask.size_bytes, share=1.0):
                raise Overloaded("too many events wait for the log", field="log")
            self._put(ask, count)
        return ask.future

    def offer(self, record: Record) -> bool:
        """Append a record that may be lost (an impression). Never blocks; False when the queue is half full."""
        size = _size_of(record)
        with self._changed:
            if self.failed is not None or self._closing or not self._room(1, size, share=0.5):
                self.dropped += 1
                return False
            self._offers.append((record, size))
            self._events, self._bytes = self._events + 1, self._bytes + size
            if len(self._offers) in (1, OFFERS):
                self._changed.notify()
        return True

    def run(self, call: Callable[[], T]) -> Future[T]:
        """Make a call in the writer's thread, after the batches submitted before it and between two groups.

        What it raises becomes the exception of the future. Raises LogFailed when the writer has stopped.
        """
        ask = _Ask(call=call)
        with self._changed:
            self._refuse_if_stopped()
            self._put(ask, 0)
        return ask.future

    def waiting(self) -> tuple[int, int]:
        """Events and encoded bytes in the queue."""
        return self._events, self._bytes

    def close(self) -> None:
        """Refuse new work, finish what waits, stop the thread; safe to call twice. The log stays open."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _refuse_if_stopped(self) -> None:
        if self.failed is not None:
            raise LogFailed(self.failed.message, field="log") from self.failed
        if self._closing:
            raise LogFailed("the log is being closed", field="log")

    def _room(self, count: int, size: int, share: float) -> bool:
        """A batch larger than the whole queue is let in when it is alone; the door limits what can arrive."""
        fits = self._events + count <= self._config.queue_events * share
        return (fits and self._bytes + size <= self._config.queue_bytes * share) or (not self._events and share == 1.0)

    def _put(self, ask: _Ask, count: int) -> None:
        # Running from the start: a future that could be cancelled would hide what became of its events.
        ask.future.set_running_or_notify_cancel()
        self._asks.append(ask)
        self._events, self._bytes = self._events + count, self._bytes + ask.size_bytes
        self._changed.notify()

    def _work(self) -> None:
        while self.failed is None:
            with self._changed:
                if self._offers:
                    self._changed.wait_for(self._pressing, OFFER_WAIT_S)
                busy, closing = bool(self._asks or self._offers), self._closing
            if busy:
                self._step()
            elif closing:
                return
            else:
                self._rest()

    def _rest(self) -> None:
        """Do the housekeeping, at once and again after a while, and sleep until there is work."""
        for limit_s in (IDLE_S, None):
            try:
                self._idle()
            except Exception as error:
                return self._fail(error, [])
            with self._changed:
                if self._changed.wait_for(self._woken, limit_s):
                    return None
        return None

    def _step(self) -> None:
        with self._changed:
            if self._config.max_wait_ms and not (self._asks and self._asks[0].call):
                self._changed.wait_for(self._enough, self._config.max_wait_ms / 1e3)
            call = self._asks.popleft() if self._asks and self._asks[0].call else None
            group, offers = ([], []) if call else self._collect()
        if call is not None:
            self._make(call)
        else:
            self._commit(group, offers)

    def _woken(self) -> bool:
        return bool(self._asks or self._offers or self._closing)

    def _pressing(self) -> bool:
        return bool(self._asks or self._closing) or len(self._offers) >= OFFERS

    def _enough(self) -> bool:
        return self._events >= self._config.max_group or self._closing

    def _collect(self) -> tuple[list[_Ask], list[Record]]:
        """Everything that waits, up to a full group; a call in between ends the group before it."""
        group: list[_Ask] = []
        room = self._config.max_group
        while self._asks and not self._asks[0].call:
            count = len(self._asks[0].batch.records)
            if group and count > room:
                break
            ask = self._asks.popleft()
            group.append(ask)
            room -= count
            self._events, self._bytes = self._events - count, self._bytes - ask.size_bytes
        offers: list[Record] = []
        while self._offers and room > len(offers):
            record, size = self._offers.popleft()
            offers.append(record)
            self._events, self._bytes = self._events - 1, self._bytes - size
        return group, offers

    def _commit(self, group: list[_Ask], offers: list[Record]) -> None:
        batches = [ask.batch for ask in group]
        if offers:
            batches.append(Batch(tuple(offers)))
        try:
            answers = self._log.append(batches)
            new = [record for answer in answers for record in answer.new]
            if new:
                self._apply(new)
        except StorageFull as error:
            self.dropped += len(offers)
            for ask in group:
                ask.future.set_exception(StorageFull(error.message, field=error.field))
        except Exception as error:
            # Also when the fold failed: an ack would promise an effect that the next answer does not show.
            self._fail(error, group)
        else:
            for ask, answer in zip(group, answers, strict=False):
                ask.future.set_result(answer)

    def _make(self, ask: _Ask) -> None:
        try:
            ask.future.set_result(ask.call() if ask.call else None)
        except Exception as error:
            ask.future.set_exception(error)
            if isinstance(error, LogFailed):
                self._fail(error, [])

    def _fail(self, error: Exception, group: list[_Ask]) -> None:
        """Stop for good: nothing that waits, and nothing that comes, is ever acknowledged."""
        failure = error if isinstance(error, LogFailed) else LogFailed(f"the writer failed: {error}", field="log")
        failure.__cause__ = error if failure is not error else error.__cause__
        with self._changed:
            self.failed = failure
            waiting = [*group, *self._asks]
            self.dropped += len(self._offers)
            self._asks.clear()
            self._offers.clear()
            self._events = self._bytes = 0
        for ask in waiting:
            ask.future.set_exception(LogFailed(failure.message, field="log"))
        if self._on_failed is not None:
            self._on_failed(failure)


def _size_of(value: Batch | Record) -> int:
    """Encoded size in bytes. Raises InvalidInput: what cannot be encoded must not reach the writer."""
    try:
        return len(encode(value))
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidInput("a value cannot be stored", field="fields", code="unencodable") from error


def _nothing() -> None:
    """No housekeeping."""
