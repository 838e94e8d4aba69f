"""Marks in the log say how far an import came, whatever the position file says."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swerve.errors import SwerveError
from swerve.readers import resume
from swerve.readers.resume import Position
from swerve.types import Interaction, Record

HERE = Position(fingerprint="f00d", name="a.csv", run=2, done=100, offset=7)


def records(keys: list[str]) -> Iterator[Record]:
    for key in keys:
        event = Interaction(user="u", item="i", action="view", event_id=key)
        yield Record(event=event, received=0.0, time=0.0)


def test_without_marks_all_behind_the_position_is_missing() -> None:
    assert HERE.missing(records([])) == [(100, -1)]


def test_marks_move_the_place_to_go_on_from() -> None:
    assert HERE.missing(records([HERE.mark(100, 150), "", HERE.mark(150, 180)])) == [(180, -1)]


def test_a_batch_that_failed_between_others_is_read_again() -> None:
    assert HERE.missing(records([HERE.mark(120, 150), HERE.mark(160, 200)])) == [(100, 120), (150, 160), (200, -1)]


def test_marks_of_another_import_or_run_say_nothing() -> None:
    other = Position(fingerprint="beef", name="a.csv", run=2)
    before = Position(fingerprint="f00d", name="a.csv", run=1)
    keys = [other.mark(0, 900), before.mark(0, 900), "import-f00d", "my-own-id", HERE.line_id(500)]

    assert HERE.missing(records(keys)) == [(100, -1)]


@given(cuts=st.lists(st.integers(101, 400), unique=True, max_size=12), data=st.data())
def test_what_is_missing_is_exactly_what_no_mark_covers(cuts: list[int], data: st.DataObject) -> None:
    edges = [100, *sorted(cuts)]
    batches = list(pairwise(edges))
    there = data.draw(st.lists(st.sampled_from(batches), unique=True)) if batches else []

    missing = HERE.missing(records([HERE.mark(*batch) for batch in there]))

    covered = {k for first, stop in there for k in range(first, stop)}
    assert missing[-1][1] == -1
    end = missing[-1][0]
    told = {k for first, stop in missing[:-1] for k in range(first, stop)} | set(range(end, 500))
    assert told == set(range(100, 500)) - covered


def test_a_position_survives_the_disk(tmp_path: Path) -> None:
    assert resume.load(tmp_path / "imports", "f00d") is None
    resume.save(tmp_path / "imports", HERE)

    assert resume.load(tmp_path / "imports", "f00d") == HERE
    assert [path.name for path in (tmp_path / "imports").iterdir()] == ["f00d.json"]


@pytest.mark.parametrize("content", ["", "{", '{"done": 1}', '{"fingerprint": "f00d", "name": "a", "more": 1}'])
def test_a_damaged_position_is_not_taken_for_a_start(tmp_path: Path, content: str) -> None:
    (tmp_path / "f00d.json").write_text(content)

    with pytest.raises(SwerveError, match="is damaged"):
        resume.load(tmp_path, "f00d")


def test_other_sources_of_the_same_name_are_found(tmp_path: Path) -> None:
    changed = Position(fingerprint="beef", name="a.csv")
    for position in (HERE, changed, Position(fingerprint="0", name="b.csv")):
        resume.save(tmp_path, position)

    assert resume.others(tmp_path, HERE) == [changed]
    assert resume.others(tmp_path / "nowhere", HERE) == []
