"""Bytes -> events: one JSON object, an array, or NDJSON. Knows limits and shapes, not actions, clocks or stores.

The limits on size, nesting and number hold before the parser sees the body. What is whole goes through one decode;
only a body with a fault is taken apart to say which event is wrong and leave the others standing.

`type` may be left out of an interaction: an object with `action` and no `type` is one.
"""

from __future__ import annotations

import itertools
from typing import Any, Literal, TypeAlias, TypeVar

import msgspec

from swerve.errors import Malformed, TooLarge
from swerve.events import faults
from swerve.events.config import EventsConfig
from swerve.events.scan import cuts, measure
from swerve.types import Event, Interaction, Item, Rejection

T = TypeVar("T")
Parsed: TypeAlias = list[Event | Rejection]
Untyped: TypeAlias = Literal["interaction", "item"]

_EVENT = msgspec.json.Decoder(Event)
_EVENTS = msgspec.json.Decoder(list[Event])
_ONE_OF: dict[Untyped, msgspec.json.Decoder[Any]] = {
    "interaction": msgspec.json.Decoder(Interaction),
    "item": msgspec.json.Decoder(Item),
}
_MANY_OF: dict[Untyped, msgspec.json.Decoder[Any]] = {
    "interaction": msgspec.json.Decoder(list[Interaction]),
    "item": msgspec.json.Decoder(list[Item]),
}

_BOM = b"\xef\xbb\xbf"
_SPACE = b" \t\r\n"
_JSON = frozenset({"application/json", "text/json", ""})
_LINES = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"})
_FAULTS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_NO_TYPE = "Object missing required field `type`"


class _Peek(msgspec.Struct):
    """As much of a refused object as a good message needs."""

    type: str | msgspec.UnsetType = msgspec.UNSET
    action: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_PEEK = msgspec.json.Decoder(_Peek)


def parse(
    body: bytes, media_type: str, limits: EventsConfig, untyped: Untyped = "interaction"
) -> list[Event | Rejection]:
    """Events of a body in their order; a wrong one becomes a Rejection in its place.

    `media_type` is the HTTP Content-Type: JSON (also when empty) or NDJSON, UTF-8; a byte order mark is skipped.
    `untyped` is what an object without `type` is: an interaction (if it has an `action`), or an item.
    For NDJSON, places count the lines that are not blank.
    Raises TooLarge (`body_too_large`, `too_deep`, `too_many`) and Malformed (`malformed`, `empty_body`, `media_type`).
    """
    lines = _is_lines(media_type)
    if len(body) > limits.max_body_bytes:
        raise TooLarge(f"expected a body of at most {limits.max_body_bytes} bytes", code="body_too_large")
    body = body.removeprefix(_BOM)
    if not body.strip(_SPACE):
        raise Malformed("expected at least one event, got an empty body", code="empty_body")
    return _parse_lines(body, limits, untyped) if lines else _parse_json(body, limits, untyped)


def _is_lines(media_type: str) -> bool:
    name, _, parameters = media_type.partition(";")
    name = name.strip().lower()
    charset = parameters.lower().replace('"', "").partition("charset=")[2].partition(";")[0].strip()
    if (name in _JSON or name in _LINES) and charset in ("", "utf-8", "utf8", "us-ascii"):
        return name in _LINES
    raise Malformed("expected application/json or application/x-ndjson in UTF-8", code="media_type")


def _parse_json(body: bytes, limits: EventsConfig, untyped: Untyped) -> Parsed:
    first = body.lstrip(_SPACE)[:1]
    if first not in (b"{", b"["):
        raise Malformed("expected an object or an array of objects")
    lone = first == b"{"
    _check_size(body, limits, lone)
    if lone:
        return [_one(body, 0, untyped)]
    events: list[Event] | list[Interaction] | list[Item] | Exception = _attempt(_EVENTS, body)
    if isinstance(events, Exception) and str(events).startswith(_NO_TYPE):
        events = _attempt(_MANY_OF[untyped], body)
    return _apart(body, events, untyped) if isinstance(events, Exception) else list(events)


def _attempt(decoder: msgspec.json.Decoder[T], piece: bytes) -> T | Exception:
    """The decoded value, or what is wrong with the piece: the caller decides whom to tell."""
    try:
        return decoder.decode(piece)
    except _FAULTS as error:
        return error


def _check_size(body: bytes, limits: EventsConfig, lone: bool) -> None:
    """Depth, and for an array its length. Counting bytes settles most bodies; the others are scanned."""
    shallow = body.count(b"[") + body.count(b"{") <= limits.max_depth
    few = lone or body.count(b",") < limits.max_batch
    if shallow and few:
        return
    deepest, elements = measure(body)
    if deepest > limits.max_depth:
        raise TooLarge(f"expected at most {limits.max_depth} levels of nesting", code="too_deep")
    if not lone and elements > limits.max_batch:
        raise TooLarge(f"expected at most {limits.max_batch} events in one body", code="too_many")


def _apart(body: bytes, error: Exception, untyped: Untyped) -> Parsed:
    """An array with a fault, element by element. An array that is no JSON as a whole is refused as a whole."""
    at = cuts(body)
    if at is None:
        raise _broken(error, 0)
    if len(at) == 2 and not body[at[0] + 1 : at[1]].strip(_SPACE):
        return []
    pairs = itertools.pairwise(at)
    return [_one(body[start + 1 : end], index, untyped, start + 1) for index, (start, end) in enumerate(pairs)]


def _parse_lines(body: bytes, limits: EventsConfig, untyped: Untyped) -> Parsed:
    if body.count(b"\n") + (not body.endswith(b"\n")) > limits.max_batch:
        raise TooLarge(f"expected at most {limits.max_batch} lines in one body", code="too_many")
    pieces = (line.strip(_SPACE) for line in body.split(b"\n"))
    return [_line(piece, index, limits, untyped) for index, piece in enumerate(filter(None, pieces))]


def _line(piece: bytes, index: int, limits: EventsConfig, untyped: Untyped) -> Event | Rejection:
    """One line stands alone: even one that is no JSON spoils no other."""
    try:
        _check_size(piece, limits, lone=True)
        return _one(piece, index, untyped)
    except (Malformed, TooLarge) as error:
        return Rejection(index=index, code=error.code, field="", message=error.message)


def _one(piece: bytes, index: int, untyped: Untyped, start: int = 0) -> Event | Rejection:
    """One event, at byte `start` of its body. Raises Malformed when the piece is no JSON."""
    event: Event | Exception = _attempt(_EVENT, piece)
    if isinstance(event, Exception) and str(event).startswith(_NO_TYPE):
        event = _attempt(_ONE_OF[untyped], piece)
    if not isinstance(event, Exception):
        return event
    refused = _refusal(event, piece, index, untyped)
    if refused is None:
        raise _broken(event, start)
    return refused


def _refusal(error: Exception, piece: bytes, index: int, untyped: Untyped) -> Rejection | None:
    """What is wrong with one event; None when it is no JSON."""
    if not isinstance(error, msgspec.ValidationError):
        return faults.unreadable(error, piece, index)
    peek = _attempt(_PEEK, piece)
    if not isinstance(peek, _Peek):  # more than one fault: the first one is enough
        return faults.invalid(error, "", index)
    if peek.type is not msgspec.UNSET:
        return faults.invalid(error, peek.type, index)
    is_none = untyped == "interaction" and peek.action is msgspec.UNSET
    return faults.no_kind(index) if is_none else faults.invalid(error, untyped, index)


def _broken(error: Exception, start: int) -> Malformed:
    at = faults.at_byte(error)
    if at < 0 and not start:
        return Malformed("not JSON: it ends too early")
    return Malformed(f"not JSON: broken near byte {start + max(at, 0)}")
