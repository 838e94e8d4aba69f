"""How a check says that an obligation is broken: the same words from every `check_*`."""

from __future__ import annotations

from collections.abc import Callable


def owes(who: str) -> Callable[[bool, str], None]:
    """A function of (kept, obligation) that raises AssertionError `{who}: {obligation}` unless it is kept.

    Not `assert`: the check also holds under `python -O`.
    """

    def owed(kept: bool, obligation: str) -> None:
        if not kept:
            raise AssertionError(f"{who}: {obligation}")

    return owed
