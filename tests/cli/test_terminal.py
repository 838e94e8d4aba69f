"""What a terminal shows: widths, colours, tables, a progress bar that is quiet where nobody looks."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swerve.terminal import Paint, Progress, columns, fit, table, width_of


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


XTERM = {"TERM": "xterm", "COLUMNS": "80"}


@pytest.mark.parametrize(
    ("stream", "environ", "on"),
    [
        (Screen(), XTERM, True),
        (io.StringIO(), XTERM, False),
        (Screen(), XTERM | {"NO_COLOR": "1"}, False),
        (Screen(), XTERM | {"NO_COLOR": ""}, True),
        (Screen(), XTERM | {"TERM": "dumb"}, False),
    ],
)
def test_colours_only_where_they_are_wanted(stream: io.StringIO, environ: dict[str, str], on: bool) -> None:
    paint = Paint(stream, environ)

    assert paint("x", "bold", "green") == ("\x1b[1;32mx\x1b[0m" if on else "x")
    assert paint("x") == "x"
    assert paint("", "bold") == ""


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("日本", 4), ("é", 1), ("e\u0301", 1), ("", 0)])
def test_width_counts_columns(text: str, width: int) -> None:
    assert width_of(text) == width


@given(st.text(max_size=40), st.integers(1, 30), st.booleans())
def test_fitted_text_has_exactly_its_width_and_no_line_ends(text: str, width: int, right: bool) -> None:
    fitted = fit(text, width, right=right)

    assert width_of(fitted) == width
    assert fitted.isprintable()


def test_fitted_text_is_cut_with_a_sign_or_filled() -> None:
    assert fit("abcdef", 4) == "abc…"
    assert fit("日本語", 4) == "日… "
    assert fit("ab", 4) == "ab  "
    assert fit("ab", 4, right=True) == "  ab"
    assert fit("a\x1b[31mb\n", 10) == "a [31mb   "


@pytest.mark.parametrize(
    ("environ", "expected"), [({"COLUMNS": "60"}, 60), ({"COLUMNS": "500"}, 100), ({"COLUMNS": "5"}, 40), ({}, 80)]
)
def test_columns_are_those_of_the_terminal_within_bounds(environ: dict[str, str], expected: int) -> None:
    assert columns(environ) == expected


def test_tables_are_as_wide_as_their_widest_cell() -> None:
    assert table([("name", "n"), ("日本", "12")], right=[1]) == ["name   n", "日本  12"]
    assert table([]) == []


def test_a_bar_is_drawn_over_itself_on_a_terminal() -> None:
    screen = Screen()
    bar = Progress(screen, "films", XTERM)

    for done in range(0, 101, 10):
        bar(done * 1_000, 100_000, 10_000.0, done / 10, note="3 refused")
    bar.end("done")

    shown = screen.getvalue()
    assert shown.count("\r\x1b[K") == 11  # ten times, for the first came too soon; and the last line
    assert "50,000 rows  10,000/s  5 s left  3 refused" in shown
    assert re.search(r"█{5,}[▉▊▋▌▍▎▏]?░{5,}", shown)
    assert "100%" not in shown
    assert shown.endswith("done\n")
    for line in shown.split("\r\x1b[K"):
        assert width_of(line.strip("\n").replace("\x1b[36m", "").replace("\x1b[32m", "").replace("\x1b[0m", "")) <= 80


def test_a_bar_is_some_plain_lines_elsewhere() -> None:
    stream = io.StringIO()
    bar = Progress(stream, "films", {})

    for tenth in range(200):
        bar(tenth * 1_000, 200_000, 10_000.0, tenth / 10)
    bar.end("done")

    lines = stream.getvalue().splitlines()
    assert 4 <= len(lines) <= 6
    assert lines[-1] == "✓ done"
    assert "\x1b" not in stream.getvalue()
    assert "\r" not in stream.getvalue()


def test_a_bar_without_a_total_only_counts() -> None:
    screen = Screen()
    Progress(screen, "films", XTERM)(5_000, -1, 10.0, 1.0)

    assert "films  5,000 rows  10/s" in screen.getvalue()
    assert "░" not in screen.getvalue()


def test_a_bar_names_what_it_counts() -> None:
    screen = Screen()
    Progress(screen, "training", XTERM, unit="tokens")(5_000, 20_000, 1_000.0, 5.0)

    assert "5,000 tokens  1,000/s  15 s left" in screen.getvalue()


def test_more_than_expected_is_never_more_than_all() -> None:
    screen = Screen()
    Progress(screen, "films", XTERM)(500, 100, 10.0, 1.0)

    assert "99%" in screen.getvalue()
    assert "left" not in screen.getvalue()


@pytest.mark.parametrize(("seconds", "words"), [(30, "30 s left"), (600, "10 min left"), (7_200, "2.0 h left")])
def test_time_left_is_told_in_its_unit(seconds: int, words: str) -> None:
    screen = Screen()
    Progress(screen, "films", XTERM)(10, 10 + seconds, 1.0, 1.0)

    assert words in screen.getvalue()


@given(
    st.integers(0, 10**12),
    st.integers(-1, 10**12),
    st.floats(0, 1e7),
    st.integers(20, 120),
    st.text("abc", max_size=90),
)
def test_a_bar_never_breaks_its_line(done: int, total: int, rate: float, wide: int, label: str) -> None:
    screen = Screen()
    Progress(screen, label, XTERM | {"COLUMNS": str(wide)})(done, total, rate, 1.0, note="12,345 refused")

    shown = re.sub(r"\x1b\[[\d;]*[mK]", "", screen.getvalue()).removeprefix("\r")
    assert width_of(shown) <= max(40, min(wide, 100))
    assert "\n" not in shown


def test_a_bar_that_stops_leaves_its_line() -> None:
    screen = Screen()
    bar = Progress(screen, "films", XTERM)
    bar.stop()
    assert screen.getvalue() == ""

    bar(10, 20, 1.0, 1.0)
    bar.stop()
    assert screen.getvalue().endswith("\n")
