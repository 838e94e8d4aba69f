"""What every Arm owes its judges, as a check to run on your own: `check_arm(lambda material: Mine(material))`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from swerve.config import Config
from swerve.engine.judging import Material, prepare
from swerve.engine.opening import derive
from swerve.evaluate.cases import Pasts, read_stream, set_task
from swerve.protocols import Arm
from swerve.types import Interaction, Item, Past, Record

NOW = 1_700_000_000.0
USERS, ITEMS, STEPS = 24, 40, 9


def material(seed: int = 0) -> Material:
    """A small log, split by each user's last interaction, as `swerve evaluate` hands it to a factory."""
    records = list(_records(np.random.default_rng(seed)))
    stream = read_stream(records)
    config = Config()
    parts = (stream, set_task(stream, "last"))
    return prepare(config, derive(config, None), lambda: records, parts, newest=200)


def _records(rng: np.random.Generator) -> Iterator[Record]:
    for row in range(ITEMS):
        item = Item(id=f"i{row}", title=f"thing {row} of kind {row % 5}")
        yield Record(event=item, received=NOW, time=NOW, offset=row)
    offset = ITEMS
    for step in range(STEPS):
        for user in range(USERS):
            place = (user + step * (1 + user % 3) + int(rng.integers(2))) % ITEMS
            event = Interaction(user=f"u{user}", item=f"i{place}", action="view")
            moment = NOW + 60.0 * step + user
            yield Record(event=event, received=moment, time=moment, gain=1.0, offset=offset)
            offset += 1


def check_arm(factory: Callable[[Material], Arm]) -> int:
    """Hold an arm to the obligations of `Arm`; raises AssertionError saying which one it breaks.

    `factory` gets what `swerve evaluate --arm` gives it, over a small log. Returns how many questions were tried.
    """
    given = material()
    arm = factory(given)
    pasts = _pasts(given)
    kept = [(past.rows.copy(), past.actions.copy(), past.times.copy()) for past in pasts]
    scores = arm.scores(pasts)
    _owes(isinstance(arm.name, str) and bool(arm.name), "a name")
    _owes(scores.shape == (len(pasts), len(given.stream.items)), "one line a question, one score an item")
    _owes(scores.dtype == np.float32 and not np.isnan(scores).any(), "float32 scores without NaN")
    for past, (rows, actions, times) in zip(pasts, kept, strict=True):
        same = np.array_equal(past.rows, rows) and np.array_equal(past.actions, actions)
        _owes(same and np.array_equal(past.times, times), "the questions left alone")
    _owes(np.array_equal(scores, arm.scores(pasts)), "the same scores for the same questions")
    alone = np.concatenate([arm.scores([past]) for past in pasts])
    _owes(np.allclose(alone, scores, rtol=1e-4, atol=1e-5), "answers that do not depend on the other questions")
    _owes(arm.scores([]).shape == (0, len(given.stream.items)), "no line for no question")
    return len(pasts)


def _pasts(given: Material) -> list[Past]:
    """Of users with a history, with one event, and with none."""
    pasts = Pasts(given.stream, query_time=True)
    full = [pasts.of(at) for at in given.task.test[:4].tolist()]
    short = [Past(past.rows[:1], past.actions[:1], past.times[:1], past.now) for past in full[:2]]
    empty = Past(full[0].rows[:0], full[0].actions[:0], full[0].times[:0], full[0].now)
    return [*full, *short, empty]


def _owes(kept: bool, obligation: str) -> None:
    """Not `assert`: the check also holds under `python -O`."""
    if not kept:
        raise AssertionError(f"an Arm owes its judges: {obligation}")
