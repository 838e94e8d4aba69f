"""What the benchmarks share does what it says: one report, honest percentiles, paced load, one core."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks import common
from benchmarks.common import Percentiles, arguments, arrivals, dataset, keep, pinned, report, rss_mb, timed


def plain(**changes: object) -> argparse.Namespace:
    return argparse.Namespace(**{"json": False, "quick": False, "keep": False, "data": None, **changes})


def test_the_report_ends_with_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    report("example", {"items": 10}, {"p50_ms": 1.23456789, "stale": 0.0}, plain(json=True))

    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(last) == {"benchmark", "commit", "machine", "settings", "metrics"}
    assert last["benchmark"] == "example"
    assert last["settings"] == {"items": 10}
    assert last["metrics"] == {"p50_ms": 1.23457, "stale": 0}


def test_without_json_the_report_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    report("example", {"items": 10}, {"lists_per_s": 1234.5}, plain())

    said = capsys.readouterr().out
    assert "lists_per_s" in said
    assert "1,234.5" in said
    assert "{" not in said


def test_a_kept_outcome_has_a_date(tmp_path: Path) -> None:
    path = keep({"benchmark": "example", "metrics": {"a": 1}}, tmp_path / "results")

    kept = json.loads(path.read_text())
    assert path.name == "example.json"
    assert kept["metrics"] == {"a": 1}
    assert kept["date"].count("-") == 2


def test_a_quick_run_cannot_be_kept(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        arguments("example", ["--quick", "--keep"])

    assert "full runs" in capsys.readouterr().err


def test_the_folder_of_the_data_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWERVE_DATA", "elsewhere")
    (tmp_path / "ml-1m").mkdir()

    args = arguments("example", ["--data", str(tmp_path)])

    assert args.data == tmp_path
    assert dataset("ml-1m") == tmp_path / "ml-1m"
    assert dataset("ml-2m") is None


def test_the_machine_is_described_but_not_named() -> None:
    said = common.machine()

    assert "GiB" in said
    assert "Python 3" in said
    assert os.uname().nodename not in said.split()


def test_percentiles_are_in_milliseconds() -> None:
    found = Percentiles.of([index / 1000 for index in range(1, 101)])

    assert (found.count, found.max_ms) == (100, 100)
    assert found.p50_ms == pytest.approx(50.5)
    assert found.p99_ms == pytest.approx(99.01)
    assert found.mean_ms == pytest.approx(50.5)


def test_a_slow_answer_does_not_slow_down_the_load() -> None:
    due = []
    for index, at in enumerate(arrivals(rate=200, count=20)):
        due.append(at)
        if index == 0:
            time.sleep(0.05)

    assert [at - due[0] for at in due] == pytest.approx([index / 200 for index in range(20)], abs=1e-6)


def test_timed_gives_answer_and_seconds() -> None:
    answer, seconds = timed(lambda: time.sleep(0.02) or "done")

    assert answer == "done"
    assert seconds >= 0.02


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no CPU affinity on this system")
def test_a_child_inherits_the_core_and_the_parent_gets_its_own_back() -> None:
    before = os.sched_getaffinity(0)
    core = min(before)

    with pinned(core):
        program = "import os; print(*os.sched_getaffinity(0))"
        child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert child.stdout.split() == [str(core)]
    assert os.sched_getaffinity(0) == before


def test_memory_of_a_process() -> None:
    now, most = rss_mb(os.getpid()), rss_mb(os.getpid(), peak=True)

    assert 5 < now <= most + 1


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    broken = tmp_path / "shop"
    broken.mkdir()
    (broken / "swerve.toml").write_text("[events]\nno_such_setting = 1\n")

    with pytest.raises(RuntimeError, match="no_such_setting"), common.serve(broken, timeout_s=30):
        pass


def test_a_server_runs_until_the_block_ends(tmp_path: Path) -> None:
    with common.serve(tmp_path / "shop", {"events.max_batch": 5}, cpu=min(common.ALL_CORES), preset="shop") as served:
        assert served.ready_s > 0
        assert rss_mb(served.pid) > 5
        assert os.sched_getaffinity(served.pid) == {min(common.ALL_CORES)}

    with pytest.raises(OSError, match=r"\d+"):
        os.kill(served.pid, 0)
