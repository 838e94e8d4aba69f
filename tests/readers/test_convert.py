"""Columns of raw values become clean ones, or say what was expected."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swerve.errors import InvalidInput
from swerve.readers import convert

NAN = float("nan")


def test_ids_become_text_and_whole_floats_lose_their_point() -> None:
    column = ["a", 7, 17850.0, 1.5, None, NAN, b"x", Decimal("3")]

    assert convert.ids(column) == ["a", "7", "17850", "1.5", "", "", "x", "3"]


def test_numbers_may_be_missing_but_not_wrong() -> None:
    assert convert.numbers(["1", 2, "", None, NAN, "nan"], 0.5, "value") == [0.5, 1.0, None, None, None, None]
    assert convert.numbers(["1", "2.5"], 1.0, "value") == [1.0, 2.5]


@pytest.mark.parametrize("wrong", ["many", "1,5", "inf", "-inf", [1]])
def test_what_is_no_number_is_refused_without_repeating_it(wrong: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        convert.numbers(["1", wrong], 1.0, "value")

    assert caught.value.field == "value"
    assert str(wrong) not in caught.value.message


@pytest.mark.parametrize(("unit", "factor"), [("s", 1), ("ms", 1e3), ("us", 1e6), ("ns", 1e9)])
@given(seconds=st.integers(200_000_000, 4_000_000_000))
def test_the_unit_of_a_clock_is_told_from_its_size(unit: str, factor: float, seconds: int) -> None:
    column = [str(int(seconds * factor))] * 3

    assert convert.time_unit(column) == unit
    assert convert.times(column, unit, "") == [pytest.approx(seconds, abs=1e-3)] * 3


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2011-01-12T08:26:00Z", 1294820760.0),
        ("2011-01-12 08:26:00", 1294820760.0),
        ("2011-01-12T09:26:00+01:00", 1294820760.0),
        ("2011-01-12", 1294790400.0),
        (" 2011-01-12T08:26:00.500 ", 1294820760.5),
    ],
)
def test_iso_times_are_utc_unless_they_say_otherwise(text: str, seconds: float) -> None:
    assert convert.time_unit([text, ""]) == "iso"
    assert convert.times([text], "iso", "") == [seconds]


@pytest.mark.parametrize("column", [["20110112", "20110113"], [20110112, 20110113], [20110112.0, 20110113.0]])
def test_days_written_as_numbers_are_not_seconds_of_1970(column: list[object]) -> None:
    assert convert.time_unit(column) == "day"
    assert convert.times(column, "day", "") == [1294790400.0, 1294876800.0]
    assert convert.time_unit([*column, 20110199]) == "s"


def test_times_of_databases_are_taken_as_they_are() -> None:
    zone = timezone(timedelta(hours=2))
    column = [datetime(2011, 1, 12, 8, 26), datetime(2011, 1, 12, 10, 26, tzinfo=zone), date(2011, 1, 12)]

    assert convert.time_unit(column) == "iso"
    assert convert.times(column, "iso", "") == [1294820760.0, 1294820760.0, 1294790400.0]


def test_other_ways_to_write_times_need_their_pattern() -> None:
    column = ["12/1/2010 8:26"]

    assert convert.times(column, "pattern", "%m/%d/%Y %H:%M") == [1291191960.0]
    with pytest.raises(InvalidInput, match="not an ISO 8601 time"):
        convert.times(column, "iso", "")


@pytest.mark.parametrize("unit", ["s", "ms", "iso", "pattern"])
@pytest.mark.parametrize("wrong", ["", "soon", None, NAN, "inf"])
def test_what_is_no_time_is_refused(unit: str, wrong: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        convert.times(["964982703", wrong], "s" if unit == "s" else unit, "%Y")

    assert (caught.value.code, caught.value.field) == ("invalid_time", "time")


def test_a_column_without_times_counts_as_seconds() -> None:
    assert convert.time_unit(["", None]) == "s"


def test_categories_come_as_lists_or_as_text_with_bars_or_semicolons() -> None:
    column = ["Action|Comedy", "a; b;a", ["x", " y "], ("z",), "", None, NAN, "one, two"]

    assert convert.categories(column) == [
        ("Action", "Comedy"), ("a", "b"), ("x", "y"), ("z",), (), (), (), ("one, two",),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("9.5", 9.5), ("7", 7), ("-3", -3), ("0", 0), ("0.5", 0.5), ("1e3", 1000.0), ("true", True), ("False", False),
        ("007", "007"), ("1_000", "1_000"), ("85123A", "85123A"), ("+5", "+5"), (" red ", "red"), ("nan", "nan"),
        ("", None), (None, None), (NAN, None), (math.inf, None), (2.5, 2.5), (True, True), (["a", 1], ["a", "1"]),
        ("9" * 30, "9" * 30), (date(2020, 1, 2), "2020-01-02"),
    ],
)  # fmt: skip
def test_fields_are_numbers_where_nothing_is_lost(raw: object, value: object) -> None:
    (found,) = convert.fields([raw])

    assert found == value
    assert type(found) is type(value)


@given(st.integers(-(10**17), 10**17))
def test_a_number_in_a_field_gives_its_text_back(number: int) -> None:
    (found,) = convert.fields([str(number)])

    assert str(found) == str(number)


def test_available_is_no_only_when_said() -> None:
    assert convert.flags(["0", "no", "False", False, 0, "N", "yes", "", None, 1]) == [False] * 6 + [True] * 4
