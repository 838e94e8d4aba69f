"""Each preset can be opened, has what every project needs, and says of each action what its name promises."""

from __future__ import annotations

import pytest

from swerve.config import PRESETS, load
from swerve.events.config import EventsConfig
from swerve.events.door import Door
from swerve.types import Interaction

ACTIONS = {
    "shop": {"view", "favourite", "cart", "buy", "return", "not_interested", "undo"},
    "social": {"view", "like", "comment", "share", "follow", "hide", "undo"},
    "media": {"play", "progress", "complete", "skip", "like", "rate", "not_interested", "undo"},
    "news": {"read", "dwell", "like", "comment", "share", "hide", "undo"},
}
NEGATIVE = {"return", "not_interested", "hide", "skip"}
CONSUMES = {"buy", "complete", "rate", "read", "dwell"}


def settings(preset: str) -> EventsConfig:
    return load(None, preset, {}, {}).config.events


def gain(preset: str, action: str, value: float | None = None) -> float:
    (record,) = Door(settings(preset), lambda: 1.8e9).admit(
        [Interaction(user="ann", item="mug", action=action, value=value)]
    ).records  # fmt: skip
    return record.gain


def test_the_presets_are_those_documented() -> None:
    assert set(PRESETS) == ACTIONS.keys()


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_has_its_own_actions_and_no_others(preset: str) -> None:
    assert settings(preset).actions.keys() == ACTIONS[preset]


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_can_take_back(preset: str) -> None:
    assert settings(preset).undoing == {"undo"}
    assert gain(preset, "undo") == 0.0


@pytest.mark.parametrize("preset", PRESETS)
def test_what_means_no_counts_against_the_item_and_the_rest_does_not(preset: str) -> None:
    for action in settings(preset).actions:
        said = gain(preset, action)
        assert said < 0 if action in NEGATIVE else said >= 0, action


@pytest.mark.parametrize("preset", PRESETS)
def test_what_uses_an_item_up_says_so(preset: str) -> None:
    assert settings(preset).consuming == ACTIONS[preset] & CONSUMES


def test_stars_around_three_turn_from_no_to_yes() -> None:
    assert [gain("media", "rate", float(stars)) for stars in range(1, 6)] == [-0.5, 0.0, 0.5, 1.0, 1.5]


def test_a_glance_at_an_article_counts_against_it_and_a_long_read_for_it() -> None:
    assert gain("news", "dwell", 2.0) < 0 < gain("news", "dwell", 60.0) < gain("news", "dwell", 300.0) <= 10.0


def test_a_buy_says_more_than_a_cart_and_a_cart_more_than_a_view() -> None:
    assert gain("shop", "buy") > gain("shop", "cart") > gain("shop", "favourite") > gain("shop", "view") > 0
