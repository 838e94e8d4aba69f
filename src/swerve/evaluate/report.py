"""A report: sections of prose, tables and charts, as one HTML page that needs nothing else, or as lines for a terminal.

Knows nothing of what is reported: whoever measured builds the sections. The page loads no script, no font and no
picture from anywhere, follows the reader's light or dark mode, and says every chart again as a table.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape
from textwrap import wrap
from typing import TypeAlias

import msgspec

from swerve.evaluate import charts
from swerve.evaluate.charts import BarChart, LineChart
from swerve.terminal import Paint, table

Cell: TypeAlias = str | int | float


class Table(msgspec.Struct, frozen=True, kw_only=True, tag="table"):
    """Rows under a head; the first column names the row."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    """As many cells each as `head`. NaN is shown as a dash: there was nothing to measure."""
    note: str = ""
    """One line under the table: units, tie rule, what is left out."""


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a report."""

    title: str
    prose: tuple[str, ...] = ()
    """Paragraphs of plain text."""
    parts: tuple[Table | LineChart | BarChart, ...] = ()


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is said about one run."""

    title: str
    about: str = ""
    """One line under the title: what was measured, on what, under which settings."""
    sections: tuple[Section, ...] = ()


def figure(cell: Cell) -> str:
    """A cell as people read it: four decimals below 10, one below 1000, then none; texts as they are."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, int):
        return f"{cell:,}"
    if not math.isfinite(cell):
        return "-"
    return f"{cell:.4f}" if abs(cell) < 10 else f"{cell:,.1f}" if abs(cell) < 1000 else f"{cell:,.0f}"


def html(report: Report) -> str:
    """The report as one self-contained page; every text is escaped."""
    body = "\n".join(_section(section, place) for place, section in enumerate(report.sections))
    contents = "".join(
        f'<li><a href="#s{place}">{escape(section.title)}</a></li>' for place, section in enumerate(report.sections)
    )
    title = escape(report.title)
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n{_HEAD}</head>\n'
        f"<body>\n<header><h1>{title}</h1><p>{escape(report.about)}</p></header>\n"
        f'<nav aria-label="Sections"><ul>{contents}</ul></nav>\n<main>\n{body}\n</main>\n</body>\n</html>\n'
    )


def lines(report: Report, paint: Paint, width: int = 100) -> Iterator[str]:
    """The report for a terminal of `width` columns: prose and tables. Tables may be wider.

    Charts are for the page; a section that holds nothing else says them as tables.
    """
    yield paint(report.title, "bold")
    yield from wrap(report.about, width)
    for section in report.sections:
        yield ""
        yield paint(section.title, "bold", "cyan")
        for words in section.prose:
            yield from wrap(words, width)
        tables = [part for part in section.parts if isinstance(part, Table)]
        for part in tables or [figures(part) for part in section.parts if not isinstance(part, Table)]:
            yield ""
            yield from _plain(part, paint)


def figures(chart: LineChart | BarChart) -> Table:
    """The numbers that a chart draws."""
    head, rows = charts.figures(chart)
    return Table(title=chart.title, head=head, rows=tuple(rows))


def _plain(part: Table, paint: Paint) -> Iterator[str]:
    yield part.title
    numbers = range(1, len(part.head))
    for place, line in enumerate(table([part.head, *[list(map(figure, row)) for row in part.rows]], right=numbers)):
        yield f"  {paint(line, 'dim') if place == 0 else line}"
    if part.note:
        yield paint(f"  {part.note}", "dim")


def _section(section: Section, place: int) -> str:
    prose = "".join(f"<p>{escape(words)}</p>" for words in section.prose)
    parts = "\n".join(_part(part, f"s{place}p{index}") for index, part in enumerate(section.parts))
    heading = f'<h2 id="h{place}">{escape(section.title)}</h2>'
    return f'<section id="s{place}" aria-labelledby="h{place}">{heading}{prose}\n{parts}</section>'


def _part(part: Table | LineChart | BarChart, name: str) -> str:
    if isinstance(part, Table):
        return _table(part)
    said = _table(figures(part))
    drawing = charts.svg(part, name)
    caption = f"<figcaption>{escape(part.title)}</figcaption>"
    return f"<figure>{caption}{drawing}<details><summary>The numbers</summary>{said}</details></figure>"


def _table(part: Table) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in part.head)
    body = "\n".join(f"<tr>{_row(row)}</tr>" for row in part.rows)
    note = f'<p class="note">{escape(part.note)}</p>' if part.note else ""
    return (
        f'<div class="wide"><table><caption>{escape(part.title)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{note}"
    )


def _row(row: Sequence[Cell]) -> str:
    first = f'<th scope="row">{escape(figure(row[0]))}</th>' if row else ""
    rest = (f"<td{' class=words' if isinstance(cell, str) else ''}>{escape(figure(cell))}</td>" for cell in row[1:])
    return first + "".join(rest)


_HEAD = f"""<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
:root {{ --paper: #fff; --ink: #1c1e21; --faint: #5b6470; --rule: #d9dde2; {charts.colours("light")} }}
@media (prefers-color-scheme: dark) {{
  :root {{ --paper: #14171a; --ink: #e8eaed; --faint: #9aa4af; --rule: #343a41; {charts.colours("dark")} }}
}}
body {{ margin: 0 auto; max-width: 60rem; padding: 1rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }}
h1 {{ margin-bottom: 0; }} header p, .note, figcaption, caption {{ color: var(--faint); }}
h2 {{ margin-top: 2.5rem; border-bottom: 1px solid var(--rule); }}
nav ul {{ display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; padding: 0; list-style: none; }}
a {{ color: inherit; }} figure {{ margin: 1.5rem 0; }} svg {{ display: block; width: 100%; height: auto; }}
.wide {{ overflow-x: auto; }} table {{ border-collapse: collapse; margin: 1rem 0 .25rem; }}
caption {{ text-align: left; }} .note {{ margin: 0; font-size: .875rem; }}
th, td {{ padding: .2rem .75rem .2rem 0; border-bottom: 1px solid var(--rule); text-align: right;
  font-variant-numeric: tabular-nums; }}
th:first-child, td.words {{ text-align: left; }} tbody th {{ font-weight: normal; }}
{charts.STYLE}
</style>
"""
