"""The API as an OpenAPI 3.1 document, generated from the table of routes and the types it names."""

from __future__ import annotations

import ast
import functools
import inspect
import re
import textwrap
from collections.abc import Sequence
from http import HTTPStatus

import msgspec

from swerve.server.keys import Role
from swerve.server.problems import MEDIA_TYPE, Problem
from swerve.server.routes import ROUTES, Route
from swerve.types import (
    Ack,
    Explanation,
    Impression,
    Interaction,
    Item,
    Json,
    Pick,
    Reason,
    Record,
    Rejection,
    Slate,
    User,
    UserView,
)

REF = "#/components/schemas/{name}"
PARAMETER = re.compile(r"{(\w+)}")
NOUNS = (Ack, Explanation, Impression, Interaction, Item, Pick, Reason, Record, Rejection, Slate, User, UserView)
ITEMS = repr(Item | list[Item])
"""The body of POST /v1/items among the named schemas."""
TEXT_SCHEMA: Json = {"type": "string"}
LOCKS: dict[str, Json] = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


def document(routes: Sequence[Route] = ROUTES) -> Json:
    """The OpenAPI 3.1 document of these routes."""
    bodies = [kind for route in routes for kind in (route.body, route.answer) if kind is not None and kind is not bytes]
    schemas, components = msgspec.json.schema_components([*bodies, Problem], ref_template=REF)
    named = {repr(kind): schema for kind, schema in zip(bodies, schemas, strict=False)}
    for kind in (*NOUNS, Problem, *(route.body for route in routes if isinstance(route.body, type))):
        if kind.__name__ in components:
            _describe(components[kind.__name__], field_docs(kind))
    if ITEMS in named:
        named[ITEMS] = _untyped_items(components)
    paths: dict[str, Json] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, named)
    whole = {
        "openapi": "3.1.0",
        "info": {"title": "swerve", "version": "1", "description": "Recommendations that turn when your user does."},
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": LOCKS},
    }
    made: Json = msgspec.json.decode(msgspec.json.encode(whole))  # as it is served: arrays, not tuples
    return made


def _untyped_items(components: dict[str, Json]) -> Json:
    """The schema of the one body in which only items can come, so that their `type` may be left out."""
    item = components["Item"]
    components["UntypedItem"] = {**item, "required": [name for name in item["required"] if name != "type"]}
    one = {"$ref": REF.format(name="UntypedItem")}
    return {"anyOf": [{"type": "array", "items": one}, one]}


def _operation(route: Route, named: dict[str, Json]) -> Json:
    operation: Json = {
        "operationId": route.handler.__name__,
        "summary": route.summary,
        "parameters": [*_path_parameters(route), *_query_parameters(route)],
        "responses": _responses(route, named),
        "security": [] if route.roles is None else [{name: []} for name in LOCKS],
    }
    if route.roles is not None:
        operation["description"] = f"Roles: {roles_of(route)}."
    if route.body is not None:
        schema = named[repr(route.body)]
        content = {media: {"schema": schema if media == "application/json" else TEXT_SCHEMA} for media in route.media}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def roles_of(route: Route) -> str:
    """The roles of a route in words, weakest first."""
    return "anybody" if route.roles is None else ", ".join(role.value for role in Role if role in route.roles)


def _path_parameters(route: Route) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in PARAMETER.findall(route.path)
    ]


def _query_parameters(route: Route) -> list[Json]:
    _, components = msgspec.json.schema_components([route.query], ref_template=REF)
    schema = components[route.query.__name__]
    docs = field_docs(route.query)
    return [
        {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", ()),
            "description": docs.get(name, ""),
            "schema": what,
        }
        for name, what in schema["properties"].items()
    ]


def _responses(route: Route, named: dict[str, Json]) -> Json:
    schema = named.get(repr(route.answer), TEXT_SCHEMA) if route.answer_media == "application/json" else TEXT_SCHEMA
    responses: Json = {"200": {"description": "Done.", "content": {route.answer_media: {"schema": schema}}}}
    if route.path == "/readyz":
        responses["503"] = {"description": "Not ready.", "content": {route.answer_media: {"schema": schema}}}
    for kind in route.errors:
        told = responses.setdefault(str(kind.status), {"description": HTTPStatus(kind.status).phrase})
        told["content"] = {MEDIA_TYPE.decode(): {"schema": {"$ref": REF.format(name="Problem")}}}
    return responses


def _describe(schema: Json, docs: dict[str, str]) -> None:
    for name, what in schema.get("properties", {}).items():
        if name in docs:
            what["description"] = docs[name]


@functools.cache
def field_docs(kind: type[msgspec.Struct]) -> dict[str, str]:
    """The text that stands under each field of a struct in its source, on one line."""
    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    docs: dict[str, str] = {}
    name = ""
    for node in getattr(body, "body", ()):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name = node.target.id
        elif name and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            docs[name], name = " ".join(str(node.value.value).split()), ""
    return docs
