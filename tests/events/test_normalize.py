"""One way to write each thing: ids, texts, numbers, field values, times. Twice is the same as once."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swerve.errors import InvalidInput
from swerve.events.normalize import (
    clean_bool,
    clean_fields,
    clean_id,
    clean_int,
    clean_number,
    clean_text,
    clean_time,
    is_plain,
    to_seconds,
)

LIMITS = (64, 256, 2_000, 256)


def code(call: object, *args: object) -> str:
    with pytest.raises(InvalidInput) as error:
        call(*args)  # type: ignore[operator]
    return error.value.code


def tried(call: Callable[..., Any], *args: object) -> Any:
    """What the call gives, or `refused: CODE`."""
    try:
        return call(*args)
    except InvalidInput as error:
        return f"refused: {error.code}"


class Name(str):
    """A string that is more than a string, as data frames hand them out."""

    __slots__ = ()


# --- ids ----------------------------------------------------------------------------------------------------


@given(st.text(max_size=300))
def test_ids_are_idempotent_and_in_one_form_or_refused(text: str) -> None:
    once = tried(clean_id, text, "id", 256)
    if once in {"refused: empty", "refused: too_long", "refused: control_character", "refused: invalid_unicode"}:
        return

    assert clean_id(once, "id", 256) == once
    assert unicodedata.is_normalized("NFC", once)
    assert 0 < len(once) <= 256
    assert not once.isspace()
    once.encode()


@given(st.text(st.characters(max_codepoint=0x17F), max_size=30))
def test_the_fast_path_takes_nothing_the_slow_one_would_change(text: str) -> None:
    if is_plain(text, 20):
        assert clean_id(text, "id", 20) == text


def test_two_ways_to_write_a_letter_are_one_id() -> None:
    assert clean_id("Cafe\u0301", "id", 256) == clean_id("Caf\u00e9", "id", 256)


@pytest.mark.parametrize("text", ["a", "item-1", "urn:x:1", "a b", "日本", "👩\u200d🚀", "مي\u200cخو", "\U000e0067"])
def test_ids_of_any_script_pass(text: str) -> None:
    assert clean_id(text, "id", 256) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "empty"), (" ", "empty"), ("\u2003", "empty"),
        ("a\x00b", "control_character"), ("a\n", "control_character"), ("a\tb", "control_character"),
        ("\x7f", "control_character"), ("a\x9f", "control_character"), ("a\u202eb", "control_character"),
        ("\u200b", "control_character"), ("\ufeffa", "control_character"), ("a\u2028", "control_character"),
        ("a\ud800", "invalid_unicode"), ("a" * 257, "too_long"), ("é" * 257, "too_long"),
        (5, "wrong_type"), (None, "wrong_type"), (b"a", "wrong_type"), (["a"], "wrong_type"),
    ],
)  # fmt: skip
def test_V1_wrong_ids_are_told_apart(text: object, expected: str) -> None:
    assert code(clean_id, text, "user", 256) == expected


@pytest.mark.parametrize("length", [255, 256, 257])
def test_V2_ids_may_be_as_long_as_the_limit(length: int) -> None:
    for letter in "aé":
        if length <= 256:
            assert clean_id(letter * length, "id", 256) == letter * length
        else:
            assert code(clean_id, letter * length, "id", 256) == "too_long"


def test_an_id_that_grows_in_its_one_form_is_measured_again() -> None:
    grows = "\u0958" * 200  # NFC takes it apart into two characters each

    assert code(clean_id, grows, "id", 256) == "too_long"


def test_what_passes_is_a_plain_string() -> None:
    assert type(clean_id(Name("mug"), "id", 256)) is str
    assert type(clean_id(np.str_("mug"), "id", 256)) is str
    assert type(clean_text(np.str_("mug"), "text", 256)) is str
    assert not is_plain(Name("mug"), 256)


# --- texts --------------------------------------------------------------------------------------------------


@given(st.text(max_size=60))
def test_texts_are_idempotent(text: str) -> None:
    once = tried(clean_text, text, "title", 50)
    if once in {"refused: too_long", "refused: invalid_unicode"}:
        return
    assert clean_text(once, "title", 50) == once
    assert len(once) == len(text)


def test_control_characters_in_texts_become_spaces_and_line_ends_stay() -> None:
    assert clean_text("a\x00b\x1b[31m\tc\r\nd\x85", "text", 99) == "a b [31m\tc\r\nd "


def test_hostile_combining_marks_cost_nothing() -> None:
    marks = "\u0301\u0323" * 10_000  # NFC of this takes half a second

    assert clean_text(marks, "text", 20_000) == marks


# --- numbers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [1, 1.0, np.float64(1), np.float32(1), np.int64(1), np.uint8(1)])
def test_numbers_of_any_library_become_floats(value: object) -> None:
    assert clean_number(value, "value") == 1.0
    assert type(clean_number(value, "value")) is float


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (math.nan, "not_finite"), (math.inf, "not_finite"), (-math.inf, "not_finite"),
        (np.float64("nan"), "not_finite"),
        (True, "wrong_type"), (np.bool_(True), "wrong_type"), ("1", "wrong_type"), (None, "wrong_type"),
        (10**400, "out_of_range"), (1 << 63, "out_of_range"), (1j, "wrong_type"), ([1], "wrong_type"),
    ],
)  # fmt: skip
def test_V1_wrong_numbers_are_told_apart(value: object, expected: str) -> None:
    assert code(clean_number, value, "value") == expected


def test_integers_keep_their_range() -> None:
    assert clean_int(np.int64(7), "position", 0) == 7
    assert type(clean_int(np.int64(7), "position", 0)) is int
    assert clean_int((1 << 63) - 1, "position", 0) == (1 << 63) - 1
    assert code(clean_int, 1 << 63, "position", 0) == "out_of_range"
    assert code(clean_int, -1, "position", 0) == "out_of_range"
    assert code(clean_int, 1.0, "position", 0) == "wrong_type"
    assert code(clean_int, True, "position", 0) == "wrong_type"


def test_truth_is_no_number() -> None:
    assert clean_bool(np.bool_(True), "available") is True
    assert code(clean_bool, 1, "available") == "wrong_type"
    assert code(clean_bool, None, "available") == "wrong_type"


# --- fields -------------------------------------------------------------------------------------------------

VALUES = st.one_of(
    st.booleans(), st.integers(-(1 << 63), (1 << 63) - 1), st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20), st.lists(st.text(max_size=5), max_size=4),
)  # fmt: skip


@given(st.dictionaries(st.text(max_size=10), VALUES, max_size=5))
def test_fields_are_idempotent_and_can_be_stored(fields: dict[str, object]) -> None:
    once = tried(clean_fields, fields, LIMITS)
    if once in ("refused: empty", "refused: control_character", "refused: invalid_unicode"):
        return
    assert clean_fields(once, LIMITS) == once
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(once)) == once


def test_field_values_keep_their_kind() -> None:
    fields = {
        "a": np.float32(0.5),
        "b": np.int32(3),
        "c": np.bool_(True),
        "d": ("x", "y"),
        "e": "e\u0301",
        "f": Name("z"),
    }

    cleaned = clean_fields(fields, LIMITS)

    assert cleaned == {"a": 0.5, "b": 3, "c": True, "d": ["x", "y"], "e": "\u00e9", "f": "z"}
    assert [type(value) for value in cleaned.values()] == [float, int, bool, list, str, str]


@pytest.mark.parametrize(
    ("fields", "field", "expected"),
    [
        ({"a": None}, "fields.a", "wrong_type"), ({"a": {}}, "fields.a", "wrong_type"),
        ({"a": [1]}, "fields.a", "wrong_type"), ({"a": math.nan}, "fields.a", "not_finite"),
        ({"a": 1 << 63}, "fields.a", "out_of_range"), ({"a": "x" * 2_001}, "fields.a", "too_long"),
        ({"a": ["x"] * 257}, "fields.a", "too_many"), ({"a": b"x"}, "fields.a", "wrong_type"),
        ({"": 1}, "fields", "empty"), ({1: 1}, "fields", "wrong_type"), ({"a\n": 1}, "fields", "control_character"),
        ({f"f{number}": 1 for number in range(65)}, "fields", "too_many"), ([], "fields", "wrong_type"),
        (None, "fields", "wrong_type"),
    ],
)  # fmt: skip
def test_V1_wrong_fields_are_told_apart(fields: object, field: str, expected: str) -> None:
    with pytest.raises(InvalidInput) as error:
        clean_fields(fields, LIMITS)

    assert (error.value.field, error.value.code) == (field, expected)


# --- times --------------------------------------------------------------------------------------------------

MOMENT = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
MOMENT_S = MOMENT.timestamp()


@given(
    st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)),
    st.integers(-(23 * 60 + 59), 23 * 60 + 59),
    st.integers(-(23 * 60 + 59), 23 * 60 + 59),
)
def test_F4_one_moment_is_one_time_in_every_zone(naive: datetime, here_m: int, there_m: int) -> None:
    moment = naive.replace(tzinfo=UTC)
    here = moment.astimezone(timezone(timedelta(minutes=here_m)))
    there = moment.astimezone(timezone(timedelta(minutes=there_m)))

    assert to_seconds(here.isoformat()) == to_seconds(there.isoformat()) == moment.timestamp()


@given(st.datetimes(datetime(1973, 4, 1), datetime(2200, 1, 1)))
def test_the_size_of_a_number_tells_its_unit(naive: datetime) -> None:
    seconds = naive.replace(tzinfo=UTC).timestamp()

    assert to_seconds(seconds) == seconds
    assert to_seconds(seconds * 1e3) == pytest.approx(seconds, abs=1e-3)
    assert to_seconds(round(seconds * 1e6)) == pytest.approx(seconds, abs=1e-3)
    assert to_seconds(round(seconds) * 10**9) == pytest.approx(round(seconds), abs=1e-3)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31T12:00:00Z", "2026-01-31t12:00:00z", "2026-01-31 12:00:00Z", "2026-01-31T12:00:00.000Z",
        "2026-01-31T13:00:00+01:00", "2026-01-31T07:00:00.000000-05:00", "2026-01-31T12:00:00-00:00",
        "2026-02-01T02:00:00+14:00",
    ],
)  # fmt: skip
def test_rfc_3339_in_its_ways(text: str) -> None:
    assert to_seconds(text) == MOMENT_S


def test_a_leap_second_is_the_one_after() -> None:
    assert to_seconds("2016-12-31T23:59:60Z") == to_seconds("2017-01-01T00:00:00Z")


@pytest.mark.parametrize(
    "text",
    [
        "", "now", "2026-01-31", "2026-01-31T12:00:00", "31.01.2026", "1700000000", "2026-02-30T12:00:00Z", "\ud800",
        "2026-01-31T25:00:00Z", "0000-01-01T00:00:00Z", "2026-01-31T12:00:61Z", "T00:00:60" * 5_000, "2" * 100_000,
        "2026-01-31T12:00:00." + "0" * 60 + "Z", "\uff12026-01-31T12:00:00Z",
    ],
)  # fmt: skip
def test_V1_other_texts_are_no_times(text: str) -> None:
    assert code(to_seconds, text) == "invalid_time"


@pytest.mark.parametrize(
    ("time", "expected"),
    [(1e20, "out_of_range"), (-1e21, "out_of_range"), (1.7e308, "out_of_range"), (math.nan, "not_finite"),
     (True, "wrong_type"), (None, "wrong_type"), (datetime(2026, 1, 1), "wrong_type")],
)  # fmt: skip
def test_V1_other_numbers_are_no_times(time: object, expected: str) -> None:
    assert code(to_seconds, time) == expected


def test_times_before_1970_are_times() -> None:
    assert to_seconds(-86_400) == to_seconds("1969-12-31T00:00:00Z") == -86_400.0


def test_a_cleaned_time_keeps_what_the_client_said() -> None:
    assert clean_time("2026-01-31T12:00:00Z") == "2026-01-31T12:00:00Z"
    assert type(clean_time(Name("2026-01-31T12:00:00Z"))) is str
    assert type(clean_time(np.int64(5))) is float
