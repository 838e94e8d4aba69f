"""The documentation as the tests see it: pages, code blocks, links, headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.quality.tree import ROOT

FENCE = re.compile(r"(?:<!-- not-run: (?P<reason>.*?) -->\s*\n)?^```(?P<language>\w*)\n(?P<code>.*?)^```", re.M | re.S)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


@dataclass(frozen=True)
class Block:
    """One fenced piece of code."""

    page: Path
    line: int
    language: str
    code: str
    not_run: str
    """Why it is not run; empty = it is."""

    @property
    def where(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """Every page a reader may open, README first."""
    top = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    return top + sorted((ROOT / "docs").rglob("*.md")) + [ROOT / "benchmarks" / "README.md"]


def blocks(page: Path) -> Iterator[Block]:
    """Fenced blocks in order."""
    text = page.read_text()
    for found in FENCE.finditer(text):
        line = text.count("\n", 0, found.start("code")) + 1
        yield Block(page, line, found["language"], found["code"], found["reason"] or "")


def links(page: Path) -> Iterator[str]:
    """Targets of links and pictures, outside code."""
    prose = re.sub(r"`[^`\n]+`", "", FENCE.sub("", page.read_text()))
    return (first or second for first, second in LINK.findall(prose))


def anchors(page: Path) -> set[str]:
    """What a `#…` may name in a page: its headings, the way code hosts spell them."""
    titles = re.findall(r"^#+ +(.+)$", FENCE.sub("", page.read_text()), re.M)
    return {re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-") for title in titles}


def everything() -> str:
    """All pages in one text, to ask whether something is mentioned at all."""
    return "\n".join(page.read_text() for page in pages())
