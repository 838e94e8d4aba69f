"""One error tree. Every error carries a stable code, the field it is about and the HTTP status it maps to.

Messages say what was expected and never repeat the refused value: they end up in logs and answers.
"""

from __future__ import annotations

import importlib
from typing import Any


class SwerveError(Exception):
    """Base of everything this package raises on purpose."""

    code = "error"
    status = 500

    def __init__(self, message: str, *, field: str = "", code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        if code is not None:
            self.code = code


class InvalidInput(SwerveError):
    """The caller sent something that cannot be taken; nothing was stored."""

    code = "invalid"
    status = 422


class Malformed(InvalidInput):
    """The body is not what it says it is (broken JSON, wrong media type)."""

    code = "malformed"
    status = 400


class TooLarge(InvalidInput):
    """A limit on size was passed; `code` names which."""

    code = "too_large"
    status = 413


class Conflict(InvalidInput):
    """The same `event_id` with another payload; the first one was kept."""

    code = "conflict"
    status = 409


class NotFound(SwerveError):
    """No such item, user, slate or version."""

    code = "not_found"
    status = 404


class Unauthorized(SwerveError):
    """No key, or one that is not known."""

    code = "unauthorized"
    status = 401


class Forbidden(SwerveError):
    """The key is known but its role may not do this."""

    code = "forbidden"
    status = 403


class Overloaded(SwerveError):
    """A bounded queue is full: try again after a moment. Nothing was stored."""

    code = "overloaded"
    status = 503


class StorageFull(SwerveError):
    """The disk is full: intake is refused until there is room; recommendations go on. Nothing was stored."""

    code = "storage_full"
    status = 507


class ConfigError(SwerveError):
    """A setting is unknown or out of range; the message names the nearest known one."""

    code = "config"


class DirectoryInUse(SwerveError):
    """Another process has this directory open."""

    code = "in_use"


class LogDamaged(SwerveError):
    """Acknowledged records cannot be read back: segment and offset range are named, nothing was changed."""

    code = "log_damaged"

    def __init__(self, message: str, *, segment: str, first: int, last: int) -> None:
        super().__init__(message, field=segment)
        self.segment = segment
        self.first = first
        self.last = last


class LogFailed(SwerveError):
    """Writing or syncing failed. The process must stop: an fsync is never retried on the same descriptor."""

    code = "log_failed"


class MissingExtra(SwerveError):
    """An optional package is needed; the message is the pip line to type."""

    code = "missing_extra"

    def __init__(self, extra: str, package: str) -> None:
        super().__init__(f'{package} is not installed: pip install "swerve[{extra}]"', field=extra)


def needing(extra: str, packages: tuple[str, ...], module: str) -> Any:
    """The module of that name, loaded now because it needs an extra. Raises MissingExtra for one of its packages."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name not in packages:
            raise
        raise MissingExtra(extra, error.name) from error
