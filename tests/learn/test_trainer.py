"""Training finds a rule that is there, repeats under a seed, survives an interruption, and says where it is."""

from __future__ import annotations

import math
from itertools import count
from typing import get_args

import msgspec
import numpy as np
import pytest
import torch

from swerve.errors import InvalidInput, SwerveError
from swerve.learn import resume
from swerve.learn.config import LearnConfig
from swerve.learn.corpus import Corpus, from_sequences
from swerve.learn.progress import Epoch
from swerve.learn.ranking import hit_rate_ndcg, left_out_ranks
from swerve.learn.schedule import FLOOR, WARM_UP, rate
from swerve.learn.trainer import Trainer
from swerve.model.config import Kind, ModelConfig
from swerve.model.nets.network import Network
from tests.learn.worlds import RING, ring

CPU = torch.device("cpu")
QUICK = LearnConfig(epochs=28, every=7, length=32, rows=4, learning_rate=0.01, dropout=0.0, negatives=20, minutes=10)


def trainer(config: LearnConfig = QUICK, kind: Kind = "recurrent") -> Trainer:
    corpus = ring()
    torch.manual_seed(config.seed)
    shape = ModelConfig(kind=kind, size="tiny").shape(items=len(corpus.items), actions=0, content=0)
    return Trainer(Network(shape, dropout=config.dropout), corpus.without_last(1), config, CPU)


def start(corpus: Corpus) -> Trainer:
    shape = ModelConfig(size="tiny").shape(items=len(corpus.items), actions=0, content=0)
    return Trainer(Network(shape), corpus, QUICK, CPU)


def run(made: Trainer, told: list[Epoch] | None = None) -> Trainer:
    ticks = count()
    made.run((told if told is not None else []).append, lambda *_: None, lambda: next(ticks) * 0.001)
    return made


@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_kind_learns_the_rule(kind: Kind) -> None:
    made = trainer(msgspec.structs.replace(QUICK, epochs=48, every=12), kind)
    hr_before, _ = hit_rate_ndcg(left_out_ranks(made.network, ring(), 1, CPU), 1)
    run(made)
    hr_after, _ = hit_rate_ndcg(left_out_ranks(made.network, ring(), 1, CPU), 1)
    assert hr_before < 0.2
    assert hr_after > 0.6, "the stride of two steps says where the third goes"


def test_the_curves_tell_of_every_epoch_and_the_best_is_kept() -> None:
    told: list[Epoch] = []
    made = run(trainer(), told)
    assert [row.epoch for row in told] == list(range(1, 29))
    assert [row.epoch for row in told if row.ndcg10 is not None] == [7, 14, 21, 28]
    assert told[-1].loss < told[0].loss / 2
    best = max(row.ndcg10 for row in told if row.ndcg10 is not None)
    _, kept = hit_rate_ndcg(left_out_ranks(made.network, ring().without_last(1), 1, CPU))
    assert kept == pytest.approx(best)


def test_the_same_seed_gives_the_same_weights_and_another_does_not() -> None:
    short = LearnConfig(epochs=2, length=32, rows=4, dropout=0.3)
    one, again = run(trainer(short)), run(trainer(short))
    other = run(trainer(LearnConfig(epochs=2, length=32, rows=4, dropout=0.3, seed=1)))
    for left, right in zip(one.network.parameters(), again.network.parameters(), strict=True):
        assert torch.equal(left, right)
    assert not torch.equal(one.network.items.id, other.network.items.id)


def test_an_interrupted_training_goes_on_to_the_same_weights() -> None:
    config = LearnConfig(epochs=4, every=1, length=32, rows=4, dropout=0.3)
    whole = run(trainer(config))
    first = trainer(config)
    for _ in range(2):
        first.epoch(lambda _: None, lambda *_: None, lambda: 0.0)
    parts = resume.dump(first)
    assert all(isinstance(part, bytes) for part in parts.values())
    second = trainer(config)
    resume.load(second, parts)
    assert second.progress.epoch == 2
    run(second)
    for left, right in zip(whole.network.parameters(), second.network.parameters(), strict=True):
        assert torch.equal(left, right)
    assert [row.loss for row in second.progress.curves] == [row.loss for row in whole.progress.curves]


def test_patience_and_minutes_end_a_training() -> None:
    config = LearnConfig(epochs=500, every=1, patience=2, learning_rate=1e-9, length=32, rows=4)
    made = run(trainer(config))
    assert made.progress.epoch <= 4
    clock = count(0, 40)
    late = trainer(LearnConfig(epochs=500, minutes=2, length=32, rows=4))
    late.run(lambda _: None, lambda *_: None, lambda: float(next(clock)))
    assert late.progress.epoch == 1
    assert late.progress.best > 0, "what there is gets validated before the end"


def test_the_rate_rises_and_falls() -> None:
    rates = [rate(step, 10_000) for step in range(10_000)]
    assert rates[0] == pytest.approx(1 / WARM_UP)
    assert max(rates) == pytest.approx(1.0, abs=0.01)
    assert rates[-1] == pytest.approx(FLOOR, abs=1e-3)
    assert rates.index(max(rates)) in range(WARM_UP - 5, WARM_UP + 5)


@pytest.mark.parametrize("total", [1, 5, 60, 1000])
def test_in_a_short_training_the_rate_rises_over_a_tenth(total: int) -> None:
    rates = [rate(step, total) for step in range(total)]
    assert rates.index(max(rates)) <= max(1, total // 10)
    assert rates[0] == pytest.approx(1 / max(1, total // 10))
    assert max(rates) > 0.9


def test_where_people_come_back_what_they_had_is_ranked_too() -> None:
    corpus = msgspec.structs.replace(ring(users=30), repeats=True)
    network = Network(ModelConfig(size="tiny").shape(items=RING, actions=0, content=0))
    with torch.no_grad():
        network.items.id.zero_()
    assert set(left_out_ranks(network, corpus, 1, CPU).tolist()) == {RING}, "all scores equal: behind every other item"


def test_a_judge_who_says_nothing_leaves_the_last_weights_and_no_figures() -> None:
    corpus = ring()
    shape = ModelConfig(size="tiny").shape(items=len(corpus.items), actions=0, content=0)
    made = run(Trainer(Network(shape), corpus, LearnConfig(epochs=2, every=1, length=32, rows=4), CPU, lambda _: None))
    assert [(row.hr10, row.ndcg10) for row in made.progress.curves] == [(None, None)] * 2
    assert not made.best


def test_ranks_are_full_ranks_with_the_target_behind_its_equals() -> None:
    corpus = ring(users=30)
    shape = ModelConfig(size="tiny").shape(items=RING, actions=0, content=0)
    network = Network(shape)
    with torch.no_grad():
        network.items.id.zero_()
    ranks = left_out_ranks(network, corpus, 1, CPU)
    had = np.array([len(set(history.items[:-1].tolist()) | {int(history.items[-1])}) for history in corpus.histories])
    assert ranks.tolist() == (RING - had + 1).tolist(), "all scores equal: behind everything not had"


def test_hit_rate_and_ndcg_by_hand() -> None:
    hr, ndcg = hit_rate_ndcg(np.array([1, 3, 10, 11]))
    assert hr == 0.75
    assert ndcg == pytest.approx((1 + 1 / 2 + 1 / math.log2(11)) / 4)


def test_every_step_is_told_with_what_there_is_to_do() -> None:
    told: list[tuple[int, int, float]] = []
    made = trainer(LearnConfig(epochs=3, every=3, length=32, rows=4, dropout=0.0))
    ticks = count()
    made.run(lambda _: None, lambda *at: told.append(at), lambda: float(next(ticks)))
    steps = 3 * made.steps_per_epoch
    assert [step for step, _, _ in told] == list(range(1, steps + 1))
    assert {total for _, total, _ in told} == {steps}
    spent = [seconds for _, _, seconds in told]
    assert spent == sorted(spent)
    assert made.progress.spent_s == sum(row.seconds for row in made.progress.curves) >= spent[-1]
    row = made.progress.curves[0]
    assert row.tokens_per_s * row.seconds == pytest.approx(made.steps_per_epoch * made.tokens_per_step)
    assert made.tokens_per_step == 32 * 4


def test_a_loss_that_is_no_number_ends_the_training() -> None:
    made = trainer()
    with torch.no_grad():
        made.network.items.id.fill_(float("nan"))
    with pytest.raises(SwerveError, match="no longer a number") as caught:
        run(made)
    assert caught.value.code == "diverged"


def test_histories_too_short_for_a_step_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"expected at least 8 pairs .* found 6"):
        start(from_sequences([["a", "b", "c"], ["a", "b", "c"]] * 3))
    with pytest.raises(InvalidInput, match="found 0"):
        start(from_sequences([["a", "b"]] * 30))


def test_few_events_make_shorter_rows() -> None:
    made = start(from_sequences([["a", "b", "c", "d"]] * 7))
    assert made.tokens_per_step == 3 * 4
    assert made.steps_per_epoch == 1


def test_a_judge_decides_what_is_kept_and_the_last_items_are_learned_too() -> None:
    marks = iter([0.1, 0.9, 0.3, 0.2])
    kept: list[torch.Tensor] = []

    def judge(network: Network) -> tuple[float, float]:
        kept.append(network.items.id.detach().clone())
        return 0.5, next(marks)

    corpus = ring()
    shape = ModelConfig(size="tiny").shape(items=RING, actions=0, content=0)
    config = LearnConfig(epochs=4, every=1, length=32, rows=4)
    torch.manual_seed(0)
    made = Trainer(Network(shape), corpus, config, CPU, judge)
    plain = Trainer(Network(shape), corpus, config, CPU)
    run(made)

    assert [row.ndcg10 for row in made.progress.curves] == [0.1, 0.9, 0.3, 0.2]
    assert torch.equal(made.network.items.id, kept[1])
    assert made.steps_per_epoch * 32 * 4 <= corpus.events - len(corpus.histories)
    assert made.steps_per_epoch > plain.steps_per_epoch
