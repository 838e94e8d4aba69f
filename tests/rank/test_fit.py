"""The fit finds the weights that choices were drawn with, and never lets a source speak against an item."""

from __future__ import annotations

import numpy as np
import pytest

from swerve.errors import ConfigError
from swerve.rank.blend import from_config
from swerve.rank.features import BUCKETS, FEATURES, bucket
from swerve.rank.fit import Choice, fit, log_likelihood

TRUE = np.array([4.0, 0.0, 2.0, 1.0, 1.5, 0.0, 3.0, 0.0, 0.5])


def choices(rng: np.random.Generator, count: int, weights: np.ndarray, in_bucket: int = 3) -> list[Choice]:
    made = []
    for _ in range(count):
        features = (rng.random((len(FEATURES), 30)) * (rng.random((len(FEATURES), 30)) < 0.5)).astype(np.float32)
        scores = weights @ features
        chance = np.exp(scores - scores.max())
        made.append(Choice(features, int(rng.choice(30, p=chance / chance.sum())), in_bucket))
    return made


def test_the_weights_come_back() -> None:
    rng = np.random.default_rng(0)
    weights = fit(choices(rng, 4000, TRUE))[3]
    assert weights == pytest.approx(TRUE, abs=0.35)
    assert (weights >= 0).all()


def test_a_harmful_feature_gets_no_weight() -> None:
    rng = np.random.default_rng(1)
    against = TRUE.copy()
    against[0] = -4.0
    assert fit(choices(rng, 1500, against))[3][0] == 0.0


def test_fitted_beats_equal_weights_on_choices_it_has_not_seen() -> None:
    rng = np.random.default_rng(2)
    train, test = choices(rng, 1500, TRUE), choices(rng, 500, TRUE)
    equal = np.ones((len(BUCKETS), len(FEATURES)), np.float32)
    assert log_likelihood(test, fit(train)) > log_likelihood(test, equal) + 0.05


def test_each_history_length_has_its_own_weights_and_borrows_when_it_has_no_choices() -> None:
    rng = np.random.default_rng(3)
    other = TRUE[::-1].copy()
    table = fit(choices(rng, 1500, TRUE, 3) + choices(rng, 1500, other, 1))
    assert table[3] == pytest.approx(TRUE, abs=0.6)
    assert table[1] == pytest.approx(other, abs=0.6)
    assert table[0] == pytest.approx(table[2]), "no choices of their own: both use the common weights"
    assert (table[0] > 0).any()


def test_the_fit_is_deterministic() -> None:
    made = choices(np.random.default_rng(4), 300, TRUE)
    assert fit(made).tobytes() == fit(made).tobytes()


@pytest.mark.parametrize(("history", "expected"), [(0, 0), (1, 1), (2, 2), (4, 2), (5, 3), (200, 3)])
def test_buckets_of_history_length(history: int, expected: int) -> None:
    assert bucket(history) == expected


def test_weights_from_settings_name_what_is_wrong() -> None:
    table = from_config({"own": (0.0, 1.0, 2.0, 3.0)})
    assert table[:, FEATURES.index("own")].tolist() == [0, 1, 2, 3]
    assert table.sum() == 6
    with pytest.raises(ConfigError, match="transitions"):
        from_config({"transition": (1.0, 1.0, 1.0, 1.0)})
    with pytest.raises(ConfigError, match="expected 4 numbers"):
        from_config({"own": (1.0,)})
