"""Text -> the words a hashing encoder counts, alike for every script, spelling of Unicode and letter case.

Knows no language: no stop words, no stems. Scripts written without spaces are cut into pairs of characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

# Vowel signs and accents are no `\w`: without them Hindi or Thai words would break at every vowel.
_MARKS = "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0900-\u0963\u0966-\u0dff\u0e00-\u0fff\u1ab0-\u1aff"
_WORD = re.compile(rf"[\w{_MARKS}]+")
_UNSPACED = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_RUN = re.compile(rf"[{_UNSPACED}]+|[^{_UNSPACED}]+")
_FIRST = re.compile(f"[{_UNSPACED}]")


def folded(text: str) -> str:
    """One spelling for what a reader takes for the same: NFKC and case folding."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def words(text: str) -> list[str]:
    """The words of a text in their order, folded."""
    text = folded(text)
    found: list[str] = _WORD.findall(text)
    if text.isascii():
        return found
    return [piece for word in found for piece in _pieces(word)]


def is_unspaced(word: str) -> bool:
    """Whether a word from `words` is a piece of a script written without spaces (Chinese, Japanese)."""
    return _FIRST.match(word) is not None


def _pieces(word: str) -> Iterator[str]:
    for run in _RUN.findall(word):
        if not is_unspaced(run):
            yield run
            continue
        yield from run
        yield from (run[place : place + 2] for place in range(len(run) - 1))
