"""An engine in memory with a little world in it, and ways to ask it over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from swerve.engine import Engine, open_engine
from swerve.server import Keys, ServerConfig
from swerve.types import Interaction, Item
from tests.server.web import Web

NOW = 1_700_000_000.0


class Clock:
    """Stands still until moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine() -> Iterator[Engine]:
    with open_engine(None) as engine:
        engine.observe([Item(id=f"mug{n}", title=f"mug number {n}", categories=("mugs",)) for n in range(8)])
        engine.observe(
            [Interaction(user=user, item=f"mug{n}", action="view") for user in ("ann", "bob") for n in (1, 2, 3)]
        )
        yield engine


@pytest.fixture
def keys(tmp_path: Path, clock: Clock) -> Keys:
    return Keys(tmp_path / "keys.json", clock=clock)


@pytest.fixture
def make_web(engine: Engine, keys: Keys) -> Iterator[Callable[..., Web]]:
    """`make_web(max_body_bytes=...)`: the app with some settings."""
    made: list[Web] = []

    def make(**settings: object) -> Web:
        made.append(Web(engine, keys, ServerConfig(**settings)))
        return made[-1]

    yield make
    for web in made:
        web.close()


@pytest.fixture
def web(make_web: Callable[..., Web]) -> Web:
    return make_web()
