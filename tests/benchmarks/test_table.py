"""The README's table is what was measured: rendered from the kept results, nothing typed by hand."""

from __future__ import annotations

import importlib.util

import pytest

from benchmarks.common import ROOT
from benchmarks.table import (
    BARS,
    BEGIN,
    BESIDE_BEGIN,
    BESIDE_END,
    END,
    OURS,
    README,
    beside,
    render,
    results,
    written,
)

OUTCOME = {
    "benchmark": "serving",
    "commit": "abc",
    "date": "2026-01-01",
    "machine": "2 x CPU",
    "metrics": {"lists_per_s": 1234.5, "p99_ms_at_half_load": 30.0, "rss_mb": 250},
}


def test_the_readme_shows_exactly_the_kept_results() -> None:
    page = README.read_text()
    assert f"{BEGIN}\n{render(results())}\n{END}" in page
    assert f"{BESIDE_BEGIN}\n{beside(results())}\n{BESIDE_END}" in page


def test_everybody_stands_beside_us_with_what_it_cost() -> None:
    ours = {f"{name}_{metric}": 0.2 for name in OURS for metric in ("hr10", "ndcg10")} | {"ml1m_p1_train_cpu_min": 23.0}
    slow = {"slow_sasrec_hr10": 0.3, "slow_sasrec_ndcg10": 0.25, "slow_sasrec_seconds": 90, "slow_sasrec_cpu_s": 30.0}
    notes = {"rival_slow_sasrec": {"note": "2 epochs"}, "rival_large": {"note": "NOT RUN: memory"}, "model": {}}
    lines = beside({"accuracy": {"metrics": ours | slow, "settings": notes}}).splitlines()
    assert len(lines) == 2 + len(OURS) + 2
    assert lines[-1] == "| large | | | | | NOT RUN: memory |", "nor is anybody left out"
    assert lines[2] == "| slow sasrec | 0.3000 | 0.2500 | 0.5 |  | 2 epochs |", "whoever is best comes first"
    assert "| swerve, the user model | 0.2000 | 0.2000 | 23.0 |  |  |" in lines


def test_every_kept_result_is_a_full_run_of_committed_code() -> None:
    for name, outcome in results().items():
        assert outcome["benchmark"] == name
        assert set(outcome) >= {"commit", "date", "machine", "settings", "metrics"}
        for part in (outcome, *outcome.get("parts", {}).values()):
            assert not part["commit"].endswith("+"), f"{name} was measured on uncommitted sources"


@pytest.mark.parametrize("name", sorted({bar.benchmark for bar in BARS}))
def test_every_benchmark_of_the_table_exists_and_measures_what_it_names(name: str) -> None:
    assert importlib.util.find_spec(f"benchmarks.{name}") is not None
    kept = results()
    assert name in kept, f"no full run of {name} is kept"
    assert not [bar.metric for bar in BARS if bar.benchmark == name and bar.metric not in kept[name]["metrics"]]


def test_a_bar_that_is_not_met_says_so() -> None:
    table = render({"serving": OUTCOME})

    assert "**1,234**" in table
    assert "30 (bar not met)" in table
    assert "**250**" in table
    assert "commit `abc`, 2026-01-01, 2 x CPU: serving." in table


def test_the_table_replaces_only_what_is_between_its_marks() -> None:
    text = written(f"before\n{BEGIN}\nold\n{END}\nafter", "new")

    assert text == f"before\n{BEGIN}\nnew\n{END}\nafter"
    with pytest.raises(ValueError, match="README"):
        written("no marks", "new")


def test_every_benchmark_is_explained() -> None:
    page = (ROOT / "benchmarks" / "README.md").read_text()
    runnable = [path.stem for path in (ROOT / "benchmarks").glob("*.py") if "__main__" in path.read_text()]

    assert {bar.benchmark for bar in BARS} <= set(runnable)
    assert not [name for name in runnable if name != "table" and f"`{name}`" not in page]
