"""Load over HTTP that costs the loading core little: keep-alive connections of raw bytes, closed loop or paced.

It speaks as much HTTP/1.1 as `swerve serve` answers with: one request at a time on a connection, a content-length in
every answer. An HTTP library would spend more on a request than the server does.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias
from urllib.parse import urlsplit

Answer: TypeAlias = tuple[int, bytes]
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
SPIN_S = 0.0015
"""asyncio wakes up to a millisecond late; the last stretch before a request is due is waited actively."""


class Channel(asyncio.Protocol):
    """One keep-alive connection with at most one request under way."""

    def __init__(self) -> None:
        self._received = b""
        self._answer: asyncio.Future[Answer] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready to ask."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Resolve the answer once it is whole."""
        self._received += data
        answer = parse_answer(self._received)
        if answer is not None and self._answer is not None:
            self._received = b""
            self._answer.set_result(answer)

    def connection_lost(self, error: Exception | None) -> None:
        """An answer that will never come must not be waited for."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError("the server closed the connection"))

    async def ask(self, request: bytes) -> Answer:
        """Status and body of the answer to one request."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()


Task: TypeAlias = Callable[[Channel, int], Awaitable[None]]


def parse_answer(received: bytes) -> Answer | None:
    """Status and body of a whole answer; None while some of it is missing."""
    head, mark, body = received.partition(b"\r\n\r\n")
    if not mark:
        return None
    length = _LENGTH.search(head)
    size = int(length[1]) if length else 0
    return (int(head[9:12]), body) if len(body) >= size else None


def get(path: str) -> bytes:
    """The bytes of a GET."""
    return f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".encode()


def post(path: str, body: bytes) -> bytes:
    """The bytes of a POST of JSON."""
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


async def connect(url: str, count: int) -> list[Channel]:
    """That many connections to the server at `url`."""
    place = urlsplit(url)
    loop = asyncio.get_running_loop()
    return [(await loop.create_connection(Channel, place.hostname, place.port))[1] for _ in range(count)]


async def closed(channels: Sequence[Channel], task: Task, seconds: float) -> tuple[int, float]:
    """Each connection starts its next task when the last one ended. Returns tasks done and seconds taken."""
    start = time.perf_counter()
    done = 0

    async def work(channel: Channel) -> None:
        nonlocal done
        while time.perf_counter() - start < seconds:
            number, done = done, done + 1
            await task(channel, number)

    await asyncio.gather(*map(work, channels))
    return done, time.perf_counter() - start


async def paced(channels: Sequence[Channel], task: Task, rate: float, count: int) -> list[float]:
    """Start `count` tasks at `rate` per second whatever happens; seconds from when each was *due* to its end."""
    free: asyncio.Queue[Channel] = asyncio.Queue()
    for channel in channels:
        free.put_nowait(channel)
    took: list[float] = []

    async def one(number: int, due: float) -> None:
        channel = await free.get()
        await task(channel, number)
        free.put_nowait(channel)
        took.append(time.perf_counter() - due)

    start = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for number in range(count):
            due = start + number / rate
            await _until(due)
            tasks.create_task(one(number, due))
    return took


async def _until(due: float) -> None:
    wait = due - time.perf_counter() - SPIN_S
    if wait > 0:
        await asyncio.sleep(wait)
    while time.perf_counter() < due:  # noqa: ASYNC110 - there is no event but the clock
        await asyncio.sleep(0)


def good(answer: Answer) -> bytes:
    """The body of a 200; anything else ends the benchmark: its numbers would mean nothing."""
    status, body = answer
    if status != 200:
        raise RuntimeError(f"the server answered {status}: {body[:200].decode(errors='replace')}")
    return body
