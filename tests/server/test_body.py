"""V2: hard limits hold before anything is parsed, for every way a body can come; V1: what is refused stores nothing."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Callable, Iterator

import msgspec
import pytest

from swerve.engine import Engine, open_engine
from swerve.server import Keys
from swerve.server.endpoint import LINGER_BYTES
from swerve.server.routes import ROUTES
from tests.server.web import JSON, LINES, Reply, Web

VIEW = {"user": "ann", "item": "mug1", "action": "view"}
LIMIT = 4096


@pytest.fixture
def small(keys: Keys) -> Iterator[Web]:
    """A server that takes bodies of 4 KiB and 10 events."""
    with open_engine(None, config={"events.max_body_bytes": LIMIT, "events.max_batch": 10}) as engine:
        web = Web(engine, keys)
        yield web
        web.close()


def padded(size: int) -> bytes:
    """One right event of exactly this many bytes."""
    body = msgspec.json.encode(VIEW)
    return body + b" " * (size - len(body))


@pytest.mark.parametrize("path", ["/v1/events", "/v1/items"])
@pytest.mark.parametrize(("over", "status"), [(-1, 200), (0, 200), (1, 413)])
def test_V2_a_body_at_its_limit(small: Web, path: str, over: int, status: int) -> None:
    body = padded(LIMIT + over) if path == "/v1/events" else b'{"id":"mug"}'.ljust(LIMIT + over)
    reply = small.ask("POST", path, [body], JSON)
    assert reply.status == status
    if status == 413:
        assert reply.code == "body_too_large"
        assert str(LIMIT) in reply.json["detail"]


@pytest.mark.parametrize(("over", "status"), [(0, 200), (1, 413)])
def test_V2_a_chunked_body_at_its_limit(small: Web, over: int, status: int) -> None:
    body = padded(LIMIT + over)
    pieces = [body[start : start + 100] for start in range(0, len(body), 100)]
    assert small.ask("POST", "/v1/events", pieces, JSON).status == status


@pytest.mark.parametrize("path", ["/v1/recommend", "/v1/items", "/v1/events"])
def test_V2_a_chunked_body_is_read_no_further_than_its_limit(make_web: Callable[..., Web], path: str) -> None:
    web = make_web(max_body_bytes=2048)
    taken = []

    def pieces() -> Iterator[bytes]:
        yield b'{"history":['
        yield from itertools.repeat(b" " * 65536, 1000)

    async def receive() -> dict[str, object]:
        taken.append(next(endless))
        return {"type": "http.request", "body": taken[-1], "more_body": True}

    endless = pieces()
    reply = web.loop.run_until_complete(web.answer("POST", path, [b"", b""], JSON, receive=receive))
    assert (reply.status, reply.code) == (413, "body_too_large")
    # What is over the limit, and what is read on so that the client sees its answer; not one piece more.
    limit = 2048 if path == "/v1/recommend" else web.context.engine.config.events.max_body_bytes
    assert sum(map(len, taken)) <= limit + 65536 + LINGER_BYTES + 65536


def test_V2_an_announced_body_is_refused_before_it_is_read(small: Web) -> None:
    reply = small.ask("POST", "/v1/events", [b"{"], {**JSON, "content-length": str(10**12)})
    assert (reply.status, reply.code) == (413, "body_too_large")
    assert reply.headers["connection"] == "close"


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10", "", "9" * 400, "abc"])
def test_V2_a_length_that_is_nonsense_never_raises_a_limit(small: Web, length: str) -> None:
    reply = small.ask("POST", "/v1/events", [padded(LIMIT + 1)], {**JSON, "content-length": length})
    assert reply.status == 413


def test_V2_a_body_longer_than_it_said_is_refused(small: Web) -> None:
    reply = small.ask("POST", "/v1/events", [padded(LIMIT), b" " * 10], {**JSON, "content-length": "10"})
    assert reply.status == 413


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "GZIP", "gzip, identity"])
def test_V2_compressed_bodies_are_not_read(small: Web, coding: str) -> None:
    bomb = gzip.compress(b"[" + b" " * 1_000_000 + b"]")
    reply = small.ask("POST", "/v1/events", [bomb], {**JSON, "content-encoding": coding})
    assert (reply.status, reply.code, reply.json["field"]) == (415, "media_type", "content-encoding")


def test_identity_is_no_compression(small: Web) -> None:
    assert small.post("/v1/events", VIEW, {"content-encoding": "identity"}).status == 200


@pytest.mark.parametrize("path", ["/v1/events", "/v1/items", "/v1/recommend", "/v1/rank"])
@pytest.mark.parametrize(
    "media", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "json"]
)
def test_V1_other_media_types_are_415(small: Web, path: str, media: str) -> None:
    reply = small.ask("POST", path, [b"{}"], {"content-type": media} if media else {})
    assert (reply.status, reply.code, reply.json["field"]) == (415, "media_type", "content-type")


@pytest.mark.parametrize(("count", "status"), [(10, 200), (11, 413)])
def test_V2_events_at_their_limit(small: Web, count: int, status: int) -> None:
    assert small.post("/v1/events", [VIEW] * count).status == status
    lines = b"\n".join([msgspec.json.encode(VIEW)] * count)
    assert small.ask("POST", "/v1/events", [lines], LINES).status == status
    assert small.post("/v1/items", [{"id": "mug"}] * count).status == status


@pytest.mark.parametrize("path", ["/v1/recommend", "/v1/rank"])
def test_V2_other_bodies_have_a_limit_of_their_own(make_web: Callable[..., Web], path: str) -> None:
    web = make_web(max_body_bytes=2048)
    body = {"user": "ann"} if path == "/v1/recommend" else {"items": ["mug1"]}
    whole = msgspec.json.encode(body)
    assert web.ask("POST", path, [whole.ljust(2048)], JSON).status == 200
    assert web.ask("POST", path, [whole.ljust(2049)], JSON).code == "body_too_large"


@pytest.mark.parametrize("depth", [50, 5_000, 200_000])
@pytest.mark.parametrize("path", ["/v1/events", "/v1/items", "/v1/recommend", "/v1/rank"])
def test_V2_deep_nesting_breaks_nothing(web: Web, path: str, depth: int) -> None:
    for body in (b"[" * depth + b"]" * depth, b'{"x":' * depth + b"1" + b"}" * depth, b"[" * depth):
        reply = web.ask("POST", path, [body], JSON)
        assert reply.status in (400, 413, 422) or (reply.status == 200 and reply.json["accepted"] == 0)


def test_a_body_that_does_not_come_is_408(make_web: Callable[..., Web]) -> None:
    web = make_web(body_timeout_s=0.05)

    async def never() -> dict[str, object]:
        await web.loop.create_future()
        return {}

    sent: list[dict[str, object]] = []

    async def send(part: dict[str, object]) -> None:
        sent.append(part)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/events",
        "raw_path": b"/v1/events",
        "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"content-type", b"application/json"), (b"content-length", b"10")],
    }
    web.loop.run_until_complete(web.app(scope, never, send))
    assert sent[0]["status"] == 408


def test_a_client_that_goes_away_gets_no_answer(web: Web) -> None:
    sent: list[object] = []

    async def gone() -> dict[str, object]:
        return {"type": "http.disconnect"}

    async def send(part: object) -> None:
        sent.append(part)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/events",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json"), (b"content-length", b"10")],
    }
    web.loop.run_until_complete(web.app(scope, gone, send))
    assert not sent


WRONG: list[tuple[str, str, bytes | None, dict[str, str]]] = [
    ("POST", "/v1/events", b"", JSON),
    ("POST", "/v1/events", b"{", JSON),
    ("POST", "/v1/events", b"\xff\xfe", JSON),
    ("POST", "/v1/events", b"null", JSON),
    ("POST", "/v1/events", b'"secret /etc/passwd 0xdeadbeef"', JSON),
    ("POST", "/v1/events", b'{"user":"ann"}', JSON),
    ("POST", "/v1/events", b'{"user":"ann","item":"mug1","action":"/etc/passwd"}', JSON),
    ("POST", "/v1/events", b'{"user":"ann","item":"mug1","action":"view","value":NaN}', JSON),
    ("POST", "/v1/events", b'{"user":"ann","item":"mug1","action":"view","time":"0xdeadbeef"}', JSON),
    ("POST", "/v1/events", b'{"user":"ann","item":"mug1","action":"view","/etc/passwd":1}', JSON),
    ("POST", "/v1/events", b'{"type":"/etc/passwd"}', JSON),
    ("POST", "/v1/events", b'{"user":"a\\u0000b","item":"mug1","action":"view"}', JSON),
    ("POST", "/v1/events", b'{"user":"\\ud800","item":"mug1","action":"view"}', JSON),
    ("POST", "/v1/events?atomic=true", b'[{"user":"ann","item":"mug1","action":"view"},{"a":"0xdeadbeef"}]', JSON),
    ("POST", "/v1/events?atomic=maybe", b"[]", JSON),
    ("POST", "/v1/events?atomic=true&atomic=true", b"[]", JSON),
    ("POST", "/v1/events?/etc/passwd=1", b"[]", JSON),
    ("POST", "/v1/events", b"{}", {"content-type": "/etc/passwd"}),
    ("POST", "/v1/items", b'{"id":""}', JSON),
    ("POST", "/v1/items", b'{"id":1}', JSON),
    ("POST", "/v1/items", b'{"title":"/etc/passwd"}', JSON),
    ("POST", "/v1/items", b'{"id":"x","0xdeadbeef":1}', JSON),
    ("POST", "/v1/items", b'{"type":"user","id":"x"}', JSON),
    ("POST", "/v1/items", b"7", JSON),
    ("POST", "/v1/items", b"[7", JSON),
    ("GET", "/v1/recommend?n=0", None, {}),
    ("GET", "/v1/recommend?n=501", None, {}),
    ("GET", "/v1/recommend?n=99999999999999999999999", None, {}),
    ("GET", "/v1/recommend?n=/etc/passwd", None, {}),
    ("GET", "/v1/recommend?user=ann&user=bob", None, {}),
    ("GET", "/v1/recommend?user=%ff", None, {}),
    ("GET", "/v1/recommend?user=" + "a" * 257, None, {}),
    ("GET", "/v1/recommend?0xdeadbeef=1", None, {}),
    ("GET", "/v1/recommend?filter=/etc/passwd", None, {}),
    ("GET", "/v1/recommend?filter=0xdeadbeef", None, {}),
    ("GET", "/v1/recommend?filter=" + "(" * 1999, None, {}),
    ("GET", "/v1/recommend?explain=0xdeadbeef", None, {}),
    ("GET", "/v1/recommend?after_offset=-2", None, {}),
    ("POST", "/v1/recommend", b"[]", JSON),
    ("POST", "/v1/recommend", b'{"n":"10"}', JSON),
    ("POST", "/v1/recommend", b'{"history":"mug1"}', JSON),
    ("POST", "/v1/recommend", b'{"history":["/etc/passwd",7]}', JSON),
    ("POST", "/v1/recommend?n=1", b"{}", JSON),
    ("POST", "/v1/rank", b"{}", JSON),
    ("POST", "/v1/rank", b'{"items":"mug1"}', JSON),
    ("POST", "/v1/rank", msgspec.json.encode({"items": ["x"] * 1001}), JSON),
    ("GET", "/v1/trending?window=/etc/passwd", None, {}),
    ("GET", "/v1/similar/none", None, {}),
    ("GET", "/v1/similar/%ff", None, {}),
    ("GET", "/v1/items/none", None, {}),
    ("GET", "/v1/items/..%2f..%2fetc%2fpasswd", None, {}),
    ("DELETE", "/v1/items/none", None, {}),
    ("GET", "/v1/users/none", None, {}),
    ("GET", "/v1/users/%00", None, {}),
    ("GET", "/v1/slates/none/explanation", None, {}),
    ("GET", "/v1/slates/none/explanation?item=mug1", None, {}),
    ("GET", "/v1/events?start=-1", None, {}),
    ("GET", "/v1/status?x=1", None, {}),
    ("GET", "/etc/passwd", None, {}),
    ("PUT", "/v1/events", b"{}", JSON),
]
LEAKS = ("/etc", "0x", "deadbeef", "passwd", "Traceback", "site-packages", ".py", "swerve.", "msgspec", "object at")


def stored(engine: Engine) -> tuple[list[object], dict[str, bytes]]:
    """Everything the engine keeps: the whole log and the whole derived state."""
    return list(engine.events()), dict(engine._rooms.derived.dump())


def wrong(web: Web, at: int) -> Reply:
    method, target, body, headers = WRONG[at]
    return web.ask(method, target, [] if body is None else [body], headers)


@pytest.mark.parametrize("at", range(len(WRONG)), ids=lambda at: f"{WRONG[at][0]} {WRONG[at][1][:40]} {at}")
def test_V1_S9_a_wrong_request_is_a_precise_4xx_that_stores_and_leaks_nothing(
    web: Web, engine: Engine, at: int
) -> None:
    before = stored(engine)
    reply = wrong(web, at)
    assert 400 <= reply.status < 500
    said = reply.json
    assert set(said) == {"type", "title", "status", "code", "field", "detail"}
    assert said["status"] == reply.status
    assert said["type"].startswith("urn:swerve:error:")
    assert said["code"]
    assert said["detail"]
    text = reply.body.decode()
    assert not [leak for leak in LEAKS if leak in text], text
    assert stored(engine) == before


def test_V1_every_field_of_a_problem_names_something_of_ours(web: Web) -> None:
    known = {name for route in ROUTES for name in route.query.__struct_fields__}
    known |= {"", "item", "user", "slate", "content-type", "content-encoding", "id", "action", "value", "time", "type"}
    known |= {"history", "items", "title"}
    for at in range(len(WRONG)):
        field = wrong(web, at).json["field"]
        assert field.partition(".")[0] in known, (WRONG[at], field)


@pytest.mark.parametrize(
    ("target", "code", "field"),
    [
        ("/v1/recommend?n=0", "out_of_range", "n"),
        ("/v1/recommend?n=x", "wrong_type", "n"),
        ("/v1/recommend?user=a&user=b", "repeated", "user"),
        ("/v1/recommend?user=" + "a" * 257, "too_long", "user"),
        ("/v1/recommend?nn=1", "unknown_field", ""),
        ("/v1/trending?window=1y", "out_of_range", "window"),
        ("/v1/slates/s/explanation", "missing_field", "item"),
        ("/v1/recommend?after_offset=-2", "out_of_range", "after_offset"),
        ("/v1/similar/none", "not_found", "item"),
    ],
)
def test_a_problem_says_what_is_wrong_and_where(web: Web, target: str, code: str, field: str) -> None:
    said = web.get(target).json
    assert (said["code"], said["field"]) == (code, field)
