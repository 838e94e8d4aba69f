"""`swerve evaluate`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import click
import msgspec

from swerve.cli.projects import existing, opened, project
from swerve.engine import Engine
from swerve.engine.judging import Material, arms, loaded, prepare, wanted_model
from swerve.engine.opening import derive
from swerve.errors import needing
from swerve.evaluate.bootstrap import Interval
from swerve.evaluate.cases import read_stream, set_task
from swerve.evaluate.judge import Judged, Questions, Setting, accuracy, judge, lead, questions, variety
from swerve.evaluate.report import Report, Section, Table, html, lines
from swerve.model.config import Kind, ModelConfig
from swerve.protocols import Arm
from swerve.terminal import Paint, Progress

JUDGED_BY = ("NDCG@10", "HR@10")
"""Metrics whose differences between arms are tested."""
Protocol: TypeAlias = Literal["last", "time"]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asked for."""

    protocol: Protocol
    test: float
    newest: int
    arm: tuple[str, ...]
    model: str
    minutes: float
    setting: Setting


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is said about one run, as `--json` writes it."""

    project: str
    protocol: str
    settings: dict[str, Any]
    counts: dict[str, int]
    arms: dict[str, dict[str, Interval | float]]
    lead: dict[str, dict[str, Interval]]
    """By metric: how far the best arm is ahead of each other one."""
    notes: tuple[str, ...] = ()
    """What else a reader should know."""


@click.command
@project
@click.option(
    "--protocol",
    type=click.Choice(["last", "time"]),
    default="last",
    help="last: each user's last interaction; time: the newest ones of all. [default: last]",
)
@click.option("--test", type=click.FloatRange(0.001, 0.5), default=0.1, help="Share judged by time. [default: 0.1]")
@click.option("--repeats", is_flag=True, help="Rank and ask for items that the user has touched before, too.")
@click.option("--query-time", is_flag=True, help="Tell the moment of the interaction that is to be predicted.")
@click.option("--most", type=click.IntRange(10), default=10_000, help="Questions at most, at random. [default: 10000]")
@click.option("--newest", type=click.IntRange(0), default=5_000, help="Interactions to fit to. [default: 5000]")
@click.option("--arm", multiple=True, metavar="MODULE:NAME", help="One more way to recommend; may be given again.")
@click.option(
    "--model",
    type=click.Choice(["own", "none", *get_args(Kind)]),
    default="own",
    help="User model to train and judge. own: like the project's, if it has one. [default: own]",
)
@click.option("--minutes", type=click.FloatRange(0, min_open=True), default=10.0, help="To train it. [default: 10]")
@click.option("--seed", type=int, default=0, help="The same seed gives the same figures. [default: 0]")
@click.option("--json", "json_to", type=click.Path(path_type=Path), metavar="FILE", help="Write every figure as JSON.")
@click.option("--html", "html_to", type=click.Path(path_type=Path), metavar="FILE", help="Write one HTML page.")
def evaluate(project: Path, json_to: Path | None, html_to: Path | None, **given: Any) -> None:
    """Judge ways to recommend on the log of PROJECT: learn from one part, predict the other, rank every item.

    Popularity, transition counts and the blend that serves, each folded and fitted from the training part alone; so is
    a user model, which is trained for this (the project's own has seen the answers). Figures are means with 95 %
    intervals over users. The project itself is not changed.
    """
    setting = Setting(**{name: given.pop(name) for name in ("repeats", "query_time", "most", "seed")})
    outcome = _evaluate(existing(project), Options(setting=setting, **given))
    report = report_of(outcome)
    if json_to is not None:
        json_to.write_bytes(msgspec.json.format(msgspec.json.encode(outcome)) + b"\n")
    if html_to is not None:
        html_to.write_text(html(report), encoding="utf-8")
    for line in lines(report, Paint(sys.stdout, os.environ)):
        click.echo(line)


def _evaluate(directory: Path, options: Options) -> Outcome:
    setting = options.setting
    with opened(directory) as engine:
        stream = read_stream(engine.events())
        task = set_task(stream, options.protocol, test=options.test)
        asked = questions(stream, task, setting)
        empty = derive(engine.config, None)
        material = prepare(engine.config, empty, engine.events, (stream, task), newest=options.newest)
        model = None if options.model == "none" else wanted_model(directory, options.model)
        every = arms(material, repeats=setting.repeats)
        notes: tuple[str, ...] = ()
        if model is not None:
            learned, said = _learned(engine, material, model, options)
            every, notes = [*every, *learned], (said,)
    every += [loaded(name, material) for name in options.arm]
    judged = [_judged(arm, material, asked, setting) for arm in every]
    counts = {
        "users": len(set(stream.users.tolist())),
        "items": int(task.known.sum()),
        "interactions": len(stream.rows),
        "training": len(task.train),
        "questions": len(asked.positions),
        "repeats left out": asked.repeats,
        "unknown items": asked.unknown,
    }
    return Outcome(
        project=directory.name,
        protocol=options.protocol,
        settings={
            **msgspec.to_builtins(setting),
            "test": options.test,
            "newest": options.newest,
            "model": options.model,
            "ties": "pessimistic",
        },
        counts=counts,
        arms={one.name: _figures(one, asked, material, setting.seed) for one in judged},
        lead={metric: lead(judged, asked, metric, setting.seed) for metric in JUDGED_BY},
        notes=notes,
    )


def _learned(engine: Engine, material: Material, model: ModelConfig, options: Options) -> tuple[list[Arm], str]:
    """The arms of a user model, and what is to be said of it."""
    room = needing("torch", ("torch",), "swerve.engine.modelled")
    counted = room.halves(material, derive(engine.config, None), engine.events)
    learn = room.learning(options.minutes, options.setting.seed)
    with _progress("user model") as progress:
        learned: tuple[list[Arm], str] = room.user_model(counted, options.setting, (model, learn), progress)
    return learned


def _figures(one: Judged, asked: Questions, material: Material, seed: int) -> dict[str, Interval | float]:
    return {**accuracy(one, asked, seed), **variety(one, asked, material.stream, material.task)}


def _judged(arm: Arm, material: Material, asked: Questions, setting: Setting) -> Judged:
    with _progress(arm.name) as progress:
        return judge(arm, material.stream, material.task, asked, setting, progress)


@contextmanager
def _progress(name: str) -> Iterator[Callable[[int, int], None]]:
    bar, started = Progress(sys.stderr, name), time.perf_counter()

    def show(done: int, total: int) -> None:
        seconds = time.perf_counter() - started
        bar(done, total, done / max(seconds, 1e-9), seconds)

    try:
        yield show
    except BaseException:
        bar.stop()
        raise
    bar.end(f"{name}: {time.perf_counter() - started:.1f} s")


def report_of(outcome: Outcome) -> Report:
    """The outcome for people."""
    asked = {"last": "each user's last interaction", "time": "the newest interactions"}[outcome.protocol]
    counts = ", ".join(f"{count:,} {name}" for name, count in outcome.counts.items())
    about = f"{asked}, predicted from everything before it; every known item is ranked, ties go against the arm"
    parts = (_table(outcome), *(_lead(outcome, metric) for metric in outcome.lead))
    section = Section(title="Arms", prose=(counts, *outcome.notes), parts=parts)
    return Report(title=f"Evaluation of {outcome.project}", about=about, sections=(section,))


def _table(outcome: Outcome) -> Table:
    head = tuple(next(iter(outcome.arms.values())))
    rows = tuple((name, *map(_cell, figures.values())) for name, figures in outcome.arms.items())
    told = "told" if outcome.settings["query_time"] else "not told"
    seen = "ranked too" if outcome.settings["repeats"] else "left out"
    note = f"± half of the 95 % interval over users; seen items {seen}; time of the question {told}"
    return Table(title="Each arm", head=("arm", *head), rows=rows, note=note)


def _cell(figure: Interval | float) -> str:
    return f"{figure.mean:.4f} ±{figure.half:.4f}" if isinstance(figure, Interval) else f"{figure:.4f}"


def _lead(outcome: Outcome, metric: str) -> Table:
    best = max(outcome.arms, key=lambda name: _mean(outcome.arms[name][metric]))
    rows = tuple(
        (name, f"{found.mean:+.4f}", f"{found.low:+.4f} to {found.high:+.4f}", f"{found.p:.4f}")
        for name, found in outcome.lead[metric].items()
    )
    note = "users drawn again 2,000 times, the same draws for both arms"
    return Table(title=f"{best} is ahead in {metric} of", head=("arm", "by", "95 %", "p"), rows=rows, note=note)


def _mean(figure: Interval | float) -> float:
    return figure.mean if isinstance(figure, Interval) else figure
