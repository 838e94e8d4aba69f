"""What every Encoder owes its callers, as a check to run on your own: `check_encoder(factory)`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from swerve.protocols import Encoder
from swerve.testing.obligations import owes
from swerve.types import Floats, Item

_owes = owes("an Encoder owes its callers")

ITEMS: tuple[Item, ...] = (
    Item(id="1", title="Red kitchen mug", categories=("kitchen",), fields={"brand": "Hay", "price": 9.5}),
    Item(id="2", title="Blue kitchen mug", text="Holds 0.3 litres. Dishwasher safe.", categories=("kitchen",)),
    Item(id="3", title="Die Verwandlung", text="Als Gregor Samsa eines Morgens erwachte " * 50),
    Item(id="4", title="东京大学の入学案内", categories=("教育",)),
    Item(id="5", title="हिन्दी में समाचार", fields={"tags": ["खबर", "आज"]}),
    Item(id="6", title="مرحبا بالعالم"),
    Item(id="7", title="cafe\u0301 \U0001f680 e\u0301clair"),
    Item(id="8", text="only a text"),
    Item(id="9", categories=("only", "categories")),
    Item(id="10", title="!?… — 🙂"),
    Item(id="11", title="x" * 5000),
    Item(id="12"),
)
"""Items of every kind an encoder may meet, the last one saying nothing."""


def check_encoder(factory: Callable[[], Encoder], *, tolerance: float = 0.0) -> int:
    """Hold an encoder to the obligations of `Encoder`; raises AssertionError saying which one it breaks.

    `factory()` makes the encoder; it is called twice, as two processes would. `tolerance` is the greatest difference
    of one number that is still "the same vector": 0 where the bits must agree. Returns how many checks were made.
    """
    checks = [_names, _shapes, _lengths, _nothing, _again, _alone, _order, _untouched, _id_free]
    for check in checks:
        check(_Pair(factory(), factory(), tolerance))
    return len(checks)


class _Pair(msgspec.Struct, frozen=True):
    """Two encoders made alike."""

    one: Encoder
    other: Encoder
    tolerance: float

    def same(self, left: Floats, right: Floats) -> bool:
        return left.shape == right.shape and bool((np.abs(left - right) <= self.tolerance).all())


def _names(pair: _Pair) -> None:
    _owes(isinstance(pair.one.dim, int) and pair.one.dim > 0, "`dim`, the length of its vectors")
    _owes(isinstance(pair.one.name, str) and pair.one.name != "", "`name`, its kind and version")
    plain = not set(pair.one.name) & set('/\\\0\n:*?"<>|') and not pair.one.name.startswith(".")
    _owes(plain and len(pair.one.name) <= 200, "a name that can be a file name")
    _owes((pair.one.name, pair.one.dim) == (pair.other.name, pair.other.dim), "the same name when made the same way")


def _shapes(pair: _Pair) -> None:
    for items in (ITEMS, ITEMS[:1], ()):
        vectors = pair.one.encode(items)
        _owes(
            vectors.shape == (len(items), pair.one.dim), f"one vector of {pair.one.dim} for each of {len(items)} items"
        )
        _owes(vectors.dtype == np.float32, "float32")


def _lengths(pair: _Pair) -> None:
    vectors = pair.one.encode(ITEMS)
    _owes(bool(np.isfinite(vectors).all()), "finite numbers")
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    _owes(bool(((lengths == 0) | (np.abs(lengths - 1) < 1e-3)).all()), "vectors of unit length, or zeros")
    _owes(bool((lengths[:3] > 0).all()), "a vector for an item that has a title")


def _nothing(pair: _Pair) -> None:
    vectors = pair.one.encode([Item(id="a"), Item(id="b", available=False, time=1.0)])
    _owes(pair.same(vectors[:1], vectors[1:]), "the same vector for two items that say nothing")


def _again(pair: _Pair) -> None:
    first = pair.one.encode(ITEMS).copy()
    _owes(pair.same(first, pair.one.encode(ITEMS)), "the same vector every time")
    _owes(pair.same(first, pair.other.encode(ITEMS)), "the same vector from every encoder of its name")


def _alone(pair: _Pair) -> None:
    many = [msgspec.structs.replace(item, id=f"{turn}.{item.id}") for turn in range(40) for item in ITEMS]
    together = pair.one.encode(many)
    alone = np.concatenate([pair.other.encode([item]) for item in ITEMS])
    _owes(pair.same(together, np.tile(alone, (40, 1))), "the same vector alone and in a batch")


def _order(pair: _Pair) -> None:
    backwards = _reversed(ITEMS)
    _owes(pair.same(pair.one.encode(ITEMS)[::-1], pair.one.encode(backwards)), "vectors in the order of the items")


def _reversed(items: Sequence[Item]) -> list[Item]:
    return list(reversed(items))


def _untouched(pair: _Pair) -> None:
    before = msgspec.msgpack.encode(ITEMS)
    vectors = pair.one.encode(ITEMS)
    kept = vectors.copy()
    pair.one.encode(_reversed(ITEMS))
    _owes(msgspec.msgpack.encode(ITEMS) == before, "items as they were")
    _owes(bool((vectors == kept).all()), "vectors that later calls do not change")


def _id_free(pair: _Pair) -> None:
    renamed = [msgspec.structs.replace(item, id="another", available=False, event_id="e") for item in ITEMS]
    _owes(
        pair.same(pair.one.encode(ITEMS), pair.one.encode(renamed)),
        "vectors of what an item says, not of its id or availability",
    )
