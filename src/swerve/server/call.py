"""One request as a handler sees it: typed parameters and a bounded body. It knows no routes."""

from __future__ import annotations

import asyncio
import functools
import sys
import typing
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple, TypeAlias, TypeVar
from urllib.parse import parse_qsl, unquote

import msgspec

from swerve.errors import InvalidInput, Malformed, TooLarge
from swerve.server.context import Context
from swerve.server.problems import BodyTimeout, MediaTypeUnknown, invalid

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
T = TypeVar("T", bound=msgspec.Struct)
R = TypeVar("R")

JSON = b"application/json"
TEXT = b"text/plain; version=0.0.4; charset=utf-8"
NDJSON = b"application/x-ndjson"


class Answer(NamedTuple):
    """What a handler gives back; the body of an export comes in pieces."""

    body: bytes | AsyncIterator[bytes]
    status: int = 200
    media: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Disconnected(Exception):
    """The client went away before its request was complete: there is nobody to answer."""


class Call:
    """The request and what it may reach."""

    __slots__ = ("_receive", "_scope", "context", "finished", "headers")

    def __init__(self, context: Context, scope: Scope, receive: Receive, headers: dict[bytes, bytes]) -> None:
        self.context = context
        self.headers = headers
        self.finished = b"content-length" not in headers and b"transfer-encoding" not in headers
        """Nothing of the body is left to read."""
        self._scope = scope
        self._receive = receive

    def answer(self, value: object) -> Answer:
        """A 200 with a value as JSON."""
        return Answer(self.context.encode(value))

    def param(self, name: str) -> str:
        """A part of the path, unquoted. Raises Malformed for bytes that are not UTF-8."""
        return _unquoted(self._scope["path_params"][name], name)

    def query(self, kind: type[T]) -> T:
        """The query string as a struct. Raises InvalidInput, Malformed."""
        names, lists = _names(kind)
        values: dict[str, str | list[str]] = {}
        for name, value in _pairs(self._scope["query_string"]):
            if name in lists:
                typing.cast(list[str], values.setdefault(name, [])).append(value)
            elif name in values:
                raise InvalidInput("this parameter may be given once", field=name, code="repeated")
            else:
                values[name] = value
        try:
            return msgspec.convert(values, kind, strict=False)
        except msgspec.ValidationError as error:
            raise invalid(error, names) from None

    async def json(self, kind: type[T]) -> T:
        """The body as a struct. Raises InvalidInput, Malformed, TooLarge, MediaTypeUnknown, BodyTimeout."""
        if self.media_type() != "application/json":
            raise MediaTypeUnknown("the body must be application/json", field="content-type")
        body = await self.body(self.context.config.max_body_bytes)
        try:
            return typing.cast(T, _decoder(kind).decode(body))
        except msgspec.ValidationError as error:
            raise invalid(error, _names(kind)[0]) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Malformed("the body is not JSON") from None

    @property
    def declared_bytes(self) -> int:
        """Length of the body as announced; a huge number when it comes in chunks or the header is nonsense."""
        declared = self.headers.get(b"content-length", b"")
        return int(declared) if declared.isdigit() else sys.maxsize

    def key(self) -> str:
        """The API key as sent, empty when there is none."""
        scheme, _, given = self.headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() != b"bearer":
            given = self.headers.get(b"x-api-key", b"")
        return given.strip().decode("latin-1")

    def media_type(self) -> str:
        """Type of the body, lower case, without parameters; empty when none was given."""
        return self.headers.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()

    async def body(self, limit: int) -> bytes:
        """The whole body, refused as soon as it is known to be over `limit` bytes. Raises TooLarge, BodyTimeout."""
        if self.headers.get(b"content-encoding", b"identity").lower() != b"identity":
            raise MediaTypeUnknown("compressed bodies are not read", field="content-encoding")
        if b"content-length" in self.headers and self.declared_bytes > limit:
            raise _too_large(limit)
        try:
            async with asyncio.timeout(self.context.config.body_timeout_s):
                return await self._collect(limit)
        except TimeoutError:
            raise BodyTimeout("the body did not arrive in time") from None

    async def _collect(self, limit: int) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            chunk = message.get("body", b"")
            size += len(chunk)
            self.finished = not message.get("more_body", False)
            if size > limit:
                raise _too_large(limit)
            chunks.append(chunk)
            if self.finished:
                return b"".join(chunks)

    async def discard(self, max_bytes: int, max_s: float) -> None:
        """Read on without keeping anything, so that the client gets to read its answer before the connection closes."""
        try:
            async with asyncio.timeout(max_s):
                while max_bytes > 0:
                    message = await self._receive()
                    max_bytes -= len(message.get("body", b""))
                    if message["type"] == "http.disconnect" or not message.get("more_body", False):
                        return
        except TimeoutError:
            return

    async def in_thread(self, work: Callable[..., R], *args: Any) -> R:
        """Run what is slow on a thread, so that lists and acks go on; at most a few at once."""
        async with self.context.threads:
            return await asyncio.to_thread(work, *args)


def _pairs(query: bytes) -> list[tuple[str, str]]:
    if not query:
        return []
    try:
        return parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise Malformed("the query string is not percent-encoded UTF-8") from None


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body may have {limit} bytes", code="body_too_large")


def _unquoted(text: str, field: str) -> str:
    if "%" not in text:
        return text
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise Malformed("this part of the path is not percent-encoded UTF-8", field=field) from None


@functools.cache
def _names(kind: type[msgspec.Struct]) -> tuple[tuple[str, ...], frozenset[str]]:
    """All field names of a request, and those that may be given several times."""
    hints = typing.get_type_hints(kind)
    lists = (name for name, hint in hints.items() if typing.get_origin(hint) in (tuple, list))
    return kind.__struct_fields__, frozenset(lists)


@functools.cache
def _decoder(kind: type[msgspec.Struct]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)
