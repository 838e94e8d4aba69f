"""What every request passes before its route: shedding when too much comes at once, and the path as it was sent."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.types import ASGIApp

from swerve.errors import Overloaded
from swerve.server.call import Call, Receive, Scope, Send
from swerve.server.context import Context
from swerve.server.endpoint import Endpoint, deliver, refuse

ARRIVED = "swerve.arrived"
"""Scope key under which a connection notes when the request's headers were complete (loop time, seconds)."""


class Entrance:
    """Stands around the router."""

    def __init__(self, app: ASGIApp, context: Context, endpoints: Mapping[str, Endpoint]) -> None:
        self._app = app
        self._context = context
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it before anything is done for it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close"})
            return
        raw: bytes = scope.get("raw_path") or b""
        if b"%" in raw:
            # Still encoded, so that an id may hold a slash; handlers decode what they take.
            scope = {**scope, "path": raw.decode("latin-1")}
        context = self._context
        # A path without parameters needs no router.
        endpoint = self._endpoints.get(scope["path"])
        if self._crowded(scope) and not (endpoint and endpoint.probe):
            context.metrics.shed.inc()
            call = Call(context, scope, receive, dict(scope["headers"]))
            await deliver(call, refuse(context, Overloaded("too much at once")), send)
            return
        context.in_flight += 1
        try:
            await (endpoint or self._app)(scope, receive, send)
        finally:
            context.in_flight -= 1

    def _crowded(self, scope: Scope) -> bool:
        config = self._context.config
        if self._context.in_flight >= config.max_in_flight:
            return True
        arrived = scope.get(ARRIVED)
        return arrived is not None and asyncio.get_running_loop().time() - arrived > config.max_queue_ms / 1000
