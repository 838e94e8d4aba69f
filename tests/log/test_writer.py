"""The writer: one order, bounded, folds before it answers, and stops for good when the log fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from swerve.errors import InvalidInput, LogFailed, Overloaded, StorageFull
from swerve.log import GroupWriter, LogConfig, MemoryLog
from swerve.types import Appended, Batch, Impression, Item, Pick, Record
from tests.log.helpers import NOW_S, Clock, items, opened, record, records


class Gate:
    """A log whose appends wait until they are let through; remembers the groups it was given."""

    durability = "memory"

    def __init__(self) -> None:
        self._log = MemoryLog(LogConfig(), Clock())
        self.groups: list[list[Batch]] = []
        self.open = threading.Event()
        self.entered = threading.Semaphore(0)
        self.error: Exception | None = None

    def append(self, batches: Sequence[Batch]) -> list[Appended]:
        self.groups.append(list(batches))
        self.entered.release()
        assert self.open.wait(10)
        if self.error is not None:
            raise self.error
        return self._log.append(batches)

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Record]:
        return self._log.read(start, stop)

    def head(self) -> int:
        return self._log.head()

    def close(self) -> None:
        self._log.close()


class Rig:
    """A writer over a Gate, and what it folded."""

    def __init__(self, **settings: object) -> None:
        self.log = Gate()
        self.folded: list[Record] = []
        self.failures: list[LogFailed] = []
        config = LogConfig(**settings)  # type: ignore[arg-type]
        self.writer = GroupWriter(self.log, self.folded.extend, config, on_failed=self.failures.append)

    def busy(self) -> None:
        """Have one batch under way, so that what comes now waits."""
        self.writer.submit(Batch((record("first"),)))
        assert self.log.entered.acquire(timeout=10)


@pytest.fixture
def rig() -> Iterator[Callable[..., Rig]]:
    made: list[Rig] = []

    def make(**settings: object) -> Rig:
        made.append(Rig(**settings))
        return made[-1]

    yield make
    for one in made:
        one.log.open.set()
        one.writer.close()


def test_what_arrives_during_a_commit_shares_the_next_one(rig: Callable[..., Rig]) -> None:
    here = rig()
    here.busy()
    futures = [here.writer.submit(Batch(records(3, f"b{place}."))) for place in range(20)]
    assert here.writer.waiting()[0] == 60
    here.log.open.set()
    answers = [future.result(10) for future in futures]

    assert [len(group) for group in here.log.groups] == [1, 20]
    assert [one.offset for answer in answers for one in answer.new] == list(range(1, 61)), "in order of arrival"
    assert here.writer.waiting() == (0, 0)


def test_a_group_has_a_largest_size(rig: Callable[..., Rig]) -> None:
    here = rig(max_group=10)
    here.busy()
    futures = [here.writer.submit(Batch(records(4, f"b{place}."))) for place in range(5)]
    futures.append(here.writer.submit(Batch(records(50, "large"))))
    here.log.open.set()
    for future in futures:
        future.result(10)

    assert [sum(len(batch.records) for batch in group) for group in here.log.groups] == [1, 8, 8, 4, 50]


def test_F1_everything_is_folded_before_it_is_answered(tmp_path: Path) -> None:
    folded: set[int] = set()
    late: list[int] = []
    with closing(opened(tmp_path)) as log:
        writer = GroupWriter(
            log, lambda new: (time.sleep(0.001), folded.update(one.offset for one in new)), LogConfig()
        )

        def client(name: int) -> None:
            for place in range(30):
                answer = writer.submit(Batch((record(f"{name}.{place}"),))).result(10)
                late.extend(one.offset for one in answer.new if one.offset not in folded)

        threads = [threading.Thread(target=client, args=(name,)) for name in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        writer.close()

    assert folded == set(range(180))
    assert not late


def test_O2_the_queue_is_bounded_in_events(rig: Callable[..., Rig]) -> None:
    here = rig(queue_events=10)
    here.busy()
    kept = here.writer.submit(Batch(records(8)))
    with pytest.raises(Overloaded):
        here.writer.submit(Batch(records(3)))
    here.writer.submit(Batch(records(2)))
    here.log.open.set()

    assert len(kept.result(10).new) == 8
    assert len(here.writer.submit(Batch(records(9))).result(10).new) == 9


def test_O2_the_queue_is_bounded_in_bytes(rig: Callable[..., Rig]) -> None:
    here = rig(queue_bytes=5_000)
    here.busy()
    large = Record(event=Item(id="a", text="x" * 4_000), received=NOW_S, time=NOW_S)
    here.writer.submit(Batch((large,)))
    assert 4_000 < here.writer.waiting()[1] < 5_000
    with pytest.raises(Overloaded):
        here.writer.submit(Batch((large,)))


def test_a_batch_larger_than_the_queue_is_taken_alone(rig: Callable[..., Rig]) -> None:
    here = rig(queue_events=5)
    here.log.open.set()

    assert len(here.writer.submit(Batch(records(50))).result(10).new) == 50


def test_offers_give_way_to_what_must_be_kept(rig: Callable[..., Rig]) -> None:
    here = rig(queue_events=10)
    here.busy()
    shown = Record(
        event=Impression(slate="s", picks=(Pick(item="a", position=0, score=1.0),)), received=NOW_S, time=NOW_S
    )
    taken = [here.writer.offer(shown) for _ in range(8)]
    kept = here.writer.submit(Batch(records(4)))
    here.log.open.set()

    assert taken == [True] * 5 + [False] * 3, "offers may fill half of the queue"
    assert here.writer.dropped == 3
    assert kept.result(10).new[0].offset == 1
    here.writer.close()
    assert [type(one.event) for one in here.folded].count(Impression) == 5
    assert here.folded == list(here.log.read()), "folded in the order of the log"


def test_a_lone_offer_is_written_without_company(rig: Callable[..., Rig]) -> None:
    here = rig()
    here.log.open.set()
    here.writer.offer(record("seen"))
    here.writer.close()

    assert items(here.folded) == ["seen"]


def test_a_call_is_made_between_the_groups_around_it(rig: Callable[..., Rig]) -> None:
    here = rig()
    here.busy()
    here.writer.submit(Batch(records(2, "before")))
    cut = here.writer.run(lambda: (here.log.head(), len(here.folded), threading.current_thread().name))
    here.writer.submit(Batch(records(2, "after")))
    failing = here.writer.run(lambda: 1 // 0)
    here.log.open.set()

    assert cut.result(10) == (3, 3, "log-writer")
    with pytest.raises(ZeroDivisionError):
        failing.result(10)
    assert here.writer.failed is None, "a call that fails is the caller's matter"


def test_a_future_cannot_be_cancelled(rig: Callable[..., Rig]) -> None:
    here = rig()
    here.busy()
    future = here.writer.submit(Batch((record("a"),)))

    assert not future.cancel(), "its event is stored and folded whoever waits for it"
    here.log.open.set()
    assert len(future.result(10).new) == 1


def test_D5_a_failed_log_answers_nobody_with_success(rig: Callable[..., Rig]) -> None:
    here = rig()
    here.busy()
    waiting = [here.writer.submit(Batch((record("a"),))), here.writer.run(lambda: None)]
    here.writer.offer(record("b"))
    here.log.error = LogFailed("the disk is gone", field="log")
    here.log.open.set()

    for future in waiting:
        with pytest.raises(LogFailed, match="the disk is gone"):
            future.result(10)
    with pytest.raises(LogFailed):
        here.writer.submit(Batch((record("c"),)))
    with pytest.raises(LogFailed):
        here.writer.run(lambda: None)
    assert not here.writer.offer(record("d"))
    here.writer.close()
    assert here.failures == [here.writer.failed]
    assert len(here.log.groups) == 1, "a failed append is never tried again"
    assert not here.folded


def test_D6_a_full_disk_fails_only_the_group(rig: Callable[..., Rig]) -> None:
    here = rig()
    here.log.error = StorageFull("the disk is full", field="log")
    here.log.open.set()
    with pytest.raises(StorageFull):
        here.writer.submit(Batch((record("a"),))).result(10)
    here.log.error = None

    assert here.writer.submit(Batch((record("b"),))).result(10).new[0].offset == 0
    assert not here.failures


def test_a_fold_that_fails_ends_the_writer(rig: Callable[..., Rig]) -> None:
    here = rig()
    here.log.open.set()
    here.folded = None  # type: ignore[assignment]
    broken = GroupWriter(here.log, lambda new: list(new)[9], LogConfig(), on_failed=here.failures.append)
    future = broken.submit(Batch((record("a"),)))

    with pytest.raises(LogFailed, match="list index"):
        future.result(10)
    assert isinstance(here.failures[0].__cause__, IndexError)
    broken.close()


def test_housekeeping_that_fails_ends_the_writer() -> None:
    failed = threading.Event()

    def idle() -> None:
        raise LogFailed("no room for the seal", field="log")

    writer = GroupWriter(
        MemoryLog(LogConfig(), Clock()), lambda new: None, LogConfig(), idle=idle, on_failed=lambda _: failed.set()
    )
    assert failed.wait(10)
    with pytest.raises(LogFailed, match="no room"):
        writer.submit(Batch((record("a"),)))
    writer.close()


def test_what_cannot_be_stored_is_refused_before_it_waits(rig: Callable[..., Rig]) -> None:
    here = rig()
    for value in (object(), 2**70, "\ud800"):
        broken = Record(event=Item(id="a", fields={"x": value}), received=NOW_S, time=NOW_S)  # type: ignore[dict-item]
        with pytest.raises(InvalidInput) as caught:
            here.writer.submit(Batch((broken,)))
        assert caught.value.code == "unencodable"
        with pytest.raises(InvalidInput):
            here.writer.offer(broken)
    assert here.writer.waiting() == (0, 0)


def test_closing_finishes_what_waits_and_refuses_the_rest(rig: Callable[..., Rig]) -> None:
    here = rig()
    here.busy()
    waiting = [here.writer.submit(Batch(records(2, f"b{place}."))) for place in range(5)]
    closer = threading.Thread(target=here.writer.close)
    closer.start()
    while not here.writer._closing:
        time.sleep(0.001)
    with pytest.raises(LogFailed, match="closed"):
        here.writer.submit(Batch((record("late"),)))
    assert not here.writer.offer(record("late"))
    here.log.open.set()
    closer.join(10)

    assert all(future.done() for future in waiting)
    assert here.log.head() == 11
    here.writer.close()


def test_a_wait_for_company_may_be_asked_for(rig: Callable[..., Rig]) -> None:
    here = rig(max_wait_ms=150.0, max_group=3)
    here.log.open.set()
    futures = [here.writer.submit(Batch((record(f"{place}"),))) for place in range(3)]
    for future in futures:
        future.result(10)
    alone = time.perf_counter()
    here.writer.submit(Batch((record("alone"),))).result(10)

    assert [len(group) for group in here.log.groups] == [3, 1]
    assert time.perf_counter() - alone > 0.1
    here.writer.offer(record("offered"))
    here.writer.close()
    assert items(here.folded)[-1] == "offered"


def test_idle_is_called_when_nothing_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("swerve.log.writer.IDLE_S", 0.02)
    calls: list[float] = []
    log = MemoryLog(LogConfig(), Clock())
    writer = GroupWriter(log, lambda new: None, LogConfig(), idle=lambda: calls.append(time.monotonic()))
    writer.submit(Batch((record("a"),))).result(10)
    time.sleep(0.2)
    settled = len(calls)
    time.sleep(0.1)
    writer.close()

    assert settled >= 3, "before the first event, after it, and once more"
    assert len(calls) == settled, "then it sleeps"
