"""What the demo draws: two lists side by side with what moved, and the evidence for a place. At most 80 columns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from swerve.terminal import Paint, fit
from swerve.types import Explanation

WIDTH = 33
"""Columns of a title, so that two of them and the marks fit into 80."""
_ALSO = re.compile(r"^(.+?)(?: \([^()]*\))* (\(\d{4}\))\s*$")


def short(title: str) -> str:
    """A title without its other names: `Spirited Away (Sen to …) (2001)` -> `Spirited Away (2001)`."""
    found = _ALSO.match(title)
    return f"{found[1]} {found[2]}" if found else title


def moved(before: Sequence[str], item: str, place: int) -> str:
    """How `item` came to `place` (0 = first): `new`, up, down, or nothing."""
    if item not in before:
        return "new"
    up = before.index(item) - place
    return f"▲ {up}" if up > 0 else f"▼ {-up}" if up < 0 else ""


def side_by_side(
    before: Sequence[str], after: Sequence[str], titles: Mapping[str, str], paint: Paint, rows: int = 10
) -> list[str]:
    """The first `rows` places of two lists of items: what was there, what is there now, how it got there."""
    lines = [paint(f"    {fit('before', WIDTH)}  {fit('after', WIDTH)}".rstrip(), "dim")]
    for place in range(min(rows, max(len(before), len(after)))):
        old = before[place] if place < len(before) else ""
        new = after[place] if place < len(after) else ""
        mark = moved(before, new, place) if new else ""
        style = {"n": ("green", "bold"), "▲": ("green",), "▼": ("dim",)}.get(mark[:1], ())
        left = paint(fit(short(titles.get(old, "")), WIDTH), *(() if old in after else ("dim",)))
        right = paint(fit(short(titles.get(new, "")), WIDTH), *style[1:])
        lines.append(f" {place + 1:>2} {left}  {right}  {paint(mark, *style)}".rstrip())
    return lines


def evidence(found: Explanation, title: str, paint: Paint, most: int = 4) -> list[str]:
    """Why an item stands where it does: each source's share, and under it the user's own acts it starts from."""
    lines = [f"    why {paint(short(title), 'bold')}?"]
    for reason in found.reasons[:most]:
        indent = " " * (6 if reason.item else 4)
        words = fit(reason.text, 80 - len(indent) - 8).rstrip()
        lines.append(f"{indent}{reason.share:>5.0%}  {paint(words, *(('dim',) if reason.item else ()))}")
    return lines
