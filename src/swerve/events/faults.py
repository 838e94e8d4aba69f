"""Why the parser refused an event, in our words: a stable code, the field, what was expected, never the value."""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Iterable

import msgspec

from swerve.types import Impression, Interaction, Item, Pick, Rejection, User

KINDS: dict[str, type[msgspec.Struct]] = {
    "item": Item,
    "user": User,
    "interaction": Interaction,
    "impression": Impression,
}
_KNOWN = {name: kind.__struct_fields__ for name, kind in KINDS.items()}
_NAMES = frozenset(Pick.__struct_fields__).union(*_KNOWN.values())

_NAME_CHARS = 64
_PATH = re.compile(r"(?: - at `\$(?P<path>[^`]*)`)?$")
_STEPS = re.compile(r"\.([A-Za-z_]+)|\[(\d+)\]")
_MISSING = re.compile(r"Object missing required field `([a-z_]+)`")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_EXPECTED = re.compile(r"Expected `([a-z |]+)`, got `([a-z ]+)`")
_AT_BYTE = re.compile(r"\(byte (\d+)\)$")
_NOT_NUMBERS = (b"NaN", b"Inf", b"nan", b"inf")
_HALF_PAIR = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])")
_JSON_NAMES = {"str": "a string", "float": "a number", "int": "an integer", "bool": "true or false", "null": "null"}


@functools.lru_cache(maxsize=1024)
def _closest(name: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(name, known, 1)
    return close[0] if close else ""


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name most like `name`, or "" when none is. Remembers: the same slip comes a million times."""
    return _closest(name[:_NAME_CHARS].lower(), tuple(known))


def listed(known: Iterable[str]) -> str:
    """Names in the order given, quoted, for the end of a message."""
    return ", ".join(f"`{name}`" for name in known)


def invalid(error: msgspec.ValidationError, kind: str, index: int) -> Rejection:
    """An event of the wrong shape. `kind` is its `type`, as far as that is known."""
    text = str(error)
    where = _where(text)
    if where == "type":
        return wrong_kind(index)
    if missing := _MISSING.match(text):
        field = f"{where}.{missing[1]}" if where else missing[1]
        return Rejection(index=index, code="missing_field", field=field, message=f"`{missing[1]}` is needed")
    if unknown := _UNKNOWN.match(text):
        return Rejection(index=index, code="unknown_field", field=where, message=_other_field(unknown[1], kind))
    if expected := _EXPECTED.match(text):
        names = [_JSON_NAMES.get(name, f"an {name}") for name in expected[1].split(" | ")]
        said = f"expected {' or '.join(names)}, got {_JSON_NAMES.get(expected[2], f'an {expected[2]}')}"
        return Rejection(index=index, code="wrong_type", field=where, message=said)
    if "out of range" in text:
        return Rejection(index=index, code="out_of_range", field=where, message="expected a finite 64-bit number")
    return Rejection(index=index, code="invalid", field=where, message="not a valid event")


def _where(text: str) -> str:
    """Dotted path to the fault. Only our own field names pass: a message may quote what was sent."""
    path = _PATH.search(text)
    steps = _STEPS.findall(path["path"] or "") if path else ()
    return ".".join(name or number for name, number in steps if number or name in _NAMES or name == "type")


def _other_field(name: str, kind: str) -> str:
    known = _KNOWN.get(kind, ())
    close = nearest(name, known)
    hint = f"did you mean `{close}`? " if close else ""
    return f"unknown field; {hint}known: {listed(known)}"


def wrong_kind(index: int) -> Rejection:
    """`type` is there but is none of ours."""
    message = f"expected one of {listed(KINDS)}"
    return Rejection(index=index, code="unknown_type", field="type", message=message)


def no_kind(index: int) -> Rejection:
    """`type` is not there and the object does not look like an interaction."""
    message = f"expected one of {listed(KINDS)}; only an interaction (an object with `action`) may leave it out"
    return Rejection(index=index, code="missing_type", field="type", message=message)


def unreadable(error: Exception, piece: bytes, index: int) -> Rejection | None:
    """A piece that is no JSON, if the fault is in one string or number; None when its structure is broken."""
    text = str(error)
    if isinstance(error, UnicodeDecodeError):
        return Rejection(index=index, code="invalid_unicode", field="", message="expected strings in UTF-8")
    if isinstance(error, RecursionError):
        return Rejection(index=index, code="too_deep", field="", message="nested too deeply")
    at = at_byte(error)
    if at >= 0 and piece[at : at + 3] in _NOT_NUMBERS:
        message = "NaN and Infinity are no JSON numbers: expected a finite number or no value at all"
        return Rejection(index=index, code="not_finite", field="", message=message)
    if "surrogate" in text or _HALF_PAIR.search(piece.replace(b"\\\\", b"")):
        message = "a \\u escape is half of a pair: expected whole Unicode characters"
        return Rejection(index=index, code="invalid_unicode", field="", message=message)
    return None


def at_byte(error: Exception) -> int:
    """Position in the input that the parser complains about, -1 when it does not say."""
    found = _AT_BYTE.search(str(error))
    return int(found[1]) if found else -1
