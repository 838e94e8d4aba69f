"""How many lists one core serves, how long they take at half that load, and how much memory it needs.

100,000 items, 200,000 past interactions, one server process on one core; the load comes from another core.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import numpy as np

from benchmarks import load, shop
from benchmarks.common import ALL_CORES, Percentiles, Served, arguments, pinned, report, rss_mb, serve

CONNECTIONS = 12
ROUNDS = 3


def requests(users: int, count: int, seed: int = 5) -> list[bytes]:
    """Requests for lists of ten; users come as often as they act."""
    who = shop.zipf(np.random.default_rng(seed), users, count).tolist()
    return [load.get(f"/v1/recommend?user={quote(f'u{user}')}&n=10") for user in who]


def cpu_s(pid: int) -> float:
    """Seconds of processor time a process has used so far, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(served: Served, asked: Sequence[bytes], seconds: float) -> tuple[float, float, Percentiles]:
    """Lists per second at saturation (best of the rounds), its processor ms for each, the latency at half of that."""
    channels = await load.connect(served.url, CONNECTIONS)

    async def one(channel: load.Channel, number: int) -> None:
        load.good(await channel.ask(asked[number % len(asked)]))

    await load.closed(channels, one, seconds / 2)
    rates, costs = [], []
    for _ in range(ROUNDS):
        before = cpu_s(served.pid)
        done, took = await load.closed(channels, one, seconds)
        rates.append(done / took)
        costs.append((cpu_s(served.pid) - before) / done * 1e3)
    half = max(rates) / 2
    rounds = [Percentiles.of(await load.paced(channels, one, half, int(half * seconds))) for _ in range(ROUNDS)]
    for channel in channels:
        channel.close()
    return max(rates), min(costs), min(rounds, key=lambda found: found.p99_ms)


def main() -> None:
    """Measure and report."""
    args = arguments(__doc__ or "")
    items, users, interactions, seconds = (
        (5_000, 2_000, 20_000, 2.0) if args.quick else (100_000, 20_000, 200_000, 10.0)
    )
    with tempfile.TemporaryDirectory() as folder:
        shop.build(Path(folder), items, users, interactions, time.time())
        with serve(Path(folder), cpu=min(ALL_CORES)) as served, pinned(max(ALL_CORES)):
            rate, cost, tail = asyncio.run(measure(served, requests(users, 20_000), seconds))
            memory = rss_mb(served.pid)
    settings = {
        "items": items,
        "users": users,
        "interactions": interactions,
        "n": 10,
        "connections": CONNECTIONS,
        "seconds": seconds,
        "rounds": ROUNDS,
        "impressions": "logged",
    }
    metrics = {
        "lists_per_s": rate,
        "p99_ms_at_half_load": tail.p99_ms,
        "rss_mb": memory,
        "cpu_ms_per_list": cost,
        "p50_ms_at_half_load": tail.p50_ms,
        "max_ms_at_half_load": tail.max_ms,
        "ready_s": served.ready_s,
    }
    report("serving", settings, metrics, args)


if __name__ == "__main__":
    main()
