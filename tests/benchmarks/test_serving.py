"""The load: whole answers only, honest pacing, and a real server at the other end."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

import swerve
from benchmarks import load, serving, shop
from benchmarks.common import Served
from swerve.server import Background, Keys

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def test_an_answer_is_whole_or_nothing() -> None:
    for length in range(len(ANSWER)):
        assert load.parse_answer(ANSWER[:length]) is None
    assert load.parse_answer(ANSWER) == (200, b"hello")


def test_an_answer_without_a_body_is_whole_at_its_head() -> None:
    assert load.parse_answer(b"HTTP/1.1 204 No Content\r\n\r\n") == (204, b"")


def test_a_refusal_ends_the_benchmark() -> None:
    assert load.good((200, b"x")) == b"x"
    with pytest.raises(RuntimeError, match="503"):
        load.good((503, b"busy"))


def test_a_post_says_how_long_it_is() -> None:
    assert load.post("/v1/events", b"[1]").endswith(b"content-length: 3\r\n\r\n[1]")


def test_paced_load_measures_from_when_a_request_was_due() -> None:
    async def slow(channel: load.Channel, number: int) -> None:
        await asyncio.sleep(0.03)

    # One connection, due every 10 ms, 30 ms each: the fifth has waited for the four before it.
    took = asyncio.run(load.paced([load.Channel()], slow, rate=100, count=5))

    assert len(took) == 5
    assert max(took) >= 0.1


def test_the_closed_loop_keeps_every_connection_busy() -> None:
    async def quick(channel: load.Channel, number: int) -> None:
        await asyncio.sleep(0.01)

    done, took = asyncio.run(load.closed([load.Channel(), load.Channel()], quick, seconds=0.1))

    assert took >= 0.1
    assert 10 <= done <= 22


def test_lists_are_counted_on_a_real_server(tmp_path: Path) -> None:
    with swerve.open(tmp_path / "shop", preset="shop") as engine:
        shop.fill(engine, 60, 10, 100, time.time())
        keys = Keys(tmp_path / "keys.json")
        config = engine.config.server
        with Background(engine, keys, swerve_port(config)) as url:
            rate, cost, tail = asyncio.run(
                serving.measure(Served(url, os.getpid(), 0.0), serving.requests(10, 20), seconds=0.2)
            )

    assert rate > 10
    assert cost > 0
    assert 0 < tail.p50_ms <= tail.p99_ms


def swerve_port(config: object) -> object:
    import msgspec

    return msgspec.structs.replace(config, port=0)
