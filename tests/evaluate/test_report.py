"""A report as a page and as lines: complete, self-contained, escaped, readable without colour or picture."""

from __future__ import annotations

import io
import math
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swerve.evaluate.charts import BarChart, Line, LineChart, colours, nice, svg
from swerve.evaluate.report import Report, Section, Table, figure, figures, html, lines
from swerve.terminal import Paint

VOID = {"meta", "path", "rect", "circle", "polygon", "br"}


class Page(HTMLParser):
    """What a page holds: tags in order, texts, attributes; fails on a tag that is not closed by its own end."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self._open: list[str] = []
        self.feed(text)
        assert not self._open, self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


TABLE = Table(
    title="Arms", head=("arm", "HR@10", "n"), rows=(("live", 0.25, 1200), ("day", math.nan, 3)), note="ties: middle"
)
CURVE = LineChart(
    title="Delay",
    x_label="delay",
    y_label="HR@10",
    lines=(
        Line(name="live", x=(0.0, 1.0, 2.0), y=(0.5, 0.4, 0.1), low=(0.4, 0.3, 0.0), high=(0.6, 0.5, 0.2)),
        Line(name="day", x=(0.0, 2.0), y=(0.2, 0.2)),
    ),
    ticks=((0.0, "0 s"), (1.0, "10 s"), (2.0, "1 min")),
)
BARS = BarChart(title="Gain", names=("a", "b"), values=(0.2, -0.1), low=(0.1, -0.2), high=(0.3, 0.0))
REPORT = Report(
    title="Replay",
    about="42 events",
    sections=(
        Section(title="First", prose=("One.", "Two."), parts=(TABLE, CURVE)),
        Section(title="Second", parts=(BARS,)),
    ),
)


def on_paper(report: Report) -> list[str]:
    return list(lines(report, Paint(io.StringIO(), {})))


def test_the_page_is_well_formed_and_holds_everything() -> None:
    page = Page(html(REPORT))

    text = " ".join(page.texts)
    for words in ("Replay", "42 events", "First", "One.", "Two.", "Arms", "0.2500", "1,200", "ties: middle", "Gain"):
        assert words in text
    assert page.tags.count("svg") == 2
    assert page.tags.count("table") == 3  # the table, and each chart again in numbers


def test_the_page_loads_nothing_from_anywhere() -> None:
    text = html(REPORT)
    page = Page(text)

    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name == "src" or name.startswith("on")]
    assert all((value or "").startswith("#") for name, value in page.attributes if name == "href")
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text


def test_whoever_cannot_see_a_chart_is_told_what_it_shows() -> None:
    page = Page(html(REPORT))

    assert page.attributes.count(("role", "img")) == 2
    named = [value or "" for name, value in page.attributes if name == "aria-labelledby"]
    ids = {value for name, value in page.attributes if name == "id"}
    assert named
    assert {part for names in named for part in names.split()} <= ids
    assert len(ids) == len([1 for name, _ in page.attributes if name == "id"])  # no id twice
    assert ("scope", "col") in page.attributes
    assert ("scope", "row") in page.attributes


def test_the_page_follows_light_and_dark_mode() -> None:
    text = html(REPORT)

    assert "prefers-color-scheme: dark" in text
    assert colours("light") in text
    assert colours("dark") in text
    drawn = "".join(re.findall(r"<svg.*?</svg>", text, re.S))
    assert "#" not in drawn  # a chart has no colour of its own: it would be unreadable in one of the modes


@given(st.text(min_size=1, max_size=30))
def test_no_text_becomes_markup(words: str) -> None:
    wild = f"<script>{words}&\"'"
    report = Report(
        title=wild,
        about=wild,
        sections=(
            Section(
                title=wild,
                prose=(wild,),
                parts=(
                    Table(title=wild, head=(wild,), rows=((wild,),), note=wild),
                    BarChart(title=wild, names=(wild,), values=(1.0,)),
                    LineChart(title=wild, x_label=wild, y_label=wild, lines=(Line(name=wild, x=(0.0,), y=(1.0,)),)),
                ),
            ),
        ),
    )

    assert "script" not in Page(html(report)).tags


def test_lines_for_a_terminal_align_numbers() -> None:
    said = on_paper(REPORT)

    assert said[0] == "Replay"
    assert "One." in said
    at = said.index("Arms")
    assert said[at + 1] == "  arm    HR@10      n"
    assert said[at + 2] == "  live  0.2500  1,200"
    assert said[at + 3] == "  day        -      3"
    assert said[at + 4] == "  ties: middle"


def test_charts_are_said_as_tables_where_no_table_stands() -> None:
    said = on_paper(REPORT)

    assert not any("10 s" in line for line in said)  # the first section has a table
    assert "  b  -0.1000  -0.2000  0.0000" in said


def test_prose_is_as_wide_as_the_terminal() -> None:
    report = Report(title="t", about="word " * 60, sections=(Section(title="s", prose=("word " * 60,)),))

    said = list(lines(report, Paint(io.StringIO(), {}), 50))

    assert max(map(len, said)) <= 50
    assert " ".join(said).count("word") == 120


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("x", "x"),
        (1234, "1,234"),
        (0.123456, "0.1235"),
        (-0.5, "-0.5000"),
        (12.34, "12.3"),
        (98765.4, "98,765"),
        (math.nan, "-"),
        (math.inf, "-"),
    ],
)
def test_a_figure_is_as_long_as_it_is_precise(cell: float | str, words: str) -> None:
    assert figure(cell) == words


def test_the_numbers_of_a_line_chart_are_one_row_a_place() -> None:
    said = figures(CURVE)

    assert said.head == ("delay", "live", "day")
    assert said.rows[0] == ("0 s", 0.5, 0.2)
    assert said.rows[1][:2] == ("10 s", 0.4)
    assert math.isnan(float(said.rows[1][2]))  # no point there


def test_the_numbers_of_bars_come_with_their_ranges_where_there_are_any() -> None:
    assert figures(BARS).rows[0] == ("a", 0.2, 0.1, 0.3)
    assert figures(BarChart(title="", names=("a",), values=(0.5,))).rows == (("a", 0.5),)


def places(drawing: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', drawing)]


def test_higher_values_are_drawn_higher_and_later_ones_further_right() -> None:
    first, second, third = places(svg(CURVE, "c"))[:3]

    assert first[0] < second[0] < third[0]
    assert first[1] < second[1] < third[1]  # down the page as the metric falls


def test_equal_steps_are_drawn_equally_long() -> None:
    chart = LineChart(title="", x_label="", y_label="", lines=(Line(name="", x=(0, 1, 2), y=(0.0, 1.0, 2.0)),))
    one, two, three = places(svg(chart, "c"))

    assert two[0] - one[0] == pytest.approx(three[0] - two[0], abs=0.2)
    assert one[1] - two[1] == pytest.approx(two[1] - three[1], abs=0.2)


def test_a_bar_is_as_long_as_its_value() -> None:
    drawing = svg(BarChart(title="", names=("a", "b", "c"), values=(1.0, 2.0, -1.0)), "b")
    bars = [
        (float(x), float(width)) for x, width in re.findall(r'<rect x="([\d.]+)" y="\d+" width="([\d.]+)"', drawing)
    ]

    (a_x, a), (b_x, b), (c_x, c) = bars
    assert b == pytest.approx(2 * a, abs=0.2)
    assert c == pytest.approx(a, abs=0.2)
    assert a_x == b_x == pytest.approx(c_x + c, abs=0.2)  # negative ones end where positive ones begin


@pytest.mark.parametrize("values", [(), (math.nan,), (0.0, 0.0), (5.0,), (1e-9, 1e-9), (-3.0, -3.0)])
def test_nothing_and_sameness_can_be_drawn_too(values: tuple[float, ...]) -> None:
    x = tuple(float(place) for place in range(len(values)))
    chart = LineChart(title="t", x_label="x", y_label="y", lines=(Line(name="l", x=x, y=values),))

    assert "nan" not in svg(chart, "c").split("</desc>")[1]
    assert (
        "nan"
        not in svg(BarChart(title="t", names=tuple("ab"[: len(values)]), values=values[:2]), "b").split("</desc>")[1]
    )


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_round_numbers_enclose_what_they_are_for(low: float, span: float) -> None:
    high = low + span
    rules = nice(low, high)

    assert rules[0] <= low + 1e-6 * span + 1e-9 * abs(low)
    assert rules[-1] >= high - 1e-6 * span - 1e-9 * abs(high)
    assert 2 <= len(rules) <= 12
    assert rules == sorted(rules)
