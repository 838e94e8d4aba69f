"""AUC, gAUC, log loss and calibration: by hand, against scikit-learn, and for what must always hold."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given
from hypothesis import strategies as st

from swerve.errors import InvalidInput
from swerve.evaluate.probabilities import auc, calibration_error, group_auc, log_loss


@st.composite
def predicted(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Labels of both classes and probabilities with ties, (n,) each."""
    size = draw(st.integers(2, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    labels = rng.integers(0, 2, size)
    labels[:2] = [0, 1]
    return labels, rng.integers(0, 11, size) / 10


def test_auc_by_hand() -> None:
    # Positives .8 and .4 against negatives .4 and .1: three pairs right, one tied.
    assert auc(np.array([1, 1, 0, 0]), np.array([0.8, 0.4, 0.4, 0.1])) == 3.5 / 4
    assert auc(np.array([1, 0]), np.array([0.2, 0.2])) == 0.5


@given(predicted())
def test_auc_is_that_of_scikit_learn_with_ties(case: tuple[np.ndarray, np.ndarray]) -> None:
    labels, scores = case

    assert auc(labels, scores) == pytest.approx(reference.roc_auc_score(labels, scores))


@given(predicted(), st.integers(0, 99))
def test_auc_asks_for_the_order_only(case: tuple[np.ndarray, np.ndarray], seed: int) -> None:
    labels, scores = case
    order = np.random.default_rng(seed).permutation(len(labels))

    assert auc(labels[order], np.exp(3 * scores[order])) == pytest.approx(auc(labels, scores))
    assert auc(labels, -scores) == pytest.approx(1 - auc(labels, scores))


def test_group_auc_averages_by_impressions_and_leaves_out_groups_of_one_class() -> None:
    groups = np.array([7, 7, 3, 3, 3, 3, 5])
    labels = np.array([1, 0, 1, 0, 0, 0, 1])
    scores = np.array([0.9, 0.1, 0.3, 0.1, 0.2, 0.9, 0.5])
    # Group 7: 1 over 2 impressions; group 3: 2 of 3 pairs over 4; group 5 has no negative.
    assert group_auc(labels, scores, groups) == pytest.approx((2 * 1 + 4 * (2 / 3)) / 6)


@given(predicted())
def test_group_auc_of_one_group_is_auc(case: tuple[np.ndarray, np.ndarray]) -> None:
    labels, scores = case

    assert group_auc(labels, scores, np.zeros(len(labels), np.int64)) == pytest.approx(auc(labels, scores))


def test_what_differs_between_groups_alone_is_worth_nothing_to_group_auc() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(400), 10)
    taste = rng.random(400)[groups]
    labels = (rng.random(4000) < taste).astype(np.int64)

    assert auc(labels, taste) > 0.7
    assert group_auc(labels, taste, groups) == 0.5


def test_log_loss_by_hand() -> None:
    assert log_loss(np.array([1, 0]), np.array([0.5, 0.75])) == pytest.approx((math.log(2) + math.log(4)) / 2)
    assert log_loss(np.array([1]), np.array([0.0])) == pytest.approx(-math.log(np.finfo(float).eps))


@given(predicted())
def test_log_loss_is_that_of_scikit_learn(case: tuple[np.ndarray, np.ndarray]) -> None:
    labels, chance = case

    assert log_loss(labels, chance) == pytest.approx(reference.log_loss(labels, chance, labels=[0, 1]))


def test_calibration_error_by_hand() -> None:
    # Bins of width .5: (0, .5] says .2 and .4, of which none came true; (.5, 1] says .9 once, which did.
    labels, chance = np.array([0, 0, 1]), np.array([0.2, 0.4, 0.9])
    assert calibration_error(labels, chance, bins=2) == pytest.approx(2 / 3 * 0.3 + 1 / 3 * 0.1)


@pytest.mark.parametrize(("chance", "error"), [(0.0, 1.0), (0.5, 0.5), (1.0, 0.0)])
def test_calibration_error_at_the_edges_of_bins(chance: float, error: float) -> None:
    assert calibration_error(np.array([1, 1]), np.array([chance, chance]), bins=2) == error


def test_a_bin_ends_with_its_upper_edge() -> None:
    # .5 belongs to the first of two bins, where it cancels with the .1 that came true.
    assert calibration_error(np.array([0, 1]), np.array([0.5, 0.5]), bins=2) == 0
    assert calibration_error(np.array([0, 1]), np.array([0.5, 0.51]), bins=2) == pytest.approx((0.5 + 0.49) / 2)


@given(predicted(), st.integers(1, 20))
def test_calibration_error_lies_in_0_to_1_and_is_the_gap_of_means_for_one_bin(
    case: tuple[np.ndarray, np.ndarray], bins: int
) -> None:
    labels, chance = case

    assert 0 <= calibration_error(labels, chance, bins) <= 1
    assert calibration_error(labels, chance, 1) == pytest.approx(abs(labels.mean() - chance.mean()))
    assert calibration_error(labels, chance, bins) >= calibration_error(labels, chance, 1) - 1e-12


def test_honest_probabilities_are_calibrated_and_shifted_ones_are_not() -> None:
    rng = np.random.default_rng(0)
    chance = rng.random(100_000)
    labels = (rng.random(100_000) < chance).astype(np.int64)

    assert calibration_error(labels, chance) < 0.01
    assert calibration_error(labels, chance**2) == pytest.approx(np.mean(chance - chance**2), abs=0.01)


@pytest.mark.parametrize(
    ("labels", "other", "field"),
    [
        ([1, 1], [0.1, 0.2], "labels"),
        ([1, 2], [0.1, 0.2], "labels"),
        ([1, 0], [0.1], "scores"),
        ([1, 0], [0.1, np.nan], "scores"),
        ([], [], "scores"),
    ],
)
def test_what_cannot_be_ordered_is_named(labels: list[int], other: list[float], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        auc(np.array(labels), np.array(other))
    assert caught.value.field == field


def test_groups_of_one_class_only_and_probabilities_beyond_1_are_refused() -> None:
    with pytest.raises(InvalidInput, match="both classes"):
        group_auc(np.array([1, 0]), np.array([0.1, 0.2]), np.array([1, 2]))
    with pytest.raises(InvalidInput, match=r"0\.\.1"):
        calibration_error(np.array([1, 0]), np.array([0.1, 1.2]))
