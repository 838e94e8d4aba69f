"""Runs the app: listens, sweeps slow connections, and stops the way a supervisor expects."""

from __future__ import annotations

import asyncio
import functools
import gc
import socket
import sys
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, cast

import uvicorn

from swerve.errors import ConfigError
from swerve.server.admission import check_bind
from swerve.server.app import build
from swerve.server.config import ServerConfig
from swerve.server.connection import Connection
from swerve.server.context import Context
from swerve.server.keys import Keys

if TYPE_CHECKING:
    from swerve.engine import Engine

SWEEP_TICKS = 10
"""uvicorn ticks ten times a second."""
START_S = 30.0
SWITCH_S = 0.0005


class Server(uvicorn.Server):
    """uvicorn with our way to stop. The first signal drains, the second ends at once; both end in a normal return."""

    def __init__(self, config: uvicorn.Config, context: Context) -> None:
        super().__init__(config)
        self.context = context
        self.on_ready: Callable[[], None] = lambda: None
        self._ticks_left: int | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self.on_ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal came. uvicorn would raise it again after the drain: then the exit status would say failure."""
        if self.context.draining:
            self.should_exit = self.force_exit = True
        self.drain()

    def drain(self) -> None:
        """Say no to `/readyz`, go on for `grace_s`, then finish what runs and stop."""
        self.context.draining = True
        if self._ticks_left is None:
            self._ticks_left = round(self.context.config.grace_s * 10)

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: sweep, and see whether it is time to go."""
        if counter % SWEEP_TICKS == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                cast(Connection, connection).sweep(now)
        if self.context.failed:
            self.should_exit = True
        if self._ticks_left is not None:
            self._ticks_left -= 1
            self.should_exit = self.should_exit or self._ticks_left < 0
        return await super().on_tick(counter)


def _server(engine: Engine, keys: Keys, config: ServerConfig) -> tuple[Server, socket.socket, str]:
    """A server, its listening socket, and its address."""
    check_bind(config, keys)
    app = build(engine, keys, config)
    try:
        family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
        listening = socket.create_server((config.host, config.port), family=family, backlog=2048)
    except OSError as error:
        message = f"cannot listen there: {error.strerror or 'unknown host'}"
        raise ConfigError(message, field="server.port") from error
    limits = max(engine.config.events.max_body_bytes, config.max_body_bytes)
    settings = uvicorn.Config(
        app,
        http=cast(Any, functools.partial(Connection, config, limits)),
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=config.access_log,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=config.keep_alive_s,
        timeout_graceful_shutdown=config.drain_s,
    )
    host = f"[{config.host}]" if ":" in config.host else config.host
    return Server(settings, app.state.context), listening, f"http://{host}:{listening.getsockname()[1]}"


def serve(engine: Engine, keys: Keys, config: ServerConfig, on_ready: Callable[[str], None] = lambda url: None) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit status: 0, or 1 when the log could not be written any more.

    Call from the main thread. `on_ready` gets the address once it can be reached. The engine stays open: close it
    afterwards. Raises ConfigError before anything listens: no keys on a bind that is not loopback, a taken port.
    """
    server, listening, url = _server(engine, keys, config)
    server.context.dump_stalls = True
    server.on_ready = functools.partial(on_ready, url)
    # What exists now stays; the collector need not walk it again and again while requests wait.
    gc.collect()
    gc.freeze()
    # A list waits for the writer's turn at the interpreter to end: not the default 5 ms, which would be most of its time.  # noqa: E501
    sys.setswitchinterval(SWITCH_S)
    with listening:
        server.run([listening])
    return 1 if server.context.failed else 0


class Background:
    """The server on a thread, for notebooks and tests: `with Background(engine, keys, config) as url: ...`."""

    def __init__(self, engine: Engine, keys: Keys, config: ServerConfig) -> None:
        """Raises ConfigError as `serve` does."""
        self._server, self._listening, self.url = _server(engine, keys, config)
        self._ready = threading.Event()
        self._server.on_ready = self._ready.set
        self._thread = threading.Thread(target=self._run, name="swerve-server", daemon=True)

    @property
    def context(self) -> Context:
        """What the requests of this server share."""
        return self._server.context

    def _run(self) -> None:
        with self._listening:
            self._server.run([self._listening])
        self._ready.set()

    def __enter__(self) -> str:
        """Start; returns the address once it can be reached."""
        self._thread.start()
        if not self._ready.wait(START_S) or not self._server.started:
            raise ConfigError("the server did not start", field="server")
        return self.url

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop as after SIGTERM, and wait for it."""
        self._server.drain()
        self._thread.join()
