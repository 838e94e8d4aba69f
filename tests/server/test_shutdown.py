"""O6, S1: starting only where it is safe, and stopping so that nothing that was acknowledged is lost."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from swerve.engine import Engine, open_engine
from swerve.errors import ConfigError, LogFailed
from swerve.server import Background, Keys, Role, ServerConfig, serve
from swerve.types import Interaction

PROGRAM = """
import sys
from pathlib import Path
from swerve.engine import open_engine
from swerve.server import Keys, ServerConfig, serve
with open_engine(sys.argv[1]) as engine:
    keys, config = Keys(Path(sys.argv[1]) / "keys.json"), ServerConfig(port=0, grace_s=float(sys.argv[2]))
    sys.exit(serve(engine, keys, config, lambda url: print(url, flush=True)))
"""


@contextlib.contextmanager
def process(directory: Path, grace_s: float = 0.0) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A server in a process of its own, and its port."""
    command = [sys.executable, "-c", PROGRAM, str(directory), str(grace_s)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            url = running.stdout.readline().strip()
            assert url, running.stderr and running.stderr.read()
            yield running, int(url.rpartition(":")[2])
        finally:
            running.kill()
            running.communicate()


class Sender(threading.Thread):
    """Sends events one after the other until the server is gone; remembers what was acknowledged and what was odd."""

    def __init__(self, port: int, name: str) -> None:
        super().__init__(name=name)
        self.port = port
        self.acked: list[str] = []
        self.odd: list[str] = []

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        for number in range(1_000_000):
            item = f"{self.name}-{number}"
            body = json.dumps({"user": self.name, "item": item, "action": "view", "event_id": item})
            try:
                connection.request("POST", "/v1/events", body, {"content-type": "application/json"})
                reply = connection.getresponse()
            except (ConnectionError, TimeoutError, http.client.BadStatusLine):
                break  # closed between two requests: not one byte of an answer came
            try:
                told = json.loads(reply.read())
            except (http.client.IncompleteRead, ValueError) as error:
                self.odd.append(f"half an answer: {error!r}")
                break
            if reply.status == 200 and told["accepted"] == 1:
                self.acked.append(item)
            elif reply.status != 503:
                self.odd.append(f"{reply.status} {told}")
        connection.close()


def one_stop_under_load(directory: Path, signals: int = 1) -> int:
    """Start, load, stop; returns how many events were acknowledged."""
    with process(directory) as (running, port):
        senders = [Sender(port, f"s{n}") for n in range(4)]
        for sender in senders:
            sender.start()
        time.sleep(0.4)
        started = time.monotonic()
        for _ in range(signals):
            running.send_signal(signal.SIGTERM)
            time.sleep(0.05)
        _, stderr = running.communicate(timeout=40)
        assert time.monotonic() - started < 20
        for sender in senders:
            sender.join(timeout=40)
        assert running.returncode == 0, stderr
    assert not [odd for sender in senders for odd in sender.odd]
    acked = {item for sender in senders for item in sender.acked}
    with open_engine(directory) as engine:
        kept = [record.event.item for record in engine.events() if isinstance(record.event, Interaction)]
    assert len(kept) == len(set(kept))
    assert acked <= set(kept)
    return len(acked)


@pytest.mark.parametrize("_", range(3))
def test_O6_sigterm_under_load_loses_nothing_and_ends_with_0(tmp_path: Path, _: int) -> None:
    assert one_stop_under_load(tmp_path / "shop") > 10


@pytest.mark.slow
@pytest.mark.parametrize("_", range(100))
def test_O6_sigterm_under_load_many_times(tmp_path: Path, _: int) -> None:
    assert one_stop_under_load(tmp_path / "shop") > 10


def test_O6_a_second_sigterm_ends_at_once_and_loses_nothing_either(tmp_path: Path) -> None:
    assert one_stop_under_load(tmp_path / "shop", signals=2) > 10


def test_O6_a_second_sigterm_does_not_wait_for_what_runs(tmp_path: Path) -> None:
    with process(tmp_path / "shop") as (running, port), socket.create_connection(("127.0.0.1", port)) as here:
        here.sendall(b"POST /v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n")
        here.sendall(b"content-length: 100\r\n\r\n{")
        time.sleep(0.2)
        running.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            running.wait(timeout=1.0)
        started = time.monotonic()
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=20) == 0
        assert time.monotonic() - started < 5


def test_O6_readiness_goes_first_and_new_connections_are_still_taken_for_a_while(tmp_path: Path) -> None:
    with process(tmp_path / "shop", grace_s=2.0) as (running, port):
        url = f"http://127.0.0.1:{port}"
        assert httpx2.get(f"{url}/readyz").status_code == 200
        running.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 1.5
        while httpx2.get(f"{url}/readyz").status_code == 200:
            assert time.monotonic() < deadline
        assert httpx2.get(f"{url}/readyz").json() == {"status": "draining"}
        assert httpx2.get(f"{url}/v1/trending").status_code == 200
        assert running.wait(timeout=20) == 0


def test_O6_sigint_stops_alike(tmp_path: Path) -> None:
    with process(tmp_path / "shop") as (running, _):
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=20) == 0


def test_a_failed_log_stops_the_process_with_1(engine: Engine, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    def failed(*_: object, **__: object) -> None:
        raise LogFailed("disk")

    monkeypatch.setattr(engine, "submit", failed)
    codes: list[int] = []

    def send(url: str) -> None:
        def post() -> None:
            codes.append(httpx2.post(f"{url}/v1/events", json={"user": "a", "item": "b", "action": "view"}).status_code)

        threading.Thread(target=post).start()

    assert serve(engine, keys, ServerConfig(port=0), send) == 1
    assert codes == [500]


BINDS = [
    ("127.0.0.1", True),
    ("127.0.0.2", True),
    ("localhost", True),
    ("::1", True),
    ("0.0.0.0", False),
    ("::", False),
    ("192.168.1.1", False),
    ("10.0.0.1", False),
    ("example.org", False),
    ("localhost.example.org", False),
]


@pytest.mark.parametrize(("host", "safe"), BINDS)
@pytest.mark.parametrize("locked", [False, True])
def test_S1_a_bind_that_others_can_reach_needs_a_key(
    engine: Engine, keys: Keys, host: str, safe: bool, locked: bool
) -> None:
    if locked:
        keys.create(Role.SERVE)
    refused = ""
    try:
        Background(engine, keys, ServerConfig(host=host, port=0))._listening.close()
    except ConfigError as error:
        refused = error.field
    # `server.port`: an address this machine does not have, found out by trying to listen there.
    assert refused in ({"", "server.port"} if safe or locked else {"server.host"})


def test_S1_the_default_is_loopback() -> None:
    assert ServerConfig().host == "127.0.0.1"


def test_a_taken_port_is_said_before_anything_starts(engine: Engine, keys: Keys) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ConfigError) as error:
        Background(engine, keys, ServerConfig(port=taken.getsockname()[1]))
    assert error.value.field == "server.port"


def test_a_background_server_stops_and_leaves_the_engine_open(engine: Engine, keys: Keys) -> None:
    with Background(engine, keys, ServerConfig(port=0)) as url:
        assert httpx2.get(f"{url}/livez").status_code == 200
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"{url}/livez")
    assert engine.recommend("ann").picks


def test_S4_no_secret_reaches_a_log_a_url_or_the_directory(tmp_path: Path) -> None:
    directory = tmp_path / "shop"
    secrets = [Keys(directory / "keys.json").create(Role.OPERATOR) for _ in range(20)]
    with process(directory) as (running, port):
        client = httpx2.Client(base_url=f"http://127.0.0.1:{port}")
        for secret in secrets:
            for headers in ({"authorization": f"Bearer {secret}"}, {"x-api-key": secret}):
                assert client.get("/v1/recommend?user=ann", headers=headers).status_code == 200
                assert secret not in client.get("/v1/recommend?n=x", headers=headers).text
            assert client.get(f"/v1/recommend?key={secret}").status_code == 401
        client.close()
        running.send_signal(signal.SIGTERM)
        stdout, stderr = running.communicate(timeout=30)
    kept = b"".join(path.read_bytes() for path in directory.rglob("*") if path.is_file())
    for secret in secrets:
        part = secret.split("_")[3]
        assert part not in stdout + stderr
        assert part.encode() not in kept
