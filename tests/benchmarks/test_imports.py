"""Imports: a part of a source can be read twice, and a start that shows nothing is no start."""

from __future__ import annotations

from pathlib import Path

import pytest

import swerve
from benchmarks import imports


def films(folder: Path) -> Path:
    (folder / "movies.csv").write_text("movieId,title,genres\n1,Toy Story (1995),Comedy\n2,Heat (1995),Action\n")
    (folder / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,1,4.0,964982703\n1,2,5.0,964981247\n")
    return folder


def test_a_part_of_a_source_gives_the_same_events_each_time(tmp_path: Path) -> None:
    part = imports.source(films(tmp_path), 3)

    first, second = list(part.events()), list(part.events())
    assert first == second
    assert len(first) == 3


def test_the_whole_source_is_read_as_it_is(tmp_path: Path) -> None:
    assert imports.source(films(tmp_path), None).form == "movielens-latest"


def test_an_empty_first_list_is_no_start(tmp_path: Path) -> None:
    swerve.open(tmp_path / "empty", preset="media").close()

    with pytest.raises(RuntimeError, match="empty"):
        imports.first_list(tmp_path / "empty")
