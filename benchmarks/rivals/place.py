"""The rivals' environment, and how one of them is run there: arrays in by file, arrays out by file.

`python -m benchmarks.rivals.place` makes `.venv-rivals`. `SWERVE_RIVALS` names another environment to use instead.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import ROOT

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
HOW = "python -m benchmarks.rivals.place makes the environment"


def python() -> Path | None:
    """The interpreter of the rivals' environment, or None where nobody made one."""
    folder = Path(os.environ.get("SWERVE_RIVALS") or ROOT / ".venv-rivals")
    found = folder / "bin" / "python"
    return found if found.exists() else None


class RivalFailed(Exception):
    """A rival could not be run or did not come to an end; the message says why."""


def ask(name: str, given: Mapping[str, Any], timeout_s: float) -> dict[str, np.ndarray]:
    """What the rival makes of the arrays, with `seconds`, `rss_mib` and `note`. Raises RivalFailed."""
    interpreter = python()
    if interpreter is None:
        raise RivalFailed(HOW)
    with tempfile.TemporaryDirectory() as folder:
        question, answer = Path(folder) / "question.npz", Path(folder) / "answer.npz"
        np.savez(question, **given)
        command = [str(interpreter), "-m", "benchmarks.rivals.worker", name, str(question), str(answer)]
        # Packages that write (checkpoints, logs) do so where they are started.
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        try:
            done = subprocess.run(
                command, cwd=folder, env=environment, capture_output=True, text=True, timeout=timeout_s, check=False
            )
        except subprocess.TimeoutExpired:
            raise RivalFailed(f"not done after {timeout_s:.0f} s") from None
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise RivalFailed(f"exit status {done.returncode}: {last[:300]}")  # negative: the signal that ended it
        with np.load(answer) as arrays:
            return dict(arrays)


def make(folder: Path) -> None:
    """Make the environment; raises CalledProcessError where pip cannot."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    subprocess.run([str(folder / "bin" / "pip"), "install", *_index(), "-r", str(REQUIREMENTS)], check=True)


def _index() -> list[str]:
    """On Linux the plain index holds torch with 3 GB of CUDA: take the CPU build from its own unless told otherwise."""
    told = "PIP_INDEX_URL" in os.environ or "PIP_CONFIG_FILE" in os.environ
    return [] if told else ["--extra-index-url", "https://download.pytorch.org/whl/cpu"]


if __name__ == "__main__":
    make(ROOT / ".venv-rivals")
