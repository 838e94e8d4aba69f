"""Metrics of predicted probabilities and scores against what happened: does it order well, and can it be believed?

labels (n,) are 0 or 1. All answer one float and raise InvalidInput for columns that do not fit together.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from swerve.errors import InvalidInput

Column: TypeAlias = "NDArray[np.floating | np.integer | np.bool_]"
EPSILON = float(np.finfo(np.float64).eps)


def auc(labels: Column, scores: Column) -> float:
    """Area under the ROC curve: the chance that a positive scores higher than a negative, ties counting one half.

        AUC = (sum of the positives' ranks - P (P + 1) / 2) / (P N),   rank 1 = lowest score, tied scores share theirs

    Fawcett 2006, An introduction to ROC analysis, section 7; equal to the Mann-Whitney U statistic over P N. Raises
    InvalidInput when there is only one class.
    """
    _check(labels, scores)
    positives = int(np.count_nonzero(labels))
    negatives = len(labels) - positives
    if not positives or not negatives:
        raise InvalidInput("expected labels of both classes", field="labels")
    total = float(_shared_ranks(scores)[labels != 0].sum())
    return (total - positives * (positives + 1) / 2) / (positives * negatives)


def group_auc(labels: Column, scores: Column, groups: NDArray[np.integer]) -> float:
    """gAUC: AUC within each group (user), averaged with the group's number of impressions.

        gAUC = sum_g n_g AUC_g / sum_g n_g,   over the groups that have both classes

    groups (n,) ints. A group of one class orders nothing and is left out of both sums. Zhou et al. 2018, Deep interest
    network for click-through rate prediction, KDD, section on metrics. Raises InvalidInput when no group has both.
    """
    _check(labels, scores)
    _check(labels, groups, "groups")
    order = np.argsort(groups, kind="stable")
    cuts = np.flatnonzero(np.diff(groups[order])) + 1
    total = impressions = 0.0
    for part in np.split(order, cuts):
        if 0 < np.count_nonzero(labels[part]) < len(part):
            total += len(part) * auc(labels[part], scores[part])
            impressions += len(part)
    if not impressions:
        raise InvalidInput("expected a group with labels of both classes", field="groups")
    return total / impressions


def log_loss(labels: Column, probabilities: NDArray[np.floating]) -> float:
    """Mean negative log-likelihood in nats, -(y ln p + (1 - y) ln(1 - p)).

    Probabilities are kept 2.2e-16 away from 0 and 1, so that one that was certain and wrong costs 36, not infinity.
    Bishop 2006, Pattern recognition and machine learning, section 4.3.2.
    """
    _check(labels, probabilities, "probabilities")
    chance = np.clip(probabilities.astype(np.float64), EPSILON, 1 - EPSILON)
    return float(-np.mean(np.where(labels != 0, np.log(chance), np.log1p(-chance))))


def calibration_error(labels: Column, probabilities: NDArray[np.floating], bins: int = 15) -> float:
    """ECE: how far the mean prediction lies from what happened, over bins of equal width, weighted by their size.

        ECE = sum_b n_b / n |mean label in b - mean probability in b|,   b-th bin: (b - 1) / bins < p <= b / bins

    p = 0 belongs to the first bin. The probability is that of the positive class. Naeini et al. 2015, Obtaining well
    calibrated probabilities using Bayesian binning, AAAI; Guo et al. 2017, On calibration of modern neural networks,
    ICML, section 2 (15 bins).
    """
    _check(labels, probabilities, "probabilities")
    if probabilities.min() < 0 or probabilities.max() > 1:
        raise InvalidInput("expected probabilities in 0..1", field="probabilities")
    chance = probabilities.astype(np.float64)
    at = np.maximum(np.ceil(chance * bins).astype(np.int64) - 1, 0)
    gap = np.bincount(at, weights=(labels != 0) - chance, minlength=bins)
    return float(np.abs(gap).sum() / len(labels))


def _shared_ranks(scores: Column) -> NDArray[np.float64]:
    """Rank of each score, 1 = lowest; tied scores share the mean of their ranks."""
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: NDArray[np.float64] = (last - (counts - 1) / 2)[inverse]
    return ranks


def _check(labels: Column, other: Column, field: str = "scores") -> None:
    if labels.ndim != 1 or labels.shape != other.shape or not len(labels):
        raise InvalidInput("expected two columns of one length, not empty", field=field)
    if not np.isfinite(other).all():
        raise InvalidInput("expected finite numbers", field=field)
    if not np.isin(labels, (0, 1)).all():
        raise InvalidInput("expected labels 0 or 1", field="labels")
