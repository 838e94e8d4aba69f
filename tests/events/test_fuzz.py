"""V1: no body makes anything but events, rejections or InvalidInput; and the harness does find a broken door."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable

import msgspec
import pytest

from swerve.errors import InvalidInput
from swerve.events.config import EventsConfig
from swerve.events.door import Admitted, Door
from swerve.events.parse import parse
from swerve.testing.events import fuzz_bodies
from swerve.types import Event, Interaction, Record, Rejection

LIMITS = EventsConfig()
NOW = 1_800_000_000.0
DOOR = Door(LIMITS, lambda: NOW)
CODE = re.compile(r"[a-z_]+")

Parse = Callable[[bytes, str, EventsConfig], list[Event | Rejection]]
Admit = Callable[[list[Event | Rejection]], Admitted]


def outcome(body: bytes, media_type: str, parse: Parse, admit: Admit = DOOR.admit) -> Counter[str]:
    """What became of a body, by code. Anything raised but InvalidInput is a 500 and passes through."""
    refused = None
    try:
        parsed = parse(body, media_type, LIMITS)
        admitted = admit(parsed)
    except InvalidInput as error:
        refused = error
    if refused is not None:
        assert 400 <= refused.status < 500
        assert CODE.fullmatch(refused.code)
        return Counter([f"body: {refused.code}"])

    assert len(admitted.records) + len(admitted.rejected) == len(parsed)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(admitted.records), type=tuple[Record, ...]) == admitted.records
    assert DOOR.admit([record.event for record in admitted.records]).records == admitted.records
    msgspec.json.encode(admitted.rejected)
    assert all(CODE.fullmatch(entry.code) and entry.message for entry in admitted.rejected)
    return Counter([entry.code for entry in admitted.rejected] + ["accepted"] * len(admitted.records))


def fuzz(seed: int, n: int, parse: Parse, admit: Admit = DOOR.admit) -> Counter[str]:
    total: Counter[str] = Counter()
    for body, media_type in fuzz_bodies(seed, n):
        total += outcome(body, media_type, parse, admit)
    return total


def test_V1_100_000_fuzzed_bodies_make_events_or_precise_refusals() -> None:
    found = fuzz(2026, 100_000, parse)

    expected = {
        "accepted", "body: malformed", "body: too_deep", "body: empty_body", "malformed", "too_deep", "wrong_type",
        "unknown_type", "missing_type", "unknown_field", "missing_field", "invalid_unicode", "out_of_range",
        "not_finite", "invalid_time", "unknown_action", "control_character", "too_long", "empty",
    }  # fmt: skip
    assert expected <= found.keys()  # the bodies do reach every refusal there is
    assert found["accepted"] > 10_000


@pytest.mark.timeout(1_800)
@pytest.mark.slow
def test_V1_a_million_fuzzed_bodies() -> None:
    assert fuzz(7, 1_000_000, parse)["accepted"] > 100_000


# --- the harness can fail -----------------------------------------------------------------------------------


def naive_parse(body: bytes, media_type: str, limits: EventsConfig) -> list[Event | Rejection]:
    """How it is usually done: stdlib json, and trust in what it gives."""
    try:
        value = json.loads(body)
    except json.JSONDecodeError as error:
        raise InvalidInput("not JSON") from error
    said = value if isinstance(value, list) else [value]
    return [Interaction(**{name: inner for name, inner in each.items() if name != "type"}) for each in said]


def forgiving_parse(body: bytes, media_type: str, limits: EventsConfig) -> list[Event | Rejection]:
    """Better: every error it knows of becomes a rejection; it does not know of RecursionError and lone surrogates."""
    try:
        return naive_parse(body, media_type, limits)
    except (TypeError, AttributeError, UnicodeDecodeError) as error:
        raise InvalidInput("wrong") from error


def one_by_one_parse(body: bytes, media_type: str, limits: EventsConfig) -> list[Event | Rejection]:
    """A parser of ours that forgets its wrong events."""
    return [event for event in parse(body, media_type, limits) if not isinstance(event, Rejection)]


def test_V1_the_harness_finds_a_naive_parser() -> None:
    with pytest.raises((TypeError, AttributeError, UnicodeDecodeError)):
        fuzz(1, 1_000, naive_parse)


def test_V1_the_harness_finds_a_forgiving_parser() -> None:
    with pytest.raises((RecursionError, ValueError)):
        fuzz(1, 20_000, forgiving_parse)


def test_V1_the_harness_finds_a_door_that_lets_everything_pass() -> None:
    def ajar(events: list[Event | Rejection]) -> Admitted:
        rejected = tuple(event for event in events if isinstance(event, Rejection))
        passed = [event for event in events if not isinstance(event, Rejection)]
        return Admitted(tuple(Record(event=event, received=NOW, time=NOW) for event in passed), (), rejected)

    with pytest.raises(AssertionError):
        fuzz(1, 1_000, parse, ajar)


def test_V1_the_harness_finds_a_parser_that_drops_wrong_events() -> None:
    assert fuzz(1, 2_000, one_by_one_parse) != fuzz(1, 2_000, parse)


# --- what once broke something, somewhere -------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" * 30 + b"]" * 30,
        b'{"type":"item","id":"a","time":' + b"9" * 5_000 + b"}",
        b'{"type":"item","id":"a","fields":{"x":' + b"9" * 4_000 + b"}}",
        b'{"type":"item","id":"a","time":"' + b"T00:00:60" * 5_000 + b'"}',
        b'{"type":"user","id":"' + "\u0301\u0323".encode() * 4_000 + b'"}',
        b'[{"type":"item","id":"\\ud800"},{"type":"item","id":"b"}]',
        b'{"type":"item","id":"a","time":"\\ud800"}',
        b'{"\\ud800":1}',
        b'[[[{"type":"item"}]]]',
        b"\xef\xbb\xbf\xef\xbb\xbf{}",
        b"{" + b'"a":1,' * 9_999 + b'"a":1}',
    ],
)
def test_V1_old_enemies(body: bytes) -> None:
    for media_type in ("application/json", "application/x-ndjson"):
        assert "accepted" not in outcome(body, media_type, parse) or b'"b"' in body
