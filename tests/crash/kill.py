"""Kill a writing process again and again, at any instant, and compare what it acknowledged with what is left."""

from __future__ import annotations

import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from swerve.log import SqliteLog
from tests.crash.child import CONFIG, batch_named
from tests.crash.story import Verdict, doubles, judge

ROOT = Path(__file__).resolve().parents[2]


class Outcome(NamedTuple):
    """What some cycles of killing showed."""

    acked: int
    """Events acknowledged in all cycles."""
    verdict: Verdict


def kill_cycles(directory: Path, cycles: int, seed: int, build: str = "right", longest_ms: float = 300.0) -> Outcome:
    """Let a child write into `directory`, SIGKILL it after up to `longest_ms` (also while it recovers), `cycles` times.

    Batches that were sent but not answered are sent again by the next child when they carry ids.
    """
    return crash_cycles(directory, cycles, random.Random(seed), build, longest_ms, kill)


def kill(pid: int) -> None:
    """The end of a process, whatever it is doing."""
    os.kill(pid, signal.SIGKILL)


def crash_cycles(
    directory: Path,
    cycles: int,
    rng: random.Random,
    build: str,
    longest_ms: float,
    crash: Callable[[int], None],
    mend: Callable[[], None] = lambda: None,
) -> Outcome:
    """Crash a writing child again and again by `crash(pid)`, after its death `mend()` what else the crash broke."""
    sent: set[str] = set()
    acked: set[str] = set()
    command = [sys.executable, "-m", "tests.crash.child"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as nursery:
        assert nursery.stdin is not None
        for cycle in range(cycles):
            resend = sorted(name for name in sent - acked if name.startswith("i"))
            order = {"directory": str(directory), "cycle": cycle, "build": build, "resend": resend}
            nursery.stdin.write(json.dumps(order).encode() + b"\n")
            nursery.stdin.flush()
            _one(nursery, rng.uniform(1.0, longest_ms) / 1e3, sent, acked, crash)
            mend()
        nursery.stdin.close()
    return Outcome(sum(len(batch_named(name).records) for name in acked), _verdict(directory, sent, acked))


def _one(
    nursery: subprocess.Popen[bytes], after_s: float, sent: set[str], acked: set[str], crash: Callable[[int], None]
) -> None:
    """Crash the child `after_s` after its birth, and take in all that it said."""
    assert nursery.stdout is not None
    said = nursery.stdout.fileno()
    pid, left_s, rest, done = 0, 10.0, b"", False
    while not done:
        began = time.monotonic()
        ready, _, _ = select.select([said], [], [], max(left_s, 0.0))
        *lines, rest = (rest + os.read(said, 65536)).split(b"\n") if ready else (rest,)
        for kind, _, name in (line.decode().partition(" ") for line in lines):
            if kind in "SA":
                (sent if kind == "S" else acked).add(name)
            elif kind == "pid":
                pid, left_s, began = int(name), after_s, time.monotonic()
            else:
                done = True
        left_s -= time.monotonic() - began
        if left_s <= 0 and pid:
            crash(pid)
            pid, left_s = 0, 10.0
        assert left_s > 0, "the child did not end"


def _verdict(directory: Path, sent: set[str], acked: set[str]) -> Verdict:
    with closing(SqliteLog(directory, CONFIG, time.time)) as log:
        left = list(log.read())
        assert [record.offset for record in left] == list(range(len(left)))
    found = judge(map(batch_named, acked), map(batch_named, sent - acked), left)
    return found._replace(doubled=max(found.doubled, doubles(left)))
