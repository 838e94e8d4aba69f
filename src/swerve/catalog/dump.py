"""The catalog as bytes and back: one part for each column, one for ids, one for packed items, one for the rest."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

import msgspec
import numpy as np

from swerve.catalog.columns import Columns
from swerve.catalog.contents import Categories
from swerve.catalog.naming import Naming, Waiting
from swerve.errors import InvalidInput

_FORMAT = 1


class _Rest(msgspec.Struct, frozen=True):
    """What is no column."""

    format: int
    size: int
    topics: int
    """Width of the topics column."""
    applied: int
    refused: int
    freed: list[int]
    free: list[int]
    waiting: list[Waiting]
    deleted: list[str]
    categories: list[str]


class Kept(msgspec.Struct):
    """The pieces of a catalog that are written and filled again in place."""

    naming: Naming
    categories: Categories
    columns: Columns
    packed: list[bytes]
    freed: list[int]
    refused: int
    topics_differ: bool = False
    """The parts had another number of topics than the columns: topics must be made again from the items."""


def write(kept: Kept) -> dict[str, bytes]:
    """Named parts; little-endian, so that another machine reads the same."""
    naming, columns, size = kept.naming, kept.columns, len(kept.packed)
    rest = _Rest(
        format=_FORMAT,
        size=size,
        topics=columns.topics.shape[1],
        applied=naming.applied,
        refused=kept.refused,
        freed=kept.freed,
        free=list(naming.free),
        waiting=list(naming.waiting),
        deleted=list(naming.deleted),
        categories=kept.categories.names,
    )
    return {
        "rest": msgspec.msgpack.encode(rest),
        "ids": msgspec.msgpack.encode(naming.ids),
        "items": msgspec.msgpack.encode(kept.packed),
        "available": columns.available[:size].tobytes(),
        "published": columns.published[:size].astype("<f8").tobytes(),
        "topics": columns.topics[:size].astype("<i4").tobytes(),
        "generations": columns.generations[:size].astype("<i4").tobytes(),
    }


def read(parts: Mapping[str, bytes], kept: Kept) -> tuple[list[int], int]:
    """Fill empty pieces from parts; gives back freed rows and the count of refused items. Raises InvalidInput."""
    try:
        rest = msgspec.msgpack.decode(parts["rest"], type=_Rest)
        if rest.format != _FORMAT:
            raise InvalidInput("the catalog was written in another format", field="rest", code="damaged")
        _names(rest, msgspec.msgpack.decode(parts["ids"], type=list[str]), kept)
        kept.packed.extend(msgspec.msgpack.decode(parts["items"], type=list[bytes]))
        _columns(rest, parts, kept)
    except (KeyError, ValueError, msgspec.MsgspecError) as error:
        raise InvalidInput("the catalog cannot be read", field="catalog", code="damaged") from error
    return rest.freed, rest.refused


def _names(rest: _Rest, ids: list[str], kept: Kept) -> None:
    naming = kept.naming
    naming.ids.extend(ids)
    naming.rows.update((name, row) for row, name in enumerate(ids) if name)
    naming.waiting, naming.free = deque(rest.waiting), deque(rest.free)
    naming.deleted.update(dict.fromkeys(rest.deleted))
    naming.applied = rest.applied
    kept.categories.restore(rest.categories)


def _columns(rest: _Rest, parts: Mapping[str, bytes], kept: Kept) -> None:
    size, columns = rest.size, kept.columns
    if len(kept.packed) != size or len(kept.naming.ids) != size:
        raise ValueError("parts of different length")
    columns.reserve(size)
    columns.available[:size] = np.frombuffer(parts["available"], np.bool_)
    columns.published[:size] = np.frombuffer(parts["published"], "<f8")
    columns.generations[:size] = np.frombuffer(parts["generations"], "<i4")
    topics = np.frombuffer(parts["topics"], "<i4").reshape(size, rest.topics)
    kept.topics_differ = rest.topics != columns.topics.shape[1]
    if not kept.topics_differ:
        columns.topics[:size] = topics
