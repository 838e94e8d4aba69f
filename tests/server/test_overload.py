"""O1, O2: what is too much is refused early, said so, and the probes and metrics still answer."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

import pytest

from swerve.engine import Engine
from swerve.errors import LogFailed, Overloaded, StorageFull, SwerveError
from swerve.server.context import Waiters
from swerve.server.entrance import ARRIVED
from swerve.types import Ack
from tests.server.web import JSON, Web

EVENT = b'{"user":"ann","item":"mug1","action":"view"}'


def held(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> list[Future[Ack]]:
    """From now on the engine takes events and does not answer; the futures it gave are in the list."""
    given: list[Future[Ack]] = []

    def submit(events: object, *, atomic: bool = False) -> Future[Ack]:
        given.append(Future())
        return given[-1]

    monkeypatch.setattr(engine, "submit", submit)
    return given


def failing(engine: Engine, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """From now on every submit ends in this error."""

    def submit(events: object, *, atomic: bool = False) -> Future[Ack]:
        answer: Future[Ack] = Future()
        answer.set_exception(error)
        return answer

    monkeypatch.setattr(engine, "submit", submit)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the condition belongs to other threads
            await asyncio.sleep(0.001)


def test_O2_requests_in_flight_are_bounded(
    make_web: Callable[..., Web], engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = make_web(max_in_flight=3, retry_after_s=7)
    given = held(engine, monkeypatch)

    async def story() -> None:
        waiting = [asyncio.create_task(web.answer("POST", "/v1/events", [EVENT], JSON)) for _ in range(3)]
        await until(lambda: len(given) == 3)
        refused = await web.answer("GET", "/v1/recommend?user=ann")
        assert (refused.status, refused.code) == (503, "overloaded")
        assert refused.headers["retry-after"] == "7"
        for probe in ("/livez", "/readyz"):
            assert (await web.answer("GET", probe)).status == 200
        given[0].set_result(Ack(accepted=1))
        assert (await waiting[0]).status == 200
        assert (await web.answer("GET", "/v1/recommend?user=ann")).status == 200
        for future in given[1:]:
            future.set_result(Ack(accepted=1))
        assert [reply.status for reply in await asyncio.gather(*waiting[1:])] == [200, 200]

    web.loop.run_until_complete(story())
    assert web.context.in_flight == 0
    assert b"swerve_http_shed_total 1.0" in web.context.metrics.render()


def test_O2_what_waited_too_long_is_dropped_before_anything_is_done_for_it(
    make_web: Callable[..., Web], engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = make_web(max_queue_ms=50)
    asked: list[str] = []
    recommend = engine.recommend
    monkeypatch.setattr(engine, "recommend", lambda user, **more: asked.append(user) or recommend(user, **more))

    async def after(waited_s: float, target: str) -> int:
        extra = {ARRIVED: asyncio.get_running_loop().time() - waited_s}
        return (await web.answer("GET", target, extra=extra)).status

    async def story() -> None:
        assert await after(0.0, "/v1/recommend?user=soon") == 200
        assert await after(0.2, "/v1/recommend?user=late") == 503
        assert await after(0.2, "/livez") == 200

    web.loop.run_until_complete(story())
    assert asked == ["soon"]


@pytest.mark.parametrize(
    ("error", "status", "code", "retry"),
    [
        (Overloaded("the queue in /var/lib/shop is full"), 503, "overloaded", True),
        (StorageFull("/var/lib/shop has no room"), 507, "storage_full", True),
        (LogFailed("fsync of /var/lib/shop/log failed"), 500, "log_failed", False),
        (SwerveError("/var/lib/shop"), 500, "error", False),
        (RuntimeError("/var/lib/shop at 0x7f00"), 500, "internal", False),
    ],
)
def test_S9_what_the_engine_raises_is_told_without_its_places(
    web: Web,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    status: int,
    code: str,
    retry: bool,
) -> None:
    failing(engine, monkeypatch, error)
    reply = web.ask("POST", "/v1/events", [EVENT], JSON)
    assert (reply.status, reply.code) == (status, code)
    assert ("retry-after" in reply.headers) is retry
    for text in (reply.body.decode(), caplog.text):
        assert "/var" not in text
        assert "0x" not in text
    assert bool(caplog.text) is not retry
    if not retry:
        assert type(error).__name__ in caplog.text


def test_a_failed_log_takes_the_server_out_of_rotation(
    web: Web, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(engine, monkeypatch, LogFailed("disk"))
    assert web.get("/readyz").status == 200
    web.ask("POST", "/v1/events", [EVENT], JSON)
    assert web.context.failed
    assert web.get("/readyz").status == 503
    assert web.get("/v1/recommend?user=ann").status == 200


def test_O2_an_ack_that_does_not_come_is_not_waited_for_forever(
    make_web: Callable[..., Web], engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = make_web(ack_timeout_s=0.05)
    held(engine, monkeypatch)
    reply = web.ask("POST", "/v1/events", [EVENT], JSON)
    assert (reply.status, reply.code) == (503, "unconfirmed")
    assert "may still be stored" in reply.json["detail"]


def test_O2_exports_are_bounded_and_given_back(
    make_web: Callable[..., Web], engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = make_web(max_exports=1)
    begun, go_on = threading.Event(), threading.Event()
    events = engine.events

    def slow(start: int = 0, stop: int | None = None) -> object:
        begun.set()
        assert go_on.wait(10)
        return events(start, stop)

    monkeypatch.setattr(engine, "events", slow)

    async def story() -> None:
        first = asyncio.create_task(web.answer("GET", "/v1/events"))
        await until(begun.is_set)
        assert (await web.answer("GET", "/v1/events")).code == "overloaded"
        assert (await web.answer("GET", "/v1/recommend?user=ann")).status == 200
        go_on.set()
        assert (await first).status == 200
        assert (await web.answer("GET", "/v1/events")).status == 200

    web.loop.run_until_complete(story())


def test_an_export_that_fails_at_once_is_a_problem(web: Web, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(start: int = 0, stop: int | None = None) -> object:
        raise LogFailed("disk")

    monkeypatch.setattr(engine, "events", damaged)
    assert web.get("/v1/events").code == "log_failed"
    assert web.context.exports == 0


def test_waiters_bring_every_result_back_whatever_the_order_of_threads() -> None:
    waiters = Waiters()
    futures: list[Future[int]] = [Future() for _ in range(3000)]

    def resolve(start: int) -> None:
        for place in range(start, len(futures), 3):
            futures[place].set_result(place)
            if place % 64 == 0:
                time.sleep(0)

    async def story() -> list[int]:
        threads = [threading.Thread(target=resolve, args=(start,)) for start in range(3)]
        waiting = [asyncio.create_task(waiters.result(future, 1e6)) for future in futures]
        await asyncio.sleep(0)
        for thread in threads:
            thread.start()
        async with asyncio.timeout(20):
            results = await asyncio.gather(*waiting)
        for thread in threads:
            thread.join()
        return results

    assert asyncio.run(story()) == list(range(3000))


def test_a_waiter_whose_client_left_harms_nobody() -> None:
    waiters = Waiters()
    left, stays = Future[int](), Future[int]()

    async def story() -> int:
        gone = asyncio.create_task(waiters.result(left, 30))
        here = asyncio.create_task(waiters.result(stays, 30))
        await asyncio.sleep(0)
        gone.cancel()
        left.set_result(1)
        stays.set_result(2)
        return await here

    assert asyncio.run(story()) == 2
