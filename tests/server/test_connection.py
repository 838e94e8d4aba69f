"""O5, V2: what a client can do to a real server with a bare socket, and that the others do not notice."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator

import httpx2
import msgspec
import pytest

from swerve.engine import Engine
from swerve.server import Background, Keys, ServerConfig
from swerve.server.problems import Problem
from swerve.types import Item

EVENT = b'{"user":"ann","item":"mug1","action":"view"}'
ASK = b"GET /v1/trending HTTP/1.1\r\nhost: localhost\r\n\r\n"


class Server:
    """A server on a thread, and sockets to it."""

    def __init__(self, background: Background) -> None:
        self.background = background
        self.port = int(background.url.rpartition(":")[2])

    def socket(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def say(self, *pieces: bytes, pause_s: float = 0.0) -> bytes:
        """Everything the server answers until it closes; the sender stops when nobody takes its bytes any more."""
        with self.socket() as here:
            with contextlib.suppress(ConnectionError):
                for piece in pieces:
                    here.sendall(piece)
                    time.sleep(pause_s)
            return read(here)

    def alive(self) -> bool:
        return httpx2.get(f"{self.background.url}/v1/trending", timeout=20).status_code == 200

    @property
    def connections(self) -> int:
        return len(self.background._server.server_state.connections)


def read(here: socket.socket) -> bytes:
    got = b""
    with contextlib.suppress(ConnectionError):
        while piece := here.recv(65536):
            got += piece
    return got


def answer(here: socket.socket) -> bytes:
    """One whole answer with a length."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += here.recv(65536)
    head, _, body = got.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += here.recv(65536)
    return head + b"\r\n\r\n" + body


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture(params=["default loop", pytest.param("asyncio", marks=pytest.mark.slow)])
def serve(
    engine: Engine, keys: Keys, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Server]]:
    if request.param == "asyncio":
        monkeypatch.setitem(sys.modules, "uvloop", None)  # as if it were not installed
    with contextlib.ExitStack() as stack:

        def start(**settings: object) -> Server:
            background = Background(engine, keys, ServerConfig(port=0, **settings))
            stack.enter_context(background)
            return Server(background)

        yield start


def status_of(answered: bytes) -> int:
    return int(answered.split(b" ")[1])


def test_keep_alive_and_pipelining_answer_in_order(serve: Callable[..., Server]) -> None:
    server = serve()
    asks = [f"GET /v1/recommend?n={n} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode() for n in range(1, 6)]
    with server.socket() as here:
        for ask in asks:
            here.sendall(ask)
            assert status_of(answer(here)) == 200
        last = asks[0].replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
        here.sendall(b"".join(asks) + last)
        pieces = read(here).split(b"HTTP/1.1 ")[1:]
    assert [piece.count(b'"position"') for piece in pieces] == [1, 2, 3, 4, 5, 1]


def test_http_1_0_is_answered_and_closed(serve: Callable[..., Server]) -> None:
    assert status_of(serve().say(b"GET /livez HTTP/1.0\r\n\r\n")) == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"hello\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"GET http:// HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"CONNECT localhost:80 HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nno colon here\r\n\r\n",
        b"POST /v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}",
        b"POST /v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n{}",
        b"POST /v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}",
    ],
)
def test_V1_what_is_no_http_is_a_400_problem(serve: Callable[..., Server], sent: bytes) -> None:
    server = serve()
    got = server.say(sent)
    assert status_of(got) == 400
    assert b"application/problem+json" in got
    assert b'"code":"malformed"' in got
    assert server.alive()


@pytest.mark.parametrize("chunk", [b"zz\r\n{}\r\n", b"-1\r\n", b"ffffffffffffffffffff\r\n", b"2\r\n{}x\r\n"])
def test_V1_a_broken_chunk_ends_the_connection_only(serve: Callable[..., Server], engine: Engine, chunk: bytes) -> None:
    server = serve()
    head = engine.status()["offset"]
    sent = b"POST /v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    got = server.say(sent + b"transfer-encoding: chunked\r\n\r\n" + chunk)
    assert got == b"" or status_of(got) == 400
    assert engine.status()["offset"] == head
    assert server.alive()


@pytest.mark.parametrize(
    "headers", [[b"x: " + b"a" * 9000], [b"x%d: y" % n for n in range(2000)], [b"x" * 9000 + b": y"]]
)
def test_V2_headers_over_their_limit_are_431(serve: Callable[..., Server], headers: list[bytes]) -> None:
    server = serve(max_header_bytes=8192)
    request = b"GET /v1/trending HTTP/1.1\r\nhost: localhost\r\n" + b"\r\n".join(headers) + b"\r\n\r\n"
    got = server.say(request)
    assert status_of(got) == 431
    assert b'"code":"headers_too_large"' in got
    assert server.alive()


def test_V2_a_long_path_is_431(serve: Callable[..., Server]) -> None:
    server = serve(max_header_bytes=8192)
    assert status_of(server.say(b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nhost: localhost\r\n\r\n")) == 431
    assert server.alive()


def test_V2_headers_that_never_end_are_431(serve: Callable[..., Server]) -> None:
    server = serve(max_header_bytes=8192)
    got = server.say(b"GET / HTTP/1.1\r\n", *[b"x: " + b"a" * 500 + b"\r\n"] * 60, pause_s=0.001)
    assert status_of(got) == 431


def test_V2_headers_at_the_limit_pass_and_a_body_is_not_counted_among_them(serve: Callable[..., Server]) -> None:
    server = serve(max_header_bytes=8192)
    close = b"host: localhost\r\nconnection: close\r\n"
    assert status_of(server.say(b"GET /livez HTTP/1.1\r\n" + close + b"x: " + b"a" * 8000 + b"\r\n\r\n")) == 200
    body = EVENT + b" " * 60_000
    head = b"POST /v1/events HTTP/1.1\r\n" + close + b"content-type: application/json\r\ncontent-length: %d\r\n\r\n"
    assert status_of(server.say(head % len(body) + body)) == 200


def test_V2_trailers_are_not_kept(serve: Callable[..., Server]) -> None:
    server = serve()
    head = b"POST /v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    body = b"transfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n" % (len(EVENT), EVENT)
    with server.socket() as here:
        here.sendall(head + body + b"authorization: Bearer x\r\n" * 50 + b"\r\n")
        assert status_of(answer(here)) == 200
        (connection,) = server.background._server.server_state.connections
        assert len(connection.headers) == 3


def test_O5_headers_that_dribble_are_cut_off(serve: Callable[..., Server]) -> None:
    server = serve(header_timeout_s=1.0)
    with server.socket() as slow, server.socket() as silent:
        slow.sendall(b"GET /livez HTTP/1.1\r\nhost: loc")
        started = time.monotonic()
        assert read(slow) == b""
        assert read(silent) == b""
        assert time.monotonic() - started < 5
    assert server.alive()


def test_O5_a_body_that_dribbles_is_408(serve: Callable[..., Server], engine: Engine) -> None:
    server = serve(body_timeout_s=0.5)
    head = engine.status()["offset"]
    with server.socket() as here:
        sent = b"POST /v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        here.sendall(sent + b"content-length: 1000\r\n\r\n{")
        for _ in range(5):
            time.sleep(0.05)
            here.sendall(b" ")
        got = answer(here)
    assert status_of(got) == 408
    assert engine.status()["offset"] == head


def test_O5_an_unread_body_that_never_ends_is_cut_off(serve: Callable[..., Server]) -> None:
    server = serve(body_timeout_s=0.5, header_timeout_s=0.5)
    with server.socket() as here:
        here.sendall(b"GET /livez HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n ")
        assert status_of(answer(here)) == 200
        assert read(here) == b""
    assert server.alive()


def test_O5_a_connection_that_rests_too_long_is_closed(serve: Callable[..., Server]) -> None:
    server = serve(keep_alive_s=1)
    with server.socket() as here:
        here.sendall(ASK)
        assert status_of(answer(here)) == 200
        started = time.monotonic()
        assert read(here) == b""
        assert time.monotonic() - started < 5


def test_O5_a_client_that_never_reads_is_cut_off(serve: Callable[..., Server], engine: Engine) -> None:
    engine.observe([Item(id=f"long{n}", text="x" * 10_000) for n in range(2000)])
    server = serve(write_timeout_s=1.0)
    context = server.background.context
    with server.socket() as here:
        here.sendall(b"GET /v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n")
        wait_for(lambda: context.exports == 1)
        wait_for(lambda: server.connections == 0)
    wait_for(lambda: context.exports == 0)
    assert server.alive()


def test_O5_clients_that_vanish_leave_nothing_behind(serve: Callable[..., Server]) -> None:
    server = serve()
    for sent in (
        b"",
        b"GET",
        ASK,
        ASK * 20,
        b"POST /v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n{",
    ):
        for _ in range(10):
            here = server.socket()
            here.sendall(sent)
            here.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # RST instead of FIN
            here.close()
    assert server.alive()
    wait_for(lambda: server.connections <= 1)
    wait_for(lambda: server.background.context.in_flight == 0)  # a question outlives its connection by a moment


def test_O5_a_body_in_tiny_chunks_is_read_or_refused(serve: Callable[..., Server]) -> None:
    server = serve()
    head = b"POST /v1/recommend HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    got = server.say(head + b"transfer-encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 300_000 + b"0\r\n\r\n")
    assert got == b"" or status_of(got) in (400, 413)
    assert server.alive()


def test_V2_a_refused_body_still_gets_its_answer(serve: Callable[..., Server]) -> None:
    server = serve()
    size = 15_000_000
    head = b"POST /v1/recommend HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    started = time.monotonic()
    with server.socket() as here:
        here.sendall(head + b"content-length: %d\r\n\r\n" % size + b" " * size)  # without being reset in the middle
        got = answer(here)
    assert status_of(got) == 413
    assert b"connection: close" in got
    assert time.monotonic() - started < 5


def test_O5_one_connection_too_many_is_told_so(serve: Callable[..., Server]) -> None:
    server = serve(max_connections=3)
    with contextlib.ExitStack() as stack:
        open_ones = [stack.enter_context(server.socket()) for _ in range(3)]
        for here in open_ones:
            here.sendall(ASK)
            assert status_of(answer(here)) == 200
        got = server.say(ASK)
        assert status_of(got) == 503
        assert b"retry-after: 1" in got
        assert b'"code":"overloaded"' in got
        open_ones[0].sendall(ASK)
        assert status_of(answer(open_ones[0])) == 200
    time.sleep(0.1)
    assert server.alive()


def test_websockets_are_declined(serve: Callable[..., Server]) -> None:
    server = serve()
    upgrade = b"connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAA\r\n"
    with server.socket() as here:
        here.sendall(b"GET /v1/trending HTTP/1.1\r\nhost: localhost\r\n" + upgrade + b"\r\n")
        assert status_of(answer(here)) in (200, 400)
    assert server.alive()


def test_expect_100_is_honoured_for_what_will_be_read(serve: Callable[..., Server]) -> None:
    server = serve()
    head = b"POST /v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nexpect: 100-continue\r\n"
    with server.socket() as here:
        here.sendall(head + b"content-length: %d\r\n\r\n" % len(EVENT))
        assert here.recv(100).startswith(b"HTTP/1.1 100")
        here.sendall(EVENT)
        assert status_of(answer(here)) == 200
    with server.socket() as here:
        here.sendall(head + b"content-length: 999999999\r\n\r\n")
        assert status_of(answer(here)) == 413


def test_an_answer_to_head_has_no_body(serve: Callable[..., Server]) -> None:
    got = serve().say(b"HEAD /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
    assert status_of(got) == 200
    assert got.endswith(b"\r\n\r\n")


def test_problems_of_the_connection_have_the_shape_of_all_problems(serve: Callable[..., Server]) -> None:
    got = serve().say(b"hello\r\n\r\n")
    said = msgspec.json.decode(got.partition(b"\r\n\r\n")[2], type=Problem)
    assert (said.status, said.type) == (400, "urn:swerve:error:malformed")


@pytest.mark.slow
def test_O5_a_crowd_of_slow_clients_does_not_slow_the_others(serve: Callable[..., Server]) -> None:
    server = serve(max_connections=1500, header_timeout_s=20)

    def p99_ms() -> float:
        times = []
        with httpx2.Client(base_url=server.background.url, timeout=20) as client:
            for _ in range(300):
                started = time.perf_counter()
                assert client.get("/v1/recommend?user=ann").status_code == 200
                times.append(time.perf_counter() - started)
        return sorted(times)[int(len(times) * 0.99)] * 1e3

    alone = p99_ms()
    with contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(server.socket()) for _ in range(1000)]
        for here in crowd:
            here.sendall(b"GET / HTTP/1.1\r\nx: ")
        together = p99_ms()
    assert together < 2 * alone + 20
