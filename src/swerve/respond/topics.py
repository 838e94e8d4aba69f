"""How far a "not interested" reaches: from the item to its topics, at once, and no further than it should.

With a topic's rejections D and likes L, both halving every `topic_half_life_s` and each item's one vote split evenly
over its topics,

    E = D * D / (D + like_share * L)                 rejections that count: all without likes, few among many likes
    factor of an item = (1 - topic_penalty) ^ (sum of E over its topics)

With the defaults one rejection halves an item of the same single topic, three leave an eighth, six a sixty-fourth;
beside forty likes of the topic one rejection takes 6 %.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from swerve.catalog.catalog import Catalog
from swerve.respond.config import RespondConfig
from swerve.types import Floats, Rows, Touch, UserState

_LEAST = np.float32(1e-9)
"""Smallest factor: keeps scores positive and ordered among themselves however much was rejected."""


def topic_factors(rows: Rows, state: UserState, catalog: Catalog, now: float, config: RespondConfig) -> Floats:
    """(n,) float32 in (0, 1]: multiply non-negative scores of `rows` (n,) by it. `now` in Unix seconds."""
    rejections = {touch.item: touch for touch in state.rejected}  # an item rejected twice is one opinion
    if not rejections or not config.topic_penalty:
        return np.ones(len(rows), dtype=np.float32)
    # What was touched before it was rejected was no like of its topic.
    likes = [touch for touch in state.touches if touch.gain > 0 and touch.item not in rejections]
    categories = len(catalog.category_names)
    disliked = _votes(list(rejections.values()), catalog, categories, now, config.topic_half_life_s)
    liked = _votes(likes, catalog, categories, now, config.topic_half_life_s)
    counted = np.divide(disliked**2, disliked + config.like_share * liked, out=disliked, where=disliked > 0)
    exponents = counted[_topics(rows, catalog, categories)].sum(axis=1)
    factors: Floats = np.power(1 - config.topic_penalty, exponents).astype(np.float32)
    return np.maximum(factors, _LEAST)


def _votes(
    touches: Sequence[Touch], catalog: Catalog, categories: int, now: float, half_life_s: float
) -> NDArray[np.float64]:
    """Decayed votes per category code, (categories + 1,) float64; the last place is 0."""
    known = [(row, touch.time) for touch in touches if (row := catalog.row(touch.item)) >= 0]
    votes = np.zeros(categories + 1)
    if known:
        topics = _topics(np.array([row for row, _ in known], dtype=np.int32), catalog, categories)
        ages = np.maximum(now - np.array([time for _, time in known]), 0.0)
        share = np.exp2(-ages / half_life_s) / np.maximum((topics >= 0).sum(axis=1), 1)
        np.add.at(votes, topics, share[:, None])
        votes[-1] = 0.0
    return votes


def _topics(rows: Rows, catalog: Catalog, categories: int) -> Rows:
    """(n, max_topics) category codes; what pads them, -1, is as an index the last place, where nobody votes.

    A category that came up since `categories` were counted is taken for padding: the catalog may grow while we read.
    """
    topics: Rows = catalog.topics[rows]
    return np.where(topics < categories, topics, np.int32(-1))
