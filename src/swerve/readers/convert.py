"""One column of raw values in, one column of clean values out: ids, numbers, times, categories, fields.

Each converter takes a whole column, because a loop inside `map` or a comprehension is several times cheaper than
a call for each value. A value that cannot be taken raises InvalidInput for the whole column; the caller narrows
it down to the line (see `build`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

from swerve.errors import InvalidInput
from swerve.types import FieldValue

Column = Sequence[object]
UNITS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
"""Divisors that turn a clock count into seconds."""
_MISSING = ("", None)
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})([.][0-9]+)?([eE][+-]?[0-9]{1,2})?")


def ids(column: Column) -> list[str]:
    """Ids as text. Whole floats lose their `.0`: a frame turns ints into floats when one of them is missing."""
    return [value if type(value) is str else _id(value) for value in column]


def _id(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        if value.is_integer():
            return str(int(value))
    if isinstance(value, bytes):
        return value.decode("utf-8", "strict")
    return str(value)


def numbers(column: Column, scale: float, field: str) -> list[float | None]:
    """Numbers times `scale`; None where nothing is given (empty, None or NaN)."""
    try:
        values = list(map(float, column))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return [_number(value, scale, field) for value in column]
    if not all(map(math.isfinite, values)):
        return [_number(value, scale, field) for value in column]
    # Typed apart from `values`: a list of floats is not a list of optional floats.
    result: list[float | None] = [*values] if scale == 1.0 else [value * scale for value in values]
    return result


def _number(value: object, scale: float, field: str) -> float | None:
    if value in _MISSING:
        return None
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise InvalidInput("not a number", field=field, code="wrong_type") from None
    if math.isnan(number):
        return None
    if math.isinf(number):
        raise InvalidInput("not a finite number", field=field, code="not_finite")
    return number * scale


def times(column: Column, unit: str, pattern: str) -> list[float]:
    """Unix seconds. `unit` is one of `time_unit`, or `pattern`: then `pattern` is a strptime format."""
    divisor = UNITS.get(unit)
    if divisor is not None:
        try:
            values = list(map(float, column))  # type: ignore[arg-type]
        except (TypeError, ValueError):
            return [_time(value, unit, pattern) for value in column]
        if all(map(math.isfinite, values)):
            return values if divisor == 1.0 else [value / divisor for value in values]
    return [_time(value, unit, pattern) for value in column]


def _time(value: object, unit: str, pattern: str) -> float:
    if isinstance(value, datetime):
        return _seconds(value)
    if isinstance(value, date):
        return _seconds(datetime(value.year, value.month, value.day))
    try:
        if unit == "iso":
            return _seconds(datetime.fromisoformat(str(value).strip()))
        if unit == "day":
            return _seconds(datetime.strptime(_id(value).strip(), "%Y%m%d"))
        if unit == "pattern":
            return _seconds(datetime.strptime(str(value).strip(), pattern))
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        expected = {"iso": "an ISO 8601 time", "day": "a day like 20200131", "pattern": f"a time like {pattern}"}.get(
            unit, f"a time in {unit}"
        )
        raise InvalidInput(f"not {expected}", field="time", code="invalid_time") from None
    if not math.isfinite(number):
        raise InvalidInput("not a finite time", field="time", code="invalid_time")
    return number / UNITS[unit]


def _seconds(moment: datetime) -> float:
    # A time without a zone is UTC: guessing the machine's zone would make two machines disagree.
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def time_unit(column: Column) -> str:
    """The unit of a column of times, told from its values: `s`, `ms`, `us`, `ns`, `day` (20200131) or `iso`."""
    given = [value for value in column if value not in _MISSING]
    sizes: list[float] = []
    for value in given:
        try:
            size = abs(float(value))  # type: ignore[arg-type]
        except (TypeError, ValueError):
            continue  # one broken line must not turn a column of numbers into one of dates
        if math.isfinite(size):
            sizes.append(size)
    if 2 * len(sizes) < len(given):
        return "iso"
    if not sizes:
        return "s"
    if all(map(_is_day, sizes)):
        return "day"
    middle = sorted(sizes)[len(sizes) // 2]
    # 1e11 s is the year 5138 and 1e11 ms is 1973: real clocks do not meet at these borders.
    return next((unit for unit, limit in (("s", 1e11), ("ms", 1e14), ("us", 1e17)) if middle < limit), "ns")


def _is_day(number: float) -> bool:
    """Whether a number reads as year, month and day. As seconds these would all lie in August 1970."""
    year, month, day = int(number) // 10_000, int(number) // 100 % 100, int(number) % 100
    return number.is_integer() and 1900 <= year <= 2100 and 1 <= month <= 12 and 1 <= day <= 31


def categories(column: Column) -> list[tuple[str, ...]]:
    """Categories of each item: lists as they are, text split at `|`, else at `;`."""
    return [_categories(value) for value in column]


def _categories(value: object) -> tuple[str, ...]:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ()
    if isinstance(value, list | tuple):
        found = [str(part).strip() for part in value]
    else:
        text = str(value)
        found = [part.strip() for part in text.split("|" if "|" in text else ";")]
    return tuple(dict.fromkeys(part for part in found if part))


def fields(column: Column) -> list[FieldValue | None]:
    """Values for `fields`: numbers and booleans as such, lists of text, None where nothing is given."""
    return [_field(value) for value in column]


def _field(value: object) -> FieldValue | None:
    if value is None:
        return None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bool | int):
        return value
    if isinstance(value, list | tuple):
        return [str(part) for part in value]
    if isinstance(value, Decimal):
        return float(value) if value.is_finite() else None
    return _scalar(value) if isinstance(value, str) else str(value)


def _scalar(text: str) -> FieldValue | None:
    text = text.strip()
    if not text:
        return None
    # `007` and `1_000` stay text: they are codes, and a number would not give them back.
    if _NUMBER.fullmatch(text):
        return int(text) if text.lstrip("-").isdigit() else float(text)
    return {"true": True, "false": False}.get(text.lower(), text)


def flags(column: Column) -> list[bool]:
    """Yes or no, for `available`: false, no, 0 and n mean no; anything else, and nothing, mean yes."""
    return [str(value).strip().lower() not in ("false", "no", "n", "0", "0.0") for value in column]
