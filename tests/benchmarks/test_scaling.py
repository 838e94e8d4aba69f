"""Scaling: the table goes into the page and nothing else changes; costs come from a real engine."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from benchmarks import scaling
from benchmarks.scaling import Cost

COSTS = [Cost("history", 10, 12.4, 900), Cost("history", 10_000, 13, 910), Cost("catalogue", 1_000, 12, 700)]


def test_the_table_goes_between_its_marks() -> None:
    page = scaling.written(f"a\n{scaling.BEGIN}\nold\n{scaling.END}\nb", scaling.table(COSTS))

    assert page.startswith("a\n")
    assert page.endswith("\nb")
    assert "old" not in page
    assert "| events of the user | 10,000 | 13 | 910 |" in page


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="scaling"):
        scaling.written("a page", "rows")


def test_the_real_page_has_the_marks() -> None:
    assert "rows" in scaling.written(scaling.PAGE.read_text(), "rows")


def test_processor_time_is_per_thing_and_leaves_out_waiting() -> None:
    assert scaling.cpu_us(lambda: time.sleep(0.02), 10, rounds=1) < 1_000
    assert scaling.cpu_us(lambda: sum(range(300_000)), 1) > 500


def test_costs_are_measured_for_every_size() -> None:
    costs = scaling.history_costs([5, 20], items=50, past=100)

    assert [(cost.axis, cost.size) for cost in costs] == [("history", 5), ("history", 20)]
    assert all(cost.event_us > 0 and cost.list_us > 0 for cost in costs)


def test_the_plot_is_the_same_for_the_same_numbers(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for name in ("a.svg", "b.svg"):
        scaling.draw(COSTS, tmp_path / name)

    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert b"<svg" in (tmp_path / "a.svg").read_bytes()
