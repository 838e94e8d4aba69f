"""Events in, acks out: the door checks, the writer commits and folds, the ack is built from what became of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future

from swerve.errors import Conflict, InvalidInput
from swerve.events.door import Admitted, Door
from swerve.log.writer import GroupWriter
from swerve.telemetry import Metrics
from swerve.types import Ack, Appended, Batch, Event, Rejection

CONFLICT = "expected another event_id: this one was taken by an event with another content, which was kept"


class Intake:
    """The way of an event from the caller to the log and back as an ack."""

    def __init__(
        self, door: Door, writer: GroupWriter, durability: str, metrics: Metrics, timer: Callable[[], float]
    ) -> None:
        """`timer` is a monotonic clock in seconds; it only feeds the latency histogram."""
        self._durability = durability
        self._door = door
        self._writer = writer
        self._metrics = metrics
        self._timer = timer

    def submit(self, events: Sequence[Event | Rejection], *, atomic: bool) -> Future[Ack]:
        """Resolves once everything accepted is durable and folded. Raises Overloaded when too much waits."""
        started = self._timer()
        admitted = self._door.admit(events)
        answer: Future[Ack] = Future()
        if not admitted.records or (atomic and admitted.rejected):
            self._count(ack := self._ack(admitted, Appended(()), stored=False))
            answer.set_result(ack)
            return answer

        def settle(done: Future[Appended]) -> None:
            error = done.exception()
            if error is not None:
                answer.set_exception(error)
                return
            ack = self._ack(admitted, done.result(), stored=True)
            self._count(ack)
            self._metrics.ack_seconds.observe(self._timer() - started)
            answer.set_result(ack)

        self._writer.submit(Batch(admitted.records, atomic)).add_done_callback(settle)
        return answer

    def _ack(self, admitted: Admitted, appended: Appended, *, stored: bool) -> Ack:
        refused = [
            Rejection(index=admitted.indices[at], code=Conflict.code, field="event_id", message=CONFLICT)
            for at in appended.conflicts
        ]
        return Ack(
            accepted=len(appended.new) if stored else 0,
            duplicates=len(appended.duplicates),
            rejected=tuple(sorted((*admitted.rejected, *refused), key=lambda rejection: rejection.index)),
            offset=appended.new[-1].offset if appended.new else -1,
            durable=self._durability,
        )

    def _count(self, ack: Ack) -> None:
        self._metrics.accepted.inc(ack.accepted)
        self._metrics.duplicate.inc(ack.duplicates)
        self._metrics.rejected.inc(len(ack.rejected))


def refusal(rejection: Rejection) -> InvalidInput:
    """The error to raise for an event that stands alone."""
    kind = Conflict if rejection.code == Conflict.code else InvalidInput
    return kind(rejection.message, field=rejection.field, code=rejection.code)
