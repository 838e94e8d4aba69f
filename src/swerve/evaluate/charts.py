"""Line and bar charts as inline SVG: a few rectangles and lines, coloured by the page they stand in.

A chart is data; `svg` draws it and `figures` says the same in numbers. Lines differ by dash as well as by colour.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

import msgspec

WIDTH, HEIGHT = 720, 340
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 12, 44
"""Margins of a line chart, in the units of its view box."""
BAR, GAP, NAMES = 20, 8, 190
"""A bar's height, the space below it, and the room for its name."""
_PALETTE = {
    "light": ("#0b62a4", "#c2410c", "#15803d", "#7e22ce", "#a16207", "#be185d", "#0f766e", "#4b5563"),
    "dark": ("#6bb5f5", "#fb923c", "#4ade80", "#c084fc", "#facc15", "#f472b6", "#2dd4bf", "#b6bfca"),
}
_DASHES = ("", "7 4", "2 3", "9 3 2 3", "4 2", "1 4", "12 4", "6 2 1 2")
STYLE = """svg text { fill: var(--faint); font: 12px system-ui, sans-serif; } svg .rule { stroke: var(--rule); }
svg .value { fill: var(--ink); } svg .range { stroke: var(--ink); stroke-width: 1.5; }"""
"""What the page has to say about charts besides the colours."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line: points (x, y), and where it is known how far the truth may lie from y."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


class LineChart(msgspec.Struct, frozen=True, kw_only=True, tag="lines"):
    """Lines over one axis each way."""

    title: str
    x_label: str
    y_label: str
    lines: tuple[Line, ...]
    ticks: tuple[tuple[float, str], ...] = ()
    """Places and words along x; empty = round numbers."""
    from_zero: bool = False
    """Whether the y axis starts at 0; otherwise just below the smallest value."""


class BarChart(msgspec.Struct, frozen=True, kw_only=True, tag="bars"):
    """One horizontal bar for each name, from 0."""

    title: str
    names: tuple[str, ...]
    values: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


def svg(chart: LineChart | BarChart, name: str) -> str:
    """The chart as an `svg` element whose ids begin with `name`."""
    drawn, height = _lines(chart) if isinstance(chart, LineChart) else _bars(chart)
    what = f'<title id="{name}t">{escape(chart.title)}</title><desc id="{name}d">{escape(_said(chart))}</desc>'
    head = f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="{name}t {name}d">'
    return f"{head}{what}{''.join(drawn)}</svg>"


def figures(chart: LineChart | BarChart) -> tuple[tuple[str, ...], list[tuple[str | float, ...]]]:
    """Head and rows of the table that says what the chart draws."""
    if isinstance(chart, BarChart):
        if not chart.low:
            return ("", "value"), list(zip(chart.names, chart.values, strict=True))
        rows = zip(chart.names, chart.values, chart.low, chart.high, strict=True)
        return ("", "value", "low", "high"), list(rows)
    words = dict(chart.ticks)
    places = sorted({x for line in chart.lines for x in line.x})
    known = [dict(zip(line.x, line.y, strict=True)) for line in chart.lines]
    head = (chart.x_label, *(line.name for line in chart.lines))
    return head, [(words.get(x, f"{x:g}"), *(points.get(x, math.nan) for points in known)) for x in places]


def colours(mode: str) -> str:
    """CSS variables of one mode, `light` or `dark`."""
    return " ".join(f"--c{place}: {colour};" for place, colour in enumerate(_PALETTE[mode]))


def nice(low: float, high: float, wanted: int = 5) -> list[float]:
    """About `wanted` round numbers from at most `low` to at least `high`."""
    span = high - low if high > low else max(abs(high), 1.0)
    raw = span / max(wanted - 1, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next((factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999), 10 * power)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(place * step, 12) for place in range(first, max(last, first + 1) + 1)]


class _Axis:
    """Numbers of one direction to places on the drawing."""

    def __init__(self, low: float, high: float, start: float, stop: float) -> None:
        self._low, self._span = low, (high - low) or 1.0
        self._start, self._length = start, stop - start

    def __call__(self, value: float) -> float:
        return round(self._start + (value - self._low) / self._span * self._length, 1)


def _finite(values: Sequence[float]) -> list[float]:
    return [value for value in values if math.isfinite(value)] or [0.0]


def _lines(chart: LineChart) -> tuple[list[str], int]:
    xs = _finite([x for line in chart.lines for x in line.x] + [place for place, _ in chart.ticks])
    ys = _finite([y for line in chart.lines for y in (*line.y, *line.low, *line.high)])
    rules = nice(min(0.0, *ys) if chart.from_zero else min(ys), max(ys))
    ticks = chart.ticks or tuple((x, f"{x:g}") for x in nice(min(xs), max(xs), 7))
    xs += [place for place, _ in ticks]
    legend = 18 * len(chart.lines)
    bottom = HEIGHT - BOTTOM
    across, down = _Axis(min(xs), max(xs), LEFT, WIDTH - RIGHT), _Axis(rules[0], rules[-1], bottom, TOP)
    drawn = [
        _rule(LEFT, down(y), WIDTH - RIGHT, down(y)) + _text(LEFT - 6, down(y) + 4, f"{y:g}", "end") for y in rules
    ]
    drawn += [_text(across(x), bottom + 18, words, "middle") for x, words in ticks]
    drawn.append(_text((LEFT + WIDTH - RIGHT) / 2, bottom + 36, chart.x_label, "middle"))
    drawn.append(f'<text transform="rotate(-90)" x="{-(TOP + bottom) / 2}" y="14" text-anchor="middle">'
                 f"{escape(chart.y_label)}</text>")  # fmt: skip
    for place, line in enumerate(chart.lines):
        drawn += _line(line, place, across, down)
        y = HEIGHT + 18 * place + 4
        drawn.append(f'<path d="M{LEFT} {y}h32" {_stroke(place)}/>' + _text(LEFT + 42, y + 4, line.name, "start"))
    return drawn, HEIGHT + legend


def _line(line: Line, place: int, across: _Axis, down: _Axis) -> list[str]:
    points = [(across(x), down(y)) for x, y in zip(line.x, line.y, strict=True) if math.isfinite(y)]
    drawn = []
    if len(line.low) == len(line.x) == len(line.high):
        upper = [(across(x), down(y)) for x, y in zip(line.x, line.high, strict=True) if math.isfinite(y)]
        lower = [(across(x), down(y)) for x, y in zip(line.x, line.low, strict=True) if math.isfinite(y)]
        corners = " ".join(f"{x},{y}" for x, y in [*upper, *reversed(lower)])
        drawn.append(f'<polygon points="{corners}" fill="var(--c{place % 8})" opacity="0.15"/>')
    drawn.append(f'<path d="M{" L".join(f"{x} {y}" for x, y in points)}" {_stroke(place)}/>' if points else "")
    if len(points) <= 40:
        drawn += [f'<circle cx="{x}" cy="{y}" r="3" fill="var(--c{place % 8})"/>' for x, y in points]
    return drawn


def _bars(chart: BarChart) -> tuple[list[str], int]:
    values = _finite((0.0, *chart.values, *chart.low, *chart.high))
    across = _Axis(min(values), max(values), NAMES, WIDTH - 80)
    zero, drawn = across(0.0), []
    for place, (name, value) in enumerate(zip(chart.names, chart.values, strict=True)):
        y = TOP + place * (BAR + GAP)
        end = across(value) if math.isfinite(value) else zero
        words = f"{value:.4g}" if math.isfinite(value) else "-"
        drawn.append(_text(NAMES - 8, y + 14, name, "end"))
        drawn.append(f'<rect x="{min(zero, end)}" y="{y}" width="{abs(end - zero):.1f}" height="{BAR}" '
                     f'fill="var(--c{0 if value >= 0 else 1})" rx="2"/>')  # fmt: skip
        edge = end
        if len(chart.low) == len(chart.values) == len(chart.high) and math.isfinite(chart.low[place]):
            low, high = across(chart.low[place]), across(chart.high[place])
            drawn.append(f'<path class="range" d="M{low} {y + BAR / 2}H{high}M{low} {y + 5}v10M{high} {y + 5}v10"/>')
            edge = max(end, high)
        drawn.append(f'<text class="value" x="{max(edge, zero) + 6:.1f}" y="{y + 14}">{words}</text>')
    height = TOP + len(chart.names) * (BAR + GAP)
    return [*drawn, _rule(zero, TOP, zero, height)], height + 4


def _said(chart: LineChart | BarChart) -> str:
    """What the drawing shows, in a sentence."""
    if isinstance(chart, BarChart):
        pairs = zip(chart.names, chart.values, strict=True)
        return "Bars: " + ", ".join(f"{name} {value:.4g}" for name, value in pairs) + "."
    ends = (f"{line.name} from {line.y[0]:.4g} to {line.y[-1]:.4g}" for line in chart.lines if line.y)
    return f"{chart.y_label} over {chart.x_label}: " + ", ".join(ends) + "."


def _stroke(place: int) -> str:
    dash = _DASHES[place % len(_DASHES)]
    return f'fill="none" stroke="var(--c{place % 8})" stroke-width="2"' + (
        f' stroke-dasharray="{dash}"' if dash else ""
    )


def _rule(x: float, y: float, to_x: float, to_y: float) -> str:
    return f'<path class="rule" d="M{x} {y}L{to_x} {to_y}"/>'


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{escape(words)}</text>'
