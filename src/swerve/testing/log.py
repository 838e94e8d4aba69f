"""What every EventLog owes its callers, as a check to run on your own: `check_log(factory)`.

The factory is given a directory and opens the log that lives there; one that keeps nothing may ignore it.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from swerve.protocols import EventLog
from swerve.testing.obligations import owes
from swerve.types import Appended, Batch, Interaction, Item, Record

_owes = owes("an EventLog owes its callers")

_DAY_S = 86_400.0
_START_S = 1_700_000_000.0


def check_log(factory: Callable[[Path], EventLog]) -> int:
    """Hold a log to the obligations of `EventLog`; raises AssertionError saying which one it breaks.

    `factory(directory)` opens the log kept in a directory (empty at first). Returns how many checks were made.
    """
    checks = [_order, _groups, _duplicates, _conflicts, _atomic, _window, _beside, _kept, _closed]
    for check in checks:
        with tempfile.TemporaryDirectory() as directory:
            check(_Opener(factory, Path(directory)))
    return len(checks)


class _Opener:
    """Opens the same log again and again, always closing it."""

    def __init__(self, factory: Callable[[Path], EventLog], directory: Path) -> None:
        self._factory, self._directory = factory, directory

    @contextmanager
    def __call__(self) -> Iterator[EventLog]:
        with closing(self._factory(self._directory)) as log:
            yield log


def _record(item: str, event_id: str = "", *, after_s: float = 0.0, action: str = "view") -> Record:
    event = Interaction(item=item, action=action, user="ann", event_id=event_id)
    return Record(event=event, received=_START_S + after_s, time=_START_S + after_s, gain=1.0)


def _append(log: EventLog, *records: Record, atomic: bool = False) -> Appended:
    (answer,) = log.append([Batch(records, atomic)])
    return answer


def _items(log: EventLog, start: int = 0, stop: int | None = None) -> list[str]:
    events = [record.event for record in log.read(start, stop)]
    return [event.item for event in events if isinstance(event, Interaction)]


def _order(opened: _Opener) -> None:
    with opened() as log:
        _owes(log.durability in {"fsync", "os", "memory"}, "durability is one of fsync, os, memory")
        _owes(log.head() == 0 and not _items(log), "an empty log has head 0 and nothing to read")
        answer = _append(log, *(_record(f"i{place}") for place in range(10)))
        _owes([record.offset for record in answer.new] == list(range(10)), "offsets are gap-free from 0")
        _owes([record.event for record in log.read()] == [record.event for record in answer.new], "append order")
        _owes(list(log.read()) == list(answer.new), "what is read is what append returned")
        _owes(log.head() == 10, "the head is the offset after the last record")
        _owes(_items(log, 3, 5) == ["i3", "i4"], "read takes start <= offset < stop")
        _owes(_items(log, 8) == ["i8", "i9"] and not _items(log, 10), "read goes to the end")
        _owes(not _items(log, 5, 5) and _items(log, 9, 99) == ["i9"], "a stop beyond the end is the end")


def _groups(opened: _Opener) -> None:
    with opened() as log:
        item = Record(event=Item(id="mug", title="Ä", fields={"tags": ["a"], "price": 9.5}), received=1.0, time=0.5)
        answers = log.append([Batch((_record("a"),)), Batch(()), Batch((item, _record("b")))])
        _owes([len(answer.new) for answer in answers] == [1, 0, 2], "one answer a batch")
        _owes([record.offset for answer in answers for record in answer.new] == [0, 1, 2], "batches keep their order")
        _owes(next(log.read(1, 2)).event == item.event, "an event comes back as it was given")
        _owes(log.append([]) == [], "an empty group is answered")


def _duplicates(opened: _Opener) -> None:
    with opened() as log:
        answer = _append(log, _record("a", "1"), _record("b"), _record("a", "1"), _record("b"))
        _owes(answer.duplicates == (2,) and not answer.conflicts, "an id counts once within a batch")
        _owes(len(answer.new) == 3, "an event without an id is never a duplicate")
        first, second = log.append([Batch((_record("c", "2"),)), Batch((_record("c", "2"), _record("d", "3")))])
        _owes(first.duplicates == () and second.duplicates == (0,), "an id counts once within a group")
        answer = _append(log, _record("a", "1", after_s=3600.0))
        _owes(answer.duplicates == (0,) and not answer.new, "an id counts once, received later or not")
        _owes(_items(log) == ["a", "b", "b", "c", "d"], "duplicates are not stored")


def _conflicts(opened: _Opener) -> None:
    with opened() as log:
        _append(log, _record("a", "1"))
        answer = _append(log, _record("b", "1"), _record("c", "2"), _record("d", "2"))
        _owes(answer.conflicts == (0, 2) and not answer.duplicates, "another payload under an id is a conflict")
        _owes(_append(log, _record("a", "1")).duplicates == (0,), "the first payload is kept")
        _owes(_items(log) == ["a", "c"], "what conflicts is not stored")


def _atomic(opened: _Opener) -> None:
    with opened() as log:
        _append(log, _record("a", "1"))
        refused, taken = log.append(
            [Batch((_record("b", "2"), _record("c", "1")), atomic=True), Batch((_record("z", "2"),), atomic=True)]
        )
        _owes(refused.conflicts == (1,) and not refused.new, "a conflict refuses an atomic batch as a whole")
        _owes(len(taken.new) == 1, "a refused batch takes no ids")
        kept = _append(log, _record("a", "1"), _record("e", "3"), atomic=True)
        _owes(kept.duplicates == (0,) and len(kept.new) == 1, "a duplicate does not refuse an atomic batch")
        _owes([record.offset for record in log.read()] == [0, 1, 2], "a refused batch leaves no gap")


def _window(opened: _Opener) -> None:
    with opened() as log:
        _append(log, _record("a", "1"))
        answer = _append(log, _record("a", "1", after_s=7 * _DAY_S - 1))
        _owes(answer.duplicates == (0,), "an id is remembered for at least 7 days")


def _beside(opened: _Opener) -> None:
    with opened() as log:
        _append(log, *(_record(f"i{place}") for place in range(50)))
        broken: list[str] = []
        done = threading.Event()

        def read() -> None:
            while not done.is_set():
                offsets = [record.offset for record in log.read()]
                if offsets != list(range(len(offsets))) or len(offsets) < 50:
                    broken.append(f"{len(offsets)} records")

        reader = threading.Thread(target=read)
        reader.start()
        half = log.read()
        next(half)
        for place in range(100):
            _append(log, _record(f"j{place}"), _record(f"k{place}"))
        done.set()
        reader.join()
        _owes(not broken, f"a read beside an append sees a gap-free prefix, not {broken[:3]}")
        _owes(len(list(half)) == 49, "a read ends at the head it found when it began")


def _kept(opened: _Opener) -> None:
    with opened() as log:
        _append(log, *(_record(f"i{place}", f"{place}") for place in range(20)))
        if log.durability == "memory":
            return
    with opened() as log:
        _owes(log.head() == 20 and _items(log) == [f"i{place}" for place in range(20)], "records survive closing")
        answer = _append(log, _record("i7", "7"), _record("x", "8"), _record("new", "20"))
        _owes(answer.duplicates == (0,) and answer.conflicts == (1,), "ids survive closing")
        _owes(answer.new[0].offset == 20, "offsets go on where they ended")


def _closed(opened: _Opener) -> None:
    with opened() as log:
        log.close()
        log.close()
        try:
            _append(log, _record("a"))
        except Exception:
            return
        raise AssertionError("a closed log takes nothing")
