"""What an event and a list cost as histories and catalogues grow: processor time of all threads, in microseconds.

With `--keep` it also draws docs/scaling.svg and puts the table into docs/scaling.md.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np

import swerve
from benchmarks import shop
from benchmarks.common import ROOT, arguments, report
from swerve.engine import Engine

HISTORIES = (10, 100, 1_000, 10_000)
CATALOGUES = (1_000, 10_000, 100_000, 1_000_000)
BASE_ITEMS = 20_000
"""Items while histories grow."""
PAST = 100_000
"""Interactions of everybody before anything is measured."""
USERS = 2_000
BATCH = 100
PAGE = ROOT / "docs" / "scaling.md"
BEGIN, END = "<!-- scaling -->", "<!-- /scaling -->"


class Cost(msgspec.Struct, frozen=True):
    """What one thing cost at one size, microseconds of processor time."""

    axis: str
    """`history` (events of one user) or `catalogue` (items)."""
    size: int
    event_us: float
    list_us: float


def cpu_us(work: Callable[[], object], count: int, rounds: int = 3) -> float:
    """Microseconds of processor time, of all threads, for each of the `count` things `work` does; best of rounds."""
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best / count * 1e6


def history_costs(sizes: Sequence[int], items: int, past: int) -> list[Cost]:
    """One user for each size, with that many events behind them."""
    costs = []
    with tempfile.TemporaryDirectory() as folder, _shop(Path(folder), items, past) as engine:
        rng = np.random.default_rng(3)
        for size in sizes:
            user = f"reader{size}"
            for start in range(0, size, shop.BATCH):
                engine.observe(_views([user], rng, items, min(shop.BATCH, size - start)))
            costs.append(_cost("history", size, engine, [user], rng, items))
    return costs


def catalogue_costs(sizes: Sequence[int], past: int) -> list[Cost]:
    """The users of a shop with that many items."""
    costs = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder, _shop(Path(folder), size, past) as engine:
            rng = np.random.default_rng(4)
            users = [f"u{user}" for user in shop.zipf(rng, USERS, 400).tolist()]
            costs.append(_cost("catalogue", size, engine, users, rng, size))
    return costs


def _shop(folder: Path, items: int, past: int) -> Engine:
    engine = swerve.open(folder, preset="shop", config={"engine.log_impressions": False})
    shop.fill(engine, items, USERS, past, time.time())
    return engine


def _cost(axis: str, size: int, engine: Engine, users: Sequence[str], rng: np.random.Generator, items: int) -> Cost:
    def lists() -> None:
        for number in range(400):
            engine.recommend(users[number % len(users)])

    def events() -> None:
        for _ in range(4):
            engine.observe(_views(users, rng, items, BATCH))

    lists()  # whatever is remembered between lists is remembered now
    return Cost(axis, size, cpu_us(events, 4 * BATCH), cpu_us(lists, 400))


def _views(users: Sequence[str], rng: np.random.Generator, items: int, count: int) -> list[swerve.Interaction]:
    what = shop.zipf(rng, items, count).tolist()
    return [
        swerve.Interaction(user=users[number % len(users)], item=f"i{item}", action="view")
        for number, item in enumerate(what)
    ]


def table(costs: Sequence[Cost]) -> str:
    """The costs as Markdown."""
    lines = ["| what grows | size | event, µs | list, µs |", "|---|---:|---:|---:|"]
    named = {"history": "events of the user", "catalogue": "items"}
    lines += [f"| {named[c.axis]} | {c.size:,} | {c.event_us:,.0f} | {c.list_us:,.0f} |" for c in costs]
    return "\n".join(lines)


def written(page: str, rows: str) -> str:
    """The page with the table between its marks. Raises ValueError when the marks are missing."""
    head, begin, rest = page.partition(BEGIN)
    _, end, foot = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"docs/scaling.md has no {BEGIN} … {END}")
    return f"{head}{BEGIN}\n{rows}\n{END}{foot}"


def draw(costs: Sequence[Cost], path: Path) -> None:
    """Both costs against both sizes, as an SVG that is the same for the same numbers."""
    import matplotlib as mpl  # noqa: PLC0415

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "scaling"
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True, layout="constrained")
    for place, axis, label in zip(axes, ("history", "catalogue"), ("events of the user", "items"), strict=True):
        own = [cost for cost in costs if cost.axis == axis]
        sizes = [cost.size for cost in own]
        place.loglog(sizes, [cost.list_us for cost in own], "o-", label="one list")
        place.loglog(sizes, [cost.event_us for cost in own], "s-", label="one event")
        place.set_xlabel(label)
        place.grid(visible=True, which="major", alpha=0.3)
    axes[0].set_ylabel("processor time, µs")
    axes[0].legend()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    """Measure and report."""
    args = arguments(__doc__ or "")
    base, past = (2_000, 10_000) if args.quick else (BASE_ITEMS, PAST)
    histories = HISTORIES
    catalogues = CATALOGUES[:2] if args.quick else CATALOGUES
    costs = history_costs(histories, base, past) + catalogue_costs(catalogues, past)
    print(table(costs))
    metrics = {}
    for cost in costs:
        metrics[f"{cost.axis}_{cost.size}_event_us"] = cost.event_us
        metrics[f"{cost.axis}_{cost.size}_list_us"] = cost.list_us
    if args.keep:
        draw(costs, PAGE.with_suffix(".svg"))
        PAGE.write_text(written(PAGE.read_text(), table(costs)))
    settings = {"items": base, "interactions": past, "users": USERS, "batch": BATCH, "impressions": "not logged"}
    report("scaling", settings, metrics, args)


if __name__ == "__main__":
    main()
