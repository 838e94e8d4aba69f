"""A training's curves as a report: loss, validation, speed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from swerve.evaluate.charts import Line, LineChart
from swerve.evaluate.report import Report, Section, Table
from swerve.learn.progress import Epoch

RULES = (
    "Each history's last item is kept from training and ranked against every item the model knows, those of the "
    "history left out; of equal scores the target's counts as the worst. The weights of the best NDCG@10 are kept."
)


def report(curves: Sequence[Epoch], title: str, about: str, facts: Mapping[str, float]) -> Report:
    """`curves`: a row for each epoch; `about`: one line on what was trained; `facts`: what the checkpoint says."""
    judged = [row for row in curves if row.ndcg10 is not None]
    found = Table(
        title="The weights that were kept",
        head=("figure", "value"),
        rows=(
            ("NDCG@10", facts["ndcg10"]),
            ("HR@10", facts["hr10"]),
            ("after epoch", int(facts["epoch"])),
            ("epochs", int(facts["epochs"])),
            ("seconds", facts["seconds"]),
            ("tokens/s, median", facts["tokens_per_s"]),
        ),
        note="validation items; a token is one event that is followed by another",
    )
    validation = LineChart(
        title="Validation by epoch",
        x_label="epoch",
        y_label="metric",
        lines=(
            _line("NDCG@10", judged, lambda row: row.ndcg10),
            _line("HR@10", judged, lambda row: row.hr10),
        ),
        from_zero=True,
    )
    return Report(
        title=title,
        about=about,
        sections=(
            Section(title="Validation", prose=(RULES,), parts=(found, validation)),
            Section(title="Loss", parts=(_chart("Loss by epoch", "loss", curves, lambda row: row.loss),)),
            Section(
                title="Speed", parts=(_chart("Tokens/s by epoch", "tokens/s", curves, lambda row: row.tokens_per_s),)
            ),
        ),
    )


def _chart(title: str, name: str, curves: Sequence[Epoch], of: Callable[[Epoch], float | None]) -> LineChart:
    return LineChart(title=title, x_label="epoch", y_label=name, lines=(_line(name, curves, of),))


def _line(name: str, rows: Sequence[Epoch], of: Callable[[Epoch], float | None]) -> Line:
    points = [(float(row.epoch), value) for row in rows if (value := of(row)) is not None]
    return Line(name=name, x=tuple(x for x, _ in points), y=tuple(y for _, y in points))
