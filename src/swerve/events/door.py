"""Events -> records: what an event means, when it happened, and what had to be repaired.

The only place where a clock is read for an event and where an action becomes a gain. Nothing that passes here needs
checking again. The order is never changed: a record's time is what its clock said, its place is when it came.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from swerve.errors import InvalidInput
from swerve.events import shapes
from swerve.events.config import EventsConfig
from swerve.events.faults import listed, nearest
from swerve.events.normalize import to_seconds
from swerve.protocols import Clock
from swerve.types import Event, Impression, Interaction, Item, Record, Rejection, User

_NO_FLAGS: tuple[str, ...] = ()


class Admitted(msgspec.Struct, frozen=True):
    """What passed the door, in the order it came, and what did not."""

    records: tuple[Record, ...]
    indices: tuple[int, ...]
    """Place of each record in the input, increasing."""
    rejected: tuple[Rejection, ...]
    """By place in the input, increasing."""


class Door:
    """Turns events into records. Holds no state besides its settings, so any number of threads may use it."""

    def __init__(self, config: EventsConfig, clock: Clock) -> None:
        """`clock` is asked once per call of `admit`: events that arrive together are received together."""
        self._config = config
        self._clock = clock
        self._undoing = config.undoing
        self._gains = {name: config.gain(name, None) for name in config.actions}

    def admit(self, events: Sequence[Event | Rejection]) -> Admitted:
        """Records of the events that are right; a Rejection for each of the others, those given included."""
        received = float(self._clock())
        records: list[Record] = []
        indices: list[int] = []
        rejected: list[Rejection] = []
        for index, event in enumerate(events):
            if type(event) is Rejection:
                rejected.append(event)
                continue
            try:
                records.append(self._record(event, received))
                indices.append(index)
            except InvalidInput as error:
                rejected.append(Rejection(index=index, code=error.code, field=error.field, message=error.message))
        return Admitted(tuple(records), tuple(indices), tuple(rejected))

    def _record(self, event: object, received: float) -> Record:
        if type(event) is Interaction:
            return self._interaction(event, received)
        clean: Item | User | Impression
        if type(event) is Item:
            clean = shapes.item(event, self._config)
        elif type(event) is User:
            clean = shapes.user(event, self._config)
        elif type(event) is Impression:
            clean = shapes.impression(event, self._config)
        else:
            raise InvalidInput("expected an Item, User, Interaction or Impression", code="wrong_type")
        time, flags = self._when(clean.time, received)
        if type(clean) is Item and time < received:
            flags = _NO_FLAGS  # an item's time is when it was published: an old film is not a late event
        return Record(event=clean, received=received, time=time, flags=flags)

    def _interaction(self, event: Interaction, received: float) -> Record:
        if not shapes.is_clean(event, self._config):
            event = shapes.interaction(event, self._config)
        if not event.user and not event.session:
            raise InvalidInput("expected a user or a session (or both)", field="user", code="missing_field")
        gain = self._gains.get(event.action)
        if gain is None:
            raise self._unknown(event.action)
        if event.value is not None:
            gain = self._config.gain(event.action, event.value)
        time, flags = self._when(event.time, received)
        if event.action in self._undoing:
            flags = (*flags, "undo")
        return Record(event=event, received=received, time=time, gain=gain, flags=flags)

    def _when(self, said: object, received: float) -> tuple[float, tuple[str, ...]]:
        """When it happened, never after `received`, and what is odd about its clock."""
        time = to_seconds(said)
        if time == 0:
            return received, _NO_FLAGS
        config = self._config
        age = received - time
        if age < 0:
            if -age <= config.future_tolerance_s:
                return received, _NO_FLAGS
            return received, ("future_clock", "clamped_clock") if -age > config.far_s else ("future_clock",)
        if age <= config.late_after_s:
            return time, _NO_FLAGS
        return time, ("late", "far_past") if age > config.far_s else ("late",)

    def _unknown(self, action: str) -> InvalidInput:
        known = tuple(self._gains)
        close = nearest(action, known)
        hint = f"did you mean `{close}`? " if close else ""
        return InvalidInput(f"unknown action; {hint}known: {listed(known)}", field="action", code="unknown_action")
