"""The transition scores against the formula of the module, computed in the open."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swerve.counts.counters import Move
from swerve.retrieve import sums
from swerve.retrieve.config import RetrieveConfig
from swerve.retrieve.onward import OnwardRetriever
from swerve.retrieve.transitions import TransitionRetriever

from .worlds import NOW, population, query

paths = st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=8), min_size=1, max_size=12)


def probability(given_paths: list[list[int]], window: int, smoothing: float) -> np.ndarray:
    counts = np.zeros((64, 64))
    for path in given_paths:
        for later, target in enumerate(path):
            for distance in range(1, min(window, later) + 1):
                if path[later - distance] != target:
                    counts[path[later - distance], target] += 1 / distance
    return counts / (counts.sum(axis=1, keepdims=True) + smoothing)


@settings(max_examples=60, deadline=None)
@given(paths, st.lists(st.integers(0, 12), min_size=1, max_size=6), st.sampled_from([0.5, 1.0, 0.7]))
def test_scores_are_those_of_the_formula(given_paths: list[list[int]], history: list[int], power: float) -> None:
    config = RetrieveConfig(lags=4, lag_decay=0.6, power=power, discount=0.2, smoothing=2.0)
    shares = probability(given_paths, 3, 2.0)
    liked = np.bincount([row for path in given_paths for row in path], minlength=64)
    expected = sum(0.6**lag * shares[row] ** power for lag, row in enumerate(history[:4])) * (1.0 + liked) ** -0.2

    rows, scores = TransitionRetriever(population(given_paths), None, config).retrieve(query(history))

    assert sorted(rows.tolist()) == np.flatnonzero(expected).tolist()
    assert scores == pytest.approx(expected[rows], rel=0.01)


@settings(max_examples=60, deadline=None)
@given(paths, st.lists(st.integers(0, 12), min_size=1, max_size=4))
def test_onward_is_the_second_step_of_the_walk(given_paths: list[list[int]], history: list[int]) -> None:
    config = RetrieveConfig(lag_decay=0.6, power=0.5, smoothing=2.0, onward_lags=2, onward_width=64)
    shares = probability(given_paths, 3, 2.0)
    expected = np.zeros(64)
    for lag, row in enumerate(history[:2]):
        expected += 0.6**lag * np.sqrt(shares[row][:, None] * shares).sum(axis=0)

    rows, scores = OnwardRetriever(population(given_paths), config).retrieve(query(history))

    assert sorted(rows.tolist()) == np.flatnonzero(expected).tolist()
    assert scores == pytest.approx(expected[rows], rel=0.01)


def test_onward_walks_only_from_the_strongest_followers() -> None:
    world = population([[1, 2, 3], [1, 2, 3], [1, 4, 5]], window=1)
    config = RetrieveConfig(onward_width=1, onward_lags=1)
    rows, _ = OnwardRetriever(world, config).retrieve(query([1]))
    assert rows.tolist() == [3]


def test_a_remembered_walk_is_taken_again_when_evidence_grows_or_an_item_goes() -> None:
    world = population([[1, 2, 3]] * 40, window=1)
    onward = OnwardRetriever(world, RetrieveConfig(onward_lags=1))
    assert onward.retrieve(query([1]))[0].tolist() == [3]
    world.add([Move(9, NOW, 1.0, (2,))])
    assert onward.retrieve(query([1]))[0].tolist() == [3], "one count more of forty-one: still remembered"
    world.add([Move(2, NOW, 1.0, (1,))] * 4)
    assert sorted(onward.retrieve(query([1]))[0].tolist()) == [3, 9]
    world.forget(np.array([3], np.int32))
    assert onward.retrieve(query([1]))[0].tolist() == [9]


@pytest.mark.parametrize("lags", [0, 2])
def test_no_history_no_opinion(lags: int) -> None:
    world = population([[1, 2, 3]])
    for retriever in (
        TransitionRetriever(world, None, RetrieveConfig()),
        OnwardRetriever(world, RetrieveConfig(onward_lags=lags)),
    ):
        rows, scores = retriever.retrieve(query([]))
        assert len(rows) == len(scores) == 0


def test_several_weak_hints_beat_one_strong_one_when_the_power_is_low() -> None:
    # 7 sometimes follows each of 1, 2 and 3; 8 nearly always follows 1.
    world = population([[s, 7] for s in (1, 2, 3)] + [[s, 9] for s in (1, 2, 3)] * 2 + [[1, 8]] * 12, window=1)
    order = {}
    for power in (0.3, 1.0):
        config = RetrieveConfig(power=power, discount=0.0, lag_decay=1.0, smoothing=1.0)
        rows, scores = TransitionRetriever(world, None, config).retrieve(query([1, 2, 3]))
        found = dict(zip(rows.tolist(), scores.tolist(), strict=True))
        order[power] = found[7] > found[8]
    assert order == {0.3: True, 1.0: False}


def test_sums_agree_between_the_dense_and_the_scratch_way(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    rows = rng.integers(0, 500, 2000).astype(np.int32)
    scores = rng.random(2000).astype(np.float32) + 0.1
    results = []
    for dense in (10**6, -(10**6)):
        monkeypatch.setattr(sums, "DENSE", dense)
        column = sums.Sums()
        column.add(rows, scores, 500)  # the second call must find the scratch clean
        found, total = column.add(rows, scores, 500)
        order = np.argsort(found)
        results.append((found[order].tolist(), total[order]))
    assert results[0][0] == results[1][0]
    assert results[0][1] == pytest.approx(results[1][1], rel=1e-4)
    assert results[0][1].sum() == pytest.approx(scores.sum(), rel=1e-4)
