"""The HTTP reference as a page to read: docs/http-api.md is this function's text, compared in the tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from swerve.server.keys import Role
from swerve.server.openapi import field_docs, roles_of
from swerve.server.problems import KIND
from swerve.server.routes import ROUTES, Route

HEAD = """# HTTP API

Generated from the table of routes: `python -c "import swerve.server as s; print(s.reference(), end='')"`. The same
as OpenAPI 3.1: `GET /openapi.json`. All routes are stable unless marked; `/v1` changes by adding only.

**Keys.** `Authorization: Bearer <key>` or `X-API-Key: <key>`. A project on a loopback address that never had a key
needs none. A wrong, revoked or expired key is 401, a role that may not do this 403.

**Ids in paths** are percent-encoded: the item `a/b` is `/v1/items/a%2Fb`. Lists in query strings repeat:
`exclude=a&exclude=b`. Unknown parameters and fields are refused.

**Events** are answered when they are on disk and in the state the next request reads. A body with one JSON object is
taken or refused (4xx); of an array or of lines the right ones are taken as one and the wrong ones told in `rejected`;
`atomic=true` refuses the whole body if one is wrong. Give each event an `event_id`: then it can be sent again.

**Problems.** Every answer of 400 and above is `application/problem+json` (RFC 9457): `type` (`{kind}<kind>`),
`title`, `status`, `code` (stable), `field`, `detail`. It never repeats what was sent. 429, 503 and 507 carry
`Retry-After`. A path that does not exist is 404 `route_unknown`, a method 405 `method_unknown`.

"""


def reference(routes: Sequence[Route] = ROUTES) -> str:
    """Markdown: every route with its roles, parameters, body, answer and problems."""
    return HEAD.replace("{kind}", KIND) + "\n".join(
        [*_matrix(routes), "", *(line for route in routes for line in _section(route))]
    )


def _matrix(routes: Sequence[Route]) -> Iterator[str]:
    yield "## Routes and roles"
    yield ""
    yield "| route | what | " + " | ".join(role.value for role in Role) + " |"
    yield "|---|---|" + "---|" * len(Role)
    for route in routes:
        marks = ["✓" if route.roles is None or role in route.roles else "" for role in Role]
        what = route.summary + (" Needs no key." if route.roles is None else "")
        yield f"| `{route.method} {route.path}` | {what} | " + " | ".join(marks) + " |"


def _section(route: Route) -> Iterator[str]:
    yield f"## {route.method} {route.path}"
    yield ""
    yield f"{route.summary} Roles: {roles_of(route)}."
    yield ""
    if route.query.__struct_fields__:
        yield from _table(route.query, "query parameter")
    if route.body is not None:
        yield f"Body ({', '.join(route.media)}): {_kind(route.body)}."
        yield ""
        if isinstance(route.body, type) and route.body.__name__.endswith("Request"):
            yield from _table(route.body, "field")
    yield f"Answer ({route.answer_media}): {_kind(route.answer)}."
    yield ""
    if route.errors:
        yield "Problems: " + ", ".join(f"{kind.status} `{kind.code}`" for kind in route.errors) + "."
        yield ""


def _table(kind: type[msgspec.Struct], title: str) -> Iterator[str]:
    docs = field_docs(kind)
    yield f"| {title} | type | default | |"
    yield "|---|---|---|---|"
    _, components = msgspec.json.schema_components([kind])
    schema = components[kind.__name__]
    for name, what in schema["properties"].items():
        default = (
            "needed" if name in schema.get("required", ()) else f"`{msgspec.json.encode(what['default']).decode()}`"
        )
        yield f"| `{name}` | {_shape(what)} | {default} | {docs.get(name, '')} |"
    yield ""


def _shape(schema: dict[str, object]) -> str:
    """A JSON schema in a few words."""
    if "anyOf" in schema:
        options = [option for option in schema["anyOf"] if option != {"type": "null"}]  # type: ignore[attr-defined]
        return " or ".join(_shape(option) for option in options)
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])  # type: ignore[attr-defined]
    said = str(schema["type"])
    if said == "array":
        said = f"list of {_shape(schema['items'])}"  # type: ignore[arg-type]
    bounds = [f"{word} {schema[key]}" for key, word in BOUNDS.items() if key in schema]
    return said + (f" ({', '.join(bounds)})" if bounds else "")


BOUNDS = {
    "minimum": ">=",
    "maximum": "<=",
    "minLength": "characters >=",
    "maxLength": "characters <=",
    "minItems": "entries >=",
    "maxItems": "entries <=",
}


def _kind(kind: object) -> str:
    if kind is bytes:
        return "text"
    name = str(getattr(kind, "__name__", "") if isinstance(kind, type) else kind)
    for long in ("swerve.types.", "swerve.server.requests.", "typing."):
        name = name.replace(long, "")
    return f"`{name}`"
