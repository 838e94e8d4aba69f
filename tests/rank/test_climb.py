"""The climb makes a list's top better, never worse, and only by making features louder or softer."""

from __future__ import annotations

import numpy as np

from swerve.rank.climb import FACTORS, Climb, climb
from swerve.rank.fit import Choice
from swerve.types import Floats


def choice(*columns: tuple[float, ...], taken: int = 0, bucket: int = 0) -> Choice:
    """Candidates as columns of features."""
    return Choice(np.array(columns, np.float32).T, taken, bucket)


def mrr(choices: list[Choice], weights: Floats, top: int) -> float:
    """By the definition, one choice after the other; ties stand before the one taken."""
    found = []
    for one in choices:
        scores = weights[one.bucket] @ one.features
        rank = int((scores >= scores[one.taken]).sum())
        found.append(1 / rank if rank <= top else 0.0)
    return float(np.mean(found))


def drawn(rng: np.random.Generator, count: int) -> list[Choice]:
    """What is chosen follows features 0 and 1, scaled otherwise than the weights below; feature 2 is noise."""
    made = []
    for number in range(count):
        features = rng.random((3, 40)).astype(np.float32)
        scores = np.array([8.0, 2.0, 0.0]) @ features + rng.gumbel(size=40) * 0.3
        made.append(Choice(features, int(scores.argmax()), number % 4))
    return made


def test_the_measure_is_the_mean_reciprocal_rank_within_the_top() -> None:
    rng = np.random.default_rng(0)
    choices, weights = drawn(rng, 60), rng.random((4, 3)).astype(np.float32)
    for top in (1, 3, 20, 50):
        ground = Climb(choices, top)
        assert abs(ground.measure(ground.parts(weights).sum(0)) - mrr(choices, weights, top)) < 1e-6


def test_ties_stand_before_the_one_taken() -> None:
    level = [choice((1.0,), (1.0,), (1.0,), taken=1)]
    ground = Climb(level, 20)
    assert ground.measure(ground.parts(np.ones((4, 1), np.float32)).sum(0)) == np.float64(1 / 3)


def test_the_top_gets_better_also_on_choices_not_seen() -> None:
    rng = np.random.default_rng(1)
    train, test = drawn(rng, 800), drawn(rng, 400)
    start = np.ones((4, 3), np.float32)
    climbed = climb(train, start, 20)
    assert mrr(train, climbed, 20) > mrr(train, start, 20) + 0.1
    assert mrr(test, climbed, 20) > mrr(test, start, 20) + 0.1
    assert climbed[0, 0] > climbed[0, 1] > climbed[0, 2], "what decides is loudest, noise is softest"


def test_it_is_never_worse_than_where_it_began() -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        choices, start = drawn(rng, 50), rng.random((4, 3)).astype(np.float32) * 5
        assert mrr(choices, climb(choices, start, 5), 5) >= mrr(choices, start, 5) - 1e-6


def test_one_factor_holds_for_all_history_lengths() -> None:
    rng = np.random.default_rng(2)
    start = rng.random((4, 3)).astype(np.float32) + 0.1
    factors = climb(drawn(rng, 300), start, 20) / start
    assert np.allclose(factors, factors[0])
    assert (factors > 0).all()


def test_a_feature_without_weight_stays_silent() -> None:
    start = np.array([[0.0, 1.0, 1.0]] * 4, np.float32)
    assert (climb(drawn(np.random.default_rng(3), 200), start, 20)[:, 0] == 0).all()


def test_the_taken_one_may_stand_anywhere() -> None:
    first = [choice((0.0, 1.0), (1.0, 0.0), taken=0)]
    second = [choice((1.0, 0.0), (0.0, 1.0), taken=1)]
    start = np.ones((4, 2), np.float32)
    assert np.array_equal(climb(first, start, 20), climb(second, start, 20))
    assert mrr(first, climb(first, start, 20), 20) == 1.0


def test_a_step_is_one_of_the_factors() -> None:
    start = np.ones((4, 2), np.float32)
    climbed = climb([choice((0.0, 1.0), (1.0, 0.0), taken=0)], start, 20)
    assert climbed[0, 0] in np.float32(FACTORS)
