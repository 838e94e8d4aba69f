"""Cost without a clock: how many function calls a piece of work makes. The same on every machine, busy or not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass
class Calls:
    """Calls seen so far, of Python functions and of compiled ones."""

    total: int = 0


@contextmanager
def counted_calls() -> Iterator[Calls]:
    """Count the calls made by this thread inside the block."""
    calls = Calls()

    def seen(frame: FrameType, event: str, arg: object) -> None:
        if event in ("call", "c_call"):
            calls.total += 1

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        yield calls
    finally:
        sys.setprofile(before)
