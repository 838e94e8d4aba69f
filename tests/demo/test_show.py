"""What the demo draws: two lists, what moved, and why."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swerve.demo.show import evidence, moved, short, side_by_side
from swerve.terminal import Paint, width_of
from swerve.types import Explanation, Reason

PLAIN = Paint(io.StringIO(), {})


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Spirited Away (Sen to Chihiro no kamikakushi) (2001)", "Spirited Away (2001)"),
        ("Ghostbusters (a.k.a. Ghost Busters) (1984)", "Ghostbusters (1984)"),
        ("Two (a) (b) (1999)", "Two (1999)"),
        ("Heat (1995)", "Heat (1995)"),
        ("Ready Player One", "Ready Player One"),
        ("(500) Days of Summer (2009)", "(500) Days of Summer (2009)"),
    ],
)
def test_other_names_are_left_out(title: str, shown: str) -> None:
    assert short(title) == shown


def test_marks_say_how_an_item_came_to_its_place() -> None:
    before = ["a", "b", "c"]

    assert [moved(before, item, place) for place, item in enumerate(["c", "b", "d", "a"])] == ["▲ 2", "", "new", "▼ 3"]


def test_lists_stand_side_by_side() -> None:
    titles = {"a": "Alien (1979)", "b": "Brazil (1985)", "c": "Cube (1997)"}

    lines = side_by_side(["a", "b"], ["b", "c", "a"], titles, PLAIN)

    assert [" ".join(line.split()) for line in lines] == [
        "before after",
        "1 Alien (1979) Brazil (1985) ▲ 1",
        "2 Brazil (1985) Cube (1997) new",
        "3 Alien (1979) ▼ 2",
    ]
    assert len(side_by_side(["a", "b"], ["b", "c"], titles, PLAIN, rows=1)) == 2


@given(st.lists(st.text(max_size=60), min_size=1, max_size=12, unique=True), st.data())
def test_no_line_is_wider_than_80_columns(titles: list[str], data: st.DataObject) -> None:
    items = [str(k) for k in range(len(titles))]
    after = data.draw(st.permutations(items))
    names = dict(zip(items, titles, strict=True))
    found = Explanation(
        slate="s", item="0", score=1.0, reasons=tuple(Reason(source="x", share=0.5, text=t, item=t[:1]) for t in titles)
    )

    lines = [*side_by_side(items, after, names, PLAIN), *evidence(found, "T", PLAIN, 99)]

    assert max(map(width_of, lines)) <= 80
    assert not any("\n" in line for line in lines)


def test_evidence_is_indented_under_its_source() -> None:
    reasons = (
        Reason(source="transitions", share=0.97, text="people went on"),
        Reason(source="transitions", share=0.5, text="81 went on from Star Wars", item="260", offset=3, count=81),
    )
    found = Explanation(slate="s", item="1196", score=1.0, reasons=reasons)

    assert evidence(found, "Empire (Other) (1980)", PLAIN) == [
        "    why Empire (1980)?",
        "      97%  people went on",
        "        50%  81 went on from Star Wars",
    ]
