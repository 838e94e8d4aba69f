"""How many events a second become durable and visible: in batches in process, over HTTP, and one alone.

Every ack waits for fsync and for the fold. Half of the events in a batch carry an `event_id` that is checked against
all that were taken before.
"""

from __future__ import annotations

import asyncio
import itertools
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path

import msgspec

import swerve
from benchmarks import load, shop
from benchmarks.common import ALL_CORES, Percentiles, arguments, pinned, report, serve, timed
from swerve.engine import Engine

BATCH = 2_000
HTTP_BATCH = 500
CONNECTIONS = 4
IN_FLIGHT = 2
"""Batches handed over before the first of them is acknowledged: one is checked while one is written."""
ROUNDS = 3


def batches(items: int, count: int, size: int, tag: str) -> list[list[swerve.Interaction]]:
    """`count` interactions in batches; every other one has an `event_id` nobody used before."""
    now = time.time()
    events = shop.past(20_000, count, items, now, seed=len(tag) + count)
    marked = (
        msgspec.structs.replace(event, event_id=f"{tag}-{number}") if number % 2 else event
        for number, event in enumerate(events)
    )
    return list(_pieces(marked, size))


def _pieces(events: Iterator[swerve.Interaction], size: int) -> Iterator[list[swerve.Interaction]]:
    while piece := list(itertools.islice(events, size)):
        yield piece


def submit_all(engine: Engine, work: Sequence[Sequence[swerve.Interaction]]) -> int:
    """Hand over every batch, at most IN_FLIGHT unanswered; events accepted."""
    waiting: deque[Future[swerve.Ack]] = deque()
    accepted = 0
    for batch in work:
        waiting.append(engine.submit(batch))
        if len(waiting) > IN_FLIGHT:
            accepted += waiting.popleft().result().accepted
    return accepted + sum(future.result().accepted for future in waiting)


def lone(engine: Engine, items: int, count: int) -> Percentiles:
    """One event after the other, each waited for."""
    events = list(shop.past(20_000, count, items, time.time(), seed=9))
    return Percentiles.of([timed(lambda event=event: engine.observe(event))[1] for event in events])


def bodies(work: Sequence[Sequence[swerve.Interaction]]) -> list[bytes]:
    """Each batch as the bytes of a request."""
    return [load.post("/v1/events", msgspec.json.encode(batch)) for batch in work]


async def post_all(url: str, requests: Sequence[bytes]) -> tuple[int, float]:
    """Send all requests over CONNECTIONS connections; events accepted and seconds taken."""
    channels = await load.connect(url, CONNECTIONS)
    left = iter(requests)
    accepted = 0

    async def work(channel: load.Channel) -> None:
        nonlocal accepted
        for request in left:
            answer = load.good(await channel.ask(request))
            accepted += msgspec.json.decode(answer, type=swerve.Ack).accepted

    start = time.perf_counter()
    await asyncio.gather(*map(work, channels))
    took = time.perf_counter() - start
    for channel in channels:
        channel.close()
    return accepted, took


def checked(rate: float, accepted: int, expected: int) -> float:
    """The rate, if every event was taken: anything less would flatter it."""
    if accepted != expected:
        raise RuntimeError(f"{accepted} of {expected} events were accepted")
    return rate


def main() -> None:
    """Measure and report."""
    args = arguments(__doc__ or "")
    items, count, singles = (2_000, 20_000, 300) if args.quick else (20_000, 200_000, 3_000)
    with tempfile.TemporaryDirectory() as folder:
        with swerve.open(folder, preset="shop") as engine:
            shop.fill(engine, items, 20_000, 0, time.time())
            rates = []
            for turn in range(ROUNDS):
                work = batches(items, count, BATCH, f"batch{turn}")
                accepted, took = timed(lambda work=work: submit_all(engine, work))
                rates.append(checked(count / took, accepted, count))
            alone = lone(engine, items, singles)
        http_rates = []
        with serve(Path(folder), cpu=min(ALL_CORES)) as served, pinned(max(ALL_CORES)):
            for turn in range(ROUNDS):
                requests = bodies(batches(items, count // 2, HTTP_BATCH, f"http{turn}"))
                accepted, took = asyncio.run(post_all(served.url, requests))
                http_rates.append(checked(accepted / took, accepted, count // 2))
    settings = {
        "items": items,
        "events": count,
        "batch": BATCH,
        "http_batch": HTTP_BATCH,
        "http_connections": CONNECTIONS,
        "with_event_id": "half",
        "rounds": ROUNDS,
        "durable": "fsync",
    }
    metrics = {
        "batch_events_per_s": max(rates),
        "http_events_per_s": max(http_rates),
        "lone_ack_p50_ms": alone.p50_ms,
        "lone_ack_p99_ms": alone.p99_ms,
    }
    report("ingest", settings, metrics, args)


if __name__ == "__main__":
    main()
