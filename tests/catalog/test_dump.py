"""The catalog as bytes: the same log gives the same ones, and they bring back all of it."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swerve.errors import InvalidInput
from swerve.types import Record
from tests.catalog.stories import NOW, catalog, fold, record, stories, view


@given(stories())
def test_F3_the_same_records_give_the_same_bytes(told: list[Record]) -> None:
    one, other = catalog(reuse_after=2), catalog(reuse_after=2)
    fold(one, told)
    for record_ in told:
        fold(other, [record_])
        other.newest(3)  # reading in between changes nothing
    assert one.dump() == other.dump()


@given(stories(), st.data())
def test_F3_a_snapshot_and_the_tail_are_as_good_as_the_whole_log(told: list[Record], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(told)))
    whole = fold(catalog(reuse_after=2), told)
    restored = fold(catalog(reuse_after=2), [view("something else"), record("b", title="gone")])
    restored.load(fold(catalog(reuse_after=2), told[:cut]).dump())
    fold(restored, told[cut:])
    assert restored.dump() == whole.dump()
    assert restored.newest(5).tolist() == whole.newest(5).tolist()
    assert [restored.get(name) for name in "abcdef"] == [whole.get(name) for name in "abcdef"]
    assert (restored.freed, restored.refused) == (whole.freed, whole.refused)


def test_everything_comes_back() -> None:
    known = fold(
        catalog(max_items=3, reuse_after=1),
        [record("a", title="A", categories=("x", "y"), fields={"k": ["v"]}), record("b"), view("c")],
    )
    fold(known, [record("full"), record("a", deleted=True, offset=4), record("d", categories=("z",))])
    again = catalog(max_items=3, reuse_after=1)
    again.load(known.dump())
    assert again.dump() == known.dump()
    assert (again.refused, again.freed, again.ids, again.category_names) == (1, [0], ["d", "b", "c"], ["x", "y", "z"])
    assert again.ensure("a", NOW) == -1  # still remembered as deleted
    assert again.generations[0] == 1


def test_another_number_of_topics_is_made_again_from_the_items() -> None:
    known = fold(catalog(max_topics=8), [record("a", categories=("x", "y", "z")), view("b")])
    narrow = catalog(max_topics=2)
    narrow.load(known.dump())
    assert narrow.topics[:2].tolist() == [[0, 1], [-1, -1]]
    wide = catalog(max_topics=4)
    wide.load(narrow.dump())
    assert wide.topics[:2].tolist() == [[0, 1, 2, -1], [-1] * 4]


def test_an_empty_catalog_is_dumped_and_loaded_too() -> None:
    known = fold(catalog(), [record("a")])
    known.load(catalog().dump())
    assert (known.size, known.newest(3).tolist(), known.dump()) == (0, [], catalog().dump())


@pytest.mark.parametrize("part", sorted(catalog().dump()))
@pytest.mark.parametrize("damage", ["missing", "cut", "other"])
def test_parts_that_cannot_be_read_are_refused_and_leave_an_empty_catalog(part: str, damage: str) -> None:
    known = fold(catalog(), [record(name, categories=("x",)) for name in "abc"])
    parts = known.dump()
    content = parts.pop(part)
    if damage == "cut":
        parts[part] = content[:-1]
    elif damage == "other":
        parts[part] = content + content
    with pytest.raises(InvalidInput) as error:
        known.load(parts)
    assert error.value.code == "damaged"
    assert known.dump() == catalog().dump()
    assert known.apply(record("a")) == 0


def test_another_format_is_refused() -> None:
    parts = catalog().dump()
    rest = msgspec.msgpack.decode(parts["rest"])
    parts["rest"] = msgspec.msgpack.encode({**rest, "format": 99})
    with pytest.raises(InvalidInput, match="format"):
        catalog().load(parts)
