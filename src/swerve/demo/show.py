"""Two lists side by side, with what moved; and why the first item is first."""

from __future__ import annotations

from collections.abc import Sequence

from swerve.terminal import Paint, fit
from swerve.types import Explanation

WIDTH = 34
"""Columns of a title, so that two of them and the marks fit into 80."""


def mark(before: Sequence[str], title: str, place: int) -> str:
    """How `title` came to `place`: new, up, down, or unmoved."""
    if title not in before:
        return "new"
    moved = before.index(title) - place
    return f"▲{moved}" if moved > 0 else f"▼{-moved}" if moved < 0 else ""


def by_side(before: Sequence[str], after: Sequence[str], paint: Paint) -> list[str]:
    """Lines of at most 80 columns: place, title before, title after, how it moved."""
    lines = [f"    {fit('before', WIDTH)}  {fit('after', WIDTH)}"]
    for place in range(max(len(before), len(after))):
        old = before[place] if place < len(before) else ""
        new = after[place] if place < len(after) else ""
        moved = mark(before, new, place) if new else ""
        colour = {"n": "green", "▲": "green", "▼": "yellow"}.get(moved[:1], "")
        told = paint(moved, colour) if colour else moved
        lines.append(f"{place + 1:>2}  {fit(old, WIDTH)}  {fit(new, WIDTH)}  {told}".rstrip())
    return lines


def why_lines(explanation: Explanation, title: str) -> list[str]:
    """The strongest reasons, in words."""
    lines = [f"Why {title}:"]
    lines += [f"  {reason.share:4.0%}  {reason.text}" for reason in explanation.reasons[:4]]
    return lines
