"""Predictions stay on the scale, know strangers, and are what the draws say on average."""

from __future__ import annotations

import numpy as np
import pytest

from swerve.errors import ConfigError, InvalidInput
from swerve.rate import RateConfig, RatingModel
from swerve.rate import model as module
from swerve.rate.model import Known


def small(kept: int = 3, width: int = 3) -> RatingModel:
    """Users `ann`, `bob`, items 10, 20, 30, random vectors; strangers are zero but for a bias."""
    rng = np.random.default_rng(0)
    users = rng.standard_normal((3, kept, width)).astype(np.float32) * 0.3
    items = rng.standard_normal((4, kept, width)).astype(np.float32) * 0.3
    users[-1], items[-1] = 0, 0
    users[-1, :, -1], items[-1, :, -1] = 0.1, -0.3
    return RatingModel(Known(np.array(["ann", "bob"]), users), Known(np.array([10, 20, 30]), items), 3.0, 2.0, (1, 5))


def test_a_prediction_is_the_average_over_the_draws() -> None:
    model = small()
    ann, twenty = model.users.vectors[0], model.items.vectors[1]
    each = [u[-1] + i[-1] + u[:-1] @ i[:-1] for u, i in zip(ann, twenty, strict=True)]

    assert model.predict(["ann"], [20]) == pytest.approx([3 + 2 * np.mean(each)], abs=1e-5)
    assert model.predict(["ann"], [20]).dtype == np.float32


def test_strangers_get_what_is_expected_of_anybody() -> None:
    model = small()

    assert model.predict(["zoe"], [99]) == pytest.approx([3 + 2 * (0.1 - 0.3)], abs=1e-5)
    item_bias = model.items.vectors[0, :, -1].mean()
    assert model.predict(["a"], [10]) == pytest.approx([3 + 2 * (0.1 + item_bias)], abs=1e-5)
    user_bias = model.users.vectors[1, :, -1].mean()
    assert model.predict(["bob"], [5]) == pytest.approx([3 + 2 * (user_bias - 0.3)], abs=1e-5)


def test_predictions_stay_on_the_scale() -> None:
    model = small()
    model.items.vectors[0, :, -1] = 50
    model.items.vectors[1, :, -1] = -50

    assert model.predict(["ann", "ann"], [10, 20]).tolist() == [5.0, 1.0]


def test_many_at_once_are_the_same_as_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    model = small()
    rng = np.random.default_rng(1)
    users, items = rng.choice(["ann", "bob", "zoe"], 50), rng.choice([10, 20, 30, 40], 50)
    alone = np.concatenate([model.predict(user, item) for user, item in zip(users, items, strict=True)])
    monkeypatch.setattr(module, "CHUNK_BYTES", 8 * 9 * 7)  # seven pairs at a time

    assert model.predict(users, items) == pytest.approx(alone, abs=1e-6)
    assert model.predict(np.array([], "U3"), np.array([], np.int64)).shape == (0,)


@pytest.mark.parametrize(
    ("users", "items", "words"),
    [
        (["ann", "bob"], [10], "equally long"),
        ([["ann"]], [[10]], "one-dimensional"),
        ([1], [10], "kind they were fitted with"),
        (["ann"], ["10"], "kind they were fitted with"),
        (["ann"], [10.0], "kind they were fitted with"),
    ],
)
def test_what_cannot_be_predicted_is_refused(users: list, items: list, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        small().predict(users, items)


def test_whole_numbers_of_any_width_are_the_same_id() -> None:
    model = small()

    assert model.predict(["ann"], np.array([20], np.uint16)) == model.predict(["ann"], [20])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"dim": 0}, "rate.dim"),
        ({"traits": -1}, "rate.traits"),
        ({"kept": 0}, "rate.kept"),
        ({"every": 0}, "rate.every"),
        ({"burn": -1}, "rate.burn"),
        ({"seed": -1}, "rate.seed"),
        ({"noise_shape": 0}, "rate.noise_shape"),
        ({"noise_shape": float("nan")}, "rate.noise_shape"),
    ],
)
def test_settings_out_of_range_are_named(changes: dict[str, float], field: str) -> None:
    with pytest.raises(ConfigError) as refused:
        RateConfig(**changes)

    assert refused.value.field == field


def test_rounds_are_those_thrown_away_and_those_between_the_kept() -> None:
    assert RateConfig(burn=7, kept=5, every=3).rounds == 22
