"""Accuracy on ML-1M (P1): each user's last item is the target, the one before it is for validation.

Full ranking over all items, those of the history left out; of equal scores the target's counts as the worst. Models
read the last 200 events and train on all; there are no times in P1, so no query time either. Parts (`--part`):

- `model`: the user model, trained on everything before the last two items; the best validation (NDCG@10) is kept. It
  is scored by the arrays that serve (NumPy), `ml1m_p1_maxdiff` is how far they are from torch.
- `blend`: the same scores as one feature beside those of the engine's counts, weights fitted on validation items.
- `short`: what at most ten minutes of two cores train.
- `speed`: training speed beside RecTools' SASRec, in turns.
- `rival_NAME`, or all as `rivals`: others on the same task, each in a process of its own; neural ones train for
  `--budget` seconds.

Every seed trains anew unless its checkpoint is found under `--work`; figures are means over seeds, `_spread` the
standard deviation. Settings were chosen on validation items; the test is read once.
"""

from __future__ import annotations

import argparse
import math
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
import torch

from benchmarks import common, parts, streams
from benchmarks.p1 import blend, scoring, speed
from benchmarks.p1.counts import Counts
from benchmarks.p1.training import trained
from benchmarks.rivals import place, ranking
from swerve.learn.config import LearnConfig
from swerve.learn.corpus import Corpus, from_sequences
from swerve.learn.ranking import scores_of
from swerve.model.checkpoint import Checkpoint
from swerve.model.config import ModelConfig
from swerve.model.nets.network import Network
from swerve.model.recurrent import RecurrentModel
from swerve.rank.fit import fit

MODEL = ModelConfig()
LONG = LearnConfig(epochs=20, minutes=1e6, every=2)
SHORT = LearnConfig(epochs=9, minutes=1e6, every=9)
"""About nine minutes of two free cores; `train_min` says how many it were. Not stopped by the clock, so that neighbours
do not change the figures."""
QUICK = LearnConfig(epochs=1)
QUICK_USERS, QUICK_RIVALS = 120, ("popularity", "itemknn")
SPEED_USERS, TURNS = 500, 5

Outcome = tuple[dict[str, object], dict[str, float]]


@dataclass(frozen=True)
class Run:
    """What every part is given."""

    sequences: list[list[str]]
    corpus: Corpus
    work: Path
    seeds: tuple[int, ...]
    budget_s: float
    quick: bool

    def checkpoints(self, name: str, config: LearnConfig) -> Iterator[Checkpoint]:
        """One a seed, found or made."""
        for seed in self.seeds:
            own = msgspec.structs.replace(self.shrunk(config), seed=seed)
            yield trained(self.work, name, self.corpus, own, MODEL)

    def shrunk(self, config: LearnConfig) -> LearnConfig:
        """What is trained with: less where it must be quick."""
        return QUICK if self.quick else config

    def said(self, config: LearnConfig) -> dict[str, object]:
        """Settings of a training, for the report."""
        return {
            "users": len(self.corpus.histories),
            "items": len(self.corpus.items),
            "seeds": list(self.seeds),
            "model": f"{MODEL.kind} {MODEL.size}",
            "epochs": self.shrunk(config).epochs,
            "negatives": config.negatives,
            "learning_rate": config.learning_rate,
            "threads": torch.get_num_threads(),
            "ties": "target last",
        }


def model_part(run: Run) -> Outcome:
    """The model alone."""
    rows = []
    for found in run.checkpoints("model", LONG):
        rows.append(judged(found, run.corpus) | {"maxdiff": apart(found, run.corpus)})
    return run.said(LONG), named("ml1m_p1", rows)


def short_part(run: Run) -> Outcome:
    """The model after ten minutes."""
    return run.said(SHORT), named("ml1m_p1_10min", [judged(row, run.corpus) for row in run.checkpoints("short", SHORT)])


def judged(found: Checkpoint, corpus: Corpus) -> dict[str, float]:
    """Test figures of a checkpoint by the arrays that serve, and what its training measured."""
    scores = scoring.all_scores(RecurrentModel(found), corpus, 1)
    ranks = [scoring.rank(own, history, 1) for own, history in zip(scores, corpus.histories, strict=True)]
    hr, ndcg = scoring.figures(ranks)
    return {"hr10": hr, "ndcg10": ndcg, **found.words.facts}


def apart(found: Checkpoint, corpus: Corpus, users: int = 64) -> float:
    """Largest difference between torch's scores and those that serve, over the last test question of some users."""
    some = msgspec.structs.replace(corpus, histories=corpus.histories[:users])
    network = Network(found.words.shape).eval()
    network.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in found.arrays.items()})
    histories = [history.upto(len(history) - 1) for history in some.histories]
    with torch.no_grad():
        asked = np.zeros(len(histories))
        torchs = scores_of(network, network.items.table(), histories, asked, torch.device("cpu")).numpy()
    return float(np.abs(torchs - scoring.all_scores(RecurrentModel(found), some, 1)).max())


def blend_part(run: Run) -> Outcome:
    """The model beside the counts; and the counts alone as the preset weighs them."""
    corpus, rng = run.corpus, np.random.default_rng(0)
    before, now = (Counts(run.sequences, back, corpus.items) for back in (2, 1))
    rows, weights = [], []
    for found in run.checkpoints("model", LONG):
        model = RecurrentModel(found)
        known = scoring.all_scores(model, corpus, 2)
        weights.append(fit(list(blend.choices(before, known, corpus, 2, rng))))
        asked = scoring.all_scores(model, corpus, 1)
        hr, ndcg = scoring.figures(blend.ranks(now, asked, corpus, 1, weights[-1]))
        print(f"  blend: {hr:.4f} {ndcg:.4f}, weights {weights[-1][-1].round(3).tolist()}", flush=True)
        rows.append({"hr10": hr, "ndcg10": ndcg})
    hr, ndcg = scoring.figures(blend.ranks(now, np.zeros_like(asked), corpus, 1, np.pad(now.served, ((0, 0), (0, 1)))))
    mean = zip(blend.NAMES, np.mean(weights, axis=0)[-1].round(3).tolist(), strict=True)
    settings = run.said(LONG) | {"weights": {name: weight for name, weight in mean if weight}}
    return settings, named("ml1m_p1_blend", rows) | named("ml1m_p1_counts", [{"hr10": hr, "ndcg10": ndcg}])


def rival_part(run: Run, name: str) -> Outcome:
    """The row of one rival: `<name>_hr10`, `_ndcg10`, `_seconds`, `_rss_mib`; nothing where it cannot run."""
    sequences = [(history.items - 1).tolist() for history in run.corpus.histories]
    (row,) = ranking.run([name], sequences, run.budget_s)
    print(f"  {row}", flush=True)
    settings: dict[str, object] = {"note": row["note"], "threads": os.environ.get("OMP_NUM_THREADS", "all")}
    if math.isnan(row["hr10"]):
        return settings, {}
    return settings, {f"{name}_{what}": row[what] for what in ("hr10", "ndcg10", *ranking.TAKEN)}


def speed_part(run: Run) -> Outcome:
    """Ratios of training speed."""
    if place.python() is None:
        print(f"RecTools is not beside us: {place.HOW}")
        return {}, {}
    users, turns = (60, 1) if run.quick else (SPEED_USERS, TURNS)
    settings: dict[str, object] = {"users": users, "turns": turns, "threads": torch.get_num_threads()}
    return settings, speed.ratios(run.sequences, users, turns)


PARTS: dict[str, Callable[[Run], Outcome]] = {
    "model": model_part,
    "blend": blend_part,
    "short": short_part,
    "speed": speed_part,
    **{f"rival_{name}": partial(rival_part, name=name) for name in ranking.NAMES},
}


def named(prefix: str, rows: Sequence[dict[str, float]]) -> dict[str, float]:
    """Means over seeds, and the standard deviation of the accuracies."""
    means = {f"{prefix}_{name}": float(np.mean([row[name] for row in rows])) for name in rows[0]}
    for name in ("hr10", "ndcg10") if len(rows) > 1 else ():
        means[f"{prefix}_{name}_spread"] = float(np.std([row[name] for row in rows], ddof=1))
    return means


def options(parser: argparse.ArgumentParser) -> None:
    """What only this benchmark takes."""
    parser.add_argument("--part", default="all", help=f"which, joined by commas: {', '.join(PARTS)}, rivals")
    parser.add_argument("--seeds", default="0,1,2", help="one training each, joined by commas (quick: the first)")
    parser.add_argument("--work", type=Path, help="folder that keeps checkpoints for the next run")
    parser.add_argument("--budget", type=float, default=1200.0, help="seconds a neural rival may train")


def chosen(told: str, *, quick: bool) -> list[str]:
    """Parts in their order. Raises SystemExit for an unknown one."""
    rivals = [f"rival_{name}" for name in (QUICK_RIVALS if quick else ranking.NAMES)]
    names = [*(name for name in PARTS if not name.startswith("rival_")), *rivals] if told == "all" else told.split(",")
    names = [part for name in names for part in (rivals if name == "rivals" else [name])]
    if unknown := set(names) - set(PARTS):
        raise SystemExit(f"unknown part {', '.join(sorted(unknown))}; known: {', '.join(PARTS)}, rivals, all")
    return names


def measure(args: argparse.Namespace, work: Path) -> Outcome:
    """Settings and metrics of one run, each part kept as soon as it is done where asked."""
    sequences = streams.ml1m_p1(common.required("ml-1m-p1"))[: QUICK_USERS if args.quick else None]
    seeds = tuple(map(int, args.seeds.split(",")))
    run = Run(sequences, from_sequences(sequences), work, seeds[: 1 if args.quick else None], args.budget, args.quick)
    settings: dict[str, object] = {}
    metrics: dict[str, float] = {}
    for name in chosen(args.part, quick=args.quick):
        print(f"{name}:", flush=True)
        told, found = PARTS[name](run)
        settings[name] = told
        metrics |= found
        if args.keep:
            parts.keep("accuracy", name, told, found)
    return settings, metrics


def main() -> None:
    """Measure and report."""
    args = common.arguments(__doc__ or "", more=options)
    with tempfile.TemporaryDirectory() as folder:
        settings, metrics = measure(args, args.work or Path(folder))
    common.report("accuracy", settings, metrics, argparse.Namespace(**{**vars(args), "keep": False}))


if __name__ == "__main__":
    main()
