"""SQLite's own door to the disk, watched and disturbed: every write, sync, truncate and delete, real bytes and all.

A copy of the default VFS is registered whose `xOpen` swaps three functions of each file it opens; everything else
(locks, shared memory, reads) stays SQLite's own. No root, no compiler, no other library: ctypes talks to the very
libsqlite3 that the sqlite3 module uses, and `available` says so when that is not a shared library.
"""

from __future__ import annotations

import ctypes
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_int, c_int64, c_void_p
from typing import Any

Watch = Callable[[str, str, int, bytes], int]
"""(kind, path, place, data) -> 0 to let it happen, or an SQLite error code to return instead.

kind: `create`, `write`, `truncate` (place = size), `sync`, `delete` (place = 1 when the directory is synced too).
"""

_OPEN_CREATE = 0x4
# Names travel as pointers: SQLite keeps the parameters of a URI behind the terminator of the name.
_OPEN = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, POINTER(c_int))
_DELETE = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int)
_ACCESS = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, POINTER(c_int))
_WRITE = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
_TRUNCATE = CFUNCTYPE(c_int, c_void_p, c_int64)
_SYNC = CFUNCTYPE(c_int, c_void_p, c_int)


class _Vfs(ctypes.Structure):
    _fields_ = [
        ("version", c_int), ("file_size", c_int), ("longest", c_int), ("following", c_void_p), ("name", c_char_p),
        ("data", c_void_p), ("open", c_void_p), ("delete", c_void_p), ("access", c_void_p),
        *[(f"other{place}", c_void_p) for place in range(13)],
    ]  # fmt: skip


class _Methods(ctypes.Structure):
    _fields_ = [
        ("version", c_int), ("close", c_void_p), ("read", c_void_p), ("write", c_void_p), ("truncate", c_void_p),
        ("sync", c_void_p), *[(f"other{place}", c_void_p) for place in range(13)],
    ]  # fmt: skip


class _File(ctypes.Structure):
    _fields_ = [("methods", POINTER(_Methods))]


def available() -> str:
    """Empty when SQLite can be watched here, else the reason why not."""
    try:
        library = _library()
    except (OSError, AttributeError) as error:
        return f"libsqlite3 is not a shared library here: {error}"
    return "" if library.sqlite3_libversion() == sqlite3.sqlite_version.encode() else "another libsqlite3 was found"


def _library() -> Any:
    library = ctypes.CDLL("libsqlite3.so.0")
    library.sqlite3_libversion.restype = c_char_p
    library.sqlite3_vfs_find.restype = POINTER(_Vfs)
    library.sqlite3_vfs_find.argtypes = [c_char_p]
    library.sqlite3_vfs_register.argtypes = [c_void_p, c_int]
    library.sqlite3_vfs_unregister.argtypes = [c_void_p]
    return library


@contextmanager
def watched(watch: Watch) -> Iterator[None]:
    """While inside, every database that is opened reports to `watch`."""
    library = _library()
    real = library.sqlite3_vfs_find(None)
    own = _Vfs.from_buffer_copy(real.contents)
    spy = _Spy(real, watch)
    own.name = b"watched"
    own.open = ctypes.cast(spy.open, c_void_p).value
    own.delete = ctypes.cast(spy.delete, c_void_p).value
    assert library.sqlite3_vfs_register(ctypes.byref(own), 1) == 0
    try:
        yield
    finally:
        library.sqlite3_vfs_register(real, 1)
        library.sqlite3_vfs_unregister(ctypes.byref(own))
        _KEPT.append((own, spy))  # a connection that is still open calls into these


_KEPT: list[Any] = []


class _Spy:
    """The replaced functions, and which path each open file has."""

    def __init__(self, real: Any, watch: Watch) -> None:
        self._real, self._watch = real, watch
        self._paths: dict[int, str] = {}
        self._tables: dict[int, _Methods] = {}
        self._originals: dict[int, tuple[Any, Any, Any]] = {}
        self._real_open = _OPEN(real.contents.open)
        self._real_delete = _DELETE(real.contents.delete)
        self._real_access = _ACCESS(real.contents.access)
        self.open, self.delete = _OPEN(self._opened), _DELETE(self._deleted)
        self._write, self._truncate, self._sync = _WRITE(self._written), _TRUNCATE(self._cut), _SYNC(self._synced)

    def _opened(self, _: int, name: int | None, file: int, flags: int, out: Any) -> int:
        vfs = ctypes.cast(self._real, c_void_p)
        found = c_int(0)
        if name is not None:
            self._real_access(vfs, name, 0, ctypes.byref(found))
        path = ctypes.string_at(name).decode() if name is not None else ""
        if flags & _OPEN_CREATE and not found.value and (code := self._watch("create", path, 0, b"")):
            return code
        code = self._real_open(vfs, name, file, flags, out)
        if code == 0:
            self._swap(file, path)
        return code

    def _swap(self, file: int, path: str) -> None:
        handle = ctypes.cast(file, POINTER(_File)).contents
        table = _Methods.from_buffer_copy(handle.methods.contents)
        self._originals[file] = _WRITE(table.write), _TRUNCATE(table.truncate), _SYNC(table.sync)
        table.write = ctypes.cast(self._write, c_void_p).value
        table.truncate = ctypes.cast(self._truncate, c_void_p).value
        table.sync = ctypes.cast(self._sync, c_void_p).value
        self._paths[file], self._tables[file] = path, table
        handle.methods = ctypes.pointer(table)

    def _deleted(self, _: int, name: int, sync: int) -> int:
        code = self._watch("delete", ctypes.string_at(name).decode(), sync, b"")
        return code or self._real_delete(ctypes.cast(self._real, c_void_p), name, sync)

    def _written(self, file: int, data: int, size: int, place: int) -> int:
        content = ctypes.string_at(data, size)
        return self._watch("write", self._paths[file], place, content) or self._originals[file][0](
            file, data, size, place
        )

    def _cut(self, file: int, size: int) -> int:
        return self._watch("truncate", self._paths[file], size, b"") or self._originals[file][1](file, size)

    def _synced(self, file: int, flags: int) -> int:
        return self._watch("sync", self._paths[file], 0, b"") or self._originals[file][2](file, flags)
