"""D1 through the front door: the whole server is killed under load, and its events, ids and states are compared."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import swerve
from benchmarks.common import serve
from swerve.types import Interaction

CLIENTS = 8


class Client(threading.Thread):
    """Posts batches until the server is gone; a batch without an answer is posted again to the next one."""

    def __init__(self, name: str, url: str, waiting: dict[str, list[dict[str, str]]], acked: dict[str, int]) -> None:
        super().__init__()
        self._name, self._place, self._waiting, self._acked = name, urlsplit(url).netloc, waiting, acked

    def run(self) -> None:
        rng = random.Random(self._name)
        connection = http.client.HTTPConnection(self._place, timeout=10)
        try:
            for event_ids in [list(self._waiting), *([f"{self._name}.{turn}"] for turn in range(10_000))]:
                for batch_id in event_ids:
                    batch = self._waiting.setdefault(batch_id, _batch(batch_id, rng))
                    connection.request("POST", "/v1/events", json.dumps(batch), {"Content-Type": "application/json"})
                    answer = connection.getresponse()
                    said = json.loads(answer.read())
                    assert answer.status < 300, said
                    assert said["accepted"] + said["duplicates"] == len(batch), said
                    self._acked[batch_id] = len(batch)
                    del self._waiting[batch_id]
        except (OSError, http.client.HTTPException, json.JSONDecodeError):
            pass  # the server was killed: that is what this is about
        finally:
            connection.close()


def _batch(batch_id: str, rng: random.Random) -> list[dict[str, str]]:
    def event(place: int) -> dict[str, str]:
        who, what = f"u{rng.randint(0, 20)}", f"item{rng.randint(0, 50)}"
        return {"user": who, "item": what, "action": "view", "event_id": f"{batch_id}/{place}"}

    return [event(place) for place in range(rng.randint(1, 20))]


def kill_servers(directory: Path, cycles: int, seed: int) -> dict[str, int]:
    """Serve, post from eight clients, SIGKILL after up to 500 ms, again; sizes of the batches that were acked."""
    rng = random.Random(seed)
    acked: dict[str, int] = {}
    waiting: list[dict[str, list[dict[str, str]]]] = [{} for _ in range(CLIENTS)]
    for cycle in range(cycles):
        with serve(directory, preset="shop") as served:
            clients = [Client(f"{cycle}.{one}", served.url, waiting[one], acked) for one in range(CLIENTS)]
            for client in clients:
                client.start()
            time.sleep(rng.uniform(0.005, 0.5))
            os.kill(served.pid, signal.SIGKILL)
            for client in clients:
                client.join()
    return acked


@pytest.mark.slow
def test_D1_kill_9_of_the_whole_server_loses_nothing_acknowledged(tmp_path: Path) -> None:
    acked = kill_servers(tmp_path / "shop", cycles=25, seed=1)

    with swerve.open(tmp_path / "shop") as engine:
        kept = [record.event.event_id for record in engine.events() if isinstance(record.event, Interaction)]
        done = sum(sum(engine.user(f"u{place}").counters.values()) for place in range(21))
    promised = {f"{batch_id}/{place}" for batch_id, size in acked.items() for place in range(size)}

    assert len(promised) > 1_000
    assert not promised - set(kept), "lost"
    assert len(kept) == len(set(kept)), "doubled"
    assert done == len(kept), "every event counts once in the states"
