"""One process per directory."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from swerve.errors import DirectoryInUse
from swerve.log import DirectoryLock, examine, repair
from tests.log.helpers import append, opened, record


def test_a_second_process_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from swerve.log import *; from swerve.errors import DirectoryInUse\n"
        "try: SqliteLog(Path(sys.argv[1]), LogConfig(), lambda: 0.0)\n"
        "except DirectoryInUse as error: print(error.code, error)\n"
    )
    with closing(opened(tmp_path)):
        done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)

    assert done.stdout.startswith("in_use")
    assert str(os.getpid()) in done.stdout


def test_the_same_process_is_refused_too(tmp_path: Path) -> None:
    with closing(opened(tmp_path)), pytest.raises(DirectoryInUse):
        opened(tmp_path)

    opened(tmp_path).close()


def test_the_doctor_waits_for_nobody(tmp_path: Path) -> None:
    with closing(opened(tmp_path)):
        with pytest.raises(DirectoryInUse):
            examine(tmp_path)
        with pytest.raises(DirectoryInUse):
            repair(tmp_path)


def test_a_dead_holder_leaves_no_lock(tmp_path: Path) -> None:
    code = "import sys, os; from pathlib import Path; from swerve.log import *; lock = DirectoryLock(Path(sys.argv[1]))"
    code += "; os._exit(9)"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "lock")], check=False)

    lock = DirectoryLock(tmp_path / "lock")
    assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
    lock.release()
    lock.release()


def test_a_refused_opening_leaves_the_holder_alone(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as log:
        with pytest.raises(DirectoryInUse):
            opened(tmp_path)
        append(log, record("a"))

        assert log.head() == 1


def test_a_lock_without_a_readable_pid_still_refuses(tmp_path: Path) -> None:
    lock = DirectoryLock(tmp_path / "lock")
    (tmp_path / "lock").write_bytes(b"\xff\xfe")

    with pytest.raises(DirectoryInUse, match="pid"):
        DirectoryLock(tmp_path / "lock")
    lock.release()
