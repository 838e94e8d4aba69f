"""What all requests of one server share: the engine, the keys, the settings, the counters, whether it is stopping."""

from __future__ import annotations

import asyncio
import ipaddress
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

import msgspec
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from swerve.errors import Overloaded
from swerve.server.config import ServerConfig
from swerve.server.keys import Keys

if TYPE_CHECKING:
    from swerve.engine import Engine

T = TypeVar("T")
LAG_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
THREADS = 4
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


def is_loopback(host: str) -> bool:
    """Whether an address to bind can be reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class ServerMetrics:
    """What the server counts besides the engine, in a registry of its own: two servers never mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "swerve_http_requests", "Requests answered.", ["route", "status"], registry=self.registry
        )
        self.shed = Counter(
            "swerve_http_shed", "Requests refused because too much came at once.", registry=self.registry
        )
        self.lag = Histogram(
            "swerve_loop_lag_seconds", "How late the event loop woke.", buckets=LAG_BUCKETS_S, registry=self.registry
        )
        self.stalls = Counter("swerve_loop_stalls", "Times the event loop stood still.", registry=self.registry)

    def render(self) -> bytes:
        """Everything in the Prometheus text format."""
        return generate_latest(self.registry)


class Waiters:
    """Brings results of the writer's thread back to the event loop: one wake-up a group, not one a request."""

    def __init__(self) -> None:
        self._done: deque[asyncio.Future[None]] = deque()
        self._armed = False

    async def result(self, future: Future[T], timeout_s: float) -> T:
        """Wait for `future` without blocking the loop. Raises what it raises, or Overloaded after `timeout_s`."""
        if not future.done():
            loop = asyncio.get_running_loop()
            waiter: asyncio.Future[None] = loop.create_future()
            future.add_done_callback(lambda _: self._wake(loop, waiter))
            timer = loop.call_later(timeout_s, _release, waiter)
            try:
                await waiter
            finally:
                timer.cancel()
            if not future.done():
                raise Overloaded("not confirmed in time", code="unconfirmed")
        return future.result()

    def _wake(self, loop: asyncio.AbstractEventLoop, waiter: asyncio.Future[None]) -> None:
        # Runs on the writer's thread. Appending before looking at the flag, and the loop clearing the flag before
        # it looks at the queue, leaves no order of the two in which a waiter is forgotten.
        self._done.append(waiter)
        if not self._armed:
            self._armed = True
            loop.call_soon_threadsafe(self._flush)

    def _flush(self) -> None:
        self._armed = False
        while self._done:
            _release(self._done.popleft())


def _release(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


class Context:
    """Lives as long as the app. `draining` and `failed` only ever go from False to True."""

    def __init__(self, engine: Engine, keys: Keys, config: ServerConfig) -> None:
        self.engine = engine
        self.keys = keys
        self.config = config
        self.metrics = ServerMetrics()
        self.waiters = Waiters()
        self.encode = msgspec.json.Encoder().encode
        self.document: Callable[[], bytes] = bytes
        """Makes the OpenAPI document, JSON; the first call takes long."""
        self.in_flight = 0
        self.draining = False
        self.failed = False
        """The log could not be written: the process must stop, nothing it acknowledged now would be durable."""
        self.dump_stalls = False
        """Whether a stall of the event loop writes all stacks to stderr."""
        self.exports = 0
        self.threads = asyncio.Semaphore(THREADS)
        self.hosts = LOCAL_NAMES.union(config.allowed_hosts)
        self._loopback = is_loopback(config.host)

    @property
    def open(self) -> bool:
        """Whether requests need no key: on a loopback bind of a project that never had one."""
        return self._loopback and not len(self.keys)
