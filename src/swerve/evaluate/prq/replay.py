"""PRQ: what real-time feedback is worth on a log, by replaying it in its own order, test first and learn after.

The warm-up is the first part of the time axis; nothing in it is judged, and only its last tenth is fitted to. From
then on every positive interaction (or a random part of them) is first ranked in all arms, then folded. All arms know
the same when the warm-up ends. Items, their texts and what is filtered are live in all of them: the arms differ in
how old the user's state is and in how late the population's counters learn, in nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from swerve.errors import InvalidInput
from swerve.evaluate.prq.outcome import Outcome, Project, Settings
from swerve.evaluate.prq.places import measure
from swerve.evaluate.prq.run import Run
from swerve.types import Record

TICK = 512
"""Records between two calls of the progress function."""
Progress = Callable[[int, int], None]
"""(records done, records in all)."""


def replay(
    read: Callable[[], Iterator[Record]], project: Project, settings: Settings, progress: Progress | None = None
) -> Outcome:
    """Replay what `read` gives (it is read twice). The same log and seed give the same outcome.

    Raises InvalidInput when the log has no time axis, or too few events after the warm-up.
    """
    if not 0 < settings.warm_up < 1:
        raise InvalidInput("expected a share between 0 and 1", field="warm_up")
    axis = measure(read(), settings.warm_up)
    every = settings.every or max(1, math.ceil(axis.judged / settings.judged))
    run = Run(project, settings, axis, every)
    for done, record in enumerate(read()):
        run.take(record)
        if progress is not None and done % TICK == 0:
            progress(done, axis.records)
    return run.outcome()
