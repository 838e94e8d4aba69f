"""What a training needs of a project: its log up to an offset as a corpus, and what its items say as vectors.

Reads beside whoever has the project open. Knows no network and imports none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import numpy as np

from swerve import encode
from swerve.catalog.catalog import Catalog
from swerve.config import Config
from swerve.errors import InvalidInput
from swerve.learn.corpus import Corpus, from_records
from swerve.log import beside
from swerve.protocols import Encoder
from swerve.types import Floats, Item, Record

BATCH = 1024
"""Items encoded at once."""


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """A project's log as a training reads it."""

    corpus: Corpus
    content: Floats | None
    """(items + 1, dim) float32, row 0 zeros; None: no item says anything, or none was asked for."""
    encoder: str
    """Whose vectors these are; empty: none."""


def material(directory: Path, config: Config, stop: int, *, content: bool | None = None) -> Material:
    """What the log below `stop` gives to learn from.

    `content`: False leaves the items' content out, True insists on it, None takes it where there is any. Raises
    InvalidInput for too little to learn from or for content that is not there, LogDamaged.
    """
    catalog = Catalog(config.catalog)
    corpus = from_records(_described(beside.records(directory, stop), catalog), repeats=config.retrieve.repeat)
    if content is False:
        return Material(corpus=corpus, content=None, encoder="")
    encoder = encode.load(config.encode)
    vectors = vectors_of(corpus.items, catalog, encoder)
    if not vectors.any():
        if content:
            raise InvalidInput("no item that was liked has a title, text, category or field", field="content")
        return Material(corpus=corpus, content=None, encoder="")
    return Material(corpus=corpus, content=vectors, encoder=encoder.name)


def vectors_of(items: Iterable[str], catalog: Catalog, encoder: Encoder) -> Floats:
    """(items + 1, dim) float32: row 0 zeros, then each item's vector; zeros for one that says nothing."""
    known = [catalog.get(item) or Item(id=item) for item in items]
    vectors = np.zeros((len(known) + 1, encoder.dim), np.float32)
    for begin in range(0, len(known), BATCH):
        part = known[begin : begin + BATCH]
        vectors[1 + begin : 1 + begin + len(part)] = encoder.encode(part)
    return vectors


def _described(records: Iterable[Record], catalog: Catalog) -> Iterator[Record]:
    """The same records, folding what they say of items on their way."""
    for record in records:
        catalog.apply(record)
        catalog.freed.clear()
        yield record
