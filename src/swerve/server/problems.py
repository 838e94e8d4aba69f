"""Errors as RFC 9457 problem+json: a stable code, the field, what was expected; never the refused value."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from swerve import errors
from swerve.errors import InvalidInput, SwerveError

MEDIA_TYPE = b"application/problem+json"
KIND = "urn:swerve:error:"
FIELD = re.compile(r" - at `\$\.?([a-z_]+)")

NOTHING_STORED = "Nothing was stored."
DETAILS = {
    "overloaded": f"Too much at once: try again after a moment. {NOTHING_STORED}",
    "storage_full": f"The disk is full: events are refused until there is room. {NOTHING_STORED}",
    "unconfirmed": "Not on disk in time; it may still be stored. Send it again with its event_id.",
    "draining": "The server is stopping. Nothing was stored.",
}
INTERNAL = "The server failed; its log says why."


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What every answer of 400 and above carries."""

    type: str
    """Kind of problem, `urn:swerve:error:<kind>`; each kind is one exception class of the client."""
    title: str
    """The kind in words."""
    status: int
    code: str
    """Stable and machine-readable; the kind, or something more precise."""
    field: str = ""
    """What the problem is about: a parameter, a property of the body; empty = the request as a whole."""
    detail: str
    """What was expected. Never repeats what was sent."""


class RouteUnknown(SwerveError):
    """No such path."""

    code = "route_unknown"
    status = 404


class MethodUnknown(SwerveError):
    """The path exists, the method does not."""

    code = "method_unknown"
    status = 405


class BodyTimeout(SwerveError):
    """The body did not arrive in time."""

    code = "body_timeout"
    status = 408


class MediaTypeUnknown(InvalidInput):
    """The body is of a type that is not read here."""

    code = "media_type"
    status = 415


class HeadersTooLarge(SwerveError):
    """Request line and headers are larger than the limit."""

    code = "headers_too_large"
    status = 431


class Failed(SwerveError):
    """Something that should not happen; the server's log says what."""

    code = "internal"


class HostUnknown(SwerveError):
    """The `Host` or `Origin` header names another site: a browser was led here."""

    code = "host_unknown"
    status = 421


OURS: tuple[type[SwerveError], ...] = (
    *(kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, SwerveError)),
    RouteUnknown,
    MethodUnknown,
    BodyTimeout,
    MediaTypeUnknown,
    HeadersTooLarge,
    HostUnknown,
    Failed,
)
"""Every class whose name may leave the process; a plug-in's own error leaves as the nearest of these."""


def kind_of(error: SwerveError) -> type[SwerveError]:
    """The nearest class of ours."""
    return next(kind for kind in type(error).__mro__ if kind in OURS)


def problem(error: SwerveError) -> Problem:
    """Say an error to the outside. What lies behind a 5xx may name files and is not told."""
    kind = kind_of(error)
    words = re.sub(r"(?<!^)([A-Z])", r" \1", kind.__name__).capitalize()
    told = error.status < 500
    return Problem(
        type=KIND + kind.code,
        title=words,
        status=error.status,
        code=error.code,
        field=error.field if told else "",
        detail=error.message if told else DETAILS.get(error.code) or DETAILS.get(kind.code) or INTERNAL,
    )


def invalid(error: msgspec.ValidationError, known: Sequence[str]) -> InvalidInput:
    """Say msgspec's complaint without what was sent: of its own it quotes unknown names and enum values."""
    text = str(error)
    found = FIELD.search(text)
    field = found.group(1) if found and found.group(1) in known else ""
    complaint = text.partition(" - at `")[0]
    if complaint.startswith("Object contains unknown field"):
        return InvalidInput(f"there is a field that is not known here; known: {', '.join(known)}", code="unknown_field")
    if complaint.startswith("Object missing required field"):
        missing = next((name for name in known if f"`{name}`" in complaint), "")
        return InvalidInput("this field is required", field=field or missing, code="missing_field")
    if complaint.startswith("Expected ") and "got" not in complaint:
        crowded = "too_many" if complaint.startswith("Expected `array`") else "too_long"
        code = crowded if "length <=" in complaint else "out_of_range"
        return InvalidInput(complaint.lower().replace("`", ""), field=field, code=code)
    if complaint.startswith("Expected "):
        return InvalidInput(complaint.lower().replace("`", ""), field=field, code="wrong_type")
    return InvalidInput("this is not one of the values allowed here", field=field, code="unknown_value")
