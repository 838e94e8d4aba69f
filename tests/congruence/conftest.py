"""The same face twice: an engine, and a client of a real server of the same kind of engine."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from swerve.client import Client
from swerve.engine import Engine, open_engine
from swerve.server import Background, Keys, Role, ServerConfig

NOW = 1_700_000_000.0
Face: TypeAlias = Engine | Client


@contextlib.contextmanager
def embedded(directory: Path) -> Iterator[Engine]:
    with open_engine(directory, clock=lambda: NOW) as engine:
        yield engine


@contextlib.contextmanager
def remote(directory: Path) -> Iterator[Client]:
    keys = Keys(directory / "keys.json")
    key = keys.create(Role.ADMIN)
    with (
        open_engine(directory, clock=lambda: NOW) as engine,
        Background(engine, keys, ServerConfig(port=0)) as url,
        Client(url, key) as client,
    ):
        yield client


FACES: dict[str, Callable[[Path], contextlib.AbstractContextManager[Face]]] = {"engine": embedded, "client": remote}


@pytest.fixture(params=FACES)
def face(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Face]:
    with FACES[request.param](tmp_path / "shop") as face:
        yield face


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[Engine, Client]]:
    """Two projects, one embedded and one served."""
    with embedded(tmp_path / "one") as engine, remote(tmp_path / "two") as client:
        yield engine, client
