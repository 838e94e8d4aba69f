"""KuaiRand's files as a log, and the figures of the temporal benchmark: on files and answers made by hand."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from benchmarks import kuairand, temporal
from swerve.evaluate.cases import Task, read_stream
from swerve.evaluate.judge import Judged, Questions

duckdb = pytest.importorskip("duckdb")
MS = int(kuairand.day(5, 1) * 1000)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three users: one with a past, one who only skips, one new."""
    with duckdb.connect() as connection:
        connection.execute(
            f"""COPY (SELECT * FROM (VALUES
                (1, 11, 1, 0, 1, {MS + 2000}), (2, 12, 0, 0, 0, {MS}), (1, 13, 1, 1, 0, {MS + 3000}),
                (3, 11, 1, 0, 0, {MS + 1000}), (3, 14, 0, 1, 0, {MS + 4000})
            ) AS t(user_id, video_id, is_click, is_like, long_view, time_ms))
            TO '{tmp_path}/log_standard_1.parquet' (FORMAT parquet)"""
        )
        connection.execute(
            f"""COPY (SELECT 1 AS user_id, CAST({kuairand.day(4, 13)} * 1000 AS BIGINT) AS last_time_ms,
                [21, 22, 23] AS watch_seq, [23] AS like_seq, [20, 22] AS long_watch_seq)
            TO '{tmp_path}/user_sequences_to_0424.parquet' (FORMAT parquet)"""
        )
    return tmp_path


def test_each_video_is_one_record_with_the_strongest_action(folder: Path) -> None:
    log = kuairand.shown(folder)

    assert [(one.user, one.video, one.action) for one in log] == [
        (1, 20, "long"),
        (1, 22, "long"),
        (1, 23, "like"),
        (2, 12, "skip"),
        (3, 11, "click"),
        (1, 11, "long"),
        (1, 13, "like"),
        (3, 14, "like"),
    ]
    assert [(one.click, one.long, one.like) for one in log[3:]] == [
        (False, False, False),
        (True, False, False),
        (True, True, False),
        (True, False, True),
        (False, False, True),
    ]


def test_of_every_other_user_there_is_everything(folder: Path) -> None:
    assert kuairand.shown(folder, 2) == [one for one in kuairand.shown(folder) if one.user == 2]


def test_what_came_earlier_is_spread_evenly_up_to_the_last_known_moment(folder: Path) -> None:
    times = [one.time for one in kuairand.shown(folder)[:3]]

    assert times[-1] == kuairand.day(4, 13)
    assert np.diff([kuairand.day(4, 9), *times]) == pytest.approx([4 * 86_400 / 3] * 3)


def test_records_keep_order_and_skips_are_refusals(folder: Path) -> None:
    log = kuairand.shown(folder)
    records = list(kuairand.records(log))

    assert [record.offset for record in records] == list(range(len(log)))
    assert [record.gain < 0 for record in records] == [one.action == "skip" for one in log]
    assert all(record.time == one.time for record, one in zip(records, log, strict=True))


def sheet() -> temporal.Paper:
    """Four questions, two of each kind, of two users."""
    log = [kuairand.Shown(float(k), k % 2, k % 3, "click", True, False, False) for k in range(12)]
    stream = read_stream(list(kuairand.records(log)))
    train = np.arange(8)
    task = Task(train=train, validation=train[6:], test=np.arange(8, 12), known=np.ones(3, np.bool_))
    asked = Questions(positions=task.test, targets=stream.rows[8:12], users=stream.users[8:12], repeats=0, unknown=0)
    click = np.array([True, True, False, False])
    kinds = {"click": click, "like": ~click}
    return temporal.Paper(stream=stream, task=task, asked=asked, kinds=kinds, popularity=np.array([1.0, 3.0, 2.0, 2.0]))


def answers(ranks: list[int], name: str) -> Judged:
    return Judged(name=name, ranks=np.array(ranks), slates=np.zeros((4, 10), np.int32))


def test_values_are_those_of_the_kind_asked_for() -> None:
    found = temporal.values_of(answers([1, 60, 11, 3], "x"), sheet(), "click")

    assert found["hr10"].tolist() == [1.0, 0.0]
    assert found["ndcg10"].tolist() == [1.0, 0.0]
    assert found["hr50"].tolist() == [1.0, 0.0]
    assert found["rare_ndcg10"].mean() == pytest.approx(1.0 / (1 + 1 / 3))
    assert temporal.values_of(answers([1, 60, 11, 3], "x"), sheet(), "like")["hr10"].tolist() == [0.0, 1.0]


def test_figures_are_means_over_seeds_and_say_who_is_first() -> None:
    names = ("popular 7 d", temporal.COUNTS, temporal.MODEL, temporal.BLEND, temporal.SASREC)
    worse = {name: answers([60, 60, 60, 60], name) for name in names}
    first = worse | {temporal.BLEND: answers([1, 1, 60, 60], temporal.BLEND)}
    second = worse | {temporal.BLEND: answers([1, 60, 60, 60], temporal.BLEND)}
    found = temporal.figures([first, second], sheet())

    assert found["click_hr10_blend_with_user_model"] == pytest.approx(0.75)
    assert found["click_hr10_blend_with_user_model_spread"] == pytest.approx(np.std([1.0, 0.5], ddof=1))
    assert found["click_hr10_lead_over_sasrec"] == pytest.approx(0.75)
    assert found["click_hr10_lead_over_counts_fitted_low"] > 0
    assert found["like_hr10_lead_over_popular_7_d"] == 0
    assert found["of_metrics"] == 8
    assert found["blend_first_on"] == 4, "where all are equal nobody is ahead"
    assert found["blend_first_on_headlines"] == 3


def test_popularity_counts_what_was_liked_in_its_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporal, "TEST", 8.0)
    monkeypatch.setattr(temporal, "DAY_S", 1.0)
    given = sheet()
    stream = msgspec.structs.replace(given.stream, gains=np.where(np.arange(12) == 7, -1.0, 1.0))
    arm = temporal.popular(stream, given.task, 3.0)

    assert arm.name == "popular 3 d"
    wanted = np.bincount(stream.rows[[5, 6]], minlength=3)
    assert arm.scores([None])[0].tolist() == wanted.tolist()  # type: ignore[list-item]
