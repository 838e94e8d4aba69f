"""The two halves of what was counted, and what a past says of what was refused."""

from __future__ import annotations

import numpy as np

from swerve.engine.judging import prepare
from swerve.engine.modelled import halves, without_validation
from swerve.engine.opening import derive
from swerve.evaluate.cases import Pasts, read_stream, set_task
from swerve.testing.arm import material
from swerve.types import Interaction, Item, Record


def walks(users: int = 30, steps: int = 8) -> list[Record]:
    """Described items, then everybody's walk; every third step is refused."""
    records = [Record(event=Item(id=f"i{row}"), received=0.0, time=0.0, offset=row) for row in range(12)]
    for step in range(steps):
        for user in range(users):
            event = Interaction(user=f"u{user}", item=f"i{(user + step) % 12}", action="view")
            gain, moment = (-1.0 if step % 3 == 2 else 1.0), 100.0 * step + user
            records.append(Record(event=event, received=moment, time=moment, gain=gain, offset=len(records)))
    return records


def test_one_half_has_counted_nothing_of_the_validation_and_the_other_all_of_it() -> None:
    records, config = walks(), material().config
    stream = read_stream(records)
    task = set_task(stream, "time", test=0.2)
    whole = prepare(config, derive(config, None), lambda: records, (stream, task), newest=0)
    both = halves(whole, derive(config, None), lambda: records)

    assert len(task.validation) > 0
    assert both.before.counters.counted == len(without_validation(task).train) == len(task.train) - len(task.validation)
    assert both.material.derived.counters.counted == len(task.train)
    assert both.before.catalog.size == 12, "what items are is known from the start"
    assert not np.intersect1d(without_validation(task).train, task.validation).size


def test_a_past_has_what_was_refused_only_in_its_whole() -> None:
    stream = read_stream(walks(users=1))
    past = Pasts(stream, query_time=True).of(7)

    assert past.whole is not None
    assert [stream.items[row] for row in past.rows] == ["i0", "i1", "i3", "i4", "i6"]
    assert [stream.items[row] for row in past.whole.rows] == [f"i{k}" for k in range(7)]
    assert past.whole.gains.tolist() == [1.0, 1.0, -1.0, 1.0, 1.0, -1.0, 1.0]
    assert past.whole.times.tolist() == [100.0 * k for k in range(7)]
