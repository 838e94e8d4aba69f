"""Opening files: a path or a member of a zip, compressed or not, as bytes or as text lines.

Compression is known by its first bytes, not by the file's name. Knows nothing of columns or events.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

from swerve.errors import InvalidInput, NotFound

SAMPLE_BYTES = 262_144
"""Read from the front of a file to find out what it is."""
_COUNTED_BYTES = 64 * 1024 * 1024
_BROKEN = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, zipfile.BadZipFile, OSError)


@dataclass(frozen=True)
class File:
    """A file on disk, or one member of a zip archive."""

    path: Path
    member: str = ""

    @property
    def name(self) -> str:
        """Short name for reports."""
        return PurePosixPath(self.member).name if self.member else self.path.name

    @property
    def stem(self) -> str:
        """The name without a compression suffix, lower case: `Ratings.csv.gz` -> `ratings.csv`."""
        name = self.name.lower()
        for suffix in (".gz", ".xz", ".bz2"):
            name = name.removesuffix(suffix)
        return name


def files_in(path: Path) -> list[File]:
    """The files of a folder (its own, not those of folders inside) or of a zip; the file itself otherwise."""
    if not path.exists():
        raise NotFound(f"{path} does not exist", field="path")
    if path.is_dir():
        return [File(child) for child in sorted(path.iterdir()) if child.is_file()]
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            members = sorted(info.filename for info in archive.infolist() if not info.is_dir())
        return [File(path, member) for member in members if not member.startswith("__MACOSX/")]
    return [File(path)]


@contextmanager
def open_bytes(file: File) -> Iterator[BinaryIO]:
    """The file's content, decompressed while it is read. Raises InvalidInput when the compression is damaged."""
    with _raw(file) as raw:
        head = raw.peek(6)[:6]
        with _decompressed(raw, head, file) as stream:
            try:
                yield stream
            except _BROKEN as error:
                raise InvalidInput(
                    f"{file.name} cannot be read: {error}", field=file.name, code="unreadable"
                ) from error


@contextmanager
def open_text(file: File, encoding: str) -> Iterator[Iterator[str]]:
    """The file's lines as text, line ends kept as they are (the csv module needs them)."""
    with open_bytes(file) as stream:
        text = io.TextIOWrapper(stream, encoding=encoding, newline="")
        try:
            yield text
        except UnicodeDecodeError as error:
            raise InvalidInput(
                f"{file.name} is not {encoding} (after about {stream.tell():,} bytes): "
                "name its encoding, e.g. --encoding latin-1",
                field=file.name,
                code="encoding",
            ) from error
        finally:
            text.detach()


def head_of(file: File, size: int = SAMPLE_BYTES) -> bytes:
    """The first `size` bytes of the content, decompressed; less when the file is shorter."""
    with open_bytes(file) as stream:
        return stream.read(size)


def count_lines(file: File, lines: Sequence[str | bytes], encoding: str = "utf-8") -> int:
    """How many lines the file has: counted up to about 64 MB, beyond that estimated from its first `lines`."""
    size = _content_bytes(file)
    if size <= _COUNTED_BYTES:
        with open_bytes(file) as stream:
            blocks = iter(lambda: stream.read(1 << 20), b"")
            ends, last = 0, b"\n"
            for block in blocks:
                ends, last = ends + block.count(b"\n"), block[-1:]
        return ends + (last != b"\n")
    sampled = sum(len(line if isinstance(line, bytes) else line.encode(encoding, "replace")) for line in lines)
    return int(size / max(sampled, 1) * len(lines))


def _content_bytes(file: File) -> int:
    """Size of the content in bytes: exact for plain files and zip members, estimated for compressed ones."""
    if file.member:
        with zipfile.ZipFile(file.path) as archive:
            return archive.getinfo(file.member).file_size
    size = file.path.stat().st_size
    with _raw(file) as raw:
        head = raw.peek(6)[:6]
        if not _kind(head):
            return size
        with _decompressed(raw, head, file) as stream:
            got = len(stream.read(SAMPLE_BYTES))
            used = raw.tell()
    # A short file is read whole here; otherwise the start is taken as typical of the rest.
    return got if got < SAMPLE_BYTES else int(size * got / max(used, 1))


def fingerprint_bytes(file: File) -> Iterator[bytes]:
    """Bytes that tell this content from another: its size and 17 blocks spread over it, not all of a large file."""
    with _raw(file) as raw:
        size = raw.seek(0, io.SEEK_END)
        yield str(size).encode()
        if file.member:  # seeking inside a member means decompressing it: the archive's own checksum is enough
            with zipfile.ZipFile(file.path) as archive:
                yield archive.getinfo(file.member).CRC.to_bytes(4, "little")
            return
        for step in range(17):
            raw.seek(max(0, size - 65_536) * step // 16)
            yield raw.read(65_536)


@contextmanager
def _raw(file: File) -> Iterator[io.BufferedReader]:
    if not file.member:
        with open(file.path, "rb") as plain:
            yield plain
        return
    with zipfile.ZipFile(file.path) as archive, archive.open(file.member) as member:
        yield io.BufferedReader(cast("io.RawIOBase", member), 65_536)


def _kind(head: bytes) -> str:
    """Compression named by the first bytes; empty for plain."""
    kinds = {b"\x1f\x8b": "gzip", b"\xfd7zXZ": "xz", b"BZh": "bzip2", b"\x28\xb5\x2f\xfd": "zstd"}
    return next((kind for magic, kind in kinds.items() if head.startswith(magic)), "")


@contextmanager
def _decompressed(raw: io.BufferedReader, head: bytes, file: File) -> Iterator[BinaryIO]:
    kind = _kind(head)
    if kind == "zstd":
        raise InvalidInput(f"{file.name} is zstd: decompress it first (zstd -d)", field=file.name, code="unreadable")
    if not kind:
        yield raw
        return
    openers: dict[str, Callable[[Any], Any]] = {
        "gzip": lambda raw: gzip.GzipFile(fileobj=raw),
        "xz": lzma.LZMAFile,
        "bzip2": bz2.BZ2File,
    }
    with openers[kind](raw) as stream:
        yield stream
