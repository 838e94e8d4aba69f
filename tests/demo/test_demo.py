"""`swerve demo` as somebody meets it: in a process of its own, on bundled data, and then over HTTP."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from swerve.demo.verb import FILMS, PORT, _free
from swerve.terminal import width_of
from tests.cli.shops import swerve

First: TypeAlias = tuple[Path, subprocess.CompletedProcess[str]]
SHA256 = {
    "movies.csv": "5a5f32dd9bb3797b8e728a1b98958789d2b13f294a69fdfbc5727f8a9611aa07",
    "ratings.csv": "aa289ca83157595d0df6aea1be6a4ded676ddc4385472e8313a8ed9805352646",
    "README.txt": "63d22ac138e80fae37021797ed8e1b9424b5239dc576a137422adf783ae3f404",
}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> First:
    """The directory and the words of a first show."""
    directory = tmp_path_factory.mktemp("demo") / "demo-shop"
    return directory, swerve("demo", "--dir", directory, "--once")


def parts(shown: str) -> list[str]:
    """The show from one headline to the next."""
    return shown.split("▶ ")


def places(part: str) -> list[tuple[str, str, str]]:
    """(before, after, how it moved) of the rows of a table."""
    rows = [line for line in part.splitlines() if re.match(r" {1,2}\d{1,2} ", line)]
    return [(row[4:37].strip(), row[39:72].strip(), row[74:].strip()) for row in rows]


def test_one_event_changes_the_list_and_the_evidence_names_it(first: First) -> None:
    _, shown = first
    assert shown.returncode == 0, shown.stderr
    _, event, _, _ = parts(shown.stdout)

    assert event.startswith("One event: user 556 plays Star Wars: Episode IV - A New Hope (1977)")
    assert re.search(r"on disk after [\d.]+ ms \(fsync\), changed list [\d.]+ ms later", event)
    rows = places(event)
    assert len(rows) == 10
    assert [row[0] for row in rows] != [row[1] for row in rows]
    assert "Star Wars: Episode V" in rows[0][1]
    assert rows[0][2] == "new"
    assert re.search(r"\d+ went on from Star Wars: Episode IV - A New Hope \(1977\) to this", event)


def test_not_interested_takes_it_away_at_once_and_undo_brings_it_back(first: First) -> None:
    _, event, refusal, undone = parts(first[1].stdout)

    refused = places(event)[0][1]
    assert refused not in [row[1] for row in places(refusal)]
    assert [row[0] for row in places(refusal)] == [row[1] for row in places(event)][:5]
    assert "The list is the one from before." in undone


def test_it_is_readable_at_80_columns_without_colours(first: First) -> None:
    shown = first[1]

    assert "\x1b" not in shown.stdout + shown.stderr
    assert max(width_of(line) for line in shown.stdout.splitlines()) <= 80
    assert re.search(r"110,578 events in [\d.]+ s", shown.stderr)


def test_a_second_show_imports_nothing_and_takes_somebody_to_whom_the_film_is_new(first: First) -> None:
    again = swerve("demo", "--dir", first[0], "--once")

    assert again.returncode == 0, again.stderr
    assert "already" in again.stderr
    _, event, refusal, undone = parts(again.stdout)
    assert "user 556" not in event
    assert event.startswith("One event: user ")
    assert "new" in [mark for _, _, mark in places(event)]
    assert "Star Wars: Episode IV" not in places(event)[0][0]
    assert "The list is the one from before." in undone
    assert places(event)[0][1] not in [row[1] for row in places(refusal)]


@pytest.mark.parametrize(("environ", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colours_only_on_a_terminal_that_wants_them(first: First, environ: dict[str, str], coloured: bool) -> None:
    command = [sys.executable, "-m", "swerve.cli", "demo", "--dir", str(first[0]), "--once"]
    main, side = pty.openpty()
    base = {key: value for key, value in os.environ.items() if key != "NO_COLOR"} | {"TERM": "xterm", "COLUMNS": "80"}
    with subprocess.Popen(command, stdout=side, stderr=side, env=base | environ) as process:
        os.close(side)
        shown = b""
        while True:
            try:
                piece = os.read(main, 65_536)
            except OSError:  # what Linux says when the other side is closed
                break
            shown += piece
    os.close(main)

    assert process.returncode == 0
    assert (b"\x1b[1m" in shown) is coloured


def served(directory: Path, use: Callable[[str], None]) -> int:
    """Run the demo until it serves, use it, stop it; returns the exit status."""
    command = [sys.executable, "-u", "-m", "swerve.cli", "demo", "--dir", str(directory), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if found := re.search(r"Serving at (\S+)", line):
                    use(found[1])
                    break
        finally:
            process.send_signal(signal.SIGTERM)
            process.stdout.read()
        return process.wait(60)


def test_then_it_serves_what_it_showed(first: First) -> None:
    answers: list[dict[str, object]] = []

    def use(url: str) -> None:
        body = b'{"user":"you","item":"1","action":"play"}'
        request = urllib.request.Request(f"{url}/v1/events", body, {"Content-Type": "application/json"})
        for ask in (request, f"{url}/v1/recommend?user=you&n=5"):
            with urllib.request.urlopen(ask, timeout=30) as answer:
                answers.append(json.load(answer))

    assert served(first[0], use) == 0
    ack, slate = answers
    assert ack["accepted"] == 1
    assert slate["state_offset"] == ack["offset"]


def test_a_taken_port_is_no_reason_to_fail() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert _free(taken.getsockname()[1]) == 0
    assert _free(PORT) in (PORT, 0)


@pytest.mark.slow
def test_an_import_that_was_killed_is_finished_by_the_next_show(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "swerve.cli", "demo", "--dir", str(tmp_path / "d"), "--once"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        began = time.monotonic()
        while not list(tmp_path.glob("d/imports/*.json")) and time.monotonic() - began < 30:
            time.sleep(0.01)
        time.sleep(0.7)
        process.kill()

    shown = swerve("demo", "--dir", tmp_path / "d", "--once")

    assert shown.returncode == 0, shown.stderr
    counted = swerve("export", tmp_path / "d", "--no-impressions").stdout
    assert counted.count('"action":"rate"') == 100_836


def test_the_bundled_data_is_unchanged_and_its_terms_lie_beside_it() -> None:
    for name, expected in SHA256.items():
        assert hashlib.sha256((FILMS / name).read_bytes()).hexdigest() == expected, name
    notice = (FILMS.parent / "NOTICE.md").read_text()
    assert "no commercial use" in notice
    assert "10.1145/2827872" in (FILMS / "README.txt").read_text()
    assert "not covered by this project's" in notice
