"""Every log that ships passes the check that users run on theirs, and the check notices a log that does not."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from swerve.log import LogConfig, MemoryLog, SqliteLog, open_log
from swerve.protocols import EventLog
from swerve.testing.log import check_log
from swerve.types import Appended, Batch, Record
from tests.log.helpers import Clock, append, record

FACTORIES: dict[str, Callable[[Path], EventLog]] = {
    "sqlite": lambda path: SqliteLog(path, LogConfig(), Clock()),
    "sqlite in tiny segments": lambda path: SqliteLog(path, LogConfig(segment_events=3), Clock()),
    "sqlite without sync": lambda path: SqliteLog(path, LogConfig(durability="os"), Clock()),
    "sqlite checking the tail": lambda path: SqliteLog(path, LogConfig(verify="tail"), Clock()),
    "memory": lambda path: MemoryLog(LogConfig(), Clock()),
}


@pytest.mark.parametrize("name", FACTORIES)
def test_the_log_keeps_its_contract(name: str) -> None:
    assert check_log(FACTORIES[name]) == 9


class Broken:
    """A MemoryLog with one fault."""

    durability = "memory"

    def __init__(self, fault: str) -> None:
        self._log = MemoryLog(LogConfig(dedupe_window_s=60.0 if fault == "short window" else 1e9), Clock())
        self._fault = fault
        if fault == "unknown durability":
            self.durability = "maybe"

    def append(self, batches: Sequence[Batch]) -> list[Appended]:
        if self._fault == "no dedupe":
            batches = [Batch(tuple(_without_id(one) for one in batch.records), batch.atomic) for batch in batches]
        if self._fault == "atomic ignored":
            batches = [Batch(batch.records) for batch in batches]
        if self._fault == "only the first batch":
            batches = batches[:1]
        answers = self._log.append(batches)
        return answers[::-1] if self._fault == "answers reversed" else answers

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Record]:
        found = self._log.read(start, stop)
        if self._fault == "reads to its end":
            return self._log.read(start)
        return iter(list(found)[::-1]) if self._fault == "order" else found

    def head(self) -> int:
        return self._log.head() + (self._fault == "head")

    def close(self) -> None:
        if self._fault != "open for ever":
            self._log.close()


def _without_id(one: Record) -> Record:
    return replace(one, event=replace(one.event, event_id=""))


FAULTS = [
    "no dedupe", "atomic ignored", "only the first batch", "answers reversed", "reads to its end", "order", "head",
    "open for ever", "short window", "unknown durability",
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_the_check_notices_a_broken_log(fault: str) -> None:
    with pytest.raises((AssertionError, ValueError)):
        check_log(lambda path: Broken(fault))


def test_a_log_that_forgets_what_it_kept_is_noticed() -> None:
    class Forgetful(Broken):
        durability = "os"

    with pytest.raises(AssertionError, match="survive closing"):
        check_log(lambda path: Forgetful(""))


GROUPS = st.lists(
    st.lists(
        st.tuples(
            st.booleans(),
            st.lists(st.tuples(st.sampled_from(["", "1", "2", "3"]), st.sampled_from("ab")), max_size=4),
        ),
        max_size=3,
    ),
    max_size=6,
)


@given(GROUPS)
@settings(max_examples=40)
def test_memory_and_sqlite_answer_alike(groups: list[list[tuple[bool, list[tuple[str, str]]]]]) -> None:
    """Whatever is said in whatever order, both logs store, refuse and read the same."""
    with tempfile.TemporaryDirectory() as directory:
        memory = MemoryLog(LogConfig(), Clock())
        sqlite = SqliteLog(Path(directory), LogConfig(segment_events=4, durability="os"), Clock())
        try:
            for group in groups:
                batches = [Batch(tuple(record(item, key) for key, item in said), atomic) for atomic, said in group]
                assert memory.append(batches) == sqlite.append(batches)
            assert list(memory.read()) == list(sqlite.read())
            assert memory.head() == sqlite.head()
        finally:
            sqlite.close()


def test_the_backend_is_a_setting(tmp_path: Path) -> None:
    memory = open_log(tmp_path, LogConfig(backend="memory"), Clock())
    sqlite = open_log(tmp_path, LogConfig(), Clock())

    assert (memory.durability, sqlite.durability) == ("memory", "fsync")
    append(sqlite, record("a"))
    sqlite.close()
    assert not list(memory.read())
