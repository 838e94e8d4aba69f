"""The app of one engine, as any ASGI server takes it; it can be mounted in another app."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.routing import Route as Path

from swerve.server.config import ServerConfig
from swerve.server.context import Context
from swerve.server.endpoint import Endpoint
from swerve.server.entrance import Entrance
from swerve.server.keys import Keys
from swerve.server.openapi import document
from swerve.server.routes import ROUTES, Route
from swerve.server.watchdog import watch

if TYPE_CHECKING:
    from swerve.engine import Engine


def build(
    engine: Engine, keys: Keys, config: ServerConfig | None = None, routes: Sequence[Route] = ROUTES
) -> Starlette:
    """The app; `app.state.context` holds what its requests share. It neither starts nor stops the engine.

    While `keys` is empty it answers requests to loopback names only. Mounted in another app, `config.host`
    should say where that app listens.
    """
    context = Context(engine, keys, config or ServerConfig())
    context.document = functools.cache(lambda: context.encode(document(routes)))
    endpoints = {path: Endpoint(context, path, methods) for path, methods in by_path(routes).items()}
    app = Starlette(
        routes=[Path(path, endpoint) for path, endpoint in endpoints.items()],
        lifespan=_watched,
    )
    app.router.redirect_slashes = False
    app.router.default = Endpoint(context, "", {})
    # In place of Starlette's own stack: an endpoint lets no exception out, so nothing needs to catch one around it.
    app.middleware_stack = Entrance(app.router, context, endpoints)
    app.state.context = context
    return app


def by_path(routes: Sequence[Route]) -> dict[str, dict[str, Route]]:
    """Routes by path, then by method. HEAD works where balancers use it: on the probes."""
    paths: dict[str, dict[str, Route]] = {}
    for route in routes:
        methods = paths.setdefault(route.path, {})
        methods[route.method] = route
        if route.roles is None:
            methods["HEAD"] = route
    return paths


@contextlib.asynccontextmanager
async def _watched(app: Starlette) -> AsyncIterator[None]:
    async with watch(app.state.context):
        yield
