"""Deletion: rows come back only when nothing can mean the old item by them, and always the same way."""

from __future__ import annotations

from hypothesis import given

from swerve.types import Record
from tests.catalog.stories import NOW, catalog, fold, record, stories, view


def test_a_deleted_item_is_gone_and_its_row_is_told() -> None:
    known = fold(catalog(), [record("a", title="A", categories=("x",)), record("b")])
    assert known.apply(record("a", deleted=True)) == 0
    assert (known.row("a"), known.get("a"), known.ids, len(known)) == (-1, None, ["", "b"], 1)
    assert (known.available[0], known.published[0], known.generations[0]) == (False, 0.0, 1)
    assert (known.topics[0] == -1).all()
    assert known.fields_of(0) == {}
    assert known.freed == [0]


def test_the_caller_drains_what_was_freed() -> None:
    known = fold(catalog(), [record("a"), record("b"), record("a", deleted=True)])
    known.freed.clear()
    known.apply(record("b", deleted=True))
    assert known.freed == [1]


def test_deleting_what_is_not_there_frees_nothing() -> None:
    known = fold(catalog(), [record("a")])
    assert known.apply(record("z", deleted=True)) == -1
    known.apply(record("a", deleted=True))
    assert known.apply(record("a", deleted=True)) == -1
    assert known.freed == [0]


def test_a_row_waits_until_enough_item_events_have_followed() -> None:
    known = fold(catalog(reuse_after=3), [record("a"), record("a", deleted=True)])
    rows = [known.apply(record(name)) for name in "bcd"]
    assert rows == [1, 2, 0]  # the third event after the deletion may use row 0
    assert known.generations[0] == 1
    assert known.ids == ["d", "b", "c"]


def test_interactions_do_not_count_for_the_wait() -> None:
    known = fold(catalog(reuse_after=3), [record("a"), record("a", deleted=True), *[view(f"v{n}") for n in range(9)]])
    assert known.ids[0] == ""


def test_any_item_event_counts_for_the_wait() -> None:
    known = fold(catalog(reuse_after=3), [record("a"), record("b"), record("a", deleted=True)])
    fold(known, [record("b", partial=True, title="B")] * 3)
    assert known.ensure("c", NOW) == 0


def test_rows_can_be_released_by_who_knows_better() -> None:
    known = fold(catalog(), [record(name, offset=at) for at, name in enumerate("abc")])
    fold(known, [record("c", deleted=True, offset=3), record("a", deleted=True, offset=4)])
    known.release(before_offset=4)
    assert [known.apply(record(name)) for name in "xy"] == [2, 3]
    known.release(before_offset=5)
    assert known.apply(record("z")) == 0


def test_a_reused_row_knows_nothing_of_before() -> None:
    old = record("a", title="A", categories=("x",), fields={"price": 1.0})
    known = fold(catalog(reuse_after=0), [old, record("a", deleted=True)])
    assert known.ensure("b", NOW + 7) == 0
    item = known.get("b")
    assert item is not None
    assert (item.title, item.categories, item.fields, item.time) == ("", (), {}, NOW + 7)
    assert (known.topics[0] == -1).all()


def test_a_late_interaction_does_not_bring_a_deleted_item_back() -> None:
    known = fold(catalog(), [record("a"), record("a", deleted=True)])
    assert known.ensure("a", NOW) == -1
    known.apply(record("b", deleted=True))  # deleted before anybody announced it
    assert known.ensure("b", NOW) == -1
    # announcing it does
    assert known.apply(record("a", title="A")) >= 0
    assert known.ensure("a", NOW) >= 0
    assert known.freed == [0]


def test_only_so_many_deleted_ids_are_remembered() -> None:
    known = fold(catalog(remember_deleted=2), [record(name, deleted=True) for name in "abac"])
    assert [known.ensure(name, NOW) for name in "bac"] == [0, -1, -1]
    # one that was announced again takes no room
    known = fold(catalog(remember_deleted=2), [record("b", deleted=True), record("a", deleted=True), record("a")])
    known.apply(record("c", deleted=True))
    assert [known.ensure(name, NOW) for name in "bc"] == [-1, -1]
    assert fold(catalog(remember_deleted=0), [record("a", deleted=True)]).ensure("a", NOW) == 0


def test_churn_at_the_limit_goes_on_as_rows_come_free() -> None:
    known = catalog(max_items=50, reuse_after=10)
    for turn in range(500):
        fold(known, [record(f"i{turn}"), record(f"i{turn - 30}", deleted=True)])
        known.freed.clear()
    assert known.size <= 50
    assert known.refused == 0
    assert len(known) == 30


@given(stories())
def test_no_row_stands_for_two_items_and_generations_count(told: list[Record]) -> None:
    known, freed = catalog(reuse_after=2), list[int]()
    for one in told:
        fold(known, [one])
        freed += known.freed
        known.freed.clear()
        taken = [name for name in known.ids if name]
        assert len(taken) == len(set(taken)) == len(known)
        assert all(known.ids[known.row(name)] == name for name in taken)
    for row in range(known.size):
        assert known.generations[row] == freed.count(row)
