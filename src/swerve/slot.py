"""Where the live model sits: one reference, replaced whole; the previous one is kept for a roll back."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

from swerve.errors import NotFound

T = TypeVar("T")


class Slot(Generic[T]):
    """Holds the live value. Readers take `live` once per request, so no answer mixes two versions."""

    def __init__(self, live: T) -> None:
        self._lock = threading.Lock()
        self._live = live
        self._previous: T | None = None

    @property
    def live(self) -> T:
        """The value to serve with; one attribute read, never blocks."""
        return self._live

    def swap(self, value: T) -> T:
        """Put `value` live and return the one it replaces, which `roll_back` can restore."""
        with self._lock:
            self._previous, self._live = self._live, value
            return self._previous

    def roll_back(self) -> T:
        """Put the previous value live again and return it. Raises NotFound when there is none."""
        with self._lock:
            if self._previous is None:
                raise NotFound("no previous version to roll back to", field="version")
            self._live, self._previous = self._previous, None
            return self._live
