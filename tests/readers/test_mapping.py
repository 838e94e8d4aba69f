"""Which column means what: as told, or guessed by name; never silently."""

from __future__ import annotations

from pathlib import Path

import pytest

from swerve.errors import InvalidInput
from swerve.readers.columns import Columns, Table
from swerve.readers.guess import target_of
from swerve.readers.mapping import parse_map, parse_pairs, resolve
from tests.readers.helpers import RATINGS, source, write


def table(*names: str, header: bool = True) -> Table:
    cells = Columns([["1"] for _ in names], [1])
    return Table("t.csv", "csv", names, cells, lambda: iter([cells]), header=header)


def test_a_mapping_names_columns_and_constants() -> None:
    columns, constants = parse_map("user=visitorid, item = itemid,action:=view,item.price=unit price")

    assert columns == {"user": "visitorid", "item": "itemid", "item.price": "unit price"}
    assert constants == {"action": "view"}


def test_a_mapping_may_be_given_as_pairs() -> None:
    assert parse_map({"user": "a=b", "action:": "view"}) == ({"user": "a=b"}, {"action": "view"})


def test_in_an_items_file_targets_are_the_items_own() -> None:
    columns, _ = parse_map("id=sku,title=name,price=p,item.colour=c", "items")

    assert columns == {"item": "sku", "item.title": "name", "item.price": "p", "item.colour": "c"}


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("usr=a", "did you mean user"),
        ("titel=a", "did you mean item.title"),
        ("xyz=a", "known are user, session, item"),
        ("user", "expected target=column"),
        ("user=", "expected target=column"),
        ("=a", "expected target=column"),
        ("user=a,user=b", "user is mapped twice"),
        ("action=a,action:=view", "action is mapped twice"),
    ],
)
def test_a_wrong_mapping_says_what_was_expected(wanted: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        parse_map(wanted)


@pytest.mark.parametrize("text", ["a", "a=", "=b", "a=b,c"])
def test_wrong_pairs_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="expected pairs"):
        parse_pairs(text, "actions")


def test_pairs_are_parsed() -> None:
    assert parse_pairs("transaction=buy, addtocart=cart", "actions") == {"transaction": "buy", "addtocart": "cart"}
    assert parse_pairs("", "actions") == {}


@pytest.mark.parametrize(
    ("names", "columns", "constants", "ratings"),
    [
        (("userId", "movieId", "rating", "timestamp"), "user item value time", {}, True),
        (("timestamp", "visitorid", "event", "itemid"), "time user action item", {}, False),
        (("user_id", "parent_asin", "timestamp"), "user item time", {"action": "view"}, False),
        (("Session-ID", "Item Id"), "session item", {"action": "view"}, False),
        (("CustomerID", "StockCode", "Quantity", "InvoiceDate"), "user item time", {"action": "view"}, False),
        (("user", "item", "value"), "user item value", {"action": "view"}, False),
    ],
)
def test_common_names_are_guessed(
    names: tuple[str, ...], columns: str, constants: dict[str, str], ratings: bool
) -> None:
    mapping = resolve(table(*names))

    assert sorted(mapping.columns) == sorted(columns.split())
    assert (mapping.constants, mapping.ratings) == (constants, ratings)
    assert (mapping.kind, mapping.guessed) == ("interactions", True)


def test_of_two_columns_that_could_be_the_time_the_more_exact_one_is_taken() -> None:
    mapping = resolve(table("user_id", "video_id", "date", "hourmin", "time_ms"))

    assert mapping.columns["time"] == "time_ms"
    assert resolve(table("user", "item", "date")).columns["time"] == "date"


def test_a_table_of_items_keeps_what_it_cannot_place_as_fields() -> None:
    mapping = resolve(table("sku", "name", "price", "Genres", "label"))

    assert mapping.kind == "items"
    assert mapping.columns == {
        "item": "sku",
        "item.title": "name",
        "item.categories": "Genres",
        "item.price": "price",
        "item.label": "label",
    }


def test_a_table_of_users_is_told_by_having_no_items() -> None:
    mapping = resolve(table("user_id", "age", "zip"))

    assert mapping.kind == "users"
    assert mapping.columns == {"user": "user_id", "user.age": "age", "user.zip": "zip"}


@pytest.mark.parametrize("role", ["items", "users"])
def test_in_a_file_of_one_kind_id_is_its_id(role: str) -> None:
    mapping = resolve(table("id", "colour"), role=role)

    assert mapping.kind == role
    assert mapping.columns[role.removesuffix("s")] == "id"


def test_the_first_column_counts_only_once() -> None:
    assert resolve(table("user", "uid", "item", "sku")).columns == {"user": "user", "item": "item"}


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("user=usr,item=item,action:=view", r"no such column for user: did you mean user"),
        ("user=user,item=zzz,action:=view", r"no such column for item: it has user, item"),
        ("user=user,item=item", "says no action: add action=COLUMN or action:=view"),
        ("user=user,action:=view", "says no item"),
        ("item=item,action:=view", "says no user"),
        ("time=user", "cannot tell what t.csv holds"),
    ],
)
def test_a_mapping_that_does_not_fit_the_table_is_refused(wanted: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        resolve(table("user", "item"), wanted)


def test_an_items_mapping_needs_the_id() -> None:
    with pytest.raises(InvalidInput, match="add item=COLUMN"):
        resolve(table("a", "b"), "title=a", role="items")


def test_without_a_header_and_without_a_mapping_nothing_is_guessed(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"4 columns and no header.*--map user=1,item=2"):
        source(write(tmp_path / "a.csv", "1,10,4.0,964982703\n1,30,3.5,964981247\n"))


def test_without_a_header_columns_are_named_by_their_place(tmp_path: Path) -> None:
    found = source(write(tmp_path / "a.csv", "1,10,4.0,964982703\n"), map="user=1,item=2,value=3,time=4")

    (event,) = found.events()

    assert (event.user, event.item, event.action, event.value) == ("1", "10", "rate", 4.0)  # type: ignore[union-attr]


def test_the_guess_is_shown(tmp_path: Path) -> None:
    shown = "\n".join(source(write(tmp_path / "ratings.csv", RATINGS)).describe())

    assert "ratings.csv: csv" in shown
    assert "columns guessed by name: user=userId, item=movieId, value=rating, time=timestamp, action=:=rate" in shown
    assert "times in s, sorted" in shown


def test_every_guessed_name_means_one_thing() -> None:
    assert target_of("VISITOR_ID") == "user"
    assert target_of("event time") == "time"
    assert target_of("something else") == ""
