"""One way to write each thing: ids, texts, numbers, field values, times. Pure; knows no event, no config, no clock.

Every function hands back exact built-in types (never a subclass such as `numpy.str_`), so that what passed here can
be stored. Each raises InvalidInput with a code and the field, and running it on its own result changes nothing.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec
import numpy as np

from swerve.errors import InvalidInput
from swerve.types import FieldValue

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""Control characters that no text needs; tab and line ends are not among them."""
_NOT_IN_IDS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffe\uffff]")
"""Controls, line separators, direction marks, zero-width spaces: invisible ways to make two ids look like one."""
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_LEAP_SECOND = re.compile(r"(T\d\d:\d\d:)60", re.IGNORECASE)

_Moment = Annotated[datetime, msgspec.Meta(tz=True)]
_SECONDS_BELOW = 1e11
"""Numbers of this size or more are milliseconds, 1,000 times that microseconds, 1,000,000 times nanoseconds."""
_TIME_BELOW = _SECONDS_BELOW * 1e9
_INT64 = 1 << 63
_TIME_CHARS = 64


def is_plain(text: object, limit: int) -> bool:
    """True for the ids that most ids are: printable ASCII without spaces, nothing to do. Cheap: asked for every id."""
    return type(text) is str and 0 < len(text) <= limit and text.isascii() and text.isprintable() and " " not in text


def clean_id(text: object, field: str, limit: int) -> str:
    """An id, category or field name: not empty, no control characters, at most `limit` characters, in Unicode NFC."""
    whole = _as_str(text, field, limit)
    if not whole.isascii():
        whole = _sized(unicodedata.normalize("NFC", whole), field, limit)
    if not whole or whole.isspace():
        raise InvalidInput("expected at least one visible character", field=field, code="empty")
    if _NOT_IN_IDS.search(whole):
        message = "expected no control characters, line separators or direction marks"
        raise InvalidInput(message, field=field, code="control_character")
    return whole


def clean_text(text: object, field: str, limit: int) -> str:
    """A title or text as it was sent, of at most `limit` characters; control characters become spaces.

    Not brought to one Unicode form: nothing looks texts up, and NFC takes quadratic time on hostile ones.
    """
    return _CONTROL.sub(" ", _as_str(text, field, limit))


def clean_number(value: object, field: str) -> float:
    """A finite number as an exact `float`."""
    if type(value) is not float:
        value = _unwrap(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidInput("expected a number", field=field, code="wrong_type")
        if isinstance(value, int) and not -_INT64 <= value < _INT64:
            raise InvalidInput("expected a finite 64-bit number", field=field, code="out_of_range")
    if not math.isfinite(value):
        raise InvalidInput("expected a finite number", field=field, code="not_finite")
    return float(value)


def clean_int(value: object, field: str, least: int) -> int:
    """An integer from `least` to 2**63 - 1, as an exact `int`."""
    value = _unwrap(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidInput("expected an integer", field=field, code="wrong_type")
    if not least <= value < _INT64:
        raise InvalidInput(f"expected an integer from {least} to 2**63 - 1", field=field, code="out_of_range")
    return int(value)


def clean_bool(value: object, field: str) -> bool:
    """An exact `bool`: 0 and 1 are numbers."""
    value = _unwrap(value)
    if not isinstance(value, bool):
        raise InvalidInput("expected true or false", field=field, code="wrong_type")
    return value


def clean_time(time: object, field: str = "time") -> float | str:
    """A time in exact types, meaning and digits untouched: `to_seconds` reads it."""
    return str(time) if isinstance(time, str) else clean_number(time, field)


def clean_fields(fields: object, limits: tuple[int, int, int, int]) -> dict[str, FieldValue]:
    """Field values; `limits` are (entries, characters of a name, characters of a text, entries of a list)."""
    entries, name_chars, text_chars, list_entries = limits
    if not isinstance(fields, Mapping):
        raise InvalidInput("expected an object of names and values", field="fields", code="wrong_type")
    if len(fields) > entries:
        raise InvalidInput(f"expected at most {entries} fields", field="fields", code="too_many")
    cleaned: dict[str, FieldValue] = {}
    for name, value in fields.items():
        key = clean_id(name, "fields", name_chars)
        cleaned[key] = _field_value(value, f"fields.{key}", name_chars, text_chars, list_entries)
    return cleaned


def to_seconds(time: object, field: str = "time") -> float:
    """Unix seconds of a number (seconds, or ms / µs / ns by its size) or an RFC 3339 text with a time zone.

    A number of 1e11 or more is taken for milliseconds, of 1e14 for microseconds, of 1e17 for nanoseconds: right for
    every moment after early 1973, and for seconds up to the year 5138.
    """
    if isinstance(time, str):
        return _rfc3339(time, field)
    seconds = clean_number(time, field)
    if -_SECONDS_BELOW < seconds < _SECONDS_BELOW:
        return seconds
    if not -_TIME_BELOW < seconds < _TIME_BELOW:
        raise InvalidInput("expected Unix seconds, milliseconds or RFC 3339", field=field, code="out_of_range")
    while not -_SECONDS_BELOW < seconds < _SECONDS_BELOW:
        seconds /= 1_000.0
    return seconds


def _rfc3339(text: str, field: str) -> float:
    if len(text) <= _TIME_CHARS and text.isascii():
        try:
            return msgspec.convert(str(text), _Moment).timestamp()
        except msgspec.ValidationError:
            if _LEAP_SECOND.search(text):
                return _rfc3339(_LEAP_SECOND.sub(r"\g<1>59", text, count=1), field) + 1.0
    message = "expected Unix seconds, milliseconds or RFC 3339 with a time zone such as 2026-01-31T12:00:00+01:00"
    raise InvalidInput(message, field=field, code="invalid_time")


def _field_value(value: object, field: str, name_chars: int, text_chars: int, list_entries: int) -> FieldValue:
    if isinstance(value, str):
        return _field_text(value, field, name_chars, text_chars)
    if isinstance(value, list | tuple):
        if len(value) > list_entries:
            raise InvalidInput(f"expected at most {list_entries} entries", field=field, code="too_many")
        return [_field_text(entry, field, name_chars, text_chars) for entry in value]
    value = _unwrap(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return clean_int(value, field, -_INT64)
    if isinstance(value, float):
        return clean_number(value, field)
    raise InvalidInput("expected a text, a number, true or false, or a list of texts", field=field, code="wrong_type")


def _field_text(text: object, field: str, name_chars: int, text_chars: int) -> str:
    """Short values are compared by filters, so they get one Unicode form, as ids do."""
    whole = clean_text(text, field, text_chars)
    return whole if whole.isascii() or len(whole) > name_chars else unicodedata.normalize("NFC", whole)


def _as_str(text: object, field: str, limit: int) -> str:
    if not isinstance(text, str):
        raise InvalidInput("expected a string", field=field, code="wrong_type")
    if _SURROGATE.search(_sized(text, field, limit)):
        raise InvalidInput("expected whole Unicode characters", field=field, code="invalid_unicode")
    return str(text)


def _sized(text: str, field: str, limit: int) -> str:
    if len(text) > limit:
        raise InvalidInput(f"expected at most {limit} characters", field=field, code="too_long")
    return text


def _unwrap(value: Any) -> Any:
    """The Python value inside a NumPy scalar: data frames hand these out."""
    return value.item() if isinstance(value, np.generic) else value
