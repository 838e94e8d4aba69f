"""The page of a training: every curve, the figures of the weights that were kept, nothing from the network."""

from __future__ import annotations

import re

from swerve.evaluate.charts import LineChart
from swerve.evaluate.curves import report
from swerve.evaluate.report import html
from swerve.learn.progress import Epoch

FACTS = {"hr10": 0.31, "ndcg10": 0.175, "epoch": 4.0, "epochs": 5.0, "seconds": 62.5, "tokens_per_s": 41_000.0}


def rows() -> list[Epoch]:
    return [
        Epoch(
            epoch=number,
            loss=7.0 - number / 2,
            seconds=12.5,
            tokens_per_s=40_000.0 + number * 100,
            hr10=0.25 + number / 64 if number % 2 == 0 else None,
            ndcg10=0.125 + number / 128 if number % 2 == 0 else None,
        )
        for number in range(1, 6)
    ]


def charts() -> dict[str, LineChart]:
    said = report(rows(), "Training of films", "Version 3", FACTS)
    return {part.title: part for section in said.sections for part in section.parts if isinstance(part, LineChart)}


def test_each_epoch_is_a_point_and_validations_only_where_there_was_one() -> None:
    found = charts()
    assert list(found) == ["Validation by epoch", "Loss by epoch", "Tokens/s by epoch"]
    loss, speed = found["Loss by epoch"].lines[0], found["Tokens/s by epoch"].lines[0]
    assert loss.x == (1.0, 2.0, 3.0, 4.0, 5.0)
    assert loss.y == (6.5, 6.0, 5.5, 5.0, 4.5)
    assert speed.y[-1] == 40_500.0
    ndcg, hr = found["Validation by epoch"].lines
    assert (ndcg.name, ndcg.x, ndcg.y) == ("NDCG@10", (2.0, 4.0), (0.140625, 0.15625))
    assert (hr.name, hr.x, hr.y) == ("HR@10", (2.0, 4.0), (0.28125, 0.3125))


def test_the_page_stands_alone_and_says_the_figures() -> None:
    page = html(report(rows(), "Training of <films>", "Version 3", FACTS))
    assert "Training of &lt;films&gt;" in page
    assert "0.1750" in page
    assert "0.3100" in page
    assert "41,000" in page
    assert page.count("<svg") == 3
    assert not re.search(r'(?:src|href)="(?!#)', page)
    assert "<script" not in page


def test_a_single_epoch_makes_a_page_too() -> None:
    row = Epoch(epoch=1, loss=5.0, seconds=1.0, tokens_per_s=10.0, hr10=0.1, ndcg10=0.05)
    assert "<svg" in html(report([row], "t", "a", {**FACTS, "epoch": 1.0, "epochs": 1.0}))
