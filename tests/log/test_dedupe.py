"""I1 and I2: the same event_id counts once within the window, whatever lies between; another payload is a conflict."""

from __future__ import annotations

import errno
import tempfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swerve.errors import LogFailed
from swerve.log import ids as ids_module
from swerve.log import runs
from swerve.log.codec import canonical
from swerve.log.config import DAY_S
from swerve.log.ids import Ids, keys_of
from swerve.types import Batch, Interaction, Item
from tests.log.helpers import NOW_S, Clock, append, files, fill, opened, record


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of 20 ids, merged by threes."""
    monkeypatch.setattr(ids_module, "RUN_IDS", 20)
    monkeypatch.setattr(ids_module, "FAN", 3)


# --- what clients may rely on -------------------------------------------------------------------------------


@pytest.mark.usefixtures("tiny")
def test_I1_ids_are_known_from_every_run_segment_and_opening(tmp_path: Path) -> None:
    for turn in range(4):
        with closing(opened(tmp_path, segment_events=30)) as log:
            fill(log, 60, f"t{turn}.", ids=True, group=7)
    assert files(tmp_path, ".run"), "runs were written"

    with closing(opened(tmp_path, segment_events=30)) as log:
        for turn in range(4):
            again = append(log, *(record(f"t{turn}.{place}", f"t{turn}.{place}") for place in range(60)))
            assert len(again.duplicates) == 60
        assert log.head() == 240


@pytest.mark.usefixtures("tiny")
def test_I2_another_payload_conflicts_from_every_run(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as log:
        fill(log, 100, ids=True)
        changed = append(log, *(record(f"i{place}", f"i{place}", action="buy") for place in range(100)))

        assert changed.conflicts == tuple(range(100))
        assert not changed.new


def test_I1_an_id_expires_after_the_window(tmp_path: Path) -> None:
    clock = Clock()
    with closing(opened(tmp_path, clock, dedupe_window_s=DAY_S)) as log:
        append(log, record("a", "1"))
        inside = append(log, record("a", "1", received=NOW_S + DAY_S))
        after = append(log, record("a", "1", received=NOW_S + DAY_S + 1))
        again = append(log, record("a", "1", received=NOW_S + DAY_S + 2))

    assert (inside.duplicates, len(after.new), again.duplicates) == ((0,), 1, (0,))


@pytest.mark.usefixtures("tiny")
def test_I1_an_id_expires_in_old_runs_too(tmp_path: Path) -> None:
    clock = Clock()
    with closing(opened(tmp_path, clock, dedupe_window_s=DAY_S)) as log:
        fill(log, 50, ids=True)
        clock.now += DAY_S + 60
        later = append(log, record("i3", "i3", received=clock.now), record("i49", "i49", received=clock.now))

        assert len(later.new) == 2


def test_the_payload_is_what_the_client_said_not_when_it_arrived(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as log:
        append(log, record("a", "1"))

        assert append(log, record("a", "1", received=NOW_S + 99)).duplicates == (0,)
        assert append(log, record("a", "1", value=2.0)).conflicts == (0,)


def test_the_payload_does_not_depend_on_how_it_is_written() -> None:
    one = Item(id="a", fields={"x": 1, "y": 2.0}, time=5.0)

    assert canonical(one) == canonical(Item(id="a", fields={"y": 2.0, "x": 1}, time=5))
    assert canonical(one) != canonical(Item(id="a", fields={"x": True, "y": 2.0}, time=5.0))
    assert canonical(one) != canonical(Item(id="a", fields={"x": 1, "y": 2.0}, time=6.0))


def test_two_ids_with_one_digest_are_not_mixed_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("swerve.log.dedupe.keys_of", lambda names: [7] * len(names))
    with closing(opened(tmp_path)) as log:
        answer = append(log, record("a", "1"))
        other = append(log, record("b", "2"))

        assert len(answer.new) == len(other.new) == 1


@pytest.mark.usefixtures("tiny")
def test_a_resent_batch_is_recognised_piece_by_piece(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as log:
        fill(log, 45, ids=True)
        mixed = append(log, *(record(f"i{place}", f"i{place}") for place in range(40, 50)))

        assert mixed.duplicates == (0, 1, 2, 3, 4)
        assert [one.offset for one in mixed.new] == [45, 46, 47, 48, 49]


# --- the index ----------------------------------------------------------------------------------------------


def test_digests_are_the_same_in_every_process() -> None:
    assert keys_of(["a", "ü", ""]) == [3405396810240292928, *keys_of(["ü", ""])]
    assert keys_of([]) == []


@pytest.mark.usefixtures("tiny")
def test_runs_are_merged_so_that_few_are_asked(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as log:
        fill(log, 2000, ids=True, group=20)
        count = len(files(tmp_path, ".run"))

        assert count <= 2 * 5, "at most two runs of each of five levels"
        assert append(log, record("i0", "i0"), record("i1999", "i1999")).duplicates == (0, 1)


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("damage", ["flip", "cut", "gone", "empty"])
def test_a_damaged_run_is_made_again_from_the_records(tmp_path: Path, damage: str) -> None:
    with closing(opened(tmp_path)) as log:
        fill(log, 150, ids=True)
    first, *_ = (tmp_path / "log" / name for name in files(tmp_path, ".run"))
    data = first.read_bytes()
    if damage == "gone":
        first.unlink()
    else:
        first.write_bytes({"flip": data[:80] + b"\xff" + data[81:], "cut": data[:-9], "empty": b""}[damage])

    with closing(opened(tmp_path)) as log:
        assert bool(log.report) == (damage != "gone")
        assert append(log, *(record(f"i{place}", f"i{place}") for place in range(150))).duplicates == tuple(range(150))


@pytest.mark.usefixtures("tiny")
def test_a_merge_that_died_half_way_changes_nothing(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as log:
        fill(log, 50, ids=True)
    small = {name: (tmp_path / "log" / name).read_bytes() for name in files(tmp_path, ".run")}
    with closing(opened(tmp_path)) as log:
        fill(log, 40, "more", ids=True)
    for name, content in small.items():
        (tmp_path / "log" / name).write_bytes(content)

    with closing(opened(tmp_path)) as log:
        assert log.report == []
        assert append(log, record("i3", "i3"), record("more3", "more3")).duplicates == (0, 1)


@pytest.mark.usefixtures("tiny")
def test_a_full_disk_puts_runs_off_and_another_error_ends_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(code: int) -> object:
        def write(*_: object) -> None:
            raise OSError(code, "no")

        return write

    with closing(opened(tmp_path)) as log:
        with monkeypatch.context() as full:
            full.setattr(runs, "write_durably", refuse(errno.ENOSPC))
            fill(log, 60, ids=True)
        assert not files(tmp_path, ".run")
        fill(log, 20, "more", ids=True)
        assert files(tmp_path, ".run")
        assert append(log, record("i3", "i3")).duplicates == (0,)
        monkeypatch.setattr(runs, "write_durably", refuse(errno.EIO))
        with pytest.raises(LogFailed):
            fill(log, 40, "end", ids=True)


@given(st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**63)), max_size=50), st.lists(st.integers(0, 9)))
def test_a_run_finds_exactly_what_was_put_in(pairs: list[tuple[int, int]], wanted: list[int]) -> None:
    pairs += [(key, 1) for key in range(4)]
    with tempfile.TemporaryDirectory() as folder:
        path = runs.name_of(Path(folder), 0, 9)
        columns = np.array([key for key, _ in pairs], "<u8"), np.array([offset for _, offset in pairs], "<u8")
        runs.write(path, (0, 9), 1.5, 2, columns)
        run = runs.load(path)
        assert run is not None
        found = set(run.find(np.array(wanted, "<u8")))

        assert found == {(key, offset) for key, offset in pairs if key in wanted}
        assert (run.first, run.end, run.newest, run.level) == (0, 9, 1.5, 2)
        del run


def test_ids_without_records_are_remembered_as_covered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids_module, "RUN_RECORDS", 25)
    with closing(opened(tmp_path)) as log:
        fill(log, 100)

        assert len(files(tmp_path, ".run")) >= 3, "opening never reads more than a run's worth of records"
    asked: list[tuple[int, int]] = []
    ids = Ids(tmp_path / "log", DAY_S)
    ids.open(0, 100, NOW_S, lambda start, stop: asked.append((start, stop)) or ())
    ids.close()

    assert sum(stop - start for start, stop in asked) <= 25


def test_a_hint_of_records_that_were_cut_off_is_forgotten(tmp_path: Path) -> None:
    ids = Ids(tmp_path, DAY_S)
    ids.open(0, 0, NOW_S, lambda start, stop: ())
    ids.add([(5, 0), (6, 1)], 2)
    runs.write(runs.name_of(tmp_path, 0, 2), (0, 2), NOW_S, 0, (np.array([5, 6], "<u8"), np.array([0, 1], "<u8")))

    again = Ids(tmp_path, DAY_S)
    again.open(0, 1, NOW_S, lambda start, stop: [("only", 0)])

    assert again.find([5, 6], NOW_S) == {}
    assert again.find(keys_of(["only"]), NOW_S) == {keys_of(["only"])[0]: [0]}


def test_order_within_a_group_decides(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as log:
        first, second, third = log.append(
            [
                Batch((record("a", "1"), record("b", "2")), atomic=True),
                Batch((record("b", "2"), record("x", "1")), atomic=False),
                Batch((record("c", "3"), record("x", "2")), atomic=True),
            ]
        )

        assert len(first.new) == 2
        assert (second.duplicates, second.conflicts) == ((0,), (1,))
        assert (third.new, third.conflicts) == ((), (1,))
        assert [one.event.item for one in log.read() if isinstance(one.event, Interaction)] == ["a", "b"]
