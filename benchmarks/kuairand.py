"""KuaiRand-Pure, its last two weeks and what each user had done before, as the records of a log.

One record for each video that was shown to a user: the strongest of what they did with it. `like` stands above `long`
(watched to the set's own mark of a long view), above `click`, above `skip` (shown, not clicked). Before 25 April 2022
the files tell of each user's last long views and likes in order, without times: those are spread evenly from 9 April,
the day of the first upload, to the user's last known moment. What else was shown before then is left out, because the
files do not say whether it was clicked.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import swerve
from swerve.types import Record

GAINS = {"skip": -0.5, "click": 1.0, "long": 1.0, "like": 1.0}
"""What each action counts."""
CHINA = datetime.timezone(datetime.timedelta(hours=8))


class Shown(NamedTuple):
    """One video shown to one user, and everything they did with it."""

    time: float
    """Unix seconds."""
    user: int
    video: int
    action: str
    """The strongest."""
    click: bool
    long: bool
    like: bool


def day(month: int, number: int) -> float:
    """Unix seconds of a midnight of 2022 in China."""
    return datetime.datetime(2022, month, number, tzinfo=CHINA).timestamp()


def shown(folder: Path, every: int = 1) -> list[Shown]:
    """Everything that was shown to every `every`-th user, in the order of time."""
    return sorted([*_earlier(folder, every), *_logged(folder, every)], key=lambda one: one.time)


def records(log: Sequence[Shown]) -> Iterator[Record]:
    """The same as the records of a log."""
    for offset, one in enumerate(log):
        event = swerve.Interaction(user=str(one.user), item=str(one.video), action=one.action, time=one.time)
        yield Record(event=event, received=one.time, time=one.time, gain=GAINS[one.action], offset=offset)


def _logged(folder: Path, every: int) -> Iterator[Shown]:
    query = """SELECT time_ms / 1000.0, user_id, video_id, is_click > 0, long_view > 0, is_like > 0
        FROM read_parquet(?) WHERE user_id % ? = 0 ORDER BY time_ms, user_id, video_id"""
    for time, user, video, click, long, like in _rows(query, folder / "log_standard_*.parquet", every):
        yield Shown(time, user, video, _strongest(click=click, long=long, like=like), click, long, like)


def _earlier(folder: Path, every: int) -> Iterator[Shown]:
    """Long views that the last 50 shown no longer hold come first: they are older."""
    query = """SELECT user_id, last_time_ms / 1000.0, watch_seq, like_seq, long_watch_seq
        FROM read_parquet(?) WHERE user_id % ? = 0 ORDER BY user_id"""
    for user, last, watched, liked, long_watched in _rows(query, folder / "user_sequences_to_0424.parquet", every):
        listed, likes, longs = set(watched), set(liked), set(long_watched)
        line = [*(video for video in long_watched if video not in listed), *watched]
        line = [video for video in line if video in longs or video in likes]
        begin = min(day(4, 9), last - 1)
        for time, video in zip(np.linspace(begin, last, len(line) + 1)[1:].tolist(), line, strict=True):
            long, like = video in longs, video in likes
            yield Shown(time, user, video, _strongest(click=True, long=long, like=like), True, long, like)


def _strongest(*, click: bool, long: bool, like: bool) -> str:
    return "like" if like else "long" if long else "click" if click else "skip"


def _rows(query: str, path: Path, every: int) -> list[tuple[Any, ...]]:
    import duckdb  # noqa: PLC0415 (an extra)

    with duckdb.connect() as connection:
        return connection.execute(query, [str(path), every]).fetchall()
