"""The process that gets killed: clients on threads, one writer, one log; it says what it sends and what is acked.

`python -m tests.crash.child` is a nursery: it has everything imported and forks one child for each line it reads
(JSON: directory, cycle, build, resend), so a cycle costs milliseconds. It answers with the child's pid, later with
`done`. A child's lines are `S name` before a batch is sent and `A name` after its ack; names make whole batches, see
`batch_named`. With a build other than `right` the child is broken on purpose.
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path

from swerve.log import GroupWriter, LogConfig, SqliteLog, active, ids, segment
from swerve.log.active import ActiveSegment
from swerve.log.codec import Row
from swerve.log.ids import Ids
from swerve.types import Appended, Batch, Record
from tests.crash.story import batch

CLIENTS = 6
CONFIG = LogConfig(segment_events=4000)


def batch_named(name: str) -> Batch:
    """The batch of a name, the same in every process. Names that begin with `i` carry ids and may be sent again."""
    return batch(name, random.Random(name), largest=40, ids=1.0 if name.startswith("i") else 0.0)


def main() -> None:
    """Fork a child for each line; keep serving until stdin ends."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            live(**json.loads(line))
        say(f"pid {child}")
        os.waitpid(child, 0)
        say("done")


def say(line: str) -> None:
    """One write, so that lines of several threads do not mix and none stays in a buffer when the process dies."""
    os.write(1, f"{line}\n".encode())


def live(directory: str, cycle: int, build: str, resend: Sequence[str]) -> None:
    """Open the log, send again what nobody answered, and go on sending until killed."""
    active.WAL_BYTES, ids.RUN_IDS = 128 * 1024, 2_000  # checkpoints and runs every few moments
    BUILDS[build]()
    log = SqliteLog(Path(directory), CONFIG, time.time)
    folded: list[int] = []
    writer = _writer(build)(log, lambda records: folded.append(len(records)), CONFIG, idle=log.settle)
    for client in range(CLIENTS):
        threading.Thread(target=_send, args=(writer, cycle, client, resend[client::CLIENTS])).start()
    time.sleep(60)
    os._exit(1)


def _send(writer: GroupWriter, cycle: int, client: int, resend: Sequence[str]) -> None:
    rng = random.Random(f"{cycle} {client}")
    for name in resend:
        _ask(writer, name)
    for place in range(1_000_000):
        _ask(writer, f"{rng.choice('ix')}{cycle}.{client}.{place}")
        if rng.random() < 0.05:
            time.sleep(rng.random() * 0.01)


def _ask(writer: GroupWriter, name: str) -> None:
    say(f"S {name}")
    writer.submit(batch_named(name)).result()
    say(f"A {name}")


# --- builds that are broken on purpose ----------------------------------------------------------------------


class _AcksFirst(GroupWriter):
    """Answers before anything is stored."""

    def submit(self, batch: Batch) -> Future[Appended]:
        super().submit(batch)
        answered: Future[Appended] = Future()
        answered.set_result(Appended(()))
        return answered


def _writer(build: str) -> type[GroupWriter]:
    return _AcksFirst if build == "acks_first" else GroupWriter


def _right() -> None:
    """Nothing is broken."""


def _forgets_ids() -> None:
    """Event ids are known only to the process that took them."""
    Ids.open = lambda self, *_: []  # type: ignore[method-assign,assignment]


def _commits_row_by_row() -> None:
    """Each record is a transaction of its own."""

    def append(self: ActiveSegment, rows: Sequence[Row]) -> None:
        for row in rows:
            self._writer.execute(segment.INSERT, row)

    ActiveSegment.append = append  # type: ignore[method-assign]


def _writes_twice() -> None:
    """What was committed is altered afterwards: an update in place instead of an append."""
    real = SqliteLog._append

    def append(self: SqliteLog, batches: Sequence[Batch]) -> list[Appended]:
        changed = [Batch(tuple(_changed(record) for record in one.records), one.atomic) for one in batches]
        return real(self, changed)

    SqliteLog._append = append  # type: ignore[method-assign]


def _never_syncs() -> None:
    """A commit is not synced, only the next checkpoint is."""
    real = segment.open_writer
    segment.open_writer = lambda path, synchronous: real(path, "NORMAL")


def _changed(record: Record) -> Record:
    return Record(event=record.event, received=record.received, time=record.time, gain=record.gain + 1.0)


BUILDS: dict[str, Callable[[], None]] = {
    "right": _right,
    "acks_first": _right,
    "forgets_ids": _forgets_ids,
    "commits_row_by_row": _commits_row_by_row,
    "alters": _writes_twice,
    "never_syncs": _never_syncs,
}

if __name__ == "__main__":
    main()
