"""Filter text -> tokens. Knows what words look like, not what they mean together."""

from __future__ import annotations

import re
from typing import NamedTuple

from swerve.errors import InvalidInput

KEYWORDS = frozenset({"and", "or", "not", "in", "true", "false"})
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number> -?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)? )
      | (?P<string> "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' )
      | (?P<name>   [^\W\d]\w*(?:[.-]\w+)* )
      | `(?P<quoted> [^`]+ )`
      | (?P<symbol> <= | >= | == | != | [<>()\[\],] )
      | (?P<end>    \Z )
    )""",
    re.VERBOSE | re.DOTALL,
)


class Token(NamedTuple):
    """A word of a filter."""

    kind: str
    """`number`, `string`, `name`, `quoted` (a name in backticks: always a field), `keyword`, `symbol` or `end`."""
    text: str
    """Without quotes; escapes in strings are resolved."""
    at: int
    """Where it starts, 0-based, in characters."""


def bad_filter(expected: str, at: int) -> InvalidInput:
    """The one error of a filter: what was expected, and at which character (1-based)."""
    return InvalidInput(f"{expected} at character {at + 1}", field="filter", code="bad_filter")


def tokens(text: str) -> list[Token]:
    """All tokens of `text`, ending with one `end`. Raises InvalidInput (`bad_filter`)."""
    found: list[Token] = []
    at = 0
    while not found or found[-1].kind != "end":
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            start = at + len(text[at:]) - len(text[at:].lstrip())
            raise bad_filter("expected a name, a value, an operator or a closing quote", start)
        kind = match.lastgroup
        word = match[kind]
        if kind == "string":
            word = re.sub(r"\\(.)", r"\1", word[1:-1], flags=re.DOTALL)
        elif kind == "name" and word in KEYWORDS:
            kind = "keyword"
        found.append(Token(kind, word, match.start(match.lastgroup)))
        at = match.end()
    return found
