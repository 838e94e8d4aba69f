"""What every source promises: the same events each time, from any place on, each with its line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from swerve.readers import Chunk, Part, Source, detect, from_events, read_frame
from swerve.testing.readers import check_source
from swerve.types import Event, Interaction
from tests.readers.helpers import RATINGS, source, write


def views(n: int) -> Iterator[Event]:
    for k in range(n):
        yield Interaction(user=f"u{k}", item="i", action="view", time=float(k + 1))


@pytest.fixture(params=["csv", "jsonl", "movielens", "frame", "own"])
def factory(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Source]:
    if request.param == "csv":
        body = "".join(f"u{k},i{k % 7},view,{k * 7919 % 4_001 + 1}\n" for k in range(4_001))
        return lambda: source(write(tmp_path / "a.csv", "user,item,action,time\n" + body + "broken\n"))
    if request.param == "jsonl":
        line = '{"type": "interaction", "user": "a", "item": "b", "action": "view"}\n'
        return lambda: source(write(tmp_path / "a.jsonl", line * 4_500 + "rubbish\n" + line))
    if request.param == "movielens":
        write(tmp_path / "movies.csv", "movieId,title,genres\n1,A (1999),x\n2,B,y\n")
        write(tmp_path / "ratings.csv", RATINGS)
        return lambda: detect(tmp_path)
    if request.param == "frame":
        columns = {"user": list(range(5_000)), "item": ["m"] * 5_000, "action": ["view"] * 5_000}
        return lambda: read_frame(columns)
    return lambda: from_events("mine", lambda: views(4_100))


def test_every_reader_keeps_the_promises_of_a_source(factory: Callable[[], Source]) -> None:
    check_source(factory)


def test_a_reader_of_your_own_is_a_callable() -> None:
    found = from_events("mine", lambda: views(3), count=3)

    assert list(found.events()) == list(views(3))
    assert [(chunk.lines, chunk.origin) for chunk in found.chunks()] == [([1, 2, 3], "mine")]
    assert found.fingerprint != from_events("other", lambda: views(3)).fingerprint
    assert from_events("mine", lambda: views(3), fingerprint="v2").fingerprint == "v2"


def test_the_count_is_unknown_when_a_part_does_not_know() -> None:
    known = Part("a", "events", lambda: iter([]), 5)
    unknown = Part("b", "events", lambda: iter([]))

    assert Source("s", "events", (known, known), "f").count == 10
    assert Source("s", "events", (known, unknown), "f").count == -1
    assert Source("s", "events", (), "f").count == -1


def broken_sources() -> dict[str, Callable[[], Source]]:
    turns = iter(range(100))

    def one(chunk: Chunk) -> Callable[[], Source]:
        return lambda: Source("s", "events", (Part("a", "events", lambda: iter([chunk])),), "f")

    event = Interaction(user="u", item="i", action="view")
    return {
        "other events each time": lambda: from_events("x", lambda: views(next(turns) + 1)),
        "lines missing": one(Chunk([event, event], [1], "a")),
        "lines from 0": one(Chunk([event], [0], "a")),
        "an empty chunk": one(Chunk([], [], "a")),
        "not an event": one(Chunk(["view"], [1], "a")),  # type: ignore[list-item]
        "a new fingerprint each time": lambda: from_events("x", lambda: views(3), fingerprint=str(next(turns))),
    }


@pytest.mark.parametrize("name", list(broken_sources()))
def test_the_check_finds_a_broken_source(name: str) -> None:
    with pytest.raises(AssertionError):
        check_source(broken_sources()[name])
