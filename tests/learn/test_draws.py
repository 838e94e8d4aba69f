"""Draws by popularity have exactly the chances they are corrected by."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import numpy as np
import pytest
import torch

from swerve.learn.config import LearnConfig
from swerve.learn.corpus import Corpus, from_sequences
from swerve.learn.draws import Draws, inclusion, systematic
from swerve.learn.loss import softmax_loss
from swerve.learn.trainer import Trainer
from swerve.model.config import ModelConfig
from swerve.model.nets.network import Network
from tests.learn.worlds import ring

SEEN = (200, 90, 40, 20, 10, 6, 4, 3, 2, 1)


def corpus() -> Corpus:
    """Ten items, seen as often as SEEN says."""
    line = [f"i{item}" for item, times in enumerate(SEEN) for _ in range(times)]
    return from_sequences([line[place : place + 8] for place in range(0, len(line), 8)])


class Marks:
    """Stands for a generator: the given start, and an order that is as it is."""

    def __init__(self, start: float) -> None:
        self._start = start

    def permutation(self, n: int) -> np.ndarray:
        return np.arange(n)

    def random(self) -> float:
        return self._start


def test_chances_are_those_of_the_power_law_cut_at_one() -> None:
    sizes = (np.array(SEEN) + 1.0) ** 0.75
    chances = inclusion(sizes, 4)
    assert chances.sum() == pytest.approx(4)
    assert chances.max() <= 1.0
    free = chances < 1.0
    assert free.tolist() == [False] * 2 + [True] * 8, "the two most popular ones are certain"
    assert chances[free] / sizes[free] == pytest.approx(np.full(8, 2 / sizes[2:].sum()))


def test_systematic_sampling_has_these_chances_exactly() -> None:
    """Over all starts u in [0, 1) item j is drawn on a set of length pi_j: counted on a fine grid."""
    chances, steps = inclusion((np.array(SEEN) + 1.0) ** 0.75, 4), 20_000
    counts = np.zeros(len(SEEN))
    for start in (np.arange(steps) + 0.5) / steps:
        drawn = systematic(chances, Marks(start))  # type: ignore[arg-type]
        assert len(drawn) == 4
        counts[drawn] += 1
    assert counts / steps == pytest.approx(chances, abs=1.1 / steps)


def test_any_order_draws_distinct_known_rows() -> None:
    draws, rng = Draws(corpus(), 4, 0.75), np.random.default_rng(0)
    times = np.zeros(len(SEEN) + 1)
    for _ in range(4_000):
        drawn = draws.draw(rng)
        assert len(torch.unique(drawn)) == len(drawn) == 4
        times[drawn.numpy()] += 1
    chances = inclusion((np.array(SEEN) + 1.0) ** 0.75, 4)
    assert times[0] == 0
    assert times[1:] / 4_000 == pytest.approx(chances, abs=0.03)
    correction = draws.correction(torch.arange(1, 11))
    assert correction is not None
    assert correction.numpy() == pytest.approx(-np.log(chances), rel=1e-6)


def test_the_corrected_sum_is_that_of_the_full_softmax_on_the_mean() -> None:
    """Closed form: E over all starts of sum_drawn e^{s - log pi} = sum over all of e^s, here item by item in pieces."""
    chances, scores = inclusion((np.array(SEEN) + 1.0) ** 0.75, 4), np.linspace(-1.5, 2.0, len(SEEN))
    edges = np.unique(np.concatenate([np.cumsum(chances) % 1.0, [0.0, 1.0]]))
    mean = 0.0
    for low, high in pairwise(edges):  # between two edges every start draws the same items
        drawn = systematic(chances, Marks((low + high) / 2))  # type: ignore[arg-type]
        mean += (high - low) * np.exp(scores[drawn] - np.log(chances[drawn])).sum()
    assert mean == pytest.approx(np.exp(scores).sum(), rel=1e-9)


def test_the_loss_adds_the_correction_and_its_gradient_follows() -> None:
    generator = torch.Generator().manual_seed(0)
    draws = Draws(corpus(), 4, 0.75)
    negatives = draws.draw(np.random.default_rng(1))
    correction = draws.correction(negatives)
    assert correction is not None
    x, table = (torch.randn(n, 5, generator=generator) for n in (7, 11))
    bias, targets = torch.randn(11, generator=generator), torch.randint(1, 11, (7,), generator=generator)

    def plain(x: torch.Tensor) -> torch.Tensor:
        own = (x * table[targets]).sum(1) + bias[targets]
        against = x @ table[negatives].T + bias[negatives] + correction
        against = against.masked_fill(negatives == targets[:, None], -torch.inf)
        return (torch.logaddexp(own, against.logsumexp(1)) - own).mean()

    one, other = x.clone().requires_grad_(), x.clone().requires_grad_()
    fused, usual = softmax_loss(one, table, bias, targets, negatives, (), correction), plain(other)
    fused.backward()
    usual.backward()
    assert fused.item() == pytest.approx(usual.item(), abs=1e-5)
    assert torch.allclose(one.grad, other.grad, atol=1e-5)
    assert fused.item() != pytest.approx(softmax_loss(x, table, bias, targets, negatives).item(), abs=1e-3)


def test_the_factor_of_the_paper_comes_out_of_the_softmax() -> None:
    """arXiv 2507.09331: d loss / d s(target) = -(1 - p), p being the target's share of the corrected sum."""
    draws = Draws(corpus(), 4, 0.75)
    negatives = draws.draw(np.random.default_rng(2))
    correction = draws.correction(negatives)
    assert correction is not None
    target = next(row for row in range(1, 11) if row not in negatives)
    table, bias = torch.zeros(11, 3), torch.linspace(-1, 1, 11).requires_grad_()
    softmax_loss(torch.zeros(1, 3), table, bias, torch.tensor([target]), negatives, (), correction).backward()
    mass = bias.detach()[target].exp() + (bias.detach()[negatives] + correction).exp().sum()
    share = bias.detach()[target].exp() / mass
    assert bias.grad is not None
    assert bias.grad[target].item() == pytest.approx(-(1 - share.item()), abs=1e-6)
    assert bias.grad.sum().item() == pytest.approx(0.0, abs=1e-6)


def test_uniform_draws_and_the_full_softmax_are_not_corrected() -> None:
    rng = np.random.default_rng(0)
    uniform, full = Draws(corpus(), 4), Draws(corpus(), 10, 0.75)
    assert uniform.correction(uniform.draw(rng)) is None
    assert full.draw(rng).tolist() == list(range(1, 11))
    assert full.correction(full.draw(rng)) is None


def test_what_was_had_is_named_only_where_nobody_comes_back_to_it() -> None:
    given = corpus()
    segment = torch.zeros(3, dtype=torch.int64)
    (run,) = Draws(given, 10).seen(torch.arange(1, 11), segment)
    assert (run.columns + 1).tolist() == sorted(set(given.histories[0].items.tolist()))
    assert Draws(msgspec.structs.replace(given, repeats=True), 10).seen(torch.arange(1, 11), segment) == []


def test_training_takes_the_setting() -> None:
    given = ring(users=120)
    config = LearnConfig(epochs=12, every=12, length=16, rows=4, learning_rate=3e-3, negatives=20, popularity=0.75)
    torch.manual_seed(0)
    network = Network(ModelConfig(size="tiny").shape(items=len(given.items), actions=0, content=0))
    made = Trainer(network, given, config, torch.device("cpu"))
    made.run(lambda _: None, lambda *_: None, lambda: 0.0)
    losses = [row.loss for row in made.progress.curves]
    assert losses[0] > np.log(len(given.items)) - 0.7, "the corrected sum is that of all items, though 20 are drawn"
    assert losses[-1] < losses[0] - 0.3
