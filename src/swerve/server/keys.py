"""API keys of one project: made, listed, revoked, checked. Secrets are shown once and stored as HMACs.

A key reads `swv_<role>_<id8>_<secret43>_<crc6>`: the prefix and the checksum let leak scanners find it. It is
found by its id and compared in constant time. 256 random bits need no slow hash.
"""

from __future__ import annotations

import contextlib
import enum
import fcntl
import hmac
import os
import secrets
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from swerve.errors import ConfigError, InvalidInput, NotFound, Unauthorized
from swerve.protocols import Clock

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ID_CHARS, SECRET_CHARS, CRC_CHARS = 8, 43, 6
RELOAD_S = 0.5
NO_KEY = "an API key is needed: Authorization: Bearer <key>, or X-API-Key"
BAD_KEY = "this key is not known here, was revoked or has expired"


class Role(enum.Enum):
    """What a key may do; the HTTP reference lists the roles of every route."""

    INGEST = "ingest"
    """Write events and items, read nothing."""
    SERVE = "serve"
    """Ask for recommendations and read items."""
    ANALYST = "analyst"
    """Read items, users, explanations and metrics."""
    OPERATOR = "operator"
    """Everything an application needs; not the export of all events."""
    ADMIN = "admin"
    """Everything."""


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of a key; the secret is not among it."""

    id: str
    role: Role
    digest: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    """HMAC-SHA-256(pepper, whole key), hex."""
    created: float
    """Unix seconds."""
    expires: float = 0.0
    """Unix seconds; 0 = never."""
    revoked: float = 0.0
    """Unix seconds; 0 = not revoked."""
    note: str = ""


class _File(msgspec.Struct, kw_only=True):
    version: int = 1
    pepper: str
    keys: list[Key] = []


class Keys:
    """The keys in one file. Another process may change the file: a revocation is seen here within a second."""

    def __init__(
        self, path: Path, *, clock: Clock = time.time, token: Callable[[int], bytes] = secrets.token_bytes
    ) -> None:
        """Read `path` if it exists. Raises ConfigError when it cannot be read or is damaged: never open by mistake."""
        self._path = path
        self._clock = clock
        self._token = token
        self._pepper = b""
        self._by_id: dict[str, Key] = {}
        self._stamp: tuple[int, int, int] | None = None
        self._looked = float("-inf")
        self._reload()

    def __len__(self) -> int:
        """How many keys were ever made, revoked ones included: a project that has had keys stays locked."""
        self._refresh()
        return len(self._by_id)

    def create(self, role: Role, *, lifetime_s: float = 0.0, note: str = "") -> str:
        """Make a key and return it: the only time it can be seen. `lifetime_s` 0 = never expires."""
        if not 0 <= lifetime_s < float("inf"):
            raise InvalidInput("lifetime_s must be a finite number of seconds, 0 or more", field="lifetime_s")
        with self._changing() as file:
            taken = {key.id for key in file.keys}
            ident = next(i for i in iter(lambda: self._word(ID_CHARS), "") if i not in taken)
            head = f"swv_{role.value}_{ident}_{self._word(SECRET_CHARS)}"
            whole = f"{head}_{_crc(head)}"
            now = self._clock()
            digest = hmac.digest(bytes.fromhex(file.pepper), whole.encode(), "sha256").hex()
            expires = now + lifetime_s if lifetime_s else 0.0
            file.keys.append(Key(id=ident, role=role, digest=digest, created=now, expires=expires, note=note))
        return whole

    def list(self) -> tuple[Key, ...]:
        """Every key ever made, oldest first; none of them shows its secret."""
        self._refresh()
        return tuple(self._by_id.values())

    def revoke(self, id: str) -> Key:
        """Refuse a key from now on. Revoking twice keeps the first time. Raises NotFound."""
        with self._changing() as file:
            for place, key in enumerate(file.keys):
                if key.id == id:
                    file.keys[place] = key if key.revoked else msgspec.structs.replace(key, revoked=self._clock())
                    return file.keys[place]
            raise NotFound("no key has this id", field="id")

    def role(self, given: str) -> Role:
        """The role of a key as a caller sent it. Raises Unauthorized, with one message for every reason."""
        if not given:
            raise Unauthorized(NO_KEY)
        now = self._refresh()
        parts = given.split("_")
        key = self._by_id.get(parts[2]) if len(parts) == 5 else None
        # The digest is computed and compared even for an unknown id, so that timing does not tell ids apart.
        digest = hmac.digest(self._pepper, given.encode(errors="replace"), "sha256").hex()
        matches = hmac.compare_digest(digest, key.digest if key else "0" * 64)
        if key is None or not matches or key.revoked or 0 < key.expires <= now:
            raise Unauthorized(BAD_KEY)
        return key.role

    def _word(self, chars: int) -> str:
        # 43 base62 characters carry 256 bits; drawing more bytes than that makes the bias of % negligible.
        number = int.from_bytes(self._token(chars * 6 // 8 + 9), "big")
        return _base62(number, chars)

    def _refresh(self) -> float:
        now = self._clock()
        if not 0 <= now - self._looked < RELOAD_S:
            self._reload()
        return now

    def _reload(self) -> None:
        self._looked = self._clock()
        try:
            status = self._path.stat()
        except FileNotFoundError:
            # A file that vanishes while keys were in force must not open the doors: the count stays, no key fits.
            self._stamp = None
            self._by_id = {i: msgspec.structs.replace(key, revoked=self._looked) for i, key in self._by_id.items()}
            return
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        if stamp != self._stamp:
            self._looked = float("-inf")  # a damaged file is met again by the next request, until it is repaired
            file = _read(self._path)
            self._looked = self._clock()
            self._pepper, self._by_id = bytes.fromhex(file.pepper), {key.id: key for key in file.keys}
            self._stamp = stamp

    @contextlib.contextmanager
    def _changing(self) -> Iterator[_File]:
        """Read, let the caller change, write whole; another process doing the same waits at the lock file."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(self._path.with_name(self._path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            file = _read(self._path) if self._path.exists() else _File(pepper=self._token(32).hex())
            yield file
            _write(self._path, msgspec.json.format(msgspec.json.encode(file), indent=1))
            self._reload()
        finally:
            os.close(lock)


def _base62(number: int, chars: int) -> str:
    digits = []
    for _ in range(chars):
        number, digit = divmod(number, 62)
        digits.append(ALPHABET[digit])
    return "".join(digits)


def _crc(text: str) -> str:
    return _base62(zlib.crc32(text.encode()), CRC_CHARS)


def well_formed(given: str) -> bool:
    """Whether a text has the shape and checksum of a key: what a leak scanner asks."""
    head, _, crc = given.rpartition("_")
    return given.startswith("swv_") and given.count("_") == 4 and crc == _crc(head)


def _read(path: Path) -> _File:
    try:
        file = msgspec.json.decode(path.read_bytes(), type=_File)
        bytes.fromhex(file.pepper)
    except (OSError, ValueError) as error:
        raise ConfigError(
            "the key file cannot be read or is damaged; restore it from a backup", field="keys"
        ) from error
    if file.version != 1:
        raise ConfigError("the key file was written by a newer version", field="keys")
    return file


def _write(path: Path, content: bytes) -> None:
    """Replace the file whole, readable by its owner only, on disk before this returns."""
    temporary = path.with_name(path.name + ".new")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    os.replace(temporary, path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
