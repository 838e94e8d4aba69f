"""What a terminal shows: colours, tables of one width, and a progress bar. Knows nothing of what is shown.

Colours only where somebody looks: on a terminal, unless NO_COLOR is set or TERM is dumb.
"""

from __future__ import annotations

import os
import shutil
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TextIO

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
_BLOCKS = "▏▎▍▌▋▊▉█"
BAR = 30
"""Columns of a progress bar at most; it gives way to the words beside it."""


class Paint:
    """Colours for one stream; without them every text stays as it is."""

    def __init__(self, stream: TextIO, environ: Mapping[str, str]) -> None:
        self.on = stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"

    def __call__(self, text: str, *styles: str) -> str:
        """The text in these styles: `bold`, `dim`, `red`, `green`, `yellow`, `cyan`."""
        if not self.on or not styles or not text:
            return text
        return f"\x1b[{';'.join(_CODES[style] for style in styles)}m{text}\x1b[0m"


def width_of(text: str) -> int:
    """Columns the text takes: wide characters count twice, combining ones not at all."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def fit(text: str, width: int, *, right: bool = False) -> str:
    """The text in exactly `width` columns: cut with `…` or filled with blanks."""
    text = "".join(char if char.isprintable() else " " for char in text)
    if width_of(text) > width:
        while text and width_of(text) > width - 1:
            text = text[:-1]
        text += "…" if width > 0 else ""
    blanks = " " * (width - width_of(text))
    return blanks + text if right else text + blanks


def columns(environ: Mapping[str, str], *, most: int = 100) -> int:
    """Columns to fill: those of the terminal, 80 where there is none, at most `most`."""
    given = environ.get("COLUMNS", "")
    wide = int(given) if given.isdigit() and int(given) else shutil.get_terminal_size((80, 24)).columns
    return max(40, min(wide, most))


def table(rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> list[str]:
    """Rows as lines with columns as wide as their widest cell; those in `right` are aligned right."""
    if not rows:
        return []
    widths = [max(map(width_of, cells)) for cells in zip(*rows, strict=True)]
    return ["  ".join(fit(cell, widths[k], right=k in right) for k, cell in enumerate(row)).rstrip() for row in rows]


class Progress:
    """A bar that is drawn over itself on a terminal; elsewhere a plain line every few seconds."""

    def __init__(
        self, stream: TextIO, label: str, environ: Mapping[str, str] = os.environ, *, unit: str = "rows"
    ) -> None:
        """`stream`: usually stderr, so that what a verb prints can be piped. `unit`: what is counted."""
        self._stream = stream
        self._unit = unit
        self._label = label if width_of(label) <= 24 else fit(label, 24)
        self._paint = Paint(stream, environ)
        self._live = stream.isatty() and environ.get("TERM") != "dumb"
        self._columns = columns(environ)
        self._every_s = 0.1 if self._live else 5.0
        self._drawn_s = 0.0 if self._live else self._every_s - 1.0
        self._shown = False

    def __call__(self, done: int, total: int, rate: float, seconds: float, *, note: str = "") -> None:
        """Show `done` of `total` (-1 = unknown) at `rate` a second, `seconds` after the start."""
        if seconds - self._drawn_s < self._every_s:
            return
        self._drawn_s = seconds
        # A total is an estimate: 100 % is for the end, and more than all would be nonsense.
        share = min(done / total, 0.99) if total > 0 else -1.0
        left = f"{_span((total - done) / rate)} left" if share >= 0 and rate > 0 and done < total else ""
        parts = [f"{share:4.0%}" if share >= 0 else "", f"{done:,} {self._unit}", f"{rate:,.0f}/s", left, note]
        self._draw(share, "  ".join(filter(None, parts)))

    def end(self, words: str) -> None:
        """Replace the bar by a last line."""
        self._write(f"{self._paint('✓', 'green')} {words}", last=True)

    def stop(self) -> None:
        """Leave what is drawn and go to a new line, before an error is told."""
        if self._live and self._shown:
            self._stream.write("\n")
            self._stream.flush()

    def _draw(self, share: float, words: str) -> None:
        if not self._live:
            self._write(f"{self._label}  {words}", last=True)
            return
        room = self._columns - width_of(self._label) - width_of(words) - 4
        bar = f"{self._paint(_bar(share, min(room, BAR)), 'cyan')} " if share >= 0 and room >= 4 else ""
        self._write(f"{self._label}  {bar}{fit(words, self._columns - width_of(self._label) - 3).rstrip()}", last=False)

    def _write(self, line: str, *, last: bool) -> None:
        clear = "\r\x1b[K" if self._live else ""
        self._stream.write(f"{clear}{line}{'' if self._live and not last else chr(10)}")
        self._stream.flush()
        self._shown = not last


def _bar(share: float, width: int) -> str:
    full, part = divmod(round(share * width * 8), 8)
    return ("█" * full + (_BLOCKS[part - 1] if part else "")).ljust(width, "░")


def _span(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3_600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3_600:.1f} h"
