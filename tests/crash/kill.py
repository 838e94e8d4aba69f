"""Kill a writing process again and again, at any instant, and compare what it acknowledged with what is left."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from tests.crash.child import batch_named
from tests.crash.story import Verdict

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
    rng = random.Random(seed)
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
            _one(nursery, rng.uniform(1.0, longest_ms) / 1e3, sent, acked)
        nursery.stdin.close()
    return Outcome(sum(len(batch_named(name).records) for name in acked), _verdict(directory, sent, acked))


def _one(nursery: subprocess.Popen[bytes], after_s: float, sent: set[str], acked: set[str]) -> None:
    """Kill the child `after_s` after its birth, and take in all that it said."""
    assert nursery.stdout is not None
    kill_at = 0.0
    pid = 0
    os.set_blocking(nursery.stdout.fileno(), False)
    rest = b""
    while True:
        if pid and time.monotonic() >= kill_at:
            os.kill(pid, signal.SIGKILL)
            pid = 0
        data = os.read(nursery.stdout.fileno(), 65536) if _readable(nursery) else b""
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            kind, _, name = line.decode().partition(" ")
            if kind == "done":
                return
            if kind == "pid":
                pid, kill_at = int(name), time.monotonic() + after_s
            else:
                (sent if kind == "S" else acked).add(name)
