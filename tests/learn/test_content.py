"""What items say stands in for what nobody has done with them yet."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
import torch

from swerve.errors import InvalidInput
from swerve.learn.config import LearnConfig
from swerve.learn.export import checkpoint_of
from swerve.learn.ranking import left_out_ranks
from swerve.learn.run import Task, prepared
from swerve.learn.trainer import Trainer
from swerve.model.config import ModelConfig
from swerve.model.recurrent import RecurrentModel, from_content
from tests.learn.worlds import COLD, ITEMS, shelves

CPU = torch.device("cpu")
CONFIG = LearnConfig(epochs=12, every=12, length=32, rows=4, learning_rate=0.01, dropout=0.0, minutes=10)
SHELF = 7
"""What is left of a user's shelf of 15 after 8 events: 3 of them are new to everybody."""


def task(*, content: bool) -> Task:
    corpus, vectors = shelves()
    return Task(
        corpus=corpus,
        model=ModelConfig(size="tiny"),
        learn=CONFIG,
        content=vectors if content else None,
        encoder="world" if content else "",
    )


def trained(given: Task) -> Trainer:
    trainer = prepared(given, CPU)
    trainer.run(lambda _: None, lambda *_: None, lambda: 0.0)
    return trainer


@pytest.fixture(scope="module")
def knowing() -> Trainer:
    """Trained with content."""
    return trained(task(content=True))


def test_an_item_nobody_had_ranks_clearly_better_with_content_than_without(knowing: Trainer) -> None:
    corpus, _ = shelves()
    blind = trained(task(content=False))
    cold, unknown = (left_out_ranks(one.network, corpus, 1, CPU) for one in (knowing, blind))
    assert (cold <= 10).mean() > 0.9
    assert np.median(cold) <= SHELF
    assert (unknown <= 10).mean() < 0.2
    assert np.median(unknown) > ITEMS / 3, "ids alone know nothing of it"
    warm, alone = (left_out_ranks(one.network, corpus.without_last(1), 1, CPU) for one in (knowing, blind))
    assert (warm <= 5).mean() >= (alone <= 5).mean() - 0.05, "and those that are known lose nothing"


def test_an_item_outside_the_table_is_placed_by_what_it_says(knowing: Trainer) -> None:
    corpus, content = shelves()
    made = checkpoint_of(knowing.network, corpus, 1, encoder="world")
    model, warm = RecurrentModel(made), ITEMS - COLD
    fresh = from_content(made, content[warm + 1 :])  # as for items that came after the training
    ranks = []
    for history in corpus.histories:
        state = model.encode([history.upto(len(history) - 1)])[0]
        preference = model.preference(state, 0.0)
        known = (model.table @ preference + model.bias)[1 : warm + 1]
        known[history.items[:-1] - 1] = -np.inf
        scores = np.concatenate([known, fresh @ preference])
        ranks.append(int((scores >= scores[history.items[-1] - 1]).sum()))
    assert np.mean(np.array(ranks) <= 10) > 0.9


def test_what_training_saw_decides_how_much_an_id_counts(knowing: Trainer) -> None:
    known = knowing.network.items.known
    seen = shelves()[0].without_last(1).seen()
    assert torch.equal(known[-COLD:], torch.zeros(COLD))
    assert known[1].item() == pytest.approx(seen[1] / (seen[1] + 5.0))


def test_before_the_first_step_content_says_nothing() -> None:
    made = prepared(task(content=True), CPU).network.eval()
    assert torch.allclose(made.items.table(), made.items.id * made.items.known[:, None])


def test_content_of_other_items_is_refused() -> None:
    given = task(content=True)
    assert given.content is not None
    with pytest.raises(InvalidInput, match="expected 121 rows of content"):
        prepared(msgspec.structs.replace(given, content=given.content[1:]), CPU)
