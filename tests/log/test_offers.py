"""Offered records (impressions) share commits: one for each would cost more than the list it is about."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest

from swerve.log import writer as module
from swerve.log.config import LogConfig
from swerve.log.memory import MemoryLog
from swerve.log.writer import GroupWriter
from swerve.types import Appended, Batch, Impression, Interaction, Record


class Watched:
    """A memory log that notes how many records each commit had."""

    durability = "memory"

    def __init__(self) -> None:
        self.inner = MemoryLog(LogConfig(), lambda: 1.0)
        self.groups: list[int] = []

    def append(self, batches: Sequence[Batch]) -> list[Appended]:
        self.groups.append(sum(len(batch.records) for batch in batches))
        return self.inner.append(batches)

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)


def shown(number: int) -> Record:
    return Record(event=Impression(slate=f"s{number}", picks=()), received=1.0, time=1.0)


def wait_for(log: Watched, count: int, limit_s: float = 5.0) -> float:
    start = time.perf_counter()
    while sum(log.groups) < count and time.perf_counter() - start < limit_s:
        time.sleep(0.001)
    assert sum(log.groups) == count
    return time.perf_counter() - start


@pytest.fixture
def log() -> Watched:
    return Watched()


@pytest.fixture
def writer(log: Watched):
    made = GroupWriter(log, lambda records: None, LogConfig())
    yield made
    made.close()


def test_offers_that_come_one_by_one_share_a_commit(log: Watched, writer: GroupWriter) -> None:
    for number in range(20):
        assert writer.offer(shown(number))
        time.sleep(0.0005)

    wait_for(log, 20)
    assert len(log.groups) <= 3


def test_nobody_need_come_after_an_offer(log: Watched, writer: GroupWriter) -> None:
    writer.offer(shown(0))

    wait_for(log, 1)


def test_an_event_does_not_wait_for_offers_and_takes_them_along(
    log: Watched, writer: GroupWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "OFFER_WAIT_S", 60.0)
    writer.offer(shown(0))
    time.sleep(0.01)
    event = Interaction(user="u", item="i", action="view")

    writer.submit(Batch((Record(event=event, received=1.0, time=1.0, gain=1.0),))).result(5)

    assert log.groups == [2]


def test_many_offers_do_not_wait(log: Watched, writer: GroupWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OFFER_WAIT_S", 60.0)
    for number in range(module.OFFERS):
        assert writer.offer(shown(number))

    wait_for(log, module.OFFERS)


def test_closing_keeps_what_was_offered(log: Watched) -> None:
    writer = GroupWriter(log, lambda records: None, LogConfig())
    writer.offer(shown(0))
    writer.close()

    assert log.inner.head() == 1
