"""Answered slates: the newest in memory, all of them in the log."""

from __future__ import annotations

import threading
from collections import OrderedDict
from itertools import islice

from swerve.errors import NotFound
from swerve.protocols import EventLog
from swerve.respond.ids import offset_hint
from swerve.types import Impression

NEAR = 100_000
"""How far behind its hint an impression is looked for in the log."""


class Shown:
    """Finds the impression of a slate by its id."""

    def __init__(self, log: EventLog, size: int) -> None:
        self._log = log
        self._size = size
        self._known: OrderedDict[str, Impression] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, impression: Impression) -> None:
        """Remember a slate that was just answered."""
        with self._lock:
            self._known[impression.slate] = impression
            if len(self._known) > self._size:
                self._known.popitem(last=False)

    def find(self, slate: str) -> Impression:
        """The impression of a slate; raises NotFound."""
        with self._lock:
            known = self._known.get(slate)
        if known is not None:
            return known
        hint = offset_hint(slate)
        for record in islice(self._log.read(hint), NEAR) if hint >= 0 else ():
            if type(record.event) is Impression and record.event.slate == slate:
                return record.event
        raise NotFound("no such slate", field="slate")
