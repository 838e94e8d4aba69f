"""Watches the event loop: how late it wakes, as a histogram, and what held it when it stood still."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
from collections.abc import AsyncIterator

from swerve.server.context import Context

PERIOD_S = 0.01
ARM_EVERY = 10


@contextlib.asynccontextmanager
async def watch(context: Context) -> AsyncIterator[None]:
    """Watch the running loop until left. Stacks are written only if `context.dump_stalls`: the timer for it is one
    per process, so it belongs to whoever owns the process.
    """
    task = asyncio.create_task(_watch(context))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        if context.dump_stalls:
            faulthandler.cancel_dump_traceback_later()


async def _watch(context: Context) -> None:
    loop = asyncio.get_running_loop()
    stall_s = context.config.stall_ms / 1000
    metrics = context.metrics
    tick = 0
    while True:
        if context.dump_stalls and tick % ARM_EVERY == 0:
            # A thread of its own writes the stacks *while* the loop stands still, unless it is armed again in time.
            faulthandler.dump_traceback_later(stall_s + ARM_EVERY * PERIOD_S * 2)
        tick += 1
        start = loop.time()
        await asyncio.sleep(PERIOD_S)
        lag_s = max(0.0, loop.time() - start - PERIOD_S)
        metrics.lag.observe(lag_s)
        if lag_s > stall_s:
            metrics.stalls.inc()
