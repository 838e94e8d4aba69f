"""uvicorn's HTTP connection with the limits it lacks: header size, slow clients, clients that never read.

A subclass because that is the door uvicorn has for it. It knows bytes and times, not routes.
"""

from __future__ import annotations

import asyncio
import enum
from http import HTTPStatus
from typing import Any, cast

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from swerve.errors import Malformed, Overloaded, SwerveError
from swerve.server.call import Receive, Scope, Send
from swerve.server.config import ServerConfig
from swerve.server.entrance import ARRIVED
from swerve.server.problems import MEDIA_TYPE, HeadersTooLarge, problem

BODY_FACTOR = 8
"""Chunked encoding may blow a body up; beyond this factor over the largest body the connection is cut."""


class Phase(enum.Enum):
    """What a connection waits for."""

    HEADERS = 1
    BODY = 2
    ANSWER = 3
    """The request is complete; or it was answered, and another may come."""


class Connection(HttpToolsProtocol):
    """One client connection; somebody must call `sweep` about once a second."""

    def __init__(self, limits: ServerConfig, max_body_bytes: int, **uvicorn: Any) -> None:
        super().__init__(**uvicorn)
        self._limits = limits
        self._max_body_bytes = max_body_bytes * BODY_FACTOR + (1 << 20)
        self._phase = Phase.HEADERS
        self._since = self.loop.time()
        self._bytes = 0
        """Received of the headers, then of the body, of the request that is coming in."""
        self._piece = 0
        self._stuck_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection; the first request of one too many is answered 503, and that was it."""
        super().connection_made(transport)
        if len(self.connections) > self._limits.max_connections:
            self.app = Refusal(Overloaded("too many connections"))

    def data_received(self, data: bytes) -> None:
        """Bound what the parser keeps: it has no limits of its own."""
        self._piece = len(data)
        self._bytes += self._piece
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._phase is Phase.HEADERS and self._bytes > self._limits.max_header_bytes:
            self._refuse(HeadersTooLarge("the headers are larger than the limit"))
        elif self._phase is Phase.BODY and self._bytes > self._max_body_bytes:
            self.transport.abort()

    def on_message_begin(self) -> None:
        """Parser: the first byte of a request."""
        super().on_message_begin()
        self._enter(Phase.HEADERS)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Parser: one header. Trailers after a chunked body come here too; nobody reads them, so none is kept."""
        if self._phase is Phase.HEADERS:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Parser: the request can start."""
        limit = self._limits.max_header_bytes
        # A piece holds bodies and other requests too; counting exactly is worth while only when it is large.
        if (self._bytes > limit or self._piece > limit) and self._header_bytes() > limit:
            self.app = Refusal(HeadersTooLarge("the headers are larger than the limit"))
        cast(dict[str, Any], self.scope)[ARRIVED] = self.loop.time()
        self._bytes = 0
        self._enter(Phase.BODY)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Parser: the request is complete."""
        super().on_message_complete()
        self._bytes = 0
        self._enter(Phase.ANSWER)

    def on_response_complete(self) -> None:
        """The answer is written; the connection may wait for the next request."""
        self._since = self.loop.time()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP."""
        self._refuse(Malformed("this is not HTTP"))

    def sweep(self, now: float) -> None:
        """Close the connection if its client takes too long over anything. `now` is loop time, seconds."""
        if self.transport.is_closing() or self.flow.write_paused:
            self._stuck_since = self._stuck_since or now
            if now - self._stuck_since > self._limits.write_timeout_s:
                self.transport.abort()
            return
        self._stuck_since = 0.0
        limits, waited_s = self._limits, now - self._since
        if self._phase is Phase.BODY:
            # The app answers 408 earlier, if it reads the body at all.
            if waited_s > limits.body_timeout_s + limits.header_timeout_s:
                self.transport.abort()
        elif self.cycle is None or self.cycle.response_complete:
            idle = self._phase is Phase.ANSWER
            if waited_s > limits.header_timeout_s + (limits.keep_alive_s if idle else 0):
                self.transport.close()

    def _header_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _enter(self, phase: Phase) -> None:
        self._phase, self._since = phase, self.loop.time()

    def _refuse(self, error: SwerveError) -> None:
        """Answer and close, without a request that the app could answer."""
        if self.cycle is None or self.cycle.response_complete:
            body = msgspec.json.encode(problem(error))
            head = (
                f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}\r\ncontent-type: {MEDIA_TYPE.decode()}\r\n"
                f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
            )
            self.transport.write(head.encode() + body)
        self.transport.close()


class Refusal:
    """An ASGI app that answers anything with one problem and closes the connection."""

    def __init__(self, error: SwerveError) -> None:
        self._error = error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse one request."""
        body = msgspec.json.encode(problem(self._error))
        headers = [
            (b"content-type", MEDIA_TYPE),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
            *([(b"retry-after", b"1")] if self._error.status == 503 else []),
        ]
        await send({"type": "http.response.start", "status": self._error.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
