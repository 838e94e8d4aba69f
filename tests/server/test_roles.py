"""S2: every route needs a role but the health probes. One expected table; a route missing from it fails here."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import pytest
from starlette.routing import Route as Path

from swerve.server.keys import Keys, Role
from swerve.server.routes import ROUTES, Route
from tests.server.conftest import Clock
from tests.server.web import Reply, Web, bearer

INGEST, SERVE, ANALYST, OPERATOR, ADMIN = Role

EXPECTED: dict[tuple[str, str], set[Role] | None] = {
    ("POST", "/v1/events"): {INGEST, OPERATOR, ADMIN},
    ("GET", "/v1/events"): {ADMIN},
    ("GET", "/v1/recommend"): {SERVE, OPERATOR, ADMIN},
    ("POST", "/v1/recommend"): {SERVE, OPERATOR, ADMIN},
    ("POST", "/v1/rank"): {SERVE, OPERATOR, ADMIN},
    ("GET", "/v1/similar/{item}"): {SERVE, ANALYST, OPERATOR, ADMIN},
    ("GET", "/v1/trending"): {SERVE, ANALYST, OPERATOR, ADMIN},
    ("POST", "/v1/items"): {INGEST, OPERATOR, ADMIN},
    ("GET", "/v1/items/{item}"): {SERVE, ANALYST, OPERATOR, ADMIN},
    ("DELETE", "/v1/items/{item}"): {INGEST, OPERATOR, ADMIN},
    ("GET", "/v1/users/{user}"): {ANALYST, OPERATOR, ADMIN},
    ("GET", "/v1/slates/{slate}/explanation"): {SERVE, ANALYST, OPERATOR, ADMIN},
    ("GET", "/v1/metrics"): {ANALYST, OPERATOR, ADMIN},
    ("GET", "/v1/metrics.json"): {ANALYST, OPERATOR, ADMIN},
    ("GET", "/v1/status"): {ANALYST, OPERATOR, ADMIN},
    ("GET", "/openapi.json"): set(Role),
    ("GET", "/livez"): None,
    ("GET", "/readyz"): None,
}
PUBLIC = {path for (_, path), roles in EXPECTED.items() if roles is None}


def unexpected(routes: Sequence[Route]) -> list[str]:
    """Routes whose roles are not the ones written down here."""
    found = {(route.method, route.path): None if route.roles is None else set(route.roles) for route in routes}
    return [
        f"{method} {path}"
        for method, path in sorted(found.keys() | EXPECTED.keys())
        if (method, path) not in found
        or (method, path) not in EXPECTED
        or found[method, path] != EXPECTED[method, path]
        or found[method, path] == set()
    ]


def test_S2_every_route_has_the_roles_written_down_here() -> None:
    assert not unexpected(ROUTES)


@pytest.mark.parametrize("roles", [None, frozenset(), frozenset(Role)])
def test_S2_a_route_that_nobody_thought_about_is_found(roles: frozenset[Role] | None) -> None:
    forgotten = dataclasses.replace(ROUTES[0], path="/v1/forgotten", roles=roles)
    opened = dataclasses.replace(ROUTES[0], roles=roles)
    assert unexpected([*ROUTES, forgotten]) == ["POST /v1/forgotten"]
    assert unexpected([opened, *ROUTES[1:]]) == ["POST /v1/events"]


def test_S2_the_app_serves_the_table_and_nothing_else(web: Web) -> None:
    assert all(isinstance(route, Path) for route in web.app.router.routes)
    assert {route.path for route in web.app.router.routes} == {path for _, path in EXPECTED}  # type: ignore[attr-defined]


def credentials(keys: Keys, clock: Clock) -> dict[str, tuple[dict[str, str], Role | int]]:
    """What a caller may come with, and the role it has, or the status it gets."""
    made: dict[str, tuple[dict[str, str], Role | int]] = {
        "none": ({}, 401),
        "garbage": ({"authorization": "Bearer letmein"}, 401),
        "garbage in the other header": ({"x-api-key": "\xff\x00;--"}, 401),
        "empty": ({"authorization": "Bearer "}, 401),
        "basic": ({"authorization": "Basic YWRtaW46YWRtaW4="}, 401),
    }
    made["expired"] = (bearer(keys, ADMIN, lifetime_s=1), 401)
    made["revoked"] = (bearer(keys, ADMIN), 401)
    keys.revoke(keys.list()[-1].id)
    for role in Role:
        made[role.value] = (bearer(keys, role), role)
        made[f"{role.value} in the other header"] = ({"x-api-key": keys.create(role)}, role)
    clock.now += 2
    return made


def ask(web: Web, method: str, path: str, headers: dict[str, str]) -> Reply:
    """A request that is right but for its sender, as far as a request without a body can be."""
    target = path.replace("{item}", "mug1").replace("{user}", "ann").replace("{slate}", "none")
    target += "?item=mug1" if "explanation" in path else ""
    return web.ask(method, target, headers=headers)


def test_S2_S3_the_whole_matrix(web: Web, keys: Keys, clock: Clock) -> None:
    cells = 0
    for name, (headers, who) in credentials(keys, clock).items():
        for (method, path), roles in EXPECTED.items():
            reply = ask(web, method, path, headers)
            where = f"{method} {path} as {name}: {reply.status}"
            if roles is None:
                assert reply.status == 200, where
            elif isinstance(who, int):
                assert reply.status == who, where
                assert reply.code == "unauthorized", where
                assert reply.headers["www-authenticate"] == "Bearer", where
            elif who in roles:
                assert reply.status not in (401, 403), where
            else:
                assert reply.status == 403, where
                assert reply.code == "forbidden", where
            cells += 1
    assert cells == len(EXPECTED) * 17


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_S2_no_other_method_slips_through(web: Web, keys: Keys, method: str) -> None:
    keys.create(Role.ADMIN)
    for path in sorted({path for _, path in EXPECTED}):
        known = {verb for verb, known_path in EXPECTED if known_path == path}
        if method in known or (method == "HEAD" and path in PUBLIC):
            continue
        reply = ask(web, method, path, {})
        assert reply.status == 405, (method, path)
        assert set(reply.headers["allow"].split(", ")) >= known


@pytest.mark.parametrize(
    "target",
    [
        "/v1/events/",
        "//v1/events",
        "/v1//events",
        "/V1/events",
        "/v1/events%20",
        "/v1/%65vents",
        "/v1/items",
        "/v1/events/../status",
        "/v1/./status",
        "/livez/../v1/status",
        "/livez%2f..%2fv1%2fstatus",
        "/",
        "",
        "/docs",
        "/console",
    ],
)
def test_S2_no_spelling_of_a_path_goes_around_the_lock(web: Web, keys: Keys, target: str) -> None:
    keys.create(Role.ADMIN)
    reply = web.get(target)
    assert reply.status in (404, 405)


def test_S3_a_key_never_shows_in_an_answer(web: Web, keys: Keys) -> None:
    for role in Role:
        headers = bearer(keys, role)
        secret = headers["authorization"].split("_")[3]
        for (method, path), _ in EXPECTED.items():
            reply = ask(web, method, path, headers)
            assert secret.encode() not in reply.body
            assert secret not in str(reply.headers)


def test_S1_a_project_without_keys_is_open_on_loopback_only(make_web: Callable[..., Web]) -> None:
    assert make_web().get("/v1/trending").status == 200
    assert make_web(host="0.0.0.0").get("/v1/trending").status == 401
    assert make_web(host="::").get("/v1/trending").status == 401


def test_S1_the_first_key_locks_and_revoking_it_does_not_open(web: Web, keys: Keys, clock: Clock) -> None:
    assert web.get("/v1/trending").status == 200
    headers = bearer(keys, SERVE)
    assert web.get("/v1/trending").status == 401
    assert web.get("/v1/trending", **headers).status == 200
    keys.revoke(keys.list()[0].id)
    assert web.get("/v1/trending", **headers).status == 401
    assert web.get("/v1/trending").status == 401


def test_S4_a_revoked_key_is_refused_within_a_second_by_a_running_server(web: Web, keys: Keys, clock: Clock) -> None:
    other_process = Keys(keys._path, clock=clock)
    headers = bearer(keys, SERVE)
    assert web.get("/v1/trending", **headers).status == 200
    other_process.revoke(keys.list()[0].id)
    clock.now += 1
    assert web.get("/v1/trending", **headers).status == 401


def test_a_damaged_key_file_is_a_5xx_and_opens_nothing(web: Web, keys: Keys, clock: Clock) -> None:
    headers = bearer(keys, SERVE)
    keys._path.write_bytes(b"{")
    clock.now += 1
    for given in (headers, {}):
        reply = web.get("/v1/trending", **given)
        assert (reply.status, reply.code) == (500, "config")
    assert web.get("/livez").status == 200


SITES = [
    ({"host": "127.0.0.1:8080"}, 200),
    ({"host": "localhost"}, 200),
    ({"host": "LOCALHOST:9"}, 200),
    ({"host": "[::1]:8080"}, 200),
    ({"host": "[::1]"}, 200),
    ({"host": "shop.internal"}, 200),
    ({"host": "evil.example"}, 421),
    ({"host": "evil.example:8080"}, 421),
    ({"host": "127.0.0.1.evil.example"}, 421),
    ({"host": "localhost.evil.example:80"}, 421),
    ({"host": "127.0.0.1@evil.example"}, 421),
    ({"host": ""}, 421),
    ({"host": "127.0.0.1", "origin": "http://127.0.0.1:3000"}, 200),
    ({"host": "127.0.0.1", "origin": "https://localhost"}, 200),
    ({"host": "127.0.0.1", "origin": "https://evil.example"}, 403),
    ({"host": "127.0.0.1", "origin": "null"}, 403),
    ({"host": "127.0.0.1", "origin": "http://localhost.evil.example"}, 403),
]


@pytest.mark.parametrize(("headers", "status"), SITES)
def test_S1_without_keys_no_web_page_reaches_the_project(
    make_web: Callable[..., Web], headers: dict[str, str], status: int
) -> None:
    web = make_web(allowed_hosts=("shop.internal",))
    reply = web.ask("GET", "/v1/trending", headers=headers)
    assert reply.status == status
    assert b"evil" not in reply.body


@pytest.mark.parametrize(("headers", "_"), SITES)
def test_with_a_key_any_host_may_be_named(web: Web, keys: Keys, headers: dict[str, str], _: int) -> None:
    reply = web.ask("GET", "/v1/trending", headers={**headers, **bearer(keys, SERVE)})
    assert reply.status == 200
