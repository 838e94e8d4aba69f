"""Every built-in source keeps the contract, and the check finds those that do not."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle

import numpy as np
import pytest

from swerve.retrieve.sources import BUILT_IN, Reach
from swerve.testing.retriever import check_retriever
from swerve.types import Floats, Query, Rows

Answer = Callable[[Query], tuple[Rows, Floats]]


class Says:
    """A retriever that answers by a function."""

    def __init__(self, answer: Answer, name: str = "says") -> None:
        self.name = name
        self._answer = answer

    def retrieve(self, query: Query) -> tuple[Rows, Floats]:
        return self._answer(query)


def pair(rows: list[int], scores: list[float]) -> tuple[Rows, Floats]:
    return np.array(rows, np.int32), np.array(scores, np.float32)


def forgetful() -> Answer:
    rng = np.random.default_rng(0)
    return lambda query: pair([1, 2], rng.random(2).tolist())


def swapping() -> Answer:
    """The same rows and the same scores, but another time the other way round."""
    answers = cycle([pair([1, 2], [1.0, 2.0]), pair([1, 2], [2.0, 1.0])])
    return lambda query: next(answers)


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_built_in_sources_keep_the_contract(name: str) -> None:
    assert check_retriever(BUILT_IN[name]) == 7


def test_all_built_in_sources_were_met() -> None:
    assert len(BUILT_IN) == 7


@pytest.mark.parametrize(
    ("broken", "obligation"),
    [
        (Says(lambda query: pair([1, 1], [1.0, 2.0])), "no row twice"),
        (Says(lambda query: pair([1_000], [1.0])), "rows of the catalog"),
        (Says(lambda query: pair([-1], [1.0])), "rows of the catalog"),
        (Says(lambda query: pair([1], [-1.0])), "finite scores >= 0"),
        (Says(lambda query: pair([1], [float("nan")])), "finite scores >= 0"),
        (Says(lambda query: pair([1, 2], [1.0])), "one score a row"),
        (Says(lambda query: (np.array([1]), np.array([1.0]))), "int32 rows"),
        (Says(forgetful()), "the same answer"),
        (Says(swapping()), "the same answer"),
        (Says(lambda query: pair([1], [1.0]), name=""), "a name"),
    ],
)
def test_the_check_names_what_is_broken(broken: Says, obligation: str) -> None:
    with pytest.raises(AssertionError, match=obligation):
        check_retriever(lambda reach: broken)


def test_the_check_finds_one_that_changes_the_counters() -> None:
    def meddling(reach: Reach) -> Says:
        def answer(query: Query) -> tuple[Rows, Floats]:
            reach.counters.transitions.halve(1)
            return pair([1], [1.0])

        return Says(answer)

    with pytest.raises(AssertionError, match="counters that it only reads"):
        check_retriever(meddling)
