"""KuaiRand, a global split in time: what do people click, watch long and like in a week that nobody has seen?

Train before 30 April 2022, validation 30 April and 1 May (early stop, weights of the blends), test 2 to 8 May. After
validation every arm learns from both; nothing is learned from the test, but each of its events is predicted from the
user's true history so far, at its own moment (query time). Full ranking over all known videos. What was shown to the
user before is left out, and so are questions about it: 3 of 100 videos come again, and a feed does not mean to. Ties
go against the arm. Figures are means with 95 % intervals over users (drawn again 2,000 times), for three kinds of
questions: videos that were clicked (a random 5,000), those of them that were watched long, and all that were liked.
SASRec is ours, trained like the user model, but reads liked videos in their order only, as its authors have it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks import common, kuairand
from swerve.config import Config, load
from swerve.engine.judging import arms, prepare
from swerve.engine.modelled import Halves, blended, halves
from swerve.engine.opening import derive
from swerve.evaluate.arms import Popular
from swerve.evaluate.bootstrap import Interval, mean_interval, paired_bootstrap
from swerve.evaluate.cases import Stream, Task, read_stream
from swerve.evaluate.judge import Judged, Questions, Setting, judge, questions
from swerve.evaluate.learned import Lesson, Made, train
from swerve.evaluate.metrics import hit_rate, inverse_popularity_ndcg, ndcg
from swerve.learn.config import LearnConfig
from swerve.learn.trainer import Epoch
from swerve.model.config import ModelConfig
from swerve.protocols import Arm
from swerve.types import Record

VALIDATION, TEST, END = kuairand.day(4, 30), kuairand.day(5, 2), kuairand.day(5, 9)
DAY_S = 86_400.0
CLICKS = 5_000
"""Clicked videos asked about, at random."""
NEWEST = 4_000
"""Interactions that the blend as served is fitted to."""
SETTING = Setting(query_time=True, most=1_000_000)
LEARN = LearnConfig(epochs=8, every=2, patience=2, minutes=1e6)
BLEND, MODEL, SASREC, COUNTS = "blend with user model", "user model", "sasrec", "counts, fitted"
RIVALS = ("popular 7 d", SASREC, COUNTS)
"""Whom the blend must beat."""
HEADLINES = ("hr10", "ndcg10", "hr50")
METRICS = (*HEADLINES, "rare_ndcg10")
Values = NDArray[np.float64]


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked in the test."""

    stream: Stream
    task: Task
    asked: Questions
    kinds: dict[str, NDArray[np.bool_]]
    """Which questions are of which kind: (q,) each."""
    popularity: Values
    """How often each answer was acted on before the test, at least 1: (q,)."""


def material(every: int) -> tuple[list[Record], Stream, Task, dict[str, NDArray[np.bool_]]]:
    """Records and columns of every `every`-th user, the split, and what was done, (m,) each."""
    log = kuairand.shown(common.required("kuairand-pure-part"), every)
    records = list(kuairand.records(log))
    stream = read_stream(records)
    done = {name: np.array([getattr(one, name) for one in log]) for name in ("click", "long", "like")}
    liked, times = stream.gains > 0, stream.times
    train = np.flatnonzero(times < TEST)
    known = np.zeros(len(stream.items), np.bool_)
    known[stream.rows[train]] = True
    task = Task(
        train=train,
        validation=np.flatnonzero((times >= VALIDATION) & (times < TEST) & liked),
        test=np.flatnonzero((times >= TEST) & (times < END) & liked),
        known=known,
    )
    return records, stream, task, done


def paper(stream: Stream, task: Task, done: Mapping[str, NDArray[np.bool_]], clicks: int) -> Paper:
    """A random `clicks` of the clicked videos, and all that were liked."""
    every = questions(stream, task, SETTING).positions
    clicked = every[done["click"][every]]
    drawn = np.random.default_rng(0).choice(clicked, min(clicks, len(clicked)), replace=False)
    chosen = np.union1d(drawn, every[done["like"][every]])
    asked = questions(stream, msgspec.structs.replace(task, test=chosen), SETTING)
    click = np.isin(asked.positions, drawn)
    kinds = {"click": click, "long": click & done["long"][asked.positions], "like": done["like"][asked.positions]}
    counts = np.bincount(stream.rows[task.train], minlength=len(stream.items))
    popularity = np.maximum(counts[asked.targets], 1).astype(np.float64)
    return Paper(stream=stream, task=task, asked=asked, kinds=kinds, popularity=popularity)


def popular(stream: Stream, task: Task, days: float) -> Arm:
    """What was liked most often in the last `days` before the test."""
    lately = task.train[(stream.times[task.train] >= TEST - days * DAY_S) & (stream.gains[task.train] > 0)]
    arm = Popular(stream.rows[lately], len(stream.items))
    arm.name = f"popular {days:g} d"
    return arm


def settings_of(counts: Mapping[str, Any]) -> Config:
    """A feed in which nothing comes twice."""
    return load(None, "social", dict(counts), {}).config


def counting(records: list[Record], stream: Stream, task: Task, newest: int) -> tuple[Halves, list[Arm]]:
    """Counters before and after validation, and the arms that only count."""
    config = settings_of({})
    counted = prepare(config, derive(config, None), lambda: records, (stream, task), newest=newest)
    both = halves(counted, derive(config, None), lambda: records)
    lesson = Lesson(stream=stream, task=task, setting=SETTING, model=ModelConfig(), learn=LEARN)
    windows = [popular(stream, task, days) for days in (1, 7)]
    names = ("popular", "transitions", "blend, fitted")
    served = [arm for arm in arms(counted, repeats=False) if arm.name in names]
    return both, [*windows, *served, *blended(COUNTS, both, lesson, ())]


def learning(counted: Halves, stream: Stream, task: Task, learn: LearnConfig) -> Iterator[Arm]:
    """The arms that are trained, each as soon as it is."""
    lesson = Lesson(stream=stream, task=task, setting=SETTING, model=ModelConfig(), learn=learn)
    model = _made(MODEL, lesson)
    yield model.after
    yield from blended(BLEND, counted, lesson, (model,))
    kind = ModelConfig(kind="sasrec")
    yield _made(SASREC, msgspec.structs.replace(lesson, model=kind, items_only=True)).after


def _made(name: str, lesson: Lesson) -> Made:
    def told(epoch: Epoch) -> None:
        score = "" if epoch.ndcg10 is None else f", validation HR@10 {epoch.hr10:.4f} NDCG@10 {epoch.ndcg10:.4f}"
        print(f"  {name}, epoch {epoch.epoch}: loss {epoch.loss:.3f}, {epoch.seconds:.0f} s{score}", flush=True)

    return train(name, lesson, told)


def values_of(judged: Judged, sheet: Paper, kind: str) -> dict[str, Values]:
    """By metric, one value for each question of a kind."""
    of = sheet.kinds[kind]
    ranks = judged.ranks[of]
    rare = inverse_popularity_ndcg(ranks, sheet.popularity[of], 10)
    return dict(zip(METRICS, (hit_rate(ranks, 10), ndcg(ranks, 10), hit_rate(ranks, 50), rare), strict=True))


def judged_by(sheet: Paper, arm: Arm) -> Judged:
    """One arm's answers; says how it did."""
    began = time.perf_counter()
    judged = judge(arm, sheet.stream, sheet.task, sheet.asked, SETTING)
    for kind, of in sheet.kinds.items():
        found = {name: interval(value, sheet, of) for name, value in values_of(judged, sheet, kind).items()}
        said = "  ".join(f"{name} {one.mean:.4f} ±{one.half:.4f}" for name, one in found.items())
        print(f"  {arm.name:<22} {kind:<5} {said}", flush=True)
    print(f"  {arm.name:<22} {time.perf_counter() - began:.0f} s", flush=True)
    return judged


def interval(values: Values, sheet: Paper, of: NDArray[np.bool_]) -> Interval:
    """The mean and its range over users."""
    return mean_interval(values, sheet.asked.users[of])


def figures(runs: Sequence[Mapping[str, Judged]], sheet: Paper) -> dict[str, float]:
    """Means over seeds, half intervals of the first seed, leads of the blend, and on how many figures it is first."""
    found: dict[str, float] = {}
    first: list[str] = []
    for kind, of in sheet.kinds.items():
        values = {name: [values_of(run[name], sheet, kind) for run in runs] for name in runs[0]}
        for metric in METRICS:
            means = {}
            for name, seeds in values.items():
                key = f"{kind}_{metric}_{name.replace(',', '').replace(' ', '_')}"
                drawn = [float(one[metric].mean()) for one in seeds]
                means[name] = found[key] = float(np.mean(drawn))
                found[f"{key}_half"] = interval(seeds[0][metric], sheet, of).half
                if len(drawn) > 1 and name in (MODEL, BLEND, SASREC):
                    found[f"{key}_spread"] = float(np.std(drawn, ddof=1))
            first += [metric] * all(means[BLEND] > mean for name, mean in means.items() if name != BLEND)
            for rival in RIVALS:
                ours, theirs = (np.mean([one[metric] for one in values[name]], axis=0) for name in (BLEND, rival))
                lead = paired_bootstrap(ours, theirs, sheet.asked.users[of])
                key = f"{kind}_{metric}_lead_over_{rival.replace(',', '').replace(' ', '_')}"
                found |= {key: lead.mean, f"{key}_low": lead.low, f"{key}_high": lead.high}
    return found | {
        "blend_first_on": len(first),
        "of_metrics": len(sheet.kinds) * len(METRICS),
        "blend_first_on_headlines": sum(metric in HEADLINES for metric in first),
    }


def measure(args: argparse.Namespace) -> tuple[dict[str, object], dict[str, float]]:
    """Settings and metrics of one run."""
    seeds = 1 if args.quick else args.seeds
    records, stream, task, done = material(60 if args.quick else 1)
    sheet = paper(stream, task, done, 150 if args.quick else CLICKS)
    learn = msgspec.structs.replace(LEARN, epochs=2, rows=4, length=64) if args.quick else LEARN
    both, counted = counting(records, stream, task, 400 if args.quick else NEWEST)
    answers = {arm.name: judged_by(sheet, arm) for arm in counted}
    runs = []
    for seed in range(seeds):
        seeded = msgspec.structs.replace(learn, seed=seed)
        trained = {arm.name: judged_by(sheet, arm) for arm in learning(both, stream, task, seeded)}
        runs.append(answers | trained)
    settings = {
        "users": len(set(stream.users.tolist())),
        "videos": int(task.known.sum()),
        "training": len(task.train),
        "questions": {kind: int(of.sum()) for kind, of in sheet.kinds.items()},
        "unknown_videos": sheet.asked.unknown,
        "seeds": seeds,
        "epochs": learn.epochs,
        "query_time": True,
        "repeats": "left out",
        "ties": "target last",
    }
    return settings, figures(runs, sheet)


def options(parser: argparse.ArgumentParser) -> None:
    """What only this benchmark takes."""
    parser.add_argument("--seeds", type=int, default=3, help="how many times the models are trained (quick: once)")


def main() -> None:
    """Measure and report."""
    args = common.arguments(__doc__ or "", more=options)
    settings, metrics = measure(args)
    common.report("temporal", settings, metrics, args)


if __name__ == "__main__":
    main()
