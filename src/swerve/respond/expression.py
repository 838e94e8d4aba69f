"""A small filter language over items: `price < 20 and category == "comedy" and not (brand in ["a", "b"])`.

    filter     = all { "or" all }
    all        = term { "and" term }
    term       = "not" term | "(" filter ")" | comparison
    comparison = operand [ ( "==" | "!=" | "<" | "<=" | ">" | ">=" ) operand | [ "not" ] "in" ( list | name ) ]
    operand    = name | number | string | "true" | "false"          a name alone means `name == true`
    list       = "[" [ value { "," value } ] "]"

Names: `id`, `title`, `category` (any of the item's categories), `available`, `age_h` and `age_d` (since publication),
and any other is one of the item's fields; `` `in backticks` `` is always a field. A comparison with a field the item
does not have is false, whatever the operator; so is one between a number, a text and a truth value. A list equals
a value if it contains it. Text is parsed to closures: nothing of it is ever run.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from swerve.errors import InvalidInput
from swerve.respond.lexer import Token, bad_filter, tokens
from swerve.types import Item

Value = str | int | float | bool | list[str]


class ItemView(msgspec.Struct, frozen=True, gc=False):
    """What a filter sees of an item."""

    item: Item
    available: bool
    age_s: float
    """Seconds since publication."""


class Predicate(msgspec.Struct, frozen=True):
    """A filter ready to use; pure, may be shared between threads."""

    matches: Callable[[ItemView], bool]
    names: frozenset[str]
    """Names it reads."""

    @property
    def needs_item(self) -> bool:
        """Whether it reads the title or the categories of an item."""
        return not self.names.isdisjoint(_OF_ITEM)

    @property
    def needs_fields(self) -> bool:
        """Whether it reads fields of an item."""
        return not self.names <= _BUILT_IN.keys()


@lru_cache(maxsize=256)
def compile_filter(text: str, max_chars: int = 2_000, max_depth: int = 32) -> Predicate:
    """The predicate `text` says. Raises InvalidInput (`bad_filter`, field `filter`) naming the place."""
    if len(text) > max_chars:
        raise InvalidInput(f"expected at most {max_chars} characters", field="filter", code="bad_filter")
    parser = _Parser(tokens(text), max_depth)
    condition = parser.filter()
    if parser.next.kind != "end":
        raise bad_filter("expected `and`, `or` or the end", parser.next.at)
    return Predicate(condition, frozenset(parser.names))


_Key = str | float | tuple[bool]
_Condition = Callable[[ItemView], bool]
_Read = Callable[[ItemView], Value | None]


class _Operand(NamedTuple):
    """A name or a value."""

    read: _Read
    """What it is for an item; None = the item has no such field."""
    constant: frozenset[_Key] | None = None
    """What it is for every item, ready to compare; None = it differs."""


_BUILT_IN: dict[str, _Read] = {
    "id": lambda view: view.item.id,
    "title": lambda view: view.item.title,
    "category": lambda view: list(view.item.categories),
    "available": lambda view: view.available,
    "age_h": lambda view: view.age_s / 3_600,
    "age_d": lambda view: view.age_s / 86_400,
}
_OF_ITEM = frozenset({"title", "category"})
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class _Parser:
    """Recursive descent over tokens; each method consumes what its rule in the module's docstring names."""

    def __init__(self, tokens: list[Token], max_depth: int) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth_left = max_depth
        self.names: set[str] = set()

    @property
    def next(self) -> Token:
        return self._tokens[self._at]

    def filter(self) -> _Condition:
        choices = [self._all()]
        while self._take("keyword", "or"):
            choices.append(self._all())
        return choices[0] if len(choices) == 1 else lambda view: any(choice(view) for choice in choices)

    def _all(self) -> _Condition:
        terms = [self._term()]
        while self._take("keyword", "and"):
            terms.append(self._term())
        return terms[0] if len(terms) == 1 else lambda view: all(term(view) for term in terms)

    def _term(self) -> _Condition:
        at = self.next.at
        if self._take("keyword", "not"):
            inner = self._nested(self._term, at)
            return lambda view: not inner(view)
        if self._take("symbol", "("):
            inner = self._nested(self.filter, at)
            self._expect(")")
            return inner
        return self._comparison()

    def _nested(self, rule: Callable[[], _Condition], at: int) -> _Condition:
        if not self._depth_left:
            raise bad_filter("expected less nesting", at)
        self._depth_left -= 1
        inner = rule()
        self._depth_left += 1
        return inner

    def _comparison(self) -> _Condition:
        is_value = self.next.kind in {"number", "string"}
        left = self._operand()
        sign = self.next.text
        if self._take("symbol", "==", "!="):
            return _equality(left, self._operand(), wanted=sign == "==")
        if self._take("symbol", *_ORDER):
            return _ordering(left, self._operand(), _ORDER[sign])
        if self._take("keyword", "not"):
            self._expect("in", kind="keyword")
            return _equality(left, self._members(), wanted=False)
        if self._take("keyword", "in"):
            return _equality(left, self._members(), wanted=True)
        if is_value:
            raise bad_filter("expected a comparison", self.next.at)
        return lambda view: left.read(view) is True

    def _members(self) -> _Operand:
        """What stands right of `in`: a list of values, or a name whose value may be a list."""
        if not self._take("symbol", "["):
            if self.next.kind not in {"name", "quoted"}:
                raise bad_filter("expected a list like [1, 2] or a name", self.next.at)
            return self._operand()
        members: list[_Key] = []
        while not self._take("symbol", "]"):
            if members:
                self._expect(",")
            members.append(_key(self._value()))
        return _Operand(lambda view: None, frozenset(members))

    def _operand(self) -> _Operand:
        token = self.next
        if token.kind not in {"name", "quoted"}:
            value = self._value()
            return _Operand(lambda view: value, frozenset((_key(value),)))
        self._at += 1
        self.names.add(f"`{token.text}`" if token.kind == "quoted" else token.text)
        if token.kind == "name" and token.text in _BUILT_IN:
            return _Operand(_BUILT_IN[token.text])
        return _Operand(lambda view: view.item.fields.get(token.text))

    def _value(self) -> str | float | bool:
        token = self.next
        if self._take("keyword", "true", "false"):
            return token.text == "true"
        if token.kind not in {"number", "string"}:
            raise bad_filter("expected a name or a value", token.at)
        self._at += 1
        return float(token.text) if token.kind == "number" else token.text

    def _expect(self, word: str, kind: str = "symbol") -> None:
        if not self._take(kind, word):
            raise bad_filter(f"expected `{word}`", self.next.at)

    def _take(self, kind: str, *words: str) -> bool:
        """Consume the next token if it is one of these."""
        token = self.next
        if token.kind != kind or token.text not in words:
            return False
        self._at += 1
        return True


def _equality(left: _Operand, right: _Operand, *, wanted: bool) -> _Condition:
    if left.constant is not None and right.constant is None:
        left, right = right, left
    read, other, constant = left.read, right.read, right.constant

    def matches(view: ItemView) -> bool:
        one = read(view)
        keys = constant if constant is not None else _keys(other(view))
        if one is None or keys is None:
            return False
        if isinstance(one, list):
            return keys.isdisjoint(map(_key, one)) is not wanted
        return (_key(one) in keys) is wanted

    return matches


def _ordering(left: _Operand, right: _Operand, ordered: Callable[[Any, Any], bool]) -> _Condition:
    read, other = left.read, right.read

    def matches(view: ItemView) -> bool:
        one, two = read(view), other(view)
        if _is_number(one):
            return _is_number(two) and ordered(one, two)
        return isinstance(one, str) and isinstance(two, str) and ordered(one, two)

    return matches


def _is_number(value: object) -> bool:
    return type(value) is float or type(value) is int  # not `isinstance`: a truth value is an int there


def _key(value: str | float | bool) -> _Key:
    """What equality compares: a truth value is not the number 1."""
    return (value,) if isinstance(value, bool) else value


def _keys(value: Value | None) -> frozenset[_Key] | None:
    if value is None:
        return None
    return frozenset(map(_key, value)) if isinstance(value, list) else frozenset((_key(value),))
