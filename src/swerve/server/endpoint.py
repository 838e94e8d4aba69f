"""One path of the API: picks the route by method, checks the role, answers. Every error becomes a problem."""

from __future__ import annotations

import logging
import traceback
from collections.abc import AsyncIterator, Mapping
from pathlib import PurePath

from prometheus_client import Counter

from swerve.errors import LogFailed, SwerveError
from swerve.server.admission import admit
from swerve.server.call import Answer, Call, Disconnected, Receive, Scope, Send
from swerve.server.context import Context
from swerve.server.problems import MEDIA_TYPE, Failed, MethodUnknown, RouteUnknown, problem
from swerve.server.routes import Route

logger = logging.getLogger("swerve.server")

SMALL_BYTES = 1 << 16
"""An unread body of at most this is left to the connection; a larger one costs the connection."""
LINGER_BYTES, LINGER_S = 1 << 24, 1.0
"""How much of a refused body is still read, so that the client gets to see why before the connection closes."""
RETRIED = frozenset({429, 503, 507})


class Endpoint:
    """The routes of one path, by method; none of them = a path that is not ours."""

    probe: bool
    """Health probes are answered even when everything else is refused."""

    def __init__(self, context: Context, path: str, routes: Mapping[str, Route]) -> None:
        self._context = context
        self._path = path
        self._routes = routes
        self.probe = any(route.roles is None for route in routes.values())
        self._counters: dict[int, Counter] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        call = Call(self._context, scope, receive, dict(scope["headers"]))
        try:
            answer = await self._answer(scope["method"], call)
        except Disconnected:
            return
        except SwerveError as error:
            answer = self._refuse(error)
        except Exception as error:
            report(self._path, error)
            answer = self._refuse(Failed("unexpected"))
        self._count(answer.status)
        try:
            await deliver(call, answer, send)
        except Exception as error:
            # Too late for a problem: the answer is broken off, which the client sees as an incomplete body.
            report(self._path, error)

    async def _answer(self, method: str, call: Call) -> Answer:
        if not self._routes:
            raise RouteUnknown("there is no such path")
        route = self._routes.get(method)
        if route is None:
            raise MethodUnknown("this path does not take this method")
        admit(call, route.roles)
        answer = await route.handler(call)
        return answer if isinstance(answer.body, bytes) else await _begun(answer, answer.body)

    def _refuse(self, error: SwerveError) -> Answer:
        if isinstance(error, LogFailed):
            self._context.failed = True
        if error.status >= 500 and error.status not in RETRIED:
            report(self._path, error)
        return refuse(self._context, error, allow=", ".join(self._routes))

    def _count(self, status: int) -> None:
        counter = self._counters.get(status)
        if counter is None:
            counter = self._context.metrics.requests.labels(route=self._path, status=str(status))
            self._counters[status] = counter
        counter.inc()


def refuse(context: Context, error: SwerveError, *, allow: str = "") -> Answer:
    """An error as an answer; `allow` are the methods a 405 names."""
    headers: list[tuple[bytes, bytes]] = []
    if error.status in RETRIED:
        headers.append((b"retry-after", b"%d" % context.config.retry_after_s))
    if error.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if error.status == 405:
        headers.append((b"allow", allow.encode()))
    return Answer(context.encode(problem(error)), error.status, MEDIA_TYPE, tuple(headers))


async def _begun(answer: Answer, pieces: AsyncIterator[bytes]) -> Answer:
    """Fetch the first piece of a long answer before its status goes out, so that an early failure is a problem too."""
    first = await anext(pieces, b"")

    async def all_pieces() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    return answer._replace(body=all_pieces())


async def deliver(call: Call, answer: Answer, send: Send) -> None:
    """Send an answer. Of a large body that nobody read, some is read on first: see LINGER_BYTES."""
    headers = [(b"content-type", answer.media), *answer.headers]
    start = {"type": "http.response.start", "status": answer.status, "headers": headers}
    if not isinstance(answer.body, bytes):
        await send(start)
        async for piece in answer.body:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return
    headers.append((b"content-length", b"%d" % len(answer.body)))
    if call.finished or call.declared_bytes <= SMALL_BYTES:
        await send(start)
        await send({"type": "http.response.body", "body": answer.body})
        return
    headers.append((b"connection", b"close"))
    await send(start)
    await send({"type": "http.response.body", "body": answer.body, "more_body": True})
    await call.discard(LINGER_BYTES, LINGER_S)
    await send({"type": "http.response.body", "body": b""})


def report(path: str, error: Exception) -> None:
    """Log a failure by kind and place. Not its message: that may hold what a user sent."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
    logger.error("%s at %s while answering %s", type(error).__name__, place, path)
