"""A shop that never was: items with titles and categories, and a past in which few items and users did most.

Everything follows from a seed. Users keep to a few categories of their own, so that transitions have something to say.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

import swerve
from swerve.engine import Engine

BATCH = 2_000
CATEGORIES = 200
WORDS = 3_000
DAY_S = 86_400.0
ACTIONS = ("view", "view", "view", "view", "favourite", "cart", "buy")


def items(count: int, now: float, seed: int = 0) -> Iterator[swerve.Item]:
    """`count` items `i0` …, published over the year before `now`; titles of five words, two of them the category's."""
    rng = np.random.default_rng(seed)
    words = rng.integers(WORDS, size=(count, 3)).tolist()
    ages = rng.uniform(0, 365 * DAY_S, size=count).tolist()
    prices = rng.gamma(2.0, 20.0, size=count).round(2).tolist()
    for number in range(count):
        group = category(number)
        title = f"group{group} kind{group % 17} " + " ".join(f"word{word}" for word in words[number])
        yield swerve.Item(
            id=f"i{number}",
            title=title,
            categories=(f"c{group}",),
            fields={"price": prices[number]},
            time=now - ages[number],
        )


def category(item: int) -> int:
    """Number of the category of an item."""
    return item * 7_919 % CATEGORIES


def past(users: int, count: int, of: int, now: float, seed: int = 1) -> Iterator[swerve.Interaction]:
    """`count` interactions by `users` users with `of` items over the week before `now`, oldest first."""
    rng = np.random.default_rng(seed)
    who = zipf(rng, users, count).tolist()
    what = zipf(rng, of, count)
    # Two of three acts are in one of the user's own categories: the same rank there, another item.
    home = (np.array(who) * 31 + rng.integers(2, size=count)) % CATEGORIES
    near = what // CATEGORIES * CATEGORIES + home * pow(7_919, -1, CATEGORIES) % CATEGORIES
    what = np.where((rng.random(count) < 0.67) & (near < of), near, what).tolist()
    how = rng.integers(len(ACTIONS), size=count).tolist()
    times = np.sort(now - rng.uniform(0, 7 * DAY_S, size=count)).tolist()
    for user, item, action, time in zip(who, what, how, times, strict=True):
        yield swerve.Interaction(user=f"u{user}", item=f"i{item}", action=ACTIONS[action], time=time)


def zipf(rng: np.random.Generator, of: int, count: int, exponent: float = 0.8) -> np.ndarray:
    """`count` numbers below `of`, the k-th with a chance that falls as (k + 1)^-exponent."""
    weights = np.cumsum(np.arange(1, of + 1, dtype=np.float64) ** -exponent)
    return np.searchsorted(weights, rng.random(count) * weights[-1])


def fill(engine: Engine, count: int, users: int, interactions: int, now: float) -> None:
    """Put `count` items and a past into an engine."""
    for source in (items(count, now), past(users, interactions, count, now)):
        batch: list[swerve.Item | swerve.Interaction] = []
        for event in source:
            batch.append(event)
            if len(batch) == BATCH:
                engine.observe(batch)
                batch = []
        engine.observe(batch)


def build(directory: Path, count: int, users: int, interactions: int, now: float) -> None:
    """A project directory with a shop in it, closed and ready to be served."""
    with swerve.open(directory, preset="shop") as engine:
        fill(engine, count, users, interactions, now)
