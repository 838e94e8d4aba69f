"""What an item says, packed: a hundred thousand items are bytes, decoded one by one when somebody asks.

Category names are stored once and stand as small ints (codes) in the packed items and in the topics column.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from swerve.types import FieldValue


class Content(msgspec.Struct, frozen=True, array_like=True):
    """An item without its id and columns."""

    title: str = ""
    text: str = ""
    categories: tuple[int | str, ...] = ()
    """Codes; the name itself where no code was left."""
    fields: dict[str, FieldValue] = {}


EMPTY = Content()
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Content)


def pack(content: Content) -> bytes:
    """The content as bytes; no bytes at all when it says nothing."""
    return b"" if content == EMPTY else _encoder.encode(content)


def unpack(packed: bytes) -> Content:
    """What `pack` was given."""
    return _decoder.decode(packed) if packed else EMPTY


class Categories:
    """Names <-> codes. A code once given stays: topics already written name it."""

    def __init__(self, max_names: int) -> None:
        self._max_names = max_names
        self.names: list[str] = []
        self.codes: dict[str, int] = {}

    def restore(self, names: list[str]) -> None:
        """Start with these names, coded in their order."""
        self.names = list(names)
        self.codes = {name: code for code, name in enumerate(names)}

    def encode(self, names: Iterable[str]) -> tuple[int | str, ...]:
        """Codes of distinct names in their order; a name stands for itself once there are too many."""
        codes = self.codes
        coded: dict[int | str, None] = {}
        for name in names:
            code = codes.get(name)
            if code is None and len(self.names) < self._max_names:
                code = codes[name] = len(self.names)
                self.names.append(name)
            coded[name if code is None else code] = None
        return tuple(coded)

    def decode(self, coded: Iterable[int | str]) -> tuple[str, ...]:
        """The names again."""
        return tuple([self.names[code] if isinstance(code, int) else code for code in coded])
