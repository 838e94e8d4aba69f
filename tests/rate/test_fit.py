"""Ratings that nobody gave are predicted from those somebody gave: planted tastes come back, biases are beaten."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

import swerve.demo
from swerve.errors import InvalidInput
from swerve.rate import RateConfig, RatingModel, fit

QUICK = RateConfig(dim=4, traits=10, burn=30, kept=20, every=1)


def planted(rng: np.random.Generator, noise: float = 0.1) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(users, items, ratings, whether to learn from it) of 80 users and 60 items with biases and two tastes."""
    users, items = (grid.ravel() for grid in np.meshgrid(np.arange(80), np.arange(60), indexing="ij"))
    tastes = (rng.standard_normal((80, 2)) @ rng.standard_normal((2, 60)))[users, items]
    clean = 3 + tastes + 0.5 * rng.standard_normal(80)[users] + 0.5 * rng.standard_normal(60)[items]
    return users, items, clean + noise * rng.standard_normal(len(users)), rng.random(len(users)) < 0.6


def rmse(predicted: np.ndarray, ratings: np.ndarray) -> float:
    return float(np.sqrt(np.mean((predicted - ratings) ** 2)))


def bundled() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    folder = Path(swerve.demo.__file__).parent / "data" / "ml-latest-small"
    with (folder / "ratings.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    ids = [np.array([line[name] for line in lines]) for name in ("userId", "movieId")]
    return ids[0], ids[1], np.array([float(line["rating"]) for line in lines])


def biases_only(users: np.ndarray, items: np.ndarray, ratings: np.ndarray, learn: np.ndarray) -> np.ndarray:
    """Predictions for what is not learned from: mean and damped biases, by five rounds of alternating averages."""
    numbers = [np.unique(ids, return_inverse=True)[1] for ids in (users, items)]
    mean = ratings[learn].mean()
    parts = [np.zeros(known.max() + 1) for known in numbers]
    for _ in range(5):
        for own, damping in ((1, 5), (0, 10)):
            rest = ratings - mean - parts[1 - own][numbers[1 - own]]
            size = len(parts[own])
            total = np.bincount(numbers[own][learn], rest[learn], size)
            parts[own] = total / (np.bincount(numbers[own][learn], minlength=size) + damping)
    return (mean + parts[0][numbers[0]] + parts[1][numbers[1]])[~learn]


def test_planted_tastes_come_back() -> None:
    users, items, ratings, learn = planted(np.random.default_rng(0))

    model = fit(users[learn], items[learn], ratings[learn], QUICK)

    assert rmse(model.predict(users[~learn], items[~learn]), ratings[~learn]) < 0.2  # of a spread of 1.6, noise 0.1


def test_real_ratings_are_predicted_better_than_by_biases() -> None:
    users, items, ratings = bundled()
    learn = np.random.default_rng(0).random(len(ratings)) < 0.8

    config = RateConfig(dim=6, burn=25, kept=25, every=1)
    model = fit(users[learn], items[learn], ratings[learn], config, scale=(0.5, 5))

    ours = rmse(model.predict(users[~learn], items[~learn]), ratings[~learn])
    assert ours < rmse(biases_only(users, items, ratings, learn), ratings[~learn]) - 0.02


def test_which_items_somebody_rated_says_something_where_the_ratings_hardly_do() -> None:
    """Two camps: each rates mostly its own films and likes them better, but every single rating is a whim."""
    rng = np.random.default_rng(0)
    users, items = (grid.ravel() for grid in np.meshgrid(np.arange(150), np.arange(60), indexing="ij"))
    own = users % 2 == items % 2
    liking = np.where(own, 4.0, 2.0)
    rated = rng.random(len(users)) < np.where(own, 0.25, 0.05)
    given = liking + 2 * rng.standard_normal(len(users))

    with_traits, without = (
        rmse(
            fit(
                users[rated], items[rated], given[rated], RateConfig(dim=3, traits=count, burn=30, kept=20, every=1)
            ).predict(users[~rated], items[~rated]),
            liking[~rated],
        )
        for count in (5, 0)
    )

    assert with_traits < 0.8 * without


def test_one_noisy_user_spoils_the_others_less_when_noise_may_differ() -> None:
    rng = np.random.default_rng(0)
    users, items, ratings, learn = planted(rng)
    whims = users < 25
    ratings = ratings + whims * 3 * rng.standard_normal(len(users))
    judged = ~learn & ~whims

    differing, alike = (
        rmse(
            fit(
                users[learn], items[learn], ratings[learn], RateConfig(dim=4, traits=10, kept=20, noise_shape=shape)
            ).predict(users[judged], items[judged]),
            ratings[judged],
        )
        for shape in (4.0, 1e5)
    )

    assert differing < 0.8 * alike


def test_the_same_seed_gives_the_same_model_and_another_one_does_not() -> None:
    users, items, ratings, learn = planted(np.random.default_rng(0))

    def predicted(seed: int) -> np.ndarray:
        config = RateConfig(dim=3, traits=5, burn=5, kept=5, seed=seed)
        return fit(users[learn], items[learn], ratings[learn], config).predict(users[~learn], items[~learn])

    assert (predicted(1) == predicted(1)).all()
    assert (predicted(1) != predicted(2)).any()


def test_the_unit_that_ratings_are_given_in_does_not_matter() -> None:
    users, items, ratings, learn = planted(np.random.default_rng(0))

    stars = fit(users[learn], items[learn], ratings[learn], QUICK).predict(users[~learn], items[~learn])
    cents = fit(users[learn], items[learn], 100 * ratings[learn] + 7, QUICK).predict(users[~learn], items[~learn])

    assert cents == pytest.approx(100 * stars + 7, abs=20)  # rounding sends the chain another way, not elsewhere
    assert rmse(cents, 100 * stars + 7) < 3


def test_only_the_draws_after_the_burn_count_and_progress_is_told_of_every_round() -> None:
    users, items, ratings, learn = planted(np.random.default_rng(0))
    told: list[tuple[int, int]] = []
    config = RateConfig(dim=2, traits=0, burn=4, kept=3, every=2)

    model = fit(users[learn], items[learn], ratings[learn], config, progress=lambda done, of: told.append((done, of)))

    assert told == [(number, 10) for number in range(1, 11)]
    assert model.users.vectors.shape == (81, 3, 3)
    assert np.isfinite(model.users.vectors).all()
    assert np.isfinite(model.items.vectors).all()


@pytest.mark.parametrize("ratings", [[4.0], [3.0, 3.0, 3.0]])
def test_the_least_there_can_be(ratings: list[float]) -> None:
    model = fit(["ann"] * len(ratings), list("abc")[: len(ratings)], ratings, QUICK, scale=(1, 5))

    assert model.predict(["ann"], ["a"]) == pytest.approx(ratings[0], abs=0.9)


@pytest.mark.parametrize(
    ("users", "items", "ratings", "scale", "field", "words"),
    [
        ([], [], [], None, "users", "not empty"),
        ([1, 2], [[1], [2]], [3, 4], None, "items", "one-dimensional"),
        ([1.5, 2], [1, 2], [3, 4], None, "users", "whole numbers or strings"),
        ([1, 2], [None, "a"], [3, 4], None, "items", "whole numbers or strings"),
        ([1, 2], [1, 2], [3, 4, 5], None, "ratings", "equally long"),
        ([1, 2], [1, 2], ["3", "4"], None, "ratings", "numbers"),
        ([1, 2], [1, 2], [3, float("nan")], None, "ratings", "finite"),
        ([1, 2], [1, 2], [3, 6], (1, 5), "ratings", "on the scale"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(
    users: list, items: list, ratings: list, scale: tuple[float, float] | None, field: str, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words) as refused:
        fit(users, items, ratings, scale=scale)

    assert refused.value.field == field


def test_a_model_is_what_fit_returns() -> None:
    assert isinstance(fit([1], [1], [1.0], QUICK), RatingModel)
