"""Bytes to events: three shapes of body, limits before parsing, and each fault told exactly without its value."""

from __future__ import annotations

import json
import re
import tracemalloc

import msgspec
import pytest

from swerve.errors import InvalidInput, Malformed, TooLarge
from swerve.events.config import EventsConfig
from swerve.events.parse import parse
from swerve.testing.events import examples
from swerve.types import Interaction, Item, Rejection, User

LIMITS = EventsConfig()
JSON, LINES = "application/json", "application/x-ndjson"
VIEW = b'{"type":"interaction","user":"ann","item":"mug","action":"view"}'
VIEWED = Interaction(user="ann", item="mug", action="view")
SECRET = "hunter2-do-not-echo"


def codes(body: bytes, media_type: str = JSON) -> list[str]:
    return [found.code if isinstance(found, Rejection) else "" for found in parse(body, media_type, LIMITS)]


def refused(body: bytes, media_type: str = JSON) -> Rejection:
    (found,) = parse(body, media_type, LIMITS)
    assert isinstance(found, Rejection)
    return found


# --- shapes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("media_type", [JSON, "application/json; charset=utf-8", "", "Application/JSON;charset=UTF-8"])
def test_one_object_and_an_array_are_json(media_type: str) -> None:
    assert parse(VIEW, media_type, LIMITS) == [VIEWED]
    assert parse(b" [\n" + VIEW + b" , " + VIEW + b"]\r\n", media_type, LIMITS) == [VIEWED, VIEWED]
    assert parse(b"[]", media_type, LIMITS) == []
    assert parse(b"[ ]", media_type, LIMITS) == []


def test_lines_are_one_event_each_and_blank_ones_do_not_count() -> None:
    body = b"\n" + VIEW + b"\r\n\r\n  \n" + b'{"type":"user","id":"ann"}\n'

    assert parse(body, LINES, LIMITS) == [VIEWED, User(id="ann")]


def test_every_kind_survives_the_way_there_and_back() -> None:
    events = examples()
    body = msgspec.json.encode(events)
    lines = b"\n".join(msgspec.json.encode(event) for event in events)

    assert parse(body, JSON, LIMITS) == events
    assert parse(lines, LINES, LIMITS) == events
    assert [parse(msgspec.json.encode(event), JSON, LIMITS)[0] for event in events] == events


def test_a_byte_order_mark_is_skipped() -> None:
    assert parse(b"\xef\xbb\xbf" + VIEW, JSON, LIMITS) == [VIEWED]
    assert parse(b"\xef\xbb\xbf" + VIEW, LINES, LIMITS) == [VIEWED]


def test_type_may_be_left_out_of_interactions_only() -> None:
    bare = b'{"user":"ann","item":"mug","action":"view"}'

    assert parse(bare, JSON, LIMITS) == [VIEWED]
    assert parse(b"[" + bare + b"," + bare + b"]", JSON, LIMITS) == [VIEWED, VIEWED]
    assert parse(b"[" + VIEW + b"," + bare + b"]", JSON, LIMITS) == [VIEWED, VIEWED]
    assert parse(bare + b"\n" + VIEW, LINES, LIMITS) == [VIEWED, VIEWED]
    assert refused(b'{"id":"mug","title":"Mug"}').code == "missing_type"
    assert "`item`, `user`, `interaction`, `impression`" in refused(b"{}").message


def test_type_may_be_left_out_of_items_where_only_items_are_sent() -> None:
    bare = b'{"id":"mug"}'

    assert parse(bare, JSON, LIMITS, "item") == [Item(id="mug")]
    assert parse(b"[" + bare + b"]", JSON, LIMITS, "item") == [Item(id="mug")]
    (found,) = parse(b'{"id":"mug","titel":"Mug"}', JSON, LIMITS, "item")
    assert isinstance(found, Rejection)
    assert "did you mean `title`?" in found.message


# --- limits, before anything is parsed ----------------------------------------------------------------------


def nest(levels: int) -> bytes:
    """An array of `levels` levels with one wrong event in it: the parser itself does not mind the depth."""
    return b"[" * levels + b"]" * levels


def test_V2_body_at_the_limit_passes_and_one_byte_more_does_not() -> None:
    limits = EventsConfig(max_body_bytes=len(VIEW))

    assert parse(VIEW, JSON, limits) == [VIEWED]
    with pytest.raises(TooLarge) as error:
        parse(VIEW + b" ", JSON, limits)
    assert error.value.code == "body_too_large"
    assert error.value.status == 413


@pytest.mark.parametrize("media_type", [JSON, LINES])
def test_V2_batch_at_the_limit_passes_and_one_more_does_not(media_type: str) -> None:
    def body(n: int) -> bytes:
        return b"[" + b",".join([VIEW] * n) + b"]" if media_type == JSON else b"\n".join([VIEW] * n)

    limits = EventsConfig(max_batch=5)
    assert len(parse(body(5), media_type, limits)) == 5
    with pytest.raises(TooLarge) as error:
        parse(body(6), media_type, limits)
    assert error.value.code == "too_many"


def test_V2_a_trailing_line_end_is_no_line_more() -> None:
    assert len(parse(VIEW + b"\n" + VIEW + b"\n", LINES, EventsConfig(max_batch=2))) == 2


def test_V2_commas_inside_an_event_are_no_events() -> None:
    assert parse(VIEW, JSON, EventsConfig(max_batch=1)) == [VIEWED]
    assert parse(b"[" + VIEW + b"]", JSON, EventsConfig(max_batch=1)) == [VIEWED]


def test_V2_depth_at_the_limit_passes_and_one_more_does_not() -> None:
    assert codes(nest(32)) == ["wrong_type"]
    with pytest.raises(TooLarge) as error:
        parse(nest(33), JSON, LIMITS)
    assert error.value.code == "too_deep"


def test_V2_one_deep_line_is_refused_alone() -> None:
    deep = b'{"a":' * 40 + b"1" + b"}" * 40

    assert codes(b"\n".join([VIEW, deep, VIEW]), LINES) == ["", "too_deep", ""]


def test_V2_depth_inside_strings_is_no_depth() -> None:
    title = json.dumps("[{" * 500 + '\\"' + "]}" * 3).encode()

    assert parse(b'{"type":"item","id":"a","title":' + title + b"}", JSON, LIMITS) == [
        Item(id="a", title="[{" * 500 + '\\"' + "]}" * 3)
    ]


def test_V2_brackets_that_close_in_strings_hide_no_depth() -> None:
    body = b'["]]]]]]",' * 40 + b"1" + b"]" * 40

    with pytest.raises(TooLarge):
        parse(body, JSON, LIMITS)


@pytest.mark.parametrize(
    "body",
    [b"[" * (8 << 20), b'{"a":' * 1_600_000, b"[" + b"{}," * 2_700_000 + b"{}]", b"[" + b"1," * 4_000_000 + b"1]"],
    ids=["arrays", "objects", "many objects", "many numbers"],
)
def test_V2_bombs_cost_no_more_than_a_few_bodies_of_memory(body: bytes) -> None:
    tracemalloc.start()
    with pytest.raises(TooLarge):
        parse(body, JSON, LIMITS)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 2 * LIMITS.max_body_bytes + (4 << 20)


# --- faults: one wrong event spoils no other -----------------------------------------------------------------

FAULTS: dict[str, tuple[bytes, str, str, str]] = {
    # what is wrong: (event, code, field, part of the message)
    "field is missing": (b'{"type":"item"}', "missing_field", "id", "`id` is needed"),
    "field of a pick is missing": (
        b'{"type":"impression","slate":"s","picks":[{"item":"a","position":0}]}', "missing_field", "picks.0.score", "",
    ),
    "type of a field": (b'{"type":"item","id":5}', "wrong_type", "id", "expected a string, got an integer"),
    "type inside": (
        b'{"type":"impression","slate":"s","picks":[{"item":"a","position":0.5,"score":1}]}',
        "wrong_type", "picks.0.position", "expected an integer, got a number",
    ),
    "type inside fields": (b'{"type":"user","id":"a","fields":{"x":{}}}', "wrong_type", "fields", "got an object"),
    "null": (b'{"type":"item","id":"a","title":null}', "wrong_type", "title", "got null"),
    "unknown field": (b'{"type":"item","id":"a","titel":"x"}', "unknown_field", "", "did you mean `title`?"),
    "unknown field without type": (b'{"itm":"a","item":"a","action":"b"}', "unknown_field", "", "`item`"),
    "unknown type": (b'{"type":"itme","id":"a"}', "unknown_type", "type", "`interaction`"),
    "type is a number": (b'{"type":1}', "unknown_type", "type", "`interaction`"),
    "no type": (b'{"id":"a"}', "missing_type", "type", "`action`"),
    "not an object": (b"5", "wrong_type", "", "expected an object, got an integer"),
    "null event": (b"null", "wrong_type", "", "got null"),
    "number too large": (b'{"type":"item","id":"a","time":1e999}', "out_of_range", "time", "finite"),
    "integer too large": (
        b'{"type":"item","id":"a","fields":{"x":' + b"9" * 5000 + b"}}", "out_of_range", "fields", "finite",
    ),
    "NaN": (b'{"type":"item","id":"a","time":NaN}', "not_finite", "", "NaN"),
    "infinity": (b'{"type":"item","id":"a","time":-Infinity}', "not_finite", "", "NaN"),
    "lone high surrogate": (b'{"type":"item","id":"\\ud83d"}', "invalid_unicode", "", "pair"),
    "lone low surrogate": (b'{"type":"item","id":"\\ude00 and more"}', "invalid_unicode", "", "pair"),
    "two high surrogates": (b'{"type":"item","id":"\\ud83d\\ud83d"}', "invalid_unicode", "", "pair"),
    "not UTF-8": (b'{"type":"item","id":"\xff"}', "invalid_unicode", "", "UTF-8"),
    "surrogate as UTF-8": (b'{"type":"item","id":"\xed\xa0\x80"}', "invalid_unicode", "", "UTF-8"),
    "overlong NUL": (b'{"type":"item","id":"\xc0\x80"}', "invalid_unicode", "", "UTF-8"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_V1_a_fault_is_named_and_leaves_the_others_standing(fault: str) -> None:
    event, code, field, part = FAULTS[fault]

    for media_type, body in (
        (JSON, b"[" + VIEW + b", " + event + b" ," + VIEW + b"]"),
        (LINES, b"\n".join([VIEW, event, VIEW])),
    ):
        first, found, last = parse(body, media_type, LIMITS)
        assert [first, last] == [VIEWED, VIEWED]
        assert isinstance(found, Rejection)
        assert (found.index, found.code, found.field) == (1, code, field)
        assert part in found.message


@pytest.mark.parametrize("fault", [name for name, row in FAULTS.items() if row[0].startswith(b"{")])
def test_V1_a_lone_wrong_event_is_a_rejection_at_place_0(fault: str) -> None:
    event, code, field, _ = FAULTS[fault]

    found = refused(event)

    assert (found.index, found.code, found.field) == (0, code, field)


def test_an_emoji_in_escapes_is_a_whole_character() -> None:
    assert parse(b'{"type":"item","id":"\\ud83d\\ude00"}', JSON, LIMITS) == [Item(id="\U0001f600")]


@pytest.mark.parametrize(
    "body",
    [
        '{{"type":"{}"}}', '{{"type":"item","id":"a","{}":1}}', '{{"type":"item","id":["{}"]}}',
        '{{"type":"user","id":"a","fields":{{"{}":null}}}}', '{{"type":"item","id":"a","x` - at `$.{}":1}}',
        '{{"action":"{}","itm":1}}', '{{"type":"item","id":"{}","time":NaN}}', '{{"{}":1}}',
        '{{"type":"item","id":"a","time":"{}","oops":1}}',
    ],
)  # fmt: skip
def test_V1_no_rejection_repeats_what_was_sent(body: str) -> None:
    found = refused(body.format(SECRET).encode())

    assert SECRET not in found.message + found.field + found.code


def test_a_field_path_holds_our_own_names_only() -> None:
    found = refused(b'{"type":"item","id":"a","x` - at `$.hunter":1}')

    assert found.code == "unknown_field"
    assert "hunter" not in found.field


# --- bodies that are no JSON ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "at"),
    [
        (b"[" + VIEW + b"]]", len(VIEW) + 2),
        (b"[" + VIEW + b",]", len(VIEW) + 2),
        (b"[" + VIEW + b" " + VIEW + b"]", len(VIEW) + 2),
        (b"[" + VIEW + b',{"a":}]', len(VIEW) + 7),
        (b"[" + VIEW + b',{"a":"\\q"}]', len(VIEW) + 9),
        (VIEW + b"x", len(VIEW)),
        (b"[,]", 1),
    ],
)
def test_V1_a_body_that_is_no_json_is_refused_whole_saying_where(body: bytes, at: int) -> None:
    with pytest.raises(Malformed) as error:
        parse(body, JSON, LIMITS)

    assert error.value.status == 400
    said = re.fullmatch(r"not JSON: broken near byte (\d+)", error.value.message)
    assert said is not None
    assert abs(int(said[1]) - at) <= 1


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (b'{"type":"item"', "it ends too early"),
        (b"[" + VIEW, "it ends too early"),
        (b'{"type":"item","id":"\\u00e9', "it ends too early"),
        (b"5", "expected an object or an array"),
        (b'"text"', "expected an object or an array"),
        (b"\x00", "expected an object or an array"),
        (b"\xff\xfe{\x00", "expected an object or an array"),
    ],
)
def test_V1_a_body_that_ends_early_or_is_something_else_says_so(body: bytes, part: str) -> None:
    with pytest.raises(Malformed) as error:
        parse(body, JSON, LIMITS)

    assert part in error.value.message


def test_V1_a_line_that_is_no_json_spoils_no_other() -> None:
    assert codes(b"\n".join([VIEW, b'{"type":', b"}", b'"', VIEW]), LINES) == [
        "", "malformed", "malformed", "malformed", "",
    ]  # fmt: skip


@pytest.mark.parametrize("body", [b"", b"  \r\n\t", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("media_type", [JSON, LINES])
def test_an_empty_body_says_so(body: bytes, media_type: str) -> None:
    with pytest.raises(Malformed) as error:
        parse(body, media_type, LIMITS)
    assert error.value.code == "empty_body"


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/xml", "multipart/form-data", "application/json; charset=latin-1"]
)
def test_another_media_type_is_refused(media_type: str) -> None:
    with pytest.raises(Malformed) as error:
        parse(VIEW, media_type, LIMITS)
    assert error.value.code == "media_type"


def test_a_flood_of_different_wrong_events_is_answered_one_by_one() -> None:
    bodies = [b'{"action":"x","field%d":1}' % number for number in range(2_000)]

    found = parse(b"[" + b",".join(bodies) + b"]", JSON, LIMITS)

    assert [entry.index for entry in found if isinstance(entry, Rejection)] == list(range(2_000))


def test_every_error_of_parse_is_invalid_input() -> None:
    assert issubclass(Malformed, InvalidInput)
    assert issubclass(TooLarge, InvalidInput)
