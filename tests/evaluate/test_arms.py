"""The arms that serve: every score stands at its own item, whatever order log and catalog name the items in."""

from __future__ import annotations

import numpy as np

from swerve.config import Config
from swerve.engine.judging import Material, arms, prepare
from swerve.engine.opening import derive
from swerve.evaluate.arms import Evidence, Lately, Loudest, Served
from swerve.evaluate.cases import Pasts, read_stream, set_task
from swerve.types import Record
from tests.evaluate.test_cases import Line, liked, log

NAMES = [f"i{k}" for k in range(12)]


def walks() -> list[Line]:
    """Everybody goes from each item to the next; two users begin at the end, so that it is named first."""
    lines = [(f"u{u}", NAMES[(7 - u + step) % 12], 10.0 * step + u) for u in range(8) for step in range(6)]
    return liked(*lines)


def made(records: list[Record]) -> Material:
    stream = read_stream(records)
    config = Config()
    return prepare(config, derive(config, None), lambda: records, (stream, set_task(stream, "last")), newest=0)


def bare(material: Material) -> Evidence:
    """What is seen without any retriever."""
    return Evidence(material.derived, (), material.stream)


def by_item(material: Material, name: str) -> list[dict[str, float]]:
    """What the arm of this name says of each item, for every question."""
    arm = next(arm for arm in arms(material, repeats=True) if arm.name == name)
    pasts = Pasts(material.stream, query_time=True)
    scores = arm.scores([pasts.of(at) for at in material.task.test.tolist()])
    return [dict(sorted(zip(material.stream.items, line, strict=True))) for line in scores.tolist()]


def described_late() -> list[Record]:
    """The same acts, the items described only after them and the other way round: the catalog's rows are others."""
    acts, items = log(walks()), log([], items=NAMES[::-1])
    moved = [Record(event=one.event, received=0.0, time=0.0, offset=len(acts) + k) for k, one in enumerate(items)]
    return [*acts, *moved]


def test_scores_stand_at_their_items_though_catalog_and_stream_order_them_differently() -> None:
    early, late = made(log(walks(), items=NAMES)), made(described_late())
    rows = [late.derived.catalog.row(item) for item in late.stream.items]

    assert rows != sorted(rows), "or this would show nothing"
    for name in ("popular", "popular 7d", "own history", "transitions", "blend"):
        assert by_item(early, name) == by_item(late, name), name


def test_what_follows_most_often_scores_highest() -> None:
    material = made(described_late())
    pasts = Pasts(material.stream, query_time=True)

    for at, scores in zip(material.task.test.tolist(), by_item(material, "transitions"), strict=True):
        seen = {material.stream.items[row] for row in pasts.touched(at)}
        target = material.stream.items[material.stream.rows[at]]
        best = max(scores, key=lambda item: scores[item] if item not in seen else -1.0)
        assert best == target or scores[target] == 0.0, "the next item, where anybody else went on to it"


def test_an_item_the_catalog_does_not_know_is_never_recommended() -> None:
    lines = [*walks(), *liked(("u0", "only asked about", 999.0))]
    material = made(log(lines))
    row = material.stream.items.index("only asked about")
    served = Served("x", bare(material), Lately(material.derived.counters, "7d"))
    past = Pasts(material.stream, query_time=True).of(0)

    assert served.scores([past])[0, row] == -np.inf
    assert np.isfinite(np.delete(served.scores([past])[0], row)).all()


def test_an_arm_without_sources_says_nothing_of_anybody() -> None:
    material = made(log(walks(), items=NAMES))
    past = Pasts(material.stream, query_time=True).of(0)

    assert not Served("x", bare(material), Loudest()).scores([past]).any()
