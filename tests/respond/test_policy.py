"""Who chooses: the order, the ties, and propensities that are what they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swerve.protocols import Policy
from swerve.respond.policy import EpsilonPolicy, TopPolicy
from swerve.testing.policy import check_policy
from swerve.types import Floats, Rows

POLICIES: list[Policy] = [TopPolicy(), EpsilonPolicy(0.0), EpsilonPolicy(0.1), EpsilonPolicy(0.7)]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def columns(*scores: float) -> tuple[Rows, Floats]:
    return np.arange(len(scores), dtype=np.int32), np.array(scores, dtype=np.float32)


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: f"{policy.name}-{getattr(policy, 'epsilon', '')}")
def test_the_contract_holds(policy: Policy) -> None:
    assert check_policy(lambda: policy) >= 4


def test_the_best_come_first() -> None:
    chosen, propensities = TopPolicy().choose(*columns(1, 3, 2, 0), 3, rng())

    assert chosen.tolist() == [1, 2, 0]
    assert propensities.tolist() == [1, 1, 1]
    assert (chosen.dtype, propensities.dtype) == (np.int32, np.float32)


def test_equal_scores_go_by_the_lower_row_even_at_the_edge_of_the_slate() -> None:
    rows = np.array([9, 4, 7, 1, 3], dtype=np.int32)
    chosen, _ = TopPolicy().choose(rows, np.array([1, 1, 2, 1, 1], dtype=np.float32), 3, rng())

    assert rows[chosen].tolist() == [7, 1, 3]


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=30), st.integers(0, 12), st.randoms())
def test_the_top_is_what_sorting_everything_would_give(entries: list[tuple[int, bool]], n: int, dice: object) -> None:
    rows = list(range(len(entries)))
    dice.shuffle(rows)  # type: ignore[attr-defined]
    scores = [float(score) - negative * 7 for score, negative in entries]

    chosen, _ = TopPolicy().choose(np.array(rows, dtype=np.int32), np.array(scores, dtype=np.float32), n, rng())

    expected = sorted(range(len(rows)), key=lambda index: (-scores[index], rows[index]))[:n]
    assert chosen.tolist() == expected


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: f"{policy.name}-{getattr(policy, 'epsilon', '')}")
def test_an_empty_slate_is_a_slate(policy: Policy) -> None:
    for scores, n in (((), 5), ((1.0, 2.0), 0)):
        chosen, propensities = policy.choose(*columns(*scores), n, rng())
        assert (len(chosen), len(propensities)) == (0, 0)


def test_exploring_puts_items_from_below_the_slate_into_their_places() -> None:
    chosen, propensities = EpsilonPolicy(0.5).choose(*columns(*range(100, 0, -1)), 10, rng(3))

    explored = chosen != np.arange(10)
    assert 0 < explored.sum() < 10
    assert (chosen[explored] >= 10).all()
    assert propensities[explored].tolist() == pytest.approx([0.5 / 90] * int(explored.sum()))
    assert set(propensities[~explored].tolist()) == {0.5}


def test_with_fewer_below_than_places_only_the_last_places_explore() -> None:
    """Two items below a slate of four: were all four places to explore, two could have nothing to draw."""
    shown = [EpsilonPolicy(0.9).choose(*columns(6, 5, 4, 3, 2, 1), 4, rng(seed)) for seed in range(50)]

    assert all(chosen[:2].tolist() == [0, 1] and propensities[:2].tolist() == [1, 1] for chosen, propensities in shown)
    assert any(chosen[2] >= 4 for chosen, _ in shown)


def test_when_everything_fits_nothing_explores() -> None:
    chosen, propensities = EpsilonPolicy(0.9).choose(*columns(1, 2, 3), 3, rng())

    assert chosen.tolist() == [2, 1, 0]
    assert propensities.tolist() == [1, 1, 1]


@pytest.mark.parametrize("epsilon", [-0.1, 1.0, float("nan")])
def test_an_epsilon_out_of_range_is_refused(epsilon: float) -> None:
    with pytest.raises(ValueError, match="epsilon"):
        EpsilonPolicy(epsilon)


def test_the_same_seed_gives_the_same_slate_and_the_input_is_left_alone() -> None:
    rows, scores = columns(*range(50))
    first = EpsilonPolicy(0.5).choose(rows, scores, 10, rng(5))
    second = EpsilonPolicy(0.5).choose(rows, scores, 10, rng(5))

    assert first[0].tolist() == second[0].tolist()
    assert scores.tolist() == list(range(50))


# --- the check can fail -------------------------------------------------------------------------------------


class Wrong:
    """A policy with one thing wrong."""

    name = "wrong"

    def __init__(self, how: str) -> None:
        self._how = how

    def choose(self, rows: Rows, scores: Floats, n: int, rng: np.random.Generator) -> tuple[Rows, Floats]:
        chosen, propensities = EpsilonPolicy(0.4).choose(rows, scores, n, rng)
        match self._how:
            case "claims certainty":
                propensities = np.ones_like(propensities)
            case "understates":
                propensities = propensities * np.float32(0.8)
            case "repeats":
                chosen = np.repeat(chosen[:1], len(chosen))
            case "too many":
                chosen, propensities = EpsilonPolicy(0.4).choose(rows, scores, n + 1, rng)
            case "rows for indices":
                chosen = rows[chosen]
            case "zero":
                propensities = np.zeros_like(propensities)
            case "wide":
                chosen, propensities = chosen.astype(np.int64), propensities.astype(np.float64)
            case "own dice":
                chosen, propensities = EpsilonPolicy(0.4).choose(rows, scores, n, np.random.default_rng())
            case "writes":
                scores[:] = 0
            case "silent":
                chosen, propensities = chosen[:0], propensities[:0]
        return chosen, propensities


@pytest.mark.parametrize(
    "how",
    [
        "claims certainty", "understates", "repeats", "too many", "rows for indices", "zero", "wide", "own dice",
        "writes", "silent",
    ],
)  # fmt: skip
def test_the_check_finds_a_wrong_policy(how: str) -> None:
    with pytest.raises(AssertionError, match="a Policy owes its callers"):
        check_policy(lambda: Wrong(how))


def test_the_check_lets_the_same_policy_pass_when_nothing_is_wrong() -> None:
    check_policy(lambda: Wrong("not at all"))
