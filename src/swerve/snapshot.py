"""Derived state on disk: named parts at one log offset, whole or not there at all.

A snapshot is `<directory>/snapshots/<offset>/`: one file per part and a `manifest.json` with the size and SHA-256 of
each. It is written beside its place and renamed into it, so a crash at any instant leaves the older ones as they were.
Only a shortcut: everything in it can be rebuilt from the log, so a damaged one is passed over, and said to be.

Does not know what the parts mean, nor what a log is.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

FORMAT = 1
"""Version of the layout described above; a program refuses the newer ones."""
MANIFEST = "manifest.json"
_TEMPORARY = ".tmp-"
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_OFFSET = re.compile(r"0|[1-9][0-9]{0,18}")


class Loaded(NamedTuple):
    """The newest snapshot that is whole."""

    offset: int
    """The next offset to fold; 0 when there was no usable snapshot."""
    parts: dict[str, bytes]
    """Empty when there was no usable snapshot."""
    reports: list[str]
    """One line per snapshot passed over: which, and what is wrong with it. Show them to the operator."""


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    size_bytes: int
    sha256: str


class _Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: int
    offset: int
    parts: dict[str, _Part]


class _Version(msgspec.Struct):
    format: int


def save(directory: Path, offset: int, parts: Mapping[str, bytes], keep: int, spare: int = -1) -> Path:
    """Write `parts` as the snapshot at `offset`, durably, and delete all but the newest `keep` (at least 1).

    Snapshots beyond `offset` go too: they belong to a history this log does not have. The one at `spare` is never
    deleted. Part names are letters, digits, `.`, `_` and `-`. One process saves at a time. Raises OSError when the disk
    refuses; nothing but a temporary folder is left then, which the next save removes. Raises ValueError on a wrong
    argument.
    """
    wrong = [name for name in parts if not _PART.fullmatch(name) or name == MANIFEST]
    if wrong or offset < 0 or keep < 1:
        raise ValueError(f"expected offset >= 0, keep >= 1 and plain part names, got {offset}, {keep}, {wrong}")
    place = _folder(directory)
    for leftover in place.glob(f"{_TEMPORARY}*"):
        shutil.rmtree(leftover)
    temporary = place / f"{_TEMPORARY}{offset}"
    temporary.mkdir()
    listed: dict[str, _Part] = {}
    for name, content in parts.items():
        _write(temporary / name, content)
        listed[name] = _Part(len(content), hashlib.sha256(content).hexdigest())
    _write(temporary / MANIFEST, msgspec.json.format(msgspec.json.encode(_Manifest(FORMAT, offset, listed))))
    _sync(temporary)
    _remove(place / str(offset))
    os.rename(temporary, place / str(offset))
    _sync(place)
    known = _offsets(place)
    for old in (*(later for later in known if later > offset), *[one for one in known if one <= offset][keep:]):
        if old != spare:
            _remove(place / str(old))
    return place / str(offset)


def load_latest(directory: Path, head: int | None = None) -> Loaded:
    """The newest snapshot whose every byte is as it was written; older ones are tried when it is not.

    `head`: the log's next offset. A snapshot beyond it is of another history, e.g. of before a restore; it is set aside
    for good, because the log will grow past it with other records, and then nothing would tell.
    Raises nothing for damage: what was passed over stands in `reports`, and stays where it is until it is outdated.
    """
    reports: list[str] = []
    place = directory / "snapshots"
    for offset in _offsets(place):
        try:
            if head is not None and offset > head:
                _set_aside(place, offset)
                raise _Unusable(f"is ahead of the log, which ends at {head}: set aside")
            return Loaded(offset, _read(place / str(offset), offset), reports)
        except _Unusable as error:
            reports.append(f"snapshot {offset} {error}")
    return Loaded(0, {}, reports)


def load(directory: Path, offset: int) -> Loaded:
    """The snapshot at exactly this offset; without parts, and with a report, when there is none or it is damaged."""
    try:
        return Loaded(offset, _read(directory / "snapshots" / str(offset), offset), [])
    except _Unusable as error:
        return Loaded(offset, {}, [f"snapshot {offset} {error}"])


class _Unusable(Exception):
    """Why a snapshot was passed over, continuing the words `snapshot <offset> …`."""


def _read(folder: Path, offset: int) -> dict[str, bytes]:
    manifest = _manifest(folder)
    if manifest.offset != offset:
        raise _Unusable(f"is damaged: {MANIFEST} says offset {manifest.offset}")
    parts: dict[str, bytes] = {}
    for name, said in manifest.parts.items():
        if not _PART.fullmatch(name):
            raise _Unusable(f"is damaged: {MANIFEST} names a part that cannot exist")
        content = _content(folder / name)
        if len(content) != said.size_bytes:
            raise _Unusable(f"is damaged: {name} has {len(content)} of {said.size_bytes} bytes")
        if hashlib.sha256(content).hexdigest() != said.sha256:
            raise _Unusable(f"is damaged: {name} does not have the SHA-256 it was written with")
        parts[name] = content
    return parts


def _manifest(folder: Path) -> _Manifest:
    content = _content(folder / MANIFEST)
    try:
        version = msgspec.json.decode(content, type=_Version).format
        if version > FORMAT:  # before anything else is read: the rest may look quite different
            raise _Unusable(f"has format {version}, this program reads up to {FORMAT}: use a newer one")
        manifest = msgspec.json.decode(content, type=_Manifest)
        if version < FORMAT or msgspec.json.format(msgspec.json.encode(manifest)) != content:
            raise _Unusable(f"is damaged: {MANIFEST} is not as it was written")
        return manifest
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _Unusable(f"is damaged: {MANIFEST} cannot be read ({error})") from error


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _Unusable(f"is damaged: {path.name} cannot be read ({error.strerror})") from error


def _folder(directory: Path) -> Path:
    place = directory / "snapshots"
    if not place.is_dir():
        place.mkdir(parents=True)
        _sync(directory)
    return place


def _offsets(place: Path) -> list[int]:
    """Offsets that have a snapshot, whole or not, newest first."""
    if not place.is_dir():
        return []
    return sorted((int(path.name) for path in place.iterdir() if _OFFSET.fullmatch(path.name)), reverse=True)


def _set_aside(place: Path, offset: int) -> None:
    os.rename(place / str(offset), place / f"{_TEMPORARY}ahead-{offset}")
    _sync(place)


def _remove(folder: Path) -> None:
    """Delete a snapshot so that no half of it can be seen: first out of its place, then for good."""
    if folder.exists():
        gone = folder.with_name(f"{_TEMPORARY}gone-{folder.name}")
        os.rename(folder, gone)
        shutil.rmtree(gone)


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(directory: Path) -> None:
    """Make the names in a directory durable: a rename or a new file is not before this."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
