"""What the client does when the server, or what lies between, does not do its part."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from swerve.client import Client, Unreachable
from swerve.engine import open_engine
from swerve.errors import Forbidden, InvalidInput, NotFound, Overloaded, StorageFull, SwerveError, Unauthorized
from swerve.server import Background, Keys, Role, ServerConfig
from swerve.server.problems import OURS, problem
from swerve.types import Ack, Interaction, Item
from tests.congruence.conftest import NOW

DROP = b""
"""Take the request and close without a word."""
VIEW = Interaction(user="ann", item="mug", action="view")
NAMED = msgspec.structs.replace(VIEW, event_id="e1")


def answered(status: int, value: object, *headers: str, media: str = "application/json") -> bytes:
    body = value if isinstance(value, bytes) else msgspec.json.encode(value)
    lines = [f"HTTP/1.1 {status} X", f"content-type: {media}", f"content-length: {len(body)}", *headers]
    return "\r\n".join([*lines, "connection: close", "", ""]).encode() + body


def refused(error: SwerveError, *headers: str) -> bytes:
    return answered(error.status, problem(error), *headers, media="application/problem+json")


TAKEN = answered(200, Ack(accepted=1))
FULL = refused(Overloaded("full"), "retry-after: 3")
LATE = refused(Overloaded("late", code="unconfirmed"))


class Script(threading.Thread):
    """A server that answers one request a connection, as written down."""

    def __init__(self, *answers: bytes) -> None:
        super().__init__(daemon=True)
        self.answers = answers
        self.asked: list[bytes] = []
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listening.getsockname()[1]}"

    def run(self) -> None:
        for answer in self.answers:
            try:
                here, _ = self.listening.accept()
            except OSError:
                return
            with here:
                self.asked.append(request(here))
                here.sendall(answer)

    def __enter__(self) -> Script:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        self.join(timeout=10)


def request(here: socket.socket) -> bytes:
    """One whole request, so that closing does not reset the connection before it was read."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += here.recv(65536)
    head, _, body = got.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while len(body) < length:
        body += here.recv(65536)
    return head + b"\r\n\r\n" + body


def told(answers: list[bytes], ask: Callable[[Client], object], **settings: object) -> tuple[object, int, list[float]]:
    """What came of asking (a result or an error), how often the server was asked, how long the client waited."""
    slept: list[float] = []
    with Script(*answers) as script, Client(script.url, timeout_s=5, sleep=slept.append, **settings) as client:
        try:
            result: object = ask(client)
        except SwerveError as error:
            result = error
        return result, len(script.asked), slept


def test_a_question_is_asked_again_when_the_connection_breaks() -> None:
    result, asked, slept = told([DROP, DROP, answered(200, Item(id="mug"))], lambda client: client.item("mug"))
    assert result == Item(id="mug")
    assert asked == 3
    assert slept == sorted(slept)
    assert slept[0] < slept[1] < 1


def test_a_question_is_not_asked_for_ever() -> None:
    result, asked, slept = told([DROP] * 9, lambda client: client.recommend("ann"))
    assert isinstance(result, Unreachable)
    assert (asked, len(slept)) == (3, 2)
    result, asked, _ = told([DROP] * 9, lambda client: client.recommend("ann"), retries=0)
    assert asked == 1


@pytest.mark.parametrize("events", [NAMED, [NAMED, msgspec.structs.replace(NAMED, event_id="e2")]])
def test_I1_events_with_ids_are_sent_again_the_very_same(events: object) -> None:
    slept: list[float] = []
    with Script(DROP, TAKEN) as script, Client(script.url, sleep=slept.append) as client:
        assert client.observe(events).accepted == 1  # type: ignore[arg-type]
        first, second = script.asked
        assert first == second


@pytest.mark.parametrize("events", [VIEW, [NAMED, VIEW]])
def test_I1_an_event_without_an_id_is_never_sent_twice(events: object) -> None:
    result, asked, _ = told([DROP, TAKEN], lambda client: client.observe(events))  # type: ignore[arg-type]
    assert isinstance(result, Unreachable)
    assert asked == 1
    result, asked, _ = told([LATE, TAKEN], lambda client: client.observe(events))  # type: ignore[arg-type]
    assert isinstance(result, Overloaded)
    assert (result.code, asked) == ("unconfirmed", 1)


def test_what_was_refused_for_being_too_much_was_not_stored_and_is_sent_again_when_told() -> None:
    result, asked, slept = told([FULL, TAKEN], lambda client: client.observe(VIEW))
    assert isinstance(result, Ack)
    assert (asked, slept) == (2, [3.0])
    result, asked, slept = told([FULL] * 9, lambda client: client.observe(VIEW))
    assert isinstance(result, Overloaded)
    assert (asked, slept) == (3, [3.0, 3.0])


def test_an_unconfirmed_event_with_an_id_is_sent_again() -> None:
    result, asked, _ = told([LATE, TAKEN], lambda client: client.observe(NAMED))
    assert isinstance(result, Ack)
    assert asked == 2


@pytest.mark.parametrize("said", ["999999999", "soon", "-1", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_nobody_is_made_to_wait_for_long(said: str) -> None:
    answers = [refused(Overloaded("full"), f"retry-after: {said}"), TAKEN]
    result, _, slept = told(answers, lambda client: client.observe(VIEW))
    assert isinstance(result, Ack)
    assert 0 < slept[0] <= 5


@pytest.mark.parametrize(
    "error", [InvalidInput("no"), NotFound("no"), StorageFull("no"), Unauthorized("no"), Forbidden("no")]
)
def test_what_would_be_refused_again_is_not_asked_again(error: SwerveError) -> None:
    result, asked, _ = told([refused(error), TAKEN], lambda client: client.item("mug"))
    assert type(result) is type(error)
    assert asked == 1


def test_a_server_that_is_not_there_is_unreachable_and_was_not_asked() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    slept: list[float] = []
    with Client(f"http://127.0.0.1:{port}", sleep=slept.append) as client, pytest.raises(Unreachable) as error:
        client.observe(VIEW)
    assert len(slept) == 2  # nothing was sent: trying again can do no harm
    assert error.value.status == 503


def test_a_server_that_says_nothing_is_not_waited_for_for_ever() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}"
        with Client(url, timeout_s=0.2, retries=0) as client, pytest.raises(Unreachable):
            client.item("mug")


@pytest.mark.parametrize(
    "answer",
    [
        answered(502, b"<html>Bad Gateway</html>", media="text/html"),
        answered(500, b"\xff\xfe", media="application/problem+json"),
        answered(500, b"{}", media="application/problem+json"),
        answered(302, b"", "location: http://evil.example/"),
    ],
)
def test_what_is_no_problem_of_ours_is_an_error_all_the_same(answer: bytes) -> None:
    result, asked, _ = told([answer], lambda client: client.item("mug"), retries=0)
    assert type(result) is SwerveError
    assert asked == 1
    assert result.code.startswith("http_")


@pytest.mark.parametrize("kind", [kind for kind in OURS if kind.__init__ is SwerveError.__init__])
def test_every_kind_of_problem_comes_back_as_its_class(kind: type[SwerveError]) -> None:
    sent = kind("what was expected", field="user", code="special")
    result, _, _ = told([refused(sent)], lambda client: client.item("mug"), retries=0)
    assert isinstance(result, SwerveError)
    assert result.status == kind.status
    if kind.__module__ == "swerve.errors":
        assert type(result) is kind
        assert result.code == "special"
        assert result.field == ("user" if kind.status < 500 else "")
    else:
        assert isinstance(result, NotFound if kind.status == 404 else SwerveError)


def test_an_export_that_breaks_off_is_no_short_export(tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n"
    line = b'{"event":{"type":"item","id":"mug"},"received":1.0,"time":1.0,"offset":0}\n'
    half = head + b"%x\r\n%s\r\n" % (len(line), line) + b"ff\r\nabc"
    with Script(half) as script, Client(script.url) as client:
        records = client.events()
        assert next(records).offset == 0
        with pytest.raises(Unreachable):
            next(records)


def test_a_refused_export_raises_when_asked_for(tmp_path: Path) -> None:
    with Script(refused(Forbidden("no"))) as script, Client(script.url) as client, pytest.raises(Forbidden):
        next(client.events())


@contextlib.contextmanager
def served(directory: Path, role: Role) -> Iterator[tuple[str, str, Keys]]:
    keys = Keys(directory / "keys.json")
    key = keys.create(role)
    with open_engine(directory, clock=lambda: NOW) as engine, Background(engine, keys, ServerConfig(port=0)) as url:
        yield url, key, keys


def test_S2_a_key_may_do_what_its_role_may(tmp_path: Path) -> None:
    with served(tmp_path, Role.INGEST) as (url, key, _), Client(url, key) as client:
        assert client.observe(VIEW).accepted == 1
        with pytest.raises(Forbidden) as error:
            client.recommend("ann")
    assert "serve" in error.value.message


@pytest.mark.parametrize("key", [None, "", "letmein", "swv_admin_00000000_x_y"])
def test_S2_without_a_right_key_nothing_goes(tmp_path: Path, key: str | None) -> None:
    with served(tmp_path, Role.ADMIN) as (url, _, _), Client(url, key) as client:
        with pytest.raises(Unauthorized) as error:
            client.observe(VIEW)
        with pytest.raises(Unauthorized):
            next(client.events())
    assert key is None or not key or key not in str(error.value)


def test_one_client_serves_many_threads(tmp_path: Path) -> None:
    with served(tmp_path, Role.OPERATOR) as (url, key, _), Client(url, key) as client:
        client.observe([Item(id=f"mug{n}") for n in range(20)])
        stale: list[str] = []

        def work(name: str) -> None:
            for n in range(20):
                ack = client.observe(Interaction(user=name, item=f"mug{n}", action="view"))
                if client.recommend(name).state_offset < ack.offset:
                    stale.append(name)

        threads = [threading.Thread(target=work, args=(f"u{n}",)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not stale
        assert client.status()["users"] == 6


def test_an_event_that_json_cannot_carry_is_refused_here_and_the_others_still_go(tmp_path: Path) -> None:
    with served(tmp_path, Role.OPERATOR) as (url, key, _), Client(url, key) as client:
        odd = Interaction(user="ann", item="mug", action="view", value=float("nan"))
        unknown = msgspec.structs.replace(VIEW, action="vieww")
        ack = client.observe([odd, VIEW, unknown, "x", VIEW])  # type: ignore[list-item]
    assert ack.accepted == 2
    assert [(one.index, one.code) for one in ack.rejected] == [
        (0, "not_finite"),
        (2, "unknown_action"),
        (3, "wrong_type"),
    ]
