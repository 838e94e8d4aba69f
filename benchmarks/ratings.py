"""Root mean squared error of predicted ratings on Surprise's five folds of MovieLens-100k and -1M, Surprise beside us.

Folds: `surprise.model_selection.KFold(n_splits=5, random_state=0)`, shuffled, by `swerve.evaluate`.
MovieLens-100k in the order of `u.data`; MovieLens-1M sorted by user, then movie (the order inside GroupLens' file is
not kept by every copy; it only decides which random fold a rating falls into). No times, titles or demographics are
used by anybody. Our settings were chosen on a fifth of the first fold's training part and never on a test fold.

Each figure is the mean over the folds of one seed, then over the seeds; `_sd` is the spread over seeds. Surprise runs
when the rivals' environment is there (`python -m benchmarks.rivals.place`). On MovieLens-1M its kNN runs on the first
fold only, and its SVD++ (35 minutes a fold) only with `--slow`; without it the figure that Surprise publishes for five
folds is quoted, named `_published`. Parts (`--part`): `ours`, `rivals`.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from benchmarks import common, parts
from benchmarks.rivals import place
from swerve.evaluate.splits import k_folds
from swerve.rate import RateConfig, fit

SCALE = (1.0, 5.0)
SEEDS = (0, 1, 2)
QUICK = RateConfig(burn=10, kept=10, every=1)
RIVALS = {"surprise_svd": 5, "surprise_knn_baseline": 5, "surprise_svdpp": 5}
"""Rivals and on how many of the folds they run."""
SLOW = {("surprise_svdpp", "ml1m"): 1, ("surprise_knn_baseline", "ml1m"): 1}
"""Where that would take long."""
PUBLISHED = {"surprise_svdpp_rmse_ml1m_published": 0.862}
"""Of Surprise's own page (NicolasHug/Surprise, README, "Benchmarks"): five folds of its own order of the file."""
TIMEOUT_S = 4 * 3600.0
PARTS = ("ours", "rivals")

Outcome = tuple[dict[str, object], dict[str, float]]


@dataclass(frozen=True)
class Ratings:
    """Columns of one data set."""

    users: np.ndarray
    items: np.ndarray
    values: np.ndarray

    def part(self, which: np.ndarray) -> Ratings:
        """Some of them."""
        return Ratings(self.users[which], self.items[which], self.values[which])


def ml100k(folder: Path) -> Ratings:
    """100,000 ratings in the order of the file."""
    users, items, values, _ = np.loadtxt(folder / "u.data", dtype=np.int64).T
    return Ratings(users, items, values.astype(np.float32))


def ml1m(folder: Path) -> Ratings:
    """1,000,209 ratings, sorted by user, then movie; needs the extra `data`."""
    import duckdb  # noqa: PLC0415

    query = "SELECT user_id, movie_id, rating FROM read_parquet(?) ORDER BY user_id, movie_id"
    with duckdb.connect() as connection:
        found = connection.execute(query, [str(folder / "ratings.parquet")]).fetchnumpy()
    users, items = (np.asarray(found[name], np.int64) for name in ("user_id", "movie_id"))
    return Ratings(users, items, np.asarray(found["rating"], np.float32))


def rmse(predicted: np.ndarray, values: np.ndarray) -> float:
    """Root mean squared error."""
    return float(np.sqrt(np.mean((np.asarray(predicted, np.float64) - values) ** 2)))


def ours(data: Ratings, splits: int, config: RateConfig) -> tuple[float, float]:
    """(mean error, mean seconds) of our model over the first `splits` folds."""
    errors, seconds = [], []
    for learn, judged in islice(k_folds(len(data.values)), splits):
        known, asked = data.part(learn), data.part(judged)
        start = time.perf_counter()
        model = fit(known.users, known.items, known.values, config, scale=SCALE)
        predicted = model.predict(asked.users, asked.items)
        seconds.append(time.perf_counter() - start)
        errors.append(rmse(predicted, asked.values))
        print(f"  swerve, seed {config.seed}: {errors[-1]:.4f} in {seconds[-1]:.0f} s", flush=True)
    return float(np.mean(errors)), float(np.mean(seconds))


def theirs(name: str, data: Ratings, splits: int) -> tuple[float, float, float]:
    """(mean error, mean seconds, most MiB) of a rival over the first `splits` folds. Raises RivalFailed."""
    errors, seconds, memory = [], [], []
    for learn, judged in islice(k_folds(len(data.values)), splits):
        known, asked = data.part(learn), data.part(judged)
        given = {"users": known.users, "items": known.items, "ratings": known.values, "scale": np.array(SCALE)}
        answer = place.ask(name, given | {"test_users": asked.users, "test_items": asked.items}, TIMEOUT_S)
        errors.append(rmse(answer["predicted"], asked.values))
        seconds.append(float(answer["seconds"]))
        memory.append(float(answer["rss_mib"]))
        print(f"  {name}: {errors[-1]:.4f} in {seconds[-1]:.0f} s", flush=True)
    return float(np.mean(errors)), float(np.mean(seconds)), max(memory)


def judge(name: str, data: Ratings, *, quick: bool) -> dict[str, float]:
    """Our metrics on one data set."""
    print(f"{name}: {len(data.values):,} ratings", flush=True)
    runs = [
        ours(data, 1 if quick else 5, QUICK if quick else RateConfig(seed=seed))
        for seed in (SEEDS[:1] if quick else SEEDS)
    ]
    errors = [error for error, _ in runs]
    peak = common.rss_mb(os.getpid(), peak=True)
    return {
        f"rmse_{name}": float(np.mean(errors)),
        f"rmse_{name}_sd": float(np.std(errors)),
        f"fit_s_{name}": float(np.mean([seconds for _, seconds in runs])),
        f"rss_mib_{name}": peak,
    }


def beside(name: str, data: Ratings, *, quick: bool, slow: bool = False) -> dict[str, float]:
    """The rivals' metrics on one data set; one that fails is named and left out, the slowest one unless `slow`."""
    metrics: dict[str, float] = {}
    for rival, whole in RIVALS.items():
        splits = 1 if quick else SLOW.get((rival, name), whole)
        if quick and (rival, name) != ("surprise_svd", "ml100k"):
            continue
        if (rival, name) == ("surprise_svdpp", "ml1m") and not slow:
            metrics |= PUBLISHED
            continue
        try:
            error, seconds, memory = theirs(rival, data, splits)
        except place.RivalFailed as failure:
            print(f"  {rival} did not run: {failure}")
            continue
        metrics |= {f"{rival}_rmse_{name}": error, f"{rival}_s_{name}": seconds, f"{rival}_rss_mib_{name}": memory}
    return metrics


def measure(args: argparse.Namespace, part: str) -> Outcome:
    """Settings and metrics of one part."""
    sets = {"ml100k": ml100k(common.required("ml-100k")), "ml1m": ml1m(common.required("ml-1m"))}
    settings: dict[str, object] = {
        "folds": "KFold(5, random_state=0)" + (", the first" if args.quick else ""),
        "threads": os.environ.get("OMP_NUM_THREADS", "all"),
    }
    metrics: dict[str, float] = {}
    if part == "ours":
        settings["seeds"] = 1 if args.quick else len(SEEDS)
        for name, data in sets.items():
            metrics |= judge(name, data, quick=args.quick)
    elif place.python() is None:
        print(f"Surprise is not beside us: {place.HOW}")
    else:
        settings |= {f"{rival}_{name}_folds": folds for (rival, name), folds in SLOW.items()}
        for name, data in sets.items():
            metrics |= beside(name, data, quick=args.quick, slow=args.slow)
    return settings, metrics


def options(parser: argparse.ArgumentParser) -> None:
    """What only this benchmark takes."""
    parser.add_argument("--part", choices=[*PARTS, "all"], default="all", help="measure only this")
    parser.add_argument("--slow", action="store_true", help="also run SVD++ on MovieLens-1M: 35 minutes")


def main() -> None:
    """Measure and report, each part kept as soon as it is done where asked."""
    args = common.arguments(__doc__ or "", more=options)
    settings: dict[str, dict[str, object]] = {}
    metrics: dict[str, float] = {}
    for part in PARTS if args.part == "all" else (args.part,):
        settings[part], found = measure(args, part)
        metrics |= found
        if args.keep:
            parts.keep("ratings", part, settings[part], found)
    common.report("ratings", settings, metrics, argparse.Namespace(**{**vars(args), "keep": False}))


if __name__ == "__main__":
    main()
