"""User states to bytes and back, in small steps so that a background thread never holds up the serving one.

A part is a run of frames; a frame is its length (4 bytes, big-endian) and a msgpack list of entries. Frames close
after a fixed amount of content and parts after a fixed number of frames, so equal states give equal bytes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from sys import intern
from typing import NamedTuple

import msgspec

from swerve.errors import InvalidInput
from swerve.types import Touch, UserState

USERS, SESSIONS = "users-", "sessions-"
"""What the names of the parts start with."""
_FRAME_CONTENT = 5_000
"""Touches and older items in a frame: 1 to 2 ms of encoding on one core."""
_FRAME_ENTRIES = 500
_PART_FRAMES = 64


class Waiting(NamedTuple):
    """A session's state and the server time of its last record, Unix seconds."""

    state: UserState
    received: float


class Cut(NamedTuple):
    """References to all states at one moment; states never change, so it stays true while it is written out."""

    users: tuple[tuple[str, UserState], ...]
    sessions: tuple[tuple[str, Waiting], ...]


def serialize(cut: Cut) -> Iterator[tuple[str, bytes]]:
    """Pieces as (part name, bytes), a millisecond or two of work each; a part is its pieces joined in order."""
    yield from _pieces(USERS, ((name, state, 0.0) for name, state in cut.users))
    yield from _pieces(SESSIONS, ((name, waiting.state, waiting.received) for name, waiting in cut.sessions))


def deserialize(parts: Mapping[str, bytes]) -> tuple[dict[str, UserState], OrderedDict[str, Waiting]]:
    """What `serialize` wrote, in the same order. Raises InvalidInput naming the part that cannot be read."""
    users = {name: state for name, state, _ in _entries(parts, USERS)}
    sessions = OrderedDict((name, Waiting(state, received)) for name, state, received in _entries(parts, SESSIONS))
    return users, sessions


_Entry = tuple[str, UserState, float]
"""An id, its state, and the server time of a session's last record (0 for users)."""
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[_Entry])


def _pieces(prefix: str, entries: Iterable[_Entry]) -> Iterator[tuple[str, bytes]]:
    for at, frame in enumerate(_batches(entries)):
        encoded = _encoder.encode(frame)
        yield f"{prefix}{at // _PART_FRAMES:06d}", len(encoded).to_bytes(4, "big") + encoded


def _batches(entries: Iterable[_Entry]) -> Iterator[list[_Entry]]:
    batch: list[_Entry] = []
    content = 0
    for entry in entries:
        batch.append(entry)
        content += len(entry[1].touches) + len(entry[1].rejected) + len(entry[1].older)
        if content >= _FRAME_CONTENT or len(batch) >= _FRAME_ENTRIES:
            yield batch
            batch, content = [], 0
    if batch:
        yield batch


def _entries(parts: Mapping[str, bytes], prefix: str) -> Iterator[_Entry]:
    for part in sorted(name for name in parts if name.startswith(prefix)):
        try:
            for frame in _frames(memoryview(parts[part])):
                for name, state, received in _decoder.decode(frame):
                    yield name, _shared(state), received
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise InvalidInput("user states cannot be read", field=part, code="damaged") from error


def _frames(part: memoryview) -> Iterator[memoryview]:
    start = 0
    while start < len(part):
        stop = start + 4 + int.from_bytes(part[start : start + 4], "big")
        if stop > len(part):
            raise msgspec.DecodeError("a frame is longer than its part")
        yield part[start + 4 : stop]
        start = stop


def _shared(state: UserState) -> UserState:
    """The same state with interned strings: decoding makes a new string for every mention of an item."""
    return UserState(
        state.offset,
        tuple(map(_interned, state.touches)),
        tuple(map(_interned, state.rejected)),
        tuple(map(intern, state.older)),
        tuple((intern(action), times) for action, times in state.counters),
        state.fields,
    )


def _interned(touch: Touch) -> Touch:
    return Touch(intern(touch.item), intern(touch.action), touch.gain, touch.time, touch.offset)
