"""The benchmark table of the README, rendered from `benchmarks/results/*.json`: `python -m benchmarks.table --write`.

A bar that is not met stays in the table and says so.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.common import RESULTS, ROOT

README = ROOT / "README.md"
BEGIN, END = "<!-- benchmarks -->", "<!-- /benchmarks -->"
BESIDE_BEGIN, BESIDE_END = "<!-- beside others -->", "<!-- /beside others -->"


@dataclass(frozen=True)
class Bar:
    """What one metric is, what it must reach and what we aim at."""

    benchmark: str
    metric: str
    words: str
    at_least: float
    goal: float
    more_is_better: bool = False


BARS = (
    Bar("freshness", "stale", "lists that miss an acknowledged event", 0, 0),
    Bar("freshness", "http_pair_p50_ms", "HTTP: event acked and new list received, median, ms", 6, 3),
    Bar("freshness", "http_pair_p99_ms", "the same, 99th percentile, ms", 25, 10),
    Bar("serving", "lists_per_s", "lists per second, one core, 100 k items", 600, 1500, True),
    Bar("serving", "p99_ms_at_half_load", "99th percentile at half that load, ms", 25, 10),
    Bar("serving", "rss_mb", "memory of the serving process, MiB", 350, 250),
    Bar("ingest", "batch_events_per_s", "durable events per second, in process, in batches", 20_000, 60_000, True),
    Bar("ingest", "http_events_per_s", "durable events per second over HTTP", 10_000, 25_000, True),
    Bar("ingest", "lone_ack_p50_ms", "one event alone, durable, median, ms", 2.5, 1),
    Bar("imports", "import_s", "import of MovieLens-1M, s", 90, 30),
    Bar("imports", "restart_s", "restart with it, s", 8, 3),
    Bar("counting", "ml1m_hr10", "MovieLens-1M, hit rate at 10", 0.275, 0.285, True),
    Bar("counting", "ml1m_ndcg10", "MovieLens-1M, NDCG at 10", 0.161, 0.167, True),
    Bar("counting", "digi_weekly_r20", "DIGINETICA, recall at 20, refitted weekly", 0.505, 0.515, True),
    Bar("counting", "digi_online_r20", "DIGINETICA, recall at 20, learning online", 0.520, 0.530, True),
    Bar("accuracy", "ml1m_p1_hr10", "MovieLens-1M, the user model alone, hit rate at 10", 0.3159, 0.322, True),
    Bar("accuracy", "ml1m_p1_ndcg10", "the same, NDCG at 10", 0.1857, 0.190, True),
    Bar(
        "accuracy",
        "ml1m_p1_blend_hr10",
        "MovieLens-1M, model and counts blended, hit rate at 10",
        0.322,
        0.330,
        True,
    ),
    Bar("accuracy", "ml1m_p1_blend_ndcg10", "the same, NDCG at 10", 0.190, 0.195, True),
    Bar(
        "accuracy",
        "ml1m_p1_10min_hr10",
        "MovieLens-1M, the model after 10 min (one seed), hit rate at 10",
        0.284,
        0.305,
        True,
    ),
    Bar("accuracy", "ml1m_p1_10min_ndcg10", "the same, NDCG at 10", 0.167, 0.178, True),
    Bar("accuracy", "train_speed_ratio", "items learned per second, times RecTools' SASRec of equal size", 1, 3, True),
    Bar("ratings", "rmse_ml100k", "MovieLens-100k, error of predicted ratings", 0.919, 0.905),
    Bar("ratings", "rmse_ml1m", "MovieLens-1M, error of predicted ratings", 0.862, 0.850),
    Bar(
        "sessions",
        "digi_weekly_r20",
        "DIGINETICA, model and counts, weekly, recall at 20",
        0.508,
        0.525,
        True,
    ),
    Bar("sessions", "digi_weekly_mrr20", "the same, MRR at 20", 0.191, 0.200, True),
    Bar(
        "sessions",
        "digi_online_r20",
        "DIGINETICA, model and counts, counts online, recall at 20",
        0.524,
        0.545,
        True,
    ),
    Bar("sessions", "digi_online_mrr20", "the same, MRR at 20", 0.195, 0.205, True),
    Bar("temporal", "blend_first_on_headlines", "KuaiRand, a later week: first on, of nine figures", 9, 9, True),
    Bar("usermodel", "step_p50_ms", "one event into the preference, median, ms", 0.3, 0.3),
    Bar("usermodel", "step_p99_ms", "the same, 99th percentile, ms", 1, 1),
    Bar("usermodel", "reencode_ms", "a user of 200 events read again, ms", 5, 5),
    Bar("usermodel", "step_parallel_maxdiff", "steps against one pass in PyTorch, largest difference", 1e-4, 1e-4),
    Bar("footprint", "import_s", "`import swerve`, s", 0.4, 0.25),
    Bar("footprint", "ready_s", "empty directory to a ready server, s", 3, 1),
    Bar("footprint", "torch_loaded", "torch in the serving process", 0, 0),
    Bar("crash", "lost", "acknowledged events lost over all crashes", 0, 0),
    Bar("crash", "doubled", "… counted twice", 0, 0),
    Bar("crash", "altered", "… changed", 0, 0),
)


def results(folder: Path = RESULTS) -> dict[str, Any]:
    """Kept outcomes by benchmark name."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}


def render(kept: Mapping[str, Any]) -> str:
    """The table as Markdown, with one line naming machine and commit of every outcome in it."""
    lines = ["| what | `benchmarks.` | measured | bar | goal |", "|---|---|---:|---:|---:|"]
    lines += [_row(bar, kept[bar.benchmark]["metrics"]) for bar in BARS if bar.benchmark in kept]
    lines += ["", *_sources(kept)]
    return "\n".join(lines)


def _row(bar: Bar, metrics: Mapping[str, float]) -> str:
    value = metrics[bar.metric]
    met = value >= bar.at_least if bar.more_is_better else value <= bar.at_least
    measured = f"**{_number(value)}**" if met else f"{_number(value)} (bar not met)"
    side = "≥" if bar.more_is_better else "≤"
    return (
        f"| {bar.words} | `{bar.benchmark}`: `{bar.metric}` | {measured} | {side} {_number(bar.at_least)} "
        f"| {_number(bar.goal)} |"
    )


def _number(value: float) -> str:
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _sources(kept: Mapping[str, Any]) -> list[str]:
    measured: dict[str, list[str]] = {}
    for bar in BARS:
        if bar.benchmark in kept:
            outcome = kept[bar.benchmark]
            names = measured.setdefault(f"commit `{outcome['commit']}`, {outcome['date']}, {outcome['machine']}", [])
            if bar.benchmark not in names:
                names.append(bar.benchmark)
    return [f"Measured at {where}: {', '.join(names)}." for where, names in measured.items()]


OURS = {
    "ml1m_p1_blend": "swerve, model and counts",
    "ml1m_p1": "swerve, the user model",
    "ml1m_p1_10min": "swerve, the user model, short",
    "ml1m_p1_counts": "swerve, counts as a new project has them",
}
"""Rows of ours beside the rivals', by the beginning of their metrics."""
MINUTE_S = 60


def beside(kept: Mapping[str, Any]) -> str:
    """Everybody on ML-1M (P1) as Markdown, the best first: accuracy, and what it cost."""
    metrics, settings = kept["accuracy"]["metrics"], kept["accuracy"]["settings"]
    rivals = [name.removesuffix("_seconds") for name in metrics if name.endswith("_seconds")]
    rows = [*OURS, *rivals]
    lines = ["| ML-1M (P1) | HR@10 | NDCG@10 | training, CPU min | memory, MiB | |", "|---|---:|---:|---:|---:|---|"]
    for name in sorted(rows, key=lambda name: -metrics[f"{name}_ndcg10"]):
        minutes = metrics.get(f"{name}_train_cpu_min", metrics.get(f"{name}_cpu_s", math.nan) / MINUTE_S)
        memory = metrics.get(f"{name}_rss_mib", math.nan)
        cost = ["" if math.isnan(one) else f"{one:.{digits}f}" for one, digits in ((minutes, 1), (memory, 0))]
        note = settings.get(f"rival_{name}", {}).get("note", "")
        words = OURS.get(name, name.replace("_", " "))
        accuracy = [f"{metrics[f'{name}_{metric}']:.4f}" for metric in ("hr10", "ndcg10")]
        lines.append(f"| {' | '.join([words, *accuracy, *cost, note])} |")
    for part, told in settings.items():
        name = part.removeprefix("rival_")
        if name != part and name not in rivals:
            lines.append(f"| {name.replace('_', ' ')} | | | | | {told['note']} |")
    return "\n".join(lines)


def written(readme: str, table: str, marks: tuple[str, str] = (BEGIN, END)) -> str:
    """The README text with the table between its marks. Raises ValueError when the marks are missing."""
    head, begin, rest = readme.partition(marks[0])
    _, end, foot = rest.partition(marks[1])
    if not begin or not end:
        raise ValueError(f"README.md has no {marks[0]} … {marks[1]}")
    return f"{head}{begin}\n{table}\n{end}{foot}"


def main() -> None:
    """Print the table, or put it into the README."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    kept = results()
    if parser.parse_args().write:
        page = written(README.read_text(), render(kept))
        README.write_text(written(page, beside(kept), (BESIDE_BEGIN, BESIDE_END)))
    else:
        print(render(kept), beside(kept), sep="\n\n")


if __name__ == "__main__":
    main()
