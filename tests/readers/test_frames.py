"""Parquet, and frames from Python: the same mapping, the same events as from a file."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from swerve.errors import InvalidInput, MissingExtra
from swerve.readers import read_frame
from swerve.types import Interaction, Item
from tests.readers.helpers import interactions, items, read, source, write

ROWS = "(VALUES (1, 10, 4.0, TIMESTAMP '2020-01-02 00:00:00'), (2, 11, 3.0, TIMESTAMP '2020-01-01 00:00:00'))"
EXPECTED = [
    Interaction(user="2", item="11", action="rate", value=3.0, time=1577836800.0),
    Interaction(user="1", item="10", action="rate", value=4.0, time=1577923200.0),
]


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as opened:
        yield opened


@pytest.fixture
def parquet(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> Path:
    path = tmp_path / "ratings.parquet"
    connection.execute(f"COPY (SELECT * FROM {ROWS} t(user_id, movie_id, rating, ts)) TO '{path}' (FORMAT parquet)")
    return path


def test_parquet_is_read_with_its_types(parquet: Path) -> None:
    found = source(parquet)

    assert (found.form, found.count) == ("parquet", 2)
    assert list(found.events()) == EXPECTED


def test_parquet_lists_and_missing_values(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    path = tmp_path / "items.parquet"
    query = "SELECT 7 AS sku, 'Mug' AS title, ['a', 'b'] AS genres, 9.5::DECIMAL(5, 2) AS price, NULL::INT AS size"
    connection.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")

    assert read(path) == [Item(id="7", title="Mug", categories=("a", "b"), fields={"price": 9.5})]


def test_many_parquet_lines_keep_their_order(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    path = tmp_path / "a.parquet"
    connection.execute(f"COPY (SELECT range AS user, 1 AS item, 'view' AS action FROM range(9000)) TO '{path}'")

    assert [event.user for event in interactions(read(path))] == [str(k) for k in range(9_000)]


def test_what_is_no_parquet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read as Parquet"):
        read(write(tmp_path / "a.parquet", b"PAR1 and rubbish" * 10))


@pytest.mark.parametrize("missing", ["duckdb", "narwhals"])
def test_without_the_extra_the_line_to_type_is_said(
    parquet: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    real = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.partition(".")[0] == missing:
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)

    with pytest.raises(MissingExtra, match=r'pip install "swerve\[data\]"'):
        source(parquet) if missing == "duckdb" else read_frame(object())


def test_plain_columns_are_a_frame() -> None:
    frame = {"user": np.array([1, 2]), "item": ["a", "b"], "rating": np.array([4.0, np.nan])}

    assert list(read_frame(frame, map="user=user,item=item,value=rating,action:=like").events()) == [
        Interaction(user="1", item="a", action="like", value=4.0),
        Interaction(user="2", item="b", action="like"),
    ]


def test_a_duckdb_relation_is_a_frame(connection: duckdb.DuckDBPyConnection) -> None:
    relation = connection.sql(f"SELECT * FROM {ROWS} t(user_id, movie_id, rating, ts)")

    assert list(read_frame(relation).events()) == EXPECTED


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_frames_of_other_libraries_are_taken(library: str) -> None:
    frames = pytest.importorskip(library, reason=f"{library} is not installed: its frames were not tried")
    columns = {"user_id": [1, 2], "movie_id": [10, 11], "rating": [4.0, 3.0], "ts": [1577923200, 1577836800]}
    frame = frames.table(columns) if library == "pyarrow" else frames.DataFrame(columns)

    assert list(read_frame(frame).events()) == EXPECTED


def test_a_second_frame_describes_the_items() -> None:
    found = read_frame({"user": ["a"], "item": ["m"], "action": ["view"]}, items={"id": ["m"], "title": ["Mug"]})

    assert items(list(found.events())) == [Item(id="m", title="Mug")]


def test_a_frame_can_be_read_again_and_has_a_fingerprint() -> None:
    frame = {"user": list(map(str, range(5_000))), "item": ["m"] * 5_000, "action": ["view"] * 5_000}
    found = read_frame(frame)

    assert list(found.events()) == list(found.events())
    assert found.fingerprint == read_frame(frame).fingerprint
    assert found.fingerprint != read_frame(frame | {"item": ["n"] * 5_000}).fingerprint


@pytest.mark.parametrize("frame", [{"a": [1], "b": [1, 2]}, 7, {}])
def test_what_is_no_frame_is_refused(frame: Any) -> None:
    with pytest.raises(InvalidInput):
        read_frame(frame)


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(InvalidInput, match="wrong option"):
        read_frame({"user": ["a"], "item": ["m"]}, ordr="time")
