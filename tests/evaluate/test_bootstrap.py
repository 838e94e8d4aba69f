"""Intervals: as wide as theory says, over users and not events, repeatable, and honest about no difference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swerve.errors import InvalidInput
from swerve.evaluate import bootstrap
from swerve.evaluate.bootstrap import mean_interval, paired_bootstrap


def test_the_interval_is_as_wide_as_the_standard_error_says() -> None:
    values = np.random.default_rng(0).normal(3.0, 2.0, 2_500)
    found = mean_interval(values, draws=4_000)
    error = values.std() / np.sqrt(len(values))

    assert found.mean == pytest.approx(values.mean())
    assert found.low == pytest.approx(found.mean - 1.96 * error, abs=0.15 * error)
    assert found.high == pytest.approx(found.mean + 1.96 * error, abs=0.15 * error)
    assert found.half == pytest.approx(1.96 * error, rel=0.1)


def test_the_truth_lies_inside_as_often_as_promised() -> None:
    rng = np.random.default_rng(1)
    inside = sum(
        found.low <= 0.3 <= found.high
        for found in (mean_interval((rng.random(200) < 0.3).astype(float), draws=400, seed=k) for k in range(400))
    )

    assert 0.91 <= inside / 400 <= 0.98


def test_events_of_one_user_are_not_independent() -> None:
    # 50 users with 40 equal values each: 2,000 events, but only 50 things to learn from.
    rng = np.random.default_rng(2)
    values, users = np.repeat(rng.random(50), 40), np.repeat(np.arange(50), 40)
    by_user, by_event = mean_interval(values, users), mean_interval(values)

    assert by_user.mean == pytest.approx(by_event.mean)
    assert by_user.half == pytest.approx(by_event.half * np.sqrt(40), rel=0.15)


def test_a_user_with_more_events_counts_for_more() -> None:
    found = mean_interval(np.array([1.0, 0.0, 0.0, 0.0]), np.array([5, 9, 9, 9]))

    assert found.mean == 0.25
    assert (found.low, found.high) == (0.0, 1.0), "some draws hold only the one user, some only the other"


def test_pairing_sees_a_small_difference_between_noisy_arms() -> None:
    rng = np.random.default_rng(3)
    hard = rng.normal(0.5, 0.3, 400)  # what is hard is hard for both
    ours, theirs = hard + 0.02 + rng.normal(0, 0.02, 400), hard
    paired = paired_bootstrap(ours, theirs)

    assert 0.015 < paired.low < paired.high < 0.025
    assert paired.p == pytest.approx(2 / 2001)
    assert mean_interval(ours).low < theirs.mean(), "two intervals beside each other would not have told"


def test_swapping_the_arms_turns_the_sign() -> None:
    rng = np.random.default_rng(4)
    ours, theirs = rng.random(100), rng.random(100)
    there, back = paired_bootstrap(ours, theirs), paired_bootstrap(theirs, ours)

    assert (back.mean, back.low, back.high) == pytest.approx((-there.mean, -there.high, -there.low))
    assert back.p == there.p


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=30))
def test_an_arm_against_itself_shows_no_difference(values: list[float]) -> None:
    found = paired_bootstrap(np.array(values), np.array(values), draws=50)

    assert (found.mean, found.low, found.high, found.p) == (0, 0, 0, 1)


def test_p_is_uniform_where_nothing_differs() -> None:
    rng = np.random.default_rng(5)
    small = sum(paired_bootstrap(rng.random(100), rng.random(100), draws=300, seed=k).p < 0.1 for k in range(300))

    assert 0.04 < small / 300 < 0.17


def test_the_same_seed_gives_the_same_interval_however_it_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(6).random(300)
    whole = mean_interval(values, seed=1)
    assert mean_interval(values, seed=1) == whole
    assert mean_interval(values, seed=2) != whole

    monkeypatch.setattr(bootstrap, "AT_ONCE", 1_000)
    assert mean_interval(values, seed=1) == whole


@given(st.integers(1, 20), st.integers(0, 99))
def test_the_names_of_the_users_do_not_matter(users: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    owners, values = rng.integers(0, users, 50), rng.random(50)

    assert mean_interval(values, owners * 1000 - 7, draws=40) == mean_interval(values, owners, draws=40)


@pytest.mark.parametrize(
    ("values", "users"),
    [([], None), ([0.1, np.nan], None), ([0.1, 0.2], [1]), ([[0.1]], [[1]])],
)
def test_what_does_not_fit_is_refused(values: list[float], users: list[int] | None) -> None:
    with pytest.raises(InvalidInput) as caught:
        mean_interval(np.array(values), None if users is None else np.array(users))
    assert caught.value.field == "values"


def test_arms_judged_on_different_queries_cannot_be_compared() -> None:
    with pytest.raises(InvalidInput, match="same queries"):
        paired_bootstrap(np.array([1.0]), np.array([1.0, 2.0]))
    with pytest.raises(InvalidInput, match="draws"):
        mean_interval(np.array([1.0]), draws=0)
