"""Asks an app in process, byte for byte: what a client sends, in the pieces it sends it in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.applications import Starlette

from swerve.engine import Engine
from swerve.server import Key, Keys, Role, ServerConfig, build
from swerve.server.context import Context

JSON = {"content-type": "application/json"}
LINES = {"content-type": "application/x-ndjson"}


@dataclass(frozen=True)
class Reply:
    """An answer, whole."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def code(self) -> str:
        """Code of a problem."""
        assert self.headers["content-type"] == "application/problem+json", self
        return self.json["code"]


class Web:
    """An app and a loop to run it on."""

    def __init__(self, engine: Engine, keys: Keys, config: ServerConfig | None = None) -> None:
        self.app: Starlette = build(engine, keys, config)
        self.context: Context = self.app.state.context
        self.loop = asyncio.new_event_loop()

    def close(self) -> None:
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()

    def get(self, target: str, **headers: str) -> Reply:
        return self.ask("GET", target, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def post(self, target: str, value: object, headers: dict[str, str] | None = None) -> Reply:
        body = value if isinstance(value, bytes) else msgspec.json.encode(value)
        return self.ask("POST", target, [body], {**JSON, **(headers or {})})

    def ask(
        self, method: str, target: str, pieces: Iterable[bytes] = (), headers: dict[str, str] | None = None
    ) -> Reply:
        return self.loop.run_until_complete(self.answer(method, target, pieces, headers))

    async def answer(
        self,
        method: str,
        target: str,
        pieces: Iterable[bytes] = (),
        headers: dict[str, str] | None = None,
        extra: dict[str, Any] | None = None,
        receive: Any = None,
    ) -> Reply:
        """One request; a body of several pieces goes without a length."""
        path, _, query = target.partition("?")
        pieces = list(pieces)
        sent = {"host": "127.0.0.1:8080", **(headers or {})}
        if len(pieces) == 1:
            sent.setdefault("content-length", str(len(pieces[0])))
        elif pieces:
            sent.setdefault("transfer-encoding", "chunked")
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
            **(extra or {}),
        }
        messages = [
            {"type": "http.request", "body": piece, "more_body": place < len(pieces) - 1}
            for place, piece in enumerate(pieces or [b""])
        ]
        got: list[Any] = []

        async def next_piece() -> Any:
            return messages.pop(0) if messages else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            got.append(message)

        await self.app(scope, receive or next_piece, send)
        start, *bodies = got
        assert not bodies[-1].get("more_body", False)
        told = {name.decode(): value.decode() for name, value in start["headers"]}
        whole = b"".join(part["body"] for part in bodies)
        if "content-length" in told:
            assert int(told["content-length"]) == len(whole)
        return Reply(start["status"], told, whole)


def only(keys: Keys) -> Key:
    """The one key there is."""
    (key,) = keys.list()
    return key


def bearer(keys: Keys, role: Role, **settings: Any) -> dict[str, str]:
    """Headers with a new key."""
    return {"authorization": f"Bearer {keys.create(role, **settings)}"}
