"""How far a "not interested" reaches, measured."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swerve.respond.config import RespondConfig
from swerve.respond.topics import topic_factors
from swerve.types import Floats, Item, Touch
from tests.respond.catalogs import NOW, catalog_of, rows_of, state_of, touch

CONFIG = RespondConfig()
HALF_LIFE_D = CONFIG.topic_half_life_s / 86_400
COMEDIES, DRAMAS = 60, 10
CATALOG = catalog_of(
    *(Item(id=f"comedy{at}", categories=("comedy",)) for at in range(COMEDIES)),
    *(Item(id=f"drama{at}", categories=("drama",)) for at in range(DRAMAS)),
    Item(id="both", categories=("comedy", "drama")),
    Item(id="bare"),
)


def factors(*touches: Touch, config: RespondConfig = CONFIG) -> dict[str, float]:
    found: Floats = topic_factors(rows_of(CATALOG), state_of(*touches), CATALOG, NOW, config)
    assert found.dtype == np.float32
    assert found.shape == (CATALOG.size,)
    return dict(zip(CATALOG.ids, found.tolist(), strict=True))


def dislikes(n: int, days_ago: float = 0.0) -> list[Touch]:
    return [touch(f"comedy{at}", -1.0, days_ago=days_ago) for at in range(n)]


def likes(n: int, days_ago: float = 0.0) -> list[Touch]:
    return [touch(f"comedy{COMEDIES - 1 - at}", days_ago=days_ago) for at in range(n)]


def test_without_rejections_nothing_changes() -> None:
    assert set(factors(*likes(5)).values()) == {1.0}


def test_one_rejection_acts_on_its_topic_at_once_and_on_no_other() -> None:
    found = factors(*dislikes(1))

    assert found["comedy9"] == 0.5
    assert found["drama0"] == found["bare"] == 1.0
    assert found["both"] == 0.5, "it is a comedy, too"


def test_several_rejections_make_the_topic_practically_vanish() -> None:
    assert factors(*dislikes(3))["comedy9"] == pytest.approx(1 / 8)
    assert factors(*dislikes(6))["comedy9"] == pytest.approx(1 / 64)
    assert factors(*dislikes(6))["drama0"] == 1.0


def test_a_slate_of_equal_scores_turns_away_from_the_topic() -> None:
    """The effect that counts: of the ten best of 70 with random scores, how many are comedies."""
    scores = np.random.default_rng(7).random((500, CATALOG.size))

    def comedies_shown(rejections: int) -> float:
        turned = scores * np.array(list(factors(*dislikes(rejections)).values()))
        best = np.argsort(-turned, axis=1)[:, :10]
        return float((best < COMEDIES).sum(axis=1).mean())

    shown = [comedies_shown(n) for n in (0, 1, 3, 6)]
    assert shown == sorted(shown, reverse=True)
    assert shown[0] > 7
    assert shown[1] < 5
    assert shown[3] < 1.5


def test_likes_of_the_topic_soften_it_by_ratio() -> None:
    assert factors(*dislikes(1), *likes(4))["comedy9"] == pytest.approx(0.5 ** (1 / 2))
    assert factors(*dislikes(1), *likes(40))["comedy9"] == pytest.approx(0.5 ** (1 / 11))
    assert factors(*dislikes(10), *likes(40))["comedy15"] == pytest.approx(0.5 ** (10 / 2))


def test_an_item_votes_once_over_all_its_topics() -> None:
    found = factors(touch("both", -1.0))

    assert found["comedy0"] == found["drama0"] == pytest.approx(0.5**0.5)
    assert found["both"] == pytest.approx(0.5)


def test_the_same_item_rejected_twice_is_one_opinion_its_newest() -> None:
    assert factors(touch("comedy0", -1.0, days_ago=90), touch("comedy0", -1.0)) == factors(touch("comedy0", -1.0))


def test_a_touch_of_the_rejected_item_is_no_like() -> None:
    assert factors(touch("comedy0"), touch("comedy0", -1.0)) == factors(touch("comedy0", -1.0))


def test_a_gain_of_zero_is_no_like() -> None:
    assert factors(*dislikes(1), touch("comedy50", 0.0)) == factors(*dislikes(1))


def test_rejections_fade_with_age() -> None:
    assert factors(*dislikes(1, days_ago=HALF_LIFE_D))["comedy9"] == pytest.approx(0.5**0.5)
    assert factors(*dislikes(1, days_ago=20 * HALF_LIFE_D))["comedy9"] == pytest.approx(1.0, abs=1e-5)


def test_a_rejection_of_the_future_counts_as_now() -> None:
    assert factors(*dislikes(1, days_ago=-400)) == factors(*dislikes(1))


def test_old_likes_protect_less_than_new_ones() -> None:
    old, new = factors(*dislikes(1), *likes(4, HALF_LIFE_D)), factors(*dislikes(1), *likes(4))
    assert old["comedy9"] < new["comedy9"]


def test_items_the_catalog_does_not_know_have_no_topics() -> None:
    assert set(factors(touch("unknown", -1.0), touch("bare", -1.0)).values()) == {1.0}


def test_it_can_be_turned_off_and_likes_can_be_made_to_protect_nothing() -> None:
    assert set(factors(*dislikes(5), config=RespondConfig(topic_penalty=0)).values()) == {1.0}
    stubborn = factors(*dislikes(1), *likes(40), config=RespondConfig(like_share=0))
    assert stubborn["comedy9"] == pytest.approx(0.5)


def test_a_factor_never_becomes_zero_so_that_the_scores_keep_an_order() -> None:
    assert 0 < factors(*dislikes(59), config=RespondConfig(topic_penalty=0.99))["comedy59"] < 1e-8


@given(st.integers(0, 60), st.integers(0, 40), st.floats(0, 400), st.floats(0, 0.999))
def test_every_factor_lies_in_0_excluded_to_1_and_more_rejections_never_raise_it(
    rejections: int, liked: int, days_ago: float, penalty: float
) -> None:
    config = RespondConfig(topic_penalty=penalty)
    one = factors(*dislikes(min(rejections, 59)), *likes(liked), config=config)
    more = factors(*dislikes(rejections), touch("drama0", -1.0, days_ago=days_ago), *likes(liked), config=config)

    for found in (one, more):
        assert all(0 < factor <= 1 for factor in found.values())
    assert more["both"] <= one["both"]
