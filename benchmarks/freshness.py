"""Does any list miss an event that was acknowledged before the list was asked for? And how long does such a pair take?

First in process, from several threads at once; then over HTTP, at a fixed rate, from another process than the server.
A list is stale when its state is older than the acknowledged event, or when it shows an item that the event took out
of it: one just bought, or one the user just said not to be interested in.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

import swerve
from benchmarks import load, shop
from benchmarks.common import ALL_CORES, Percentiles, arguments, pinned, report, serve
from swerve.engine import Engine

THREADS = 8
CONNECTIONS = 16
RATE = 300.0
"""Pairs per second over HTTP, whether the server keeps up or not."""
USERS_PER_LANE = 200
ACTIONS = ("not_interested", "buy", "view")
TAKES_OUT = frozenset({"not_interested", "buy"})


class Lane:
    """Users that only one thread (or the paced load) acts for, and what each saw last."""

    def __init__(self, name: str, items: int, users: int = USERS_PER_LANE) -> None:
        self._name = name
        self._items = items
        self._users = users
        self._random = random.Random(name)
        self._seen: dict[str, str] = {}
        self.stale = 0
        """Lists that missed what they had to know."""
        self.shortest = 10**9
        """Shortest list: an empty one would be fresh without showing anything."""

    def act(self, number: int) -> swerve.Interaction:
        """What comes next: to the top of the user's last list, or to any item when there was none."""
        user = f"{self._name}-{number % self._users}"
        action = ACTIONS[number // self._users % len(ACTIONS)]
        item = self._seen.get(user) or f"i{self._random.randrange(self._items)}"
        return swerve.Interaction(user=user, item=item, action=action)

    def judge(self, event: swerve.Interaction, offset: int, slate: swerve.Slate) -> None:
        """Count the list if it is stale."""
        self.stale += is_stale(event, offset, slate)
        self.shortest = min(self.shortest, len(slate.picks))
        if slate.picks:
            self._seen[event.user] = slate.picks[0].item


def is_stale(event: swerve.Interaction, offset: int, slate: swerve.Slate) -> bool:
    """Whether a list made after the ack of `event` at `offset` does not know of it."""
    shown = {pick.item for pick in slate.picks}
    return slate.state_offset < offset or (event.action in TAKES_OUT and event.item in shown)


def in_process(engine: Engine, lanes: Sequence[Lane], pairs: int) -> list[float]:
    """`pairs` in all, from one thread a lane; seconds each pair took."""
    took: list[float] = []
    failures: list[BaseException] = []

    def run(lane: Lane) -> None:
        try:
            for number in range(pairs // len(lanes)):
                start = time.perf_counter()
                event = lane.act(number)
                offset = engine.observe(event).offset
                slate = engine.recommend(event.user)
                took.append(time.perf_counter() - start)
                lane.judge(event, offset, slate)
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=run, args=(lane,)) for lane in lanes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return took


async def over_http(url: str, lane: Lane, pairs: int, rate: float = RATE) -> list[float]:
    """`pairs` at `rate` per second; seconds from when each was due until its list was there."""
    channels = await load.connect(url, CONNECTIONS)
    busy: dict[str, asyncio.Lock] = {}

    async def pair(channel: load.Channel, number: int) -> None:
        # Of one user, one pair after the other: a list answers for the events before it only.
        async with busy.setdefault(lane.act(number).user, asyncio.Lock()):
            event = lane.act(number)
            sent = await channel.ask(load.post("/v1/events", msgspec.json.encode(event)))
            ack = msgspec.json.decode(load.good(sent), type=swerve.Ack)
            answer = await channel.ask(load.get(f"/v1/recommend?user={event.user}&n=10"))
            lane.judge(event, ack.offset, msgspec.json.decode(load.good(answer), type=swerve.Slate))

    await load.paced(channels, pair, rate, int(rate))  # the first second warms up
    took = await load.paced(channels, pair, rate, pairs)
    for channel in channels:
        channel.close()
    return took


def main() -> None:
    """Measure and report."""
    args = arguments(__doc__ or "")
    items, interactions, pairs, http_pairs = (
        (5_000, 20_000, 2_000, 1_500) if args.quick else (100_000, 200_000, 20_000, 5_000)
    )
    lanes = [Lane(f"thread{number}", items) for number in range(THREADS)]
    outside = Lane("http", items, users=1_000)
    with tempfile.TemporaryDirectory() as folder:
        with swerve.open(folder, preset="shop") as engine:
            shop.fill(engine, items, 20_000, interactions, time.time())
            inside = Percentiles.of(in_process(engine, lanes, pairs))
        with serve(Path(folder), cpu=min(ALL_CORES)) as served, pinned(max(ALL_CORES)):
            over = Percentiles.of(asyncio.run(over_http(served.url, outside, http_pairs)))
    everybody = [*lanes, outside]
    settings = {
        "items": items,
        "dim": 64,
        "interactions": interactions,
        "pairs": pairs,
        "threads": THREADS,
        "http_pairs": http_pairs,
        "http_pairs_per_s": RATE,
        "durable": "fsync",
    }
    metrics = {
        "stale": sum(lane.stale for lane in everybody),
        "http_pair_p50_ms": over.p50_ms,
        "http_pair_p99_ms": over.p99_ms,
        "http_pair_max_ms": over.max_ms,
        "pair_p50_ms": inside.p50_ms,
        "pair_p99_ms": inside.p99_ms,
        "shortest_list": min(lane.shortest for lane in everybody),
    }
    report("freshness", settings, metrics, args)


if __name__ == "__main__":
    main()
