"""A disk that forgets: which bytes and which names a power cut could leave, at every step of a recorded run.

`recorded` notes what a run asks of the disk: SQLite's writes and syncs (through `vfs`), and the file calls that the
log makes itself (`os.pwrite`, `fsync`, `replace`, `unlink`). `Disk` replays the notes and keeps, for each file, the
bytes that were synced and the writes after that, and for each folder the names that were synced and the changes
after that. `left_by` then draws a state that a power cut could leave: each unsynced write kept, lost or torn at a
512-byte boundary, in any combination (so also reordered), and each unsynced name change kept or lost.

Covered: lost, torn and reordered writes; lost creations, renames and removals. Not covered: a disk that lies about a
sync, damage to bytes that were synced (that is what test_corruption is for), name changes kept out of order.
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from tests.crash import vfs

SECTOR = 512
Note = tuple[Any, ...]
"""(`write`, path, place, data) | (`size`, path, n) | (`content`, path, data) | (`sync`, path) | (`folder`, path) |
(`move`, old, new) | (`gone`, path) | (`said`, anything): what the run answered its caller."""


@contextmanager
def recorded(root: Path) -> Iterator[list[Note]]:
    """Note everything that happens to the files below `root`; shared-memory indexes do not outlive a power cut."""
    notes: list[Note] = []
    lock = threading.Lock()
    real = {name: getattr(os, name) for name in ("pwrite", "fsync", "replace", "unlink")}

    def note(*what: Any) -> None:
        with lock:
            notes.append(what)

    def watch(kind: str, path: str, place: int, data: bytes) -> int:
        if kind == "write":
            note("write", path, place, data)
        elif kind == "truncate":
            note("size", path, place)
        elif kind == "create":
            note("size", path, 0)
        elif kind == "sync":
            note("sync", path)
        else:
            note("gone", path)
            if place:
                note("folder", os.path.dirname(path))
        return 0

    def pwrite(fd: int, data: bytes, place: int) -> int:
        note("write", os.readlink(f"/proc/self/fd/{fd}"), place, bytes(data))
        return real["pwrite"](fd, data, place)

    def fsync(fd: int) -> None:
        path = os.readlink(f"/proc/self/fd/{fd}")
        if os.path.isdir(path):
            note("folder", path)
        else:
            note("content", path, Path(path).read_bytes())
            note("sync", path)
        real["fsync"](fd)

    def replace(old: Any, new: Any) -> None:
        note("move", str(old), str(new))
        real["replace"](old, new)

    def unlink(path: Any) -> None:
        real["unlink"](path)
        note("gone", str(path))

    with (
        vfs.watched(watch),
        mock.patch.object(os, "pwrite", pwrite),
        mock.patch.object(os, "fsync", fsync),
        mock.patch.object(os, "replace", replace),
        mock.patch.object(os, "unlink", unlink),
    ):
        yield notes


class _Inode:
    """One file's bytes: what is safe, and the writes since."""

    def __init__(self, data: bytes = b"") -> None:
        self.safe = data
        self.since: list[tuple[int, bytes | None]] = []
        self.named = False

    def now(self) -> bytes:
        return _applied(self.safe, self.since)


def _applied(data: bytes, writes: list[tuple[int, bytes | None]]) -> bytes:
    content = bytearray(data)
    for place, part in writes:
        if part is None:  # a truncate
            content = content[:place].ljust(place, b"\0")
            continue
        if len(content) < place:
            content.extend(bytes(place - len(content)))
        content[place : place + len(part)] = part
    return bytes(content)


class Disk:
    """What is on the disk, and what only seems to be."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._names: dict[str, _Inode] = {}
        self._safe: dict[str, _Inode] = {}
        self._changes: list[dict[str, _Inode | None]] = []
        for path in root.rglob("*"):
            if path.is_file() and not path.name.endswith("-shm"):
                self._names[str(path)] = self._safe[str(path)] = _Inode(path.read_bytes())

    def replay(self, note: Note) -> None:
        """Take one note into account."""
        kind, *rest = note
        if kind == "said":
            return
        path = rest[0]
        if kind in ("write", "size", "content"):
            self._write(kind, path, rest[1:])
        elif kind == "sync" and path in self._names:
            inode = self._names[path]
            inode.safe, inode.since = inode.now(), []
            if path.endswith(("-wal", "-journal")) and not inode.named:
                self._settle(os.path.dirname(path))  # SQLite syncs the folder with the first sync of these
            inode.named = True
        elif kind == "folder":
            self._settle(path)
        elif kind == "move":
            inode = self._names.pop(path)
            self._names[rest[1]] = inode
            self._changes.append({path: None, rest[1]: inode})
        elif kind == "gone" and path in self._names:
            del self._names[path]
            self._changes.append({path: None})

    def _write(self, kind: str, path: str, rest: list[Any]) -> None:
        if path not in self._names:
            self._names[path] = _Inode()
            self._changes.append({path: self._names[path]})
        inode = self._names[path]
        if kind == "write":
            inode.since.append((rest[0], rest[1]))
        elif kind == "size":
            inode.since.append((rest[0], None))
        elif rest[0] != inode.now():
            inode.since += [(0, rest[0]), (len(rest[0]), None)]

    def _settle(self, folder: str) -> None:
        later = []
        for change in self._changes:
            if all(os.path.dirname(name) == folder for name in change):
                _put(self._safe, change)
            else:
                later.append(change)
        self._changes = later

    def left_by(self, damage: str, rng: random.Random) -> dict[str, bytes]:
        """Files after a power cut now. `damage`: `lost` (all unsynced), `kept` (none lost), `mixed`, `torn`."""
        names = dict(self._safe)
        # A folder's changes reach the disk in order, so some first part of them did.
        count = {"lost": 0, "kept": len(self._changes)}.get(damage, rng.randint(0, len(self._changes)))
        for change in self._changes[:count]:
            _put(names, change)
        return {name: self._content(inode, damage, rng) for name, inode in names.items()}

    @staticmethod
    def _content(inode: _Inode, damage: str, rng: random.Random) -> bytes:
        if damage == "lost":
            return inode.safe
        if damage == "kept":
            return inode.now()
        writes: list[tuple[int, bytes | None]] = []
        for place, part in inode.since:
            fate = rng.random()
            if fate < 0.5:
                writes.append((place, part))
            elif part is not None and (damage == "torn" or fate < 0.6):
                first = rng.randrange(0, len(part) + 1, SECTOR) if len(part) > SECTOR else 0
                writes.append((place + first, part[first:]) if rng.random() < 0.5 else (place, part[:first]))
        return _applied(inode.safe, writes)


def _put(names: dict[str, _Inode], change: dict[str, _Inode | None]) -> None:
    for name, inode in change.items():
        if inode is None:
            names.pop(name, None)
        else:
            names[name] = inode


def write_out(files: dict[str, bytes], root: Path, to: Path) -> None:
    """Put a state of the folder `root` into the folder `to`."""
    for name, content in files.items():
        path = to / Path(name).relative_to(root)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
