"""`swerve serve` as a supervisor meets it: ready, asked, stopped, refused."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from swerve.engine import open_engine
from swerve.types import Interaction, Item
from tests.cli.shops import opened, stored, swerve


@contextmanager
def serving(directory: Path, *words: str) -> Iterator[tuple[str, str, subprocess.Popen[str]]]:
    """(address, first line, process) of `swerve serve` on a free port; SIGTERM at the end."""
    command = [sys.executable, "-u", "-m", "swerve.cli", "serve", str(directory), "--port", "0", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found, process.communicate()[1]
        try:
            yield found[0], line, process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)


def ask(url: str, body: object = None, key: str = "") -> Any:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def test_a_new_project_is_served_and_what_was_acked_is_there_afterwards(tmp_path: Path) -> None:
    with serving(tmp_path / "shop", "--preset", "shop") as (url, line, process):
        assert "no key needed from this machine" in line
        ack = ask(f"{url}/v1/events", {"user": "ann", "item": "mug", "action": "view", "time": 1_600_000_000})
        assert ack["accepted"] == 1
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0

    with opened(tmp_path / "shop") as engine:
        assert stored(engine) == ["ann,mug,view,1600000000"]


def test_ctrl_c_ends_it_in_order(tmp_path: Path) -> None:
    with serving(tmp_path / "shop", "--preset", "shop") as (_, _, process):
        process.send_signal(signal.SIGINT)
        _, words = process.communicate(timeout=60)

    assert process.returncode == 0
    assert "Traceback" not in words


def test_the_preset_is_remembered_and_another_one_refused(tmp_path: Path) -> None:
    with serving(tmp_path / "films", "--preset", "media"):
        pass

    other = swerve("serve", tmp_path / "films", "--preset", "shop", "--port", 0)

    assert other.returncode == 2
    assert "another preset" in other.stderr
    with open_engine(tmp_path / "films") as engine:
        engine.observe(Interaction(user="ann", item="x", action="play"))


def test_S1_a_bind_that_others_can_reach_needs_a_key(tmp_path: Path) -> None:
    refused = swerve("serve", tmp_path / "shop", "--preset", "shop", "--host", "0.0.0.0", "--port", 0)

    assert refused.returncode == 2
    assert refused.stderr.startswith("Error: ")
    assert "key" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_with_a_key_only_its_holder_is_served(tmp_path: Path) -> None:
    with opened(tmp_path / "shop") as engine:
        engine.observe([Item(id="mug", title="Mug")])
    key = swerve("key", "create", tmp_path / "shop", "--role", "serve").stdout.strip()

    with serving(tmp_path / "shop") as (url, line, _):
        assert "a key is needed" in line
        assert ask(f"{url}/v1/recommend?user=ann", key=key)["picks"][0]["item"] == "mug"
        with pytest.raises(urllib.error.HTTPError) as caught:
            ask(f"{url}/v1/recommend?user=ann")
        caught.value.close()

    assert caught.value.code == 401


def test_a_taken_port_and_an_unknown_host_are_said_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        busy = swerve("serve", tmp_path / "shop", "--preset", "shop", "--port", taken.getsockname()[1])

    assert busy.returncode == 2
    assert "cannot listen there" in busy.stderr
    assert "Traceback" not in busy.stderr


def test_D4_a_damaged_log_is_not_served(tmp_path: Path) -> None:
    with opened(tmp_path / "shop") as engine:
        engine.observe([Item(id=f"m{k}", title=f"Mug number {k}") for k in range(50)])
    (path,) = (tmp_path / "shop" / "log").glob("*.db")
    path.write_bytes(path.read_bytes().replace(b"Mug number 7", b"Jug number 7"))

    refused = swerve("serve", tmp_path / "shop", "--port", 0)

    assert refused.returncode == 3
    assert "doctor" in refused.stderr or "offset" in refused.stderr


def test_a_second_process_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    with serving(tmp_path / "shop", "--preset", "shop") as (url, _, process):
        second = swerve("serve", tmp_path / "shop", "--port", 0)

        assert second.returncode == 1
        assert f"pid {process.pid}" in second.stderr
        assert ask(f"{url}/v1/recommend?user=ann")["picks"] == []
