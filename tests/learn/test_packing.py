"""Packing loses nothing, mixes nothing up and says where each history begins."""

from __future__ import annotations

import numpy as np
import torch

from swerve.learn.corpus import Corpus
from swerve.learn.draws import Draws
from swerve.learn.packing import Packing
from swerve.model.history import History, gap_buckets


def corpus() -> Corpus:
    """Items count up by one inside a history, so that a wrong neighbour shows; the time between two is the item."""
    rng = np.random.default_rng(0)
    histories = []
    for length in [1, 2, 3, 5, 8, 13, 21, 34, 55, 89]:
        first = int(rng.integers(1, 100))
        items = list(range(first, first + length))
        histories.append(History.of(items, [0] * length, np.cumsum(items).astype(float).tolist()))
    return Corpus(tuple(histories), tuple(str(n) for n in range(200)), ())


def test_each_target_is_the_item_after() -> None:
    for step in Packing(corpus()).steps(8, 3, np.random.default_rng(1)):
        assert step.batch.items.shape == (8, 3)
        assert torch.equal(step.targets, step.batch.items + 1)
        assert torch.equal(step.wait, torch.from_numpy(gap_buckets(step.targets.numpy())))


def test_a_row_goes_on_inside_one_history_and_marks_every_beginning() -> None:
    for step in Packing(corpus()).steps(8, 3, np.random.default_rng(2)):
        batch = step.batch
        assert batch.start[0].all()
        same = batch.segment[1:] == batch.segment[:-1]
        assert torch.equal(same, ~batch.start[1:])
        assert torch.equal((batch.items[1:] - batch.items[:-1])[same], torch.ones(int(same.sum()), dtype=torch.long))
        places = batch.positions()
        assert (places[batch.start] == 0).all()
        assert torch.equal((places[1:] - places[:-1])[same], torch.ones(int(same.sum()), dtype=torch.long))


def test_an_epoch_sees_every_pair_but_less_than_a_step_once() -> None:
    packing = Packing(corpus())
    assert packing.pairs == sum(length - 1 for length in [1, 2, 3, 5, 8, 13, 21, 34, 55, 89])
    steps = list(packing.steps(8, 2, np.random.default_rng(3)))
    assert len(steps) == packing.count(8, 2)
    seen = (
        torch.stack([torch.stack([s.batch.segment, s.batch.items]) for s in steps]).permute(1, 0, 2, 3).reshape(2, -1)
    )
    assert seen.shape[1] > packing.pairs - 8 * 3
    assert len(set(map(tuple, seen.T.tolist()))) == seen.shape[1]


def test_epochs_differ_and_seeds_repeat() -> None:
    packing = Packing(corpus())

    def items(seed: int) -> list[int]:
        return [int(n) for s in packing.steps(8, 2, np.random.default_rng(seed)) for n in s.batch.items.flatten()]

    assert items(1) == items(1)
    assert items(1) != items(2)


def test_draws_are_distinct_known_and_uniform() -> None:
    draws, rng = Draws(corpus(), 50), np.random.default_rng(0)
    counts = np.zeros(201)
    for _ in range(400):
        drawn = draws.draw(rng).numpy()
        assert len(np.unique(drawn)) == 50
        counts[drawn] += 1
    assert counts[0] == 0
    assert counts[1:].min() > 60  # 100 expected, deviation 8.7
    assert counts[1:].max() < 140


def test_more_negatives_than_items_are_all_items() -> None:
    assert Draws(corpus(), 10**6).draw(np.random.default_rng(0)).tolist() == list(range(1, 201))


def test_seen_names_exactly_what_each_run_had() -> None:
    given = corpus()
    draws = Draws(given, 120)
    negatives = draws.draw(np.random.default_rng(0))
    segment = torch.tensor([9, 9, 9, 4, 4, 0, 9])
    runs = draws.seen(negatives, segment)
    assert [(begin, end) for begin, end, _ in runs] == [(0, 3), (3, 5), (5, 6), (6, 7)]
    for begin, _, columns in runs:
        had = set(given.histories[int(segment[begin])].items.tolist())
        assert set(negatives[columns].tolist()) == had & set(negatives.tolist())
    assert all(torch.equal(a.columns, b.columns) for a, b in zip(runs, draws.seen(negatives, segment), strict=True))


def test_what_was_refused_is_read_but_never_a_target() -> None:
    history = History.of([1, 2, 3, 4, 5], [1, 2, 1, 2, 1])
    corpus = Corpus(tuple(history for _ in range(4)), tuple("abcde"), ("view", "skip"), refused=(2,))
    step = next(Packing(corpus).steps(4, 4, np.random.default_rng(0)))

    wanted = dict(zip(step.batch.items.flatten().tolist(), step.targets.flatten().tolist(), strict=True))
    assert wanted == {1: 0, 2: 3, 3: 0, 4: 5}
