"""A power cut that the kernel simulates: a file system of its own is shut down without flushing anything.

The process is frozen first: an fsync that is under way while the file system goes down may report success, and the
harness would blame the log for it. What was not synced is gone then; writes are not torn or reordered (the simulated
cut does that).
"""

from __future__ import annotations

import fcntl
import os
import random
import signal
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.crash.kill import Outcome, crash_cycles

_SHUTDOWN, _NO_FLUSH = 0x8004587D, 2
"""EXT4_IOC_SHUTDOWN, EXT4_GOING_FLAGS_NOLOGFLUSH."""


class CannotCutError(Exception):
    """This machine does not let us make, mount or shut down a file system; the text says which."""


class Machine:
    """A small disk with a file system on it."""

    def __init__(self, image: Path, mount: Path) -> None:
        self._image, self.mount = image, mount

    def start(self) -> None:
        """Mount the disk."""
        _run("mount", "-o", "loop", str(self._image), str(self.mount))

    def stop(self) -> None:
        """Unmount the disk."""
        for _ in range(50):
            if subprocess.run(["umount", str(self.mount)], capture_output=True, check=False).returncode == 0:
                return
            time.sleep(0.02)
        raise CannotCutError("the file system stays busy")

    def cut(self, pid: int) -> None:
        """Freeze the process, let the file system forget, kill the process."""
        os.kill(pid, signal.SIGSTOP)
        while any(_state(thread) not in "TXZ" for thread in Path(f"/proc/{pid}/task").iterdir()):
            time.sleep(0.0005)
        self.shut_down()
        os.kill(pid, signal.SIGKILL)

    def shut_down(self) -> None:
        """Nothing reaches the disk any more."""
        fd = os.open(self.mount, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, _SHUTDOWN, struct.pack("I", _NO_FLUSH))
        except OSError as error:
            raise CannotCutError(f"the file system cannot be shut down: {error}") from error
        finally:
            os.close(fd)

    def restart(self) -> None:
        """Power comes back."""
        self.stop()
        self.start()


@contextmanager
def machine(folder: Path, size_mb: int = 96) -> Iterator[Machine]:
    """A fresh disk below `folder`. Raises CannotCutError where that is not possible."""
    image, mount = folder / "disk.img", folder / "mnt"
    mount.mkdir()
    with image.open("wb") as file:
        file.truncate(size_mb << 20)
    _run("mkfs.ext4", "-q", "-F", str(image))
    computer = Machine(image, mount)
    computer.start()
    try:
        computer.shut_down()  # tried once before anything depends on it
        computer.restart()
        yield computer
    finally:
        computer.stop()


def cut_cycles(computer: Machine, cycles: int, seed: int, build: str = "right") -> Outcome:
    """Cut the power of a writing child after up to 200 ms, `cycles` times; see `kill_cycles`."""
    directory = computer.mount / f"shop{seed}"
    return crash_cycles(directory, cycles, random.Random(seed), build, 200.0, computer.cut, computer.restart)


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise CannotCutError(f"{command[0]} is not installed") from error
    except subprocess.CalledProcessError as error:
        raise CannotCutError(f"{' '.join(command[:3])} failed: {error.stderr.strip()}") from error


def _state(thread: Path) -> str:
    try:
        return (thread / "stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"
