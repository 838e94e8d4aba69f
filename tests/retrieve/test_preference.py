"""The user model as a source: lift above chance, only of what the catalog still has, nothing for strangers."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from swerve.model.checkpoint import Words
from swerve.model.config import Shape
from swerve.model.memory import Memory
from swerve.retrieve.preference import PreferenceRetriever, lift
from swerve.retrieve.sources import BUILT_IN, Reach
from swerve.testing.population import ITEMS, NOW, population, queries, reach
from swerve.testing.retriever import check_retriever
from swerve.types import Floats, History, Interaction, Item, Record, UserState


class Last:
    """A user model that wants the item after the last one."""

    version = 9

    def __init__(self, items: int) -> None:
        self.table = np.vstack([np.zeros((1, items)), np.eye(items)]).astype(np.float32)
        self.bias = np.zeros(items + 1, np.float32)

    def encode(self, given: list[History]) -> list[int]:
        return [int(history.items[-1]) if len(history) else 0 for history in given]

    def step(self, state: int, item: int, action: int, time: float) -> int:
        return item

    def preference(self, state: int, query_time: float) -> Floats:
        return np.float32(5) * self.table[state % (len(self.table) - 1) + 1]


def memory(names: tuple[str, ...]) -> Memory:
    words = Words(shape=Shape(items=len(names), actions=1), items=names, actions=("view",))
    return Memory(Last(len(names)), words, 10)


NAMES = tuple(f"i{n}" for n in range(ITEMS))


def with_memory(given: Reach) -> PreferenceRetriever:
    return PreferenceRetriever(memory(NAMES), given.catalog)


def test_it_keeps_the_contract_of_a_source() -> None:
    assert check_retriever(with_memory) == 7


def test_it_is_a_built_in_source_that_says_nothing_without_a_model() -> None:
    derived = population()
    source = BUILT_IN["preference"](reach(derived))
    assert all(len(source.retrieve(query)[0]) == 0 for query in queries(derived))


def test_the_wanted_item_comes_with_its_lift() -> None:
    derived = population()
    query = queries(derived)[0]
    last = query.state.touches[-1].item
    rows, scores = with_memory(reach(derived)).retrieve(query)
    wanted = derived.catalog.row(f"i{(int(last[1:]) + 1) % ITEMS}")
    chance = np.exp(5) / (np.exp(5) + ITEMS - 1)
    assert rows[np.argmax(scores)] == wanted
    assert scores.max() == pytest.approx(np.log(chance * ITEMS), rel=1e-5)


def test_no_more_than_k_and_the_best_of_them() -> None:
    derived = population()
    query = msgspec.structs.replace(queries(derived)[0], k=1)
    rows, scores = with_memory(reach(derived)).retrieve(query)
    assert len(rows) == len(scores) == 1


def test_an_item_that_left_the_catalog_is_not_found_and_another_on_its_row_does_not_take_its_score() -> None:
    derived = population()
    query = queries(derived)[0]
    wanted = f"i{(int(query.state.touches[-1].item[1:]) + 1) % ITEMS}"
    offset = derived.offset
    derived.apply([Record(event=Item(id=wanted, deleted=True), received=NOW, time=NOW, offset=offset)])
    for n in range(200):
        item = Item(id=f"new{n}", title="other")
        derived.apply([Record(event=item, received=NOW, time=NOW, offset=offset + 1 + n)])
    rows, _ = with_memory(reach(derived)).retrieve(query)
    assert {derived.catalog.ids[row] for row in rows.tolist()} <= set(NAMES) - {wanted}


def test_nothing_for_who_did_nothing_that_the_model_knows() -> None:
    derived = population()
    source = PreferenceRetriever(memory(("elsewhere",)), derived.catalog)
    assert all(len(source.retrieve(query)[0]) == 0 for query in queries(derived))
    nobody = derived.query(UserState(), NOW, 10, 10)
    assert len(with_memory(reach(derived)).retrieve(nobody)[0]) == 0


def test_one_event_changes_what_is_wanted() -> None:
    derived = population()
    source = with_memory(reach(derived))
    before = source.retrieve(derived.query(derived.users.state("u0"), NOW, 10, 1))[0]
    event = Interaction(user="u0", item="i30", action="view")
    derived.apply([Record(event=event, received=NOW, time=NOW, gain=1.0, offset=derived.offset)])
    after = source.retrieve(derived.query(derived.users.state("u0"), NOW, 10, 1))[0]
    assert after.tolist() == [derived.catalog.row("i31")] != before.tolist()


def test_lift_is_ln_of_probability_over_chance() -> None:
    scores = np.log(np.array([7.0, 1.0, 2.0, 5.0], np.float32)) + np.float32(3)
    assert lift(scores)[1:] == pytest.approx(np.log(np.array([1, 2, 5]) / 8 * 3), abs=1e-6)
    assert lift(scores)[0] == -np.inf
    assert lift(scores + np.float32(80)) == pytest.approx(lift(scores), abs=1e-5)
