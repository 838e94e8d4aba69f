"""The newest items stay right, and cheap, however items come and go."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from swerve.catalog.catalog import Catalog
from swerve.types import Record
from tests.catalog.stories import NOW, catalog, fold, record


def truth(known: Catalog, k: int) -> list[int]:
    rows = [row for row in range(known.size) if known.available[row]]
    return sorted(rows, key=lambda row: (-known.published[row], row))[:k]


def at(name: str, time: float, **said: object) -> Record:
    return record(name, at=time, time=time, **said)


def test_newest_first_equal_times_by_row() -> None:
    known = fold(catalog(), [at("a", 5), at("b", 9), at("c", 5), at("d", 7, available=False)])
    assert known.newest(10).tolist() == [1, 0, 2]
    assert known.newest(2).tolist() == [1, 0]
    assert known.newest(0).tolist() == []
    assert known.newest(10).dtype == np.int32


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("order", ["ascending", "descending", "shuffled"])
def test_any_changes_keep_the_order(seed: int, order: str) -> None:
    """Given a pool far smaller than the catalog, so that it overflows and runs low, then it never shows."""
    chance, known = random.Random(seed), catalog(newest=5, reuse_after=4)
    times = list(range(200)) if order != "descending" else list(range(200, 0, -1))
    if order == "shuffled":
        chance.shuffle(times)
    alive: list[str] = []
    for step, time in enumerate(times):
        alive.append(f"i{step}")
        fold(known, [at(f"i{step}", float(time + 1))])
        for _ in range(chance.randrange(3)):
            name = chance.choice(alive)
            match chance.randrange(4):
                case 0:
                    fold(known, [record(name, deleted=True)])
                    alive.remove(name)
                    if not alive:
                        break
                case 1:
                    fold(known, [at(name, float(chance.randrange(1, 200)))])
                case 2:
                    fold(known, [record(name, partial=True, available=False)])
                case 3:
                    fold(known, [record(name, partial=True)])
        for k in (1, 5, 50):
            assert known.newest(k).tolist() == truth(known, k)


def test_deleting_the_newest_one_by_one_finds_the_next() -> None:
    known = fold(catalog(newest=5), [at(f"i{n}", n + 1.0) for n in range(300)])
    for n in reversed(range(300)):
        assert known.newest(1).tolist() == [n]
        fold(known, [record(f"i{n}", deleted=True)])
    assert known.newest(3).tolist() == []


def test_an_answer_is_shared_so_nobody_may_write_into_it() -> None:
    known = fold(catalog(), [at("a", 5)])
    first = known.newest(3)
    assert known.newest(3) is first
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 7
    fold(known, [at("b", 6)])
    assert (known.newest(3).tolist(), first.tolist()) == ([1, 0], [0])


def test_the_whole_catalog_is_rarely_walked_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, not timed: 4,000 arrivals and 2,000 deletions of the newest read the columns a few times only."""
    known = catalog(newest=100)
    newest, walks = known._newest, itertools.count()
    inside = newest._best
    monkeypatch.setattr(newest, "_best", lambda *args: (next(walks), inside(*args))[1])
    for n in range(4000):
        fold(known, [record(f"i{n}", at=NOW + n)])
        known.newest(50)
    for n in range(3999, 1999, -1):
        fold(known, [record(f"i{n}", deleted=True)])
        known.newest(50)
    assert next(walks) <= 2000 / 100 + 2
