"""A replay's figures in words, tables and charts."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime

from swerve.evaluate.charts import BarChart, Line, LineChart
from swerve.evaluate.prq.figures import CONTROLS, KNOWN, LIVE, METRICS, PARTS, STALE, Difference, Figures
from swerve.evaluate.prq.views import AGES, PACES
from swerve.evaluate.report import Cell, Report, Section, Table

NAMES = {
    "hr10": "HR@10",
    "hr20": "HR@20",
    "mrr20": "MRR@20",
    "ndcg10": "NDCG@10",
    "inverse_popularity_ndcg10": "inverse-popularity NDCG@10",
    "coverage10": "coverage@10",
}
SLICED = (
    LIVE,
    "session+online",
    "day+online",
    "live+nightly",
    STALE,
    "popular 7d",
    "last item, online",
    "repeat prior",
)
RULES = (
    "Every judged event is ranked before it is folded. All arms rank the same candidates: what the retrievers that "
    "serve put forward in any arm and what any control would, less what the filters keep from the user. Ties take the "
    "middle place; an item that no source of the arm speaks for, or that is no candidate, is a miss."
)
AXES = (
    "State: a day old, as it was after the session's first interaction, or live. Counters: frozen at the end of the "
    "warm-up, folded every midnight (UTC), or at once. Items, their content and what is filtered are live everywhere. "
    "Where an older state equals the live one, it is served like it."
)
CAVEAT = (
    "A replay says how well logged choices are predicted, not how many more there would have been: what people chose "
    "depended on what they were shown."
)


def report(figures: Figures, name: str = "") -> Report:
    """The whole report; `name` says which log was replayed."""
    return Report(
        title=f"Replay of {name}" if name else "Replay",
        about=(
            f"{figures.events:,} events of {figures.users:,} users judged (one of {figures.every}), "
            f"{_day(figures.start)} to {_day(figures.last)}, after a warm-up from {_day(figures.first)}; "
            f"seed {figures.seed}."
        ),
        sections=tuple(_sections(figures)),
    )


def _sections(figures: Figures) -> Iterable[Section]:
    yield Section(title="What real time is worth", prose=(claim(figures), CAVEAT), parts=_headline(figures))
    yield Section(title="All arms", prose=(RULES, AXES, _notes(figures)), parts=(_arms(figures), *_bars(figures)))
    yield Section(
        title="Differences",
        prose=("The live state with counters that learn at once, less the other arm, on the same events.",),
        parts=tuple(_differences(figures)),
    )
    if figures.freshness:
        yield Section(title="Freshness", prose=(_decades(figures),), parts=(_curve(figures), _delays(figures)))
    yield Section(title="Slices", prose=("HR@20 of part of the events.",), parts=tuple(_slices(figures)))
    yield Section(title="Over time", prose=("What counters that stop learning lose.",), parts=(_over_time(figures),))


def claim(figures: Figures) -> str:
    """The one sentence: live and online against what a nightly batch serves."""
    found = next(one for one in figures.differences if (one.against, one.metric, one.among) == (STALE, "hr20", "all"))
    relative = f" ({found.difference / found.theirs:+.0%})" if found.theirs else ""
    ours = figures.arms[LIVE]["hr20"]
    return (
        f"HR@20 is {ours:.4f} with live state and counters that learn at once, {found.theirs:.4f} with those of the "
        f"night before: {found.difference:+.4f}{relative}, 95 % interval over users {found.low:+.4f} to "
        f"{found.high:+.4f}."
    )


def _row(*cells: Cell) -> tuple[Cell, ...]:
    return cells


def _headline(figures: Figures) -> tuple[Table, ...]:
    rows = tuple(_row(age, *(figures.arms[f"{age}+{pace}"]["hr20"] for pace in PACES)) for age in AGES)
    return (Table(title="HR@20, state (rows) by counters (columns)", head=("state", *PACES), rows=rows),)


def _notes(figures: Figures) -> str:
    fitted = ", ".join(f"{age} {count:,}" if count else f"{age} none" for age, count in figures.fitted.items())
    late = f" {figures.late:,} interactions came late and stay where the log has them." if figures.late else ""
    return (
        f"{figures.reached:.1%} of the judged items were candidates. {figures.hidden:,} events are left out because "
        f"the filters would have kept their item from the user. Choices of the warm-up's end that the weights of each "
        f"state were fitted to: {fitted} (none: the project's own weights).{late}"
    )


def _arms(figures: Figures) -> Table:
    rows = tuple(_row(arm, *(figures.arms[arm][metric] for metric in NAMES)) for arm in _shown(figures))
    return Table(
        title="Every arm and control",
        head=("arm", *NAMES.values()),
        rows=rows,
        note=f"coverage: items that stood in a first ten, of {figures.items:,}",
    )


def _shown(figures: Figures) -> list[str]:
    """Arms of the tables; the delayed ones have a section of their own."""
    return [arm for arm in figures.arms if not arm.startswith("delay ")]


def _bars(figures: Figures) -> tuple[BarChart, ...]:
    arms = _shown(figures)
    values = tuple(figures.arms[arm]["hr20"] for arm in arms)
    return (BarChart(title="HR@20", names=tuple(arms), values=values),)


def _differences(figures: Figures) -> Iterable[Table | BarChart]:
    for among, words in (("all", "All events"), ("new", "Items new to the user")):
        found = [one for one in figures.differences if one.among == among]
        if found:
            yield _compared(found, words)
    gains = [one for one in figures.differences if one.among == "all" and one.metric == "hr20"]
    yield BarChart(
        title="HR@20: how much more than the other arm, with the 95 % interval",
        names=tuple(one.against for one in gains),
        values=tuple(one.difference for one in gains),
        low=tuple(one.low for one in gains),
        high=tuple(one.high for one in gains),
    )


def _compared(found: list[Difference], words: str) -> Table:
    rows = tuple(
        (one.against, NAMES[one.metric], one.theirs, one.difference, one.low, one.high, one.p)
        for against in (*KNOWN, *CONTROLS)
        for one in found
        if one.against == against
    )
    return Table(
        title=f"{words} ({found[0].events:,})",
        head=("against", "metric", "theirs", "difference", "low", "high", "p"),
        rows=rows,
        note="low, high: 95 %, paired bootstrap over users; p: two-sided",
    )


def _decades(figures: Figures) -> str:
    if not figures.loss_per_decade:
        return "Feedback of everybody, the user's own included, is heard of later."
    loss = ", ".join(f"{NAMES[metric]} {share:.1%}" for metric, share in figures.loss_per_decade.items())
    return (
        "Feedback of everybody, the user's own included, is heard of later. Each factor of ten between the shortest "
        f"and the longest delay costs, of the figure without delay: {loss}."
    )


def _curve(figures: Figures) -> LineChart:
    x = tuple(math.log10(max(one.delay_s, 1.0)) for one in figures.freshness)
    return LineChart(
        title="What a delay of the feedback costs",
        x_label="delay",
        y_label="metric",
        lines=tuple(
            Line(name=NAMES[metric], x=x, y=tuple(one.figures[metric] for one in figures.freshness))
            for metric in METRICS
        ),
        ticks=tuple((place, _span(one.delay_s)) for place, one in zip(x, figures.freshness, strict=True)),
        from_zero=True,
    )


def _delays(figures: Figures) -> Table:
    rows = tuple(
        _row(_span(one.delay_s), *(one.figures[metric] for metric in METRICS), *one.differences["hr20"])
        for one in figures.freshness
    )
    head = ("delay", *(NAMES[metric] for metric in METRICS), "HR@20 less no delay", "low", "high")
    return Table(title="By delay", head=head, rows=rows, note="low, high: 95 %, paired bootstrap over users")


def _slices(figures: Figures) -> Iterable[Table]:
    for by in dict.fromkeys(one.by for one in figures.slices):
        rows = tuple(
            _row(one.name, one.events, *(one.figures[arm]["hr20"] if one.figures else math.nan for arm in SLICED))
            for one in figures.slices
            if one.by == by
        )
        yield Table(title=f"By {by}", head=(by, "events", *SLICED), rows=rows)


def _over_time(figures: Figures) -> LineChart:
    lines = tuple(
        Line(name=arm, x=tuple(map(float, range(1, len(values) + 1))), y=values)
        for arm, values in figures.over_time.items()
    )
    label = f"part of the judged events (of {PARTS}, oldest first)"
    return LineChart(title="HR@20 over time", x_label=label, y_label="HR@20", lines=lines, from_zero=True)


def _day(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d")


def _span(seconds: float) -> str:
    for size, unit in ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"
