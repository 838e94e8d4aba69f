"""Lines come in the order of their times, whatever fits into memory at once."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swerve.errors import InvalidInput
from swerve.readers import order
from swerve.readers.columns import Columns
from swerve.readers.order import Keys, by_time, is_ordered
from tests.readers.helpers import RATINGS, interactions, located, read, source, write


def blocks(times: list[float], size: int) -> Iterator[Columns]:
    for start in range(0, len(times), size):
        part = times[start : start + size]
        lines = list(range(start + 1, start + len(part) + 1))
        yield Columns([part, [f"line {line}" for line in lines], [None] * len(part)], lines)


def keys(columns: Columns) -> Keys:
    return np.array(columns.data[0], dtype=np.float64)


@given(
    times=st.lists(st.integers(0, 9).map(float), max_size=120),
    size=st.integers(1, 20),
    run=st.integers(1, 60),
)
def test_sorting_is_stable_and_loses_nothing_at_any_run_size(times: list[float], size: int, run: int) -> None:
    found = list(by_time(blocks(times, size), keys, run))

    expected = sorted(enumerate(times, 1), key=lambda pair: pair[1])
    assert [line for columns in found for line in columns.lines] == [line for line, _ in expected]
    assert [value for columns in found for value in columns.data[0]] == [time for _, time in expected]
    assert [text for columns in found for text in columns.data[1]] == [f"line {line}" for line, _ in expected]


def test_many_blocks_in_many_runs_come_out_sorted() -> None:
    times = np.random.default_rng(7).integers(0, 500, 30_000).astype(float).tolist()

    found = list(by_time(blocks(times, 1_000), keys, run=4_000))

    expected = sorted(enumerate(times, 1), key=lambda pair: pair[1])
    assert [line for columns in found for line in columns.lines] == [line for line, _ in expected]


def test_broken_lines_are_passed_on() -> None:
    broken = Columns([["5"]], [1], [(2, "ragged")])

    found = list(by_time([broken], lambda columns: np.array([5.0] * len(columns.lines))))

    assert [columns.broken for columns in found] == [[(2, "ragged")], []]
    assert [columns.lines for columns in found] == [[], [1]]


def test_nothing_in_nothing_out() -> None:
    assert list(by_time([], keys)) == []


def test_is_ordered() -> None:
    assert is_ordered([])
    assert is_ordered([1.0, 1.0, 2.0])
    assert not is_ordered([1.0, 0.5])


def test_memory_does_not_grow_with_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order, "_BLOCK", 20)  # as small beside a run as the real one

    def peak(n: int) -> int:
        rng = np.random.default_rng(1)
        stream = (Columns([(rng.random(500) * 1e9).tolist(), ["some text"] * 500], [0] * 500) for _ in range(n // 500))
        tracemalloc.start()
        for _ in by_time(stream, keys, run=2_000):
            pass
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    assert peak(40_000) < 2 * peak(10_000)


@pytest.mark.parametrize("how", ["auto", "time"])
def test_a_file_sorted_by_user_is_told_in_the_order_it_happened(tmp_path: Path, how: str) -> None:
    events = interactions(read(write(tmp_path / "a.csv", RATINGS), order=how))

    assert [event.time for event in events] == [964981247.0, 964982224.0, 964982703.0]


def test_file_order_can_be_kept(tmp_path: Path) -> None:
    found = source(write(tmp_path / "a.csv", RATINGS), order="file")

    assert [event.item for event in interactions(list(found.events()))] == ["10", "30", "10"]
    assert "kept in file order" in "\n".join(found.describe())


def test_a_file_in_order_is_streamed(tmp_path: Path) -> None:
    text = "user,item,action,time\n" + "".join(f"u,i{k},view,{k + 1}\n" for k in range(3_000))

    assert "in order already" in "\n".join(source(write(tmp_path / "a.csv", text)).describe())


def test_a_line_without_a_time_is_refused_not_moved_to_now(tmp_path: Path) -> None:
    found = source(write(tmp_path / "a.csv", RATINGS + "9,9,1.0,\n"))

    assert located(found) == [(5, "invalid_time")]
    assert len(interactions(list(found.events()))) == 3


@pytest.mark.parametrize(("text", "how"), [(RATINGS, "sideways"), ("user,item,action\na,b,view\n", "time")])
def test_an_order_that_cannot_be_had_is_refused(tmp_path: Path, text: str, how: str) -> None:
    with pytest.raises(InvalidInput):
        source(write(tmp_path / "a.csv", text), order=how)
