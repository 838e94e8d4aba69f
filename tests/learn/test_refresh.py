"""A refresh learns what happened last, nothing held out, and repeats under its seed."""

from __future__ import annotations

import msgspec
import numpy as np
import torch

from swerve.learn.config import LearnConfig
from swerve.learn.corpus import Corpus, from_sequences
from swerve.learn.export import checkpoint_of
from swerve.learn.grow import grown
from swerve.learn.progress import Epoch
from swerve.learn.ranking import hit_rate_ndcg, left_out_ranks
from swerve.learn.refresh import refresh
from swerve.model.config import ModelConfig
from swerve.model.nets.network import Network
from swerve.model.recurrent import RecurrentModel
from tests.learn.worlds import ring

CONFIG = LearnConfig(epochs=40, learning_rate=0.01, length=32, rows=4, negatives=20)
CPU = torch.device("cpu")


def network(corpus: Corpus) -> Network:
    torch.manual_seed(0)
    return Network(ModelConfig(size="tiny").shape(items=len(corpus.items), actions=0, content=0))


def hit_rate(made: Network, corpus: Corpus) -> float:
    return hit_rate_ndcg(left_out_ranks(made, corpus, 1, CPU), 1)[0]


def test_the_rule_is_learned_and_the_loss_falls() -> None:
    corpus = ring()
    made = network(corpus)
    before = hit_rate(made, corpus)
    rows: list[Epoch] = []
    refresh(made, corpus.without_last(1), CONFIG, rows.append)
    assert len(rows) == CONFIG.epochs
    assert rows[-1].loss < rows[0].loss / 2
    assert {row.ndcg10 for row in rows} == {None}, "nothing is held out"
    assert hit_rate(made, corpus) > before + 0.4
    assert not made.training, "ready to serve"


def test_the_last_event_is_learned_from_too() -> None:
    corpus = from_sequences([[f"a{user % 5}", "b", f"end{user % 5}"] for user in range(100)])
    made = network(corpus)
    refresh(made, corpus, CONFIG)
    assert hit_rate(made, corpus) > 0.9, "only the last events say where each goes"


def test_the_seed_decides() -> None:
    weights = []
    for seed in (0, 0, 1):
        made = network(ring(users=40))
        refresh(made, ring(users=40), LearnConfig(epochs=2, length=32, rows=4, negatives=20, seed=seed))
        weights.append(made.items.id.detach().numpy().copy())
    assert weights[0].tobytes() == weights[1].tobytes()
    assert weights[0].tobytes() != weights[2].tobytes()


def test_what_was_had_is_a_negative_only_where_people_come_back() -> None:
    plain = from_sequences([[f"i{user % 8}", f"j{user % 8}"] for user in range(160)])
    own = []
    for repeats in (False, True):
        corpus = msgspec.structs.replace(plain, repeats=repeats)
        made = network(corpus)
        refresh(made, corpus, LearnConfig(epochs=30, learning_rate=0.01, length=16, rows=4))
        with torch.no_grad():
            table = made.items.table().numpy()

        model = RecurrentModel(checkpoint_of(made, corpus, 1))
        scores = table @ model.preference(model.encode([corpus.histories[0].upto(1)])[0], 0.0) + model.bias
        rows = corpus.histories[0].items
        own.append(float(scores[rows[1]] - scores[rows[0]]))
    assert own[1] > own[0] + 1, "where nobody comes back to it, it is pushed down"


def test_a_grown_network_learns_new_items_and_keeps_the_old_rule() -> None:
    corpus = ring()
    made = network(corpus)
    refresh(made, corpus, CONFIG)
    more = from_sequences([["i0", f"new{user % 3}", "i1"] for user in range(60)])
    items = (*corpus.items, *(item for item in more.items if item not in corpus.items))
    row = {item: number for number, item in enumerate(items, 1)}
    moved = tuple(
        type(history)(
            np.array([row[more.items[n - 1]] for n in history.items], np.int32), history.actions, history.times
        )
        for history in more.histories
    )
    joined = Corpus((*corpus.histories, *moved), items, ())
    larger = grown(made, joined)
    before = hit_rate(larger, Corpus(corpus.histories, items, ()))
    refresh(larger, joined, LearnConfig(epochs=4, learning_rate=0.005, length=32, rows=4, negatives=20))
    assert hit_rate(larger, Corpus(corpus.histories, items, ())) > before - 0.1
    assert hit_rate(larger, Corpus(moved, items, ())) == 1.0, "after i0 and a new item comes i1"
