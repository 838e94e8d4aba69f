"""The OpenAPI document is valid, complete and true: schemathesis asks the app everything it promises (V1)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events as told
from schemathesis.engine import from_schema

from swerve.engine import Engine, open_engine
from swerve.server import Keys, Role, build, document, reference
from swerve.server.openapi import field_docs
from swerve.server.routes import ROUTES
from swerve.types import Item
from tests.server.web import Web

ROOT = Path(__file__).resolve().parents[2]


def test_the_document_is_valid_openapi_3_1() -> None:
    assert not [str(error) for error in OpenAPIV31SpecValidator(document()).iter_errors()]


def test_the_app_serves_the_document(web: Web) -> None:
    assert web.get("/openapi.json").json == document()


def test_items_may_leave_out_their_type_but_events_may_not() -> None:
    made = document()

    def fits(path: str, body: object) -> bool:
        schema = made["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        return Draft202012Validator({**schema, "components": made["components"]}).is_valid(body)

    for body in ({"id": "mug"}, {"type": "item", "id": "mug"}, [{"id": "mug"}, {"type": "item", "id": "cup"}]):
        assert fits("/v1/items", body)
    assert not fits("/v1/items", {"title": "mug"})
    assert not fits("/v1/items", {"type": "user", "id": "mug"})
    assert fits("/v1/events", {"type": "item", "id": "mug"})
    assert not fits("/v1/events", {"id": "mug"})


def test_every_route_is_in_the_document_with_all_it_may_answer() -> None:
    paths = document()["paths"]
    assert sum(len(methods) for methods in paths.values()) == len(ROUTES)
    for route in ROUTES:
        operation = paths[route.path][route.method.lower()]
        assert operation["summary"]
        assert set(operation["responses"]) >= {"200", *(str(kind.status) for kind in route.errors)}
        named = {parameter["name"] for parameter in operation["parameters"]}
        assert named == {*re.findall(r"{(\w+)}", route.path), *route.query.__struct_fields__}
        assert ("requestBody" in operation) is (route.body is not None)
        assert bool(operation["security"]) is (route.roles is not None)


def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for methods in document()["paths"].values() for operation in methods.values()]
    assert len(set(names)) == len(names)


def test_every_parameter_is_explained() -> None:
    for methods in document()["paths"].values():
        for operation in methods.values():
            for parameter in operation["parameters"]:
                assert parameter["in"] == "path" or parameter["description"], (operation["operationId"], parameter)


def test_the_schemas_carry_what_stands_under_the_fields() -> None:
    item = document()["components"]["schemas"]["Item"]["properties"]
    assert item["available"]["description"] == field_docs(Item)["available"]
    assert "never recommends" in item["available"]["description"]


def test_the_page_is_the_reference() -> None:
    assert (ROOT / "docs" / "http-api.md").read_text() == reference(), (
        "python -c \"import swerve.server as s; print(s.reference(), end='')\" > docs/http-api.md"
    )


def test_the_page_names_every_parameter_and_every_problem() -> None:
    page = reference()
    for route in ROUTES:
        section = page.partition(f"\n## {route.method} {route.path}\n")[2].partition("\n## ")[0]
        assert section
        for name in route.query.__struct_fields__:
            assert f"| `{name}` |" in section
        for kind in route.errors:
            assert f"{kind.status} `{kind.code}`" in section


class Watched:
    """The app, and what went wrong that schemathesis does not look at: did a refused request change the log?"""

    def __init__(self, engine: Engine, app: Any) -> None:
        self.engine = engine
        self.app = app
        self.answers: Counter[int] = Counter()
        self.stored: list[str] = []
        self.leaks: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        before = self.engine.status()["offset"]
        status = 0

        async def look(part: Any) -> None:
            nonlocal status
            status = part.get("status", status)
            if status >= 400 and re.search(
                rb"0x[0-9a-f]{4}|Traceback|/work|\.py\b|site-packages", part.get("body", b"")
            ):
                self.leaks.append(str(part["body"]))
            await send(part)

        await self.app(scope, receive, look)
        self.answers[status] += 1
        if status >= 400 and self.engine.status()["offset"] != before:
            self.stored.append(f"{scope['method']} {scope['path']} {status}")


def failures(schema: Any, counted: Counter[str]) -> Iterator[str]:
    """Everything schemathesis complains about. In an array, a wrong event is told in the answer: that is no 4xx."""
    for event in from_schema(schema).execute():
        if isinstance(event, told.NonFatalError | told.FatalError):
            yield repr(event)
        if not isinstance(event, told.ScenarioFinished):
            continue
        counted["cases"] += len(event.recorder.cases)
        for ident, checks in event.recorder.checks.items():
            reply = event.recorder.interactions[ident].response
            for check in checks:
                counted[check.name] += 1
                partly = check.name == "negative_data_rejection" and reply and b'"rejected":[{' in reply.content
                if check.status.name == "FAILURE" and not partly:
                    case = event.recorder.cases[ident].value
                    asked = f"{case.method} {case.path} {case.query} {case.media_type} {case.body!r}"
                    yield f"{check.name}: {asked} -> {reply and reply.content}; {check.failure_info}"


def ask_everything(tmp_path: Path, examples: int) -> Counter[str]:
    """Run all phases and all checks; returns how often each check was made."""
    keys = Keys(tmp_path / "keys.json")
    headers = {"Authorization": f"Bearer {keys.create(Role.ADMIN)}"}
    # What is right but for its meaning (an unknown action, a broken filter) is refused with these.
    config = {
        "headers": headers,
        "continue-on-failure": True,  # else a wrong event told in a 200 ends the search at that operation
        "generation": {"max-examples": examples, "deterministic": True},
        "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "404", "409", "413", "422"]}},
        "output": {"sanitization": {"enabled": True}},
    }
    counted: Counter[str] = Counter()
    with open_engine(None, config={"engine.log_impressions": False}) as engine:
        engine.observe([Item(id=f"mug{n}", title=f"mug {n}") for n in range(5)])
        app = Watched(engine, build(engine, keys))
        loaded = SchemathesisConfig.from_dict(config)
        schema = schemathesis.openapi.from_asgi("/openapi.json", app, config=loaded, headers=headers)
        found = list(failures(schema, counted))
        assert not found, "\n".join(found)
        assert not app.stored
        assert not app.leaks
        assert not [status for status in app.answers if status >= 500]
        assert {200, 401, 404, 405, 422} <= app.answers.keys()
    return counted


CHECKS = {
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "positive_data_acceptance",
    "ignored_auth",
    "unsupported_method",
}


def test_V1_schemathesis_finds_nothing(tmp_path: Path) -> None:
    counted = ask_everything(tmp_path, examples=20)
    assert counted["cases"] >= 1500
    assert counted.keys() >= CHECKS


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_V1_schemathesis_finds_nothing_in_a_long_time_either(tmp_path: Path) -> None:
    counted = ask_everything(tmp_path, examples=600)
    assert counted["cases"] >= 10_000
