"""The watchdog sees an event loop that stands still, and says what held it."""

from __future__ import annotations

import asyncio
import faulthandler
import subprocess
import sys
import time

import pytest

from swerve.server.watchdog import watch
from tests.server.web import Web


def stalls(web: Web) -> float:
    return web.context.metrics.stalls._value.get()


def lag_seen(web: Web) -> float:
    return sum(bucket.get() for bucket in web.context.metrics.lag._buckets)


def test_the_loop_is_measured(web: Web) -> None:
    async def story() -> None:
        async with watch(web.context):
            await asyncio.sleep(0.2)

    web.loop.run_until_complete(story())
    assert lag_seen(web) >= 3


def test_a_loop_that_stands_still_is_counted(make_web) -> None:
    web = make_web(stall_ms=50)

    async def story() -> None:
        async with watch(web.context):
            await asyncio.sleep(0.05)
            before = stalls(web)
            time.sleep(0.2)  # noqa: ASYNC251 - the very thing to be found
            await asyncio.sleep(0.05)
            assert stalls(web) > before

    web.loop.run_until_complete(story())


def test_the_watch_ends_with_its_owner(web: Web) -> None:
    async def story() -> int:
        async with watch(web.context):
            pass
        await asyncio.sleep(0)
        return len(asyncio.all_tasks())

    assert web.loop.run_until_complete(story()) == 1


def test_nobody_elses_timer_is_touched(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    touched = []
    monkeypatch.setattr(faulthandler, "dump_traceback_later", lambda *a, **k: touched.append(a))
    monkeypatch.setattr(faulthandler, "cancel_dump_traceback_later", lambda: touched.append("cancel"))

    async def story() -> None:
        async with watch(web.context):
            await asyncio.sleep(0.03)

    web.loop.run_until_complete(story())
    assert not touched


STALLED = """
import asyncio, time
from swerve.server.config import ServerConfig
from swerve.server.context import Context
from swerve.server.watchdog import watch

class NoKeys:
    def __len__(self): return 0

def the_culprit():
    time.sleep(1.2)

async def main():
    context = Context(None, NoKeys(), ServerConfig(stall_ms=100))
    context.dump_stalls = True
    async with watch(context):
        await asyncio.sleep(0.1)
        the_culprit()

asyncio.run(main())
"""


def test_the_stacks_are_written_while_the_loop_stands_still() -> None:
    done = subprocess.run([sys.executable, "-c", STALLED], capture_output=True, text=True, timeout=60, check=True)
    assert "the_culprit" in done.stderr
