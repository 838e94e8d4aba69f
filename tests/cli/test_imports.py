"""An import puts every line of a source into the log exactly once, however often it is interrupted."""

from __future__ import annotations

import gc
import io
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import msgspec
import pytest

from swerve import importing
from swerve.errors import StorageFull
from swerve.importing import How, ImportReport, Tick, run_import
from swerve.readers import detect, from_events
from swerve.readers.resume import load
from swerve.types import Ack, Event, Interaction
from tests.cli.shops import csv_file, csv_source, derived, interactions, lines, opened, stored

BODY = lines(5_000)


def imported(directory: Path, body: list[str], **more: Any) -> ImportReport:
    """Import a file of these lines into the project at `directory`."""
    directory.mkdir(exist_ok=True)
    with opened(directory) as engine:
        source = csv_source(directory / "a.csv", body)
        return run_import(engine, source, positions=directory / "imports", **more)


def rewind(directory: Path, done: int, offset: int) -> None:
    """Make the position file say that less was done, as if the process had died before it was written."""
    (path,) = (directory / "imports").iterdir()
    position = json.loads(path.read_bytes())
    path.write_text(json.dumps(position | {"done": done, "offset": offset, "finished": False}))


def test_every_line_is_stored_once_in_its_order(tmp_path: Path) -> None:
    report = imported(tmp_path, BODY)

    assert (report.accepted, report.duplicates, report.total_refused, report.resumed_at) == (5_000, 0, 0, 0)
    with opened(tmp_path) as engine:
        assert stored(engine) == BODY


def test_what_was_imported_to_its_end_is_not_taken_again(tmp_path: Path) -> None:
    imported(tmp_path, BODY)

    report = imported(tmp_path, BODY)

    assert report.complete_before
    assert report.accepted == 0
    with opened(tmp_path) as engine:
        assert len(stored(engine)) == 5_000


def test_again_takes_it_in_once_more_and_can_be_resumed_too(tmp_path: Path) -> None:
    imported(tmp_path, BODY)

    report = imported(tmp_path, BODY, how=How(again=True))
    rewind(tmp_path, 0, 5_000)
    after = imported(tmp_path, BODY)

    assert (report.accepted, after.accepted, after.resumed_at) == (5_000, 0, 5_000)
    with opened(tmp_path) as engine:
        assert stored(engine) == BODY + BODY


@pytest.mark.parametrize("done", [0, 300, 2_000, 4_999])
def test_a_position_that_lags_behind_the_log_doubles_nothing(tmp_path: Path, done: int) -> None:
    imported(tmp_path, BODY, how=How(batch=300))
    rewind(tmp_path, done, done)

    report = imported(tmp_path, BODY, how=How(batch=700))

    assert (report.accepted, report.resumed_at) == (0, 5_000)
    with opened(tmp_path) as engine:
        assert stored(engine) == BODY


def test_without_marks_the_same_lag_would_double(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test above can fail: it is the marks that keep it."""
    monkeypatch.setattr(importing._Import, "_marked", lambda self, piece: piece.events)
    imported(tmp_path, BODY)
    rewind(tmp_path, 2_000, 2_000)

    assert imported(tmp_path, BODY).accepted == 3_000


def test_a_lost_position_file_is_no_loss_when_every_event_has_an_id(tmp_path: Path) -> None:
    imported(tmp_path, BODY, how=How(idempotent=True))
    for path in (tmp_path / "imports").iterdir():
        path.unlink()

    report = imported(tmp_path, BODY, how=How(idempotent=True, batch=333))

    assert (report.accepted, report.duplicates) == (0, 5_000)
    with opened(tmp_path) as engine:
        assert stored(engine) == BODY


def test_only_one_event_of_a_batch_carries_a_mark(tmp_path: Path) -> None:
    imported(tmp_path, BODY, how=How(batch=500))

    with opened(tmp_path) as engine:
        keys = [record.event.event_id for record in interactions(engine) if record.event.event_id]
    edges = [tuple(map(int, key.split("-")[3:])) for key in keys]
    assert len(keys) == 11  # the first chunk is one line shorter than the others: the header
    assert [first for first, _ in edges] == [0, *(stop for _, stop in edges[:-1])]
    assert edges[-1][1] == 5_000


def test_a_mark_never_stands_in_an_event_that_is_refused(tmp_path: Path) -> None:
    """Every batch ends with a refused line, where the mark would usually be."""
    body = [line if k % 10 < 7 else line.replace("view", "vieww").replace("cart", "crt").replace("buy", "by")
            for k, line in enumerate(BODY)]  # fmt: skip
    first = imported(tmp_path, body, how=How(batch=10))
    rewind(tmp_path, 1_000, 700)

    report = imported(tmp_path, body, how=How(batch=10))

    assert (first.accepted, first.refused) == (3_500, {"unknown_action": 1_500})
    assert report.accepted == 0
    with opened(tmp_path) as engine:
        assert stored(engine) == [line for k, line in enumerate(body) if k % 10 < 7]


def test_batches_without_anything_to_store_are_no_trouble(tmp_path: Path) -> None:
    body = [line if k < 10 or k >= 30 else line.replace(",", ";") for k, line in enumerate(BODY[:50])]
    first = imported(tmp_path, body, how=How(batch=10))
    rewind(tmp_path, 0, 0)

    report = imported(tmp_path, body, how=How(batch=10))

    assert (first.accepted, first.refused) == (30, {"bad_line": 20})
    assert report.accepted == 0
    with opened(tmp_path) as engine:
        assert len(stored(engine)) == 30


def test_ids_of_the_file_are_kept(tmp_path: Path) -> None:
    body = [f"{line},e{k}" for k, line in enumerate(BODY[:100])]
    path = tmp_path / "a.csv"
    path.write_text("user,item,action,time,event_id\n" + "\n".join(body + body[:10]) + "\n")
    with opened(tmp_path) as engine:
        report = run_import(engine, detect(path))

        assert (report.accepted, report.duplicates) == (100, 10)
        assert [record.event.event_id for record in interactions(engine)] == [f"e{k}" for k in range(100)]


class _FullDisk:
    """An engine whose disk is full for some batches, though not for the ones after them."""

    def __init__(self, engine: Any, failing: set[int]) -> None:
        self._engine, self._failing, self._turn = engine, failing, -1
        self.config, self.events, self.status = engine.config, engine.events, engine.status

    def submit(self, events: list[Event]) -> Future[Ack]:
        self._turn += 1
        if self._turn in self._failing:
            failed: Future[Ack] = Future()
            failed.set_exception(StorageFull("no room"))
            return failed
        answer: Future[Ack] = self._engine.submit(events)
        return answer


@pytest.mark.parametrize("failing", [{0}, {3}, {2, 4}, {9}])
def test_a_full_disk_in_between_loses_and_doubles_nothing(tmp_path: Path, failing: set[int]) -> None:
    source = csv_source(tmp_path / "a.csv", BODY)
    positions = tmp_path / "imports"
    with opened(tmp_path) as engine:
        with pytest.raises(StorageFull):
            run_import(_FullDisk(engine, failing), source, positions=positions, how=How(batch=500))  # type: ignore[arg-type]
        run_import(engine, source, positions=positions, how=How(batch=500))

        assert sorted(stored(engine)) == sorted(BODY)


def test_a_full_queue_is_waited_for(tmp_path: Path) -> None:
    with opened(tmp_path, log={"queue_events": 600}) as engine:
        report = run_import(engine, csv_source(tmp_path / "a.csv", BODY), how=How(batch=500))

        assert report.accepted == 5_000
        assert stored(engine) == BODY


def test_refused_lines_are_counted_by_reason_with_examples_and_written_down(tmp_path: Path) -> None:
    body = [*BODY[:100], "broken", "u1,i1,vieww,1600000000", *["u1,i1,view,never"] * 8, *BODY[100:200]]
    rejects = io.StringIO()

    report = imported(tmp_path, body, rejects=rejects)

    assert report.accepted == 200
    assert report.refused == {"bad_line": 1, "unknown_action": 1, "invalid_time": 8}
    assert [one.line for one in report.examples["invalid_time"]] == [104, 105, 106, 107, 108]
    assert [one.line for one in report.examples["unknown_action"]] == [103]
    written = [json.loads(line) for line in rejects.getvalue().splitlines()]
    assert [one["line"] for one in written] == list(range(102, 112))
    assert written[1] == {
        "origin": "a.csv", "line": 103, "code": "unknown_action", "field": "action", "message": written[1]["message"],
    }  # fmt: skip
    assert "vieww" not in rejects.getvalue()


def test_progress_is_told_after_every_batch(tmp_path: Path) -> None:
    ticks: list[Tick] = []

    imported(tmp_path, BODY, how=How(batch=1_000), progress=ticks.append)

    assert [tick.done for tick in ticks] == [1_000, 1_999, 2_999, 3_999, 4_999, 5_000]
    assert {(tick.total, tick.start, tick.refused) for tick in ticks} == {(5_000, 0, 0)}
    assert [tick.seconds for tick in ticks] == sorted(tick.seconds for tick in ticks)


def test_memory_projects_and_own_readers_can_be_imported_into(tmp_path: Path) -> None:
    source = from_events("mine", lambda: (Interaction(user="u", item=f"i{k}", action="view") for k in range(10)))

    with opened(tmp_path) as engine:
        assert run_import(engine, source).accepted == 10


def test_the_position_is_on_disk_before_the_first_event(tmp_path: Path) -> None:
    """Else a kill during the first batches would leave events that nobody knows the import of."""
    with opened(tmp_path) as engine:
        source = csv_source(tmp_path / "a.csv", BODY)
        seen: list[object] = []

        class Watched:
            config, events, status = engine.config, engine.events, engine.status

            def submit(self, events: list[Event]) -> Future[Ack]:
                seen.append(load(tmp_path / "imports", source.fingerprint))
                return engine.submit(events)

        run_import(Watched(), source, positions=tmp_path / "imports")  # type: ignore[arg-type]

    assert seen
    assert None not in seen


def killed_until_done(directory: Path, file: Path, delays_s: list[float]) -> int:
    """Run `swerve import` and kill it after each delay; then let it end. Returns how often it was killed in time."""
    command = [sys.executable, "-m", "swerve.cli", "import", str(directory), str(file), "--preset", "shop"]
    command += ["--batch", "50"]
    environ = {**os.environ, "SWERVE_LOG__MAX_GROUP": "100"}
    kills = 0
    for delay_s in delays_s:
        process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        began = time.monotonic()
        while not list(directory.glob("imports/*.json")) and time.monotonic() - began < 20:
            time.sleep(0.005)
        time.sleep(delay_s)
        process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
    subprocess.run(command, env=environ, check=True, capture_output=True, timeout=120)
    return kills


def test_D1_an_import_killed_again_and_again_ends_like_one_that_was_not(tmp_path: Path) -> None:
    body = lines(20_000, seed=3)
    file = csv_file(tmp_path / "a.csv", body)
    with opened(tmp_path / "whole") as engine:
        run_import(engine, csv_source(tmp_path / "a.csv", body))
        whole = derived(engine)

    kills = killed_until_done(tmp_path / "killed", file, [0.05, 0.4, 0.15, 0.6, 0.25, 0.3])

    assert kills >= 3
    with opened(tmp_path / "killed") as engine:
        assert stored(engine) == body
        assert derived(engine) == whole


def test_the_collector_is_left_as_it_was(tmp_path: Path) -> None:
    before = gc.get_threshold()
    seen: list[object] = []

    imported(tmp_path, BODY[:10], progress=lambda tick: seen.append(gc.get_threshold()))
    with pytest.raises(ZeroDivisionError):
        imported(tmp_path, BODY[:20], progress=lambda tick: 1 // 0)

    assert seen[0] != before
    assert gc.get_threshold() == before


def test_report_can_be_written_down() -> None:
    report = ImportReport(name="a", accepted=3, refused={"x": 2}, seconds=0.5)

    assert (report.total_refused, report.rate) == (2, 10.0)
    assert msgspec.json.decode(msgspec.json.encode(report), type=ImportReport) == report
