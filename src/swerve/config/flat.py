"""A tree of settings as flat paths: checked name by name and value by value, so that each complaint is exact.

Knows struct types, not which settings there are or where they come from.
"""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin

import msgspec

from swerve.errors import ConfigError

Path: TypeAlias = tuple[str, ...]
Flat: TypeAlias = dict[Path, Any]


class Layer(msgspec.Struct, frozen=True):
    """The settings that one place gives."""

    values: Flat
    tables: tuple[Path, ...]
    """Tables with free names (such as actions) that were given, even empty ones."""
    origins: dict[Path, str]


def flatten(tree: object, kind: Any, origin: str, *, texts: bool = False) -> Layer:
    """Settings of a nested mapping (or struct) that is shaped like a part of struct type `kind`.

    `texts`: values are texts to be read as what the setting wants (environment variables).
    Raises ConfigError for a name that is unknown, naming the nearest, and for a value of the wrong type.
    """
    values: Flat = {}
    tables: list[Path] = []
    for path, value, is_table in _walk(tree, kind, (), origin, texts):
        if is_table:
            tables.append(path)
        else:
            values[path] = value
    return Layer(values, tuple(tables), dict.fromkeys(values, origin))


def nested(flat: Mapping[Path, Any], tables: Iterable[Path] = ()) -> dict[str, Any]:
    """The tree again; `tables` are there even when nothing is in them."""
    tree: dict[str, Any] = {}
    for path in tables:
        at = tree
        for name in path:
            at = at.setdefault(name, {})
    for path, value in flat.items():
        at = tree
        for name in path[:-1]:
            at = at.setdefault(name, {})
        at[path[-1]] = value
    return tree


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean X?`, or the list of what is known."""
    known = list(known)
    close = difflib.get_close_matches(name, known, 1)
    return f"; did you mean {close[0]}?" if close else f"; known: {', '.join(known)}"


def struct_of(kind: Any) -> type[msgspec.Struct] | None:
    """The struct that a type asks for, if it does: `X`, `X | None`, `Annotated[X, ...]`."""
    kind = bare(kind)
    if get_origin(kind) in (Union, types.UnionType):
        inner = [struct_of(part) for part in get_args(kind)]
        return next((part for part in inner if part is not None), None)
    return kind if isinstance(kind, type) and issubclass(kind, msgspec.Struct) else None


def table_of(kind: Any) -> Any:
    """The type of the values, for a table with free names: `dict[str, X]` -> X, anything else -> None."""
    kind = bare(kind)
    return get_args(kind)[1] if get_origin(kind) is dict else None


def bare(kind: Any) -> Any:
    """The type without its annotations."""
    return bare(get_args(kind)[0]) if get_origin(kind) is Annotated else kind


def _walk(value: object, kind: Any, path: Path, origin: str, texts: bool) -> Iterator[tuple[Path, Any, bool]]:
    struct, entry = struct_of(kind), table_of(kind)
    if struct is None and entry is None:
        yield path, _value(value, kind, path, origin, texts), False
        return
    if value is None and struct is not None and path and struct is not bare(kind):  # `X | None`
        yield path, None, False
        return
    if isinstance(value, msgspec.Struct):
        value = msgspec.structs.asdict(value)
    if not isinstance(value, Mapping):
        raise ConfigError(f"{_place(path, origin)} expected a table of settings", field=".".join(path))
    known = {} if struct is None else {field.encode_name: field.type for field in msgspec.structs.fields(struct)}
    if struct is None:
        yield path, None, True
    for name, inner in value.items():
        if struct is not None and name not in known:
            raise ConfigError(_unknown((*path, str(name)), known, origin), field=".".join((*path, str(name))))
        yield from _walk(inner, known.get(name, entry), (*path, name), origin, texts)


def _value(value: object, kind: Any, path: Path, origin: str, texts: bool) -> Any:
    try:
        if texts and isinstance(value, str) and value[:1] in ("[", "{") and bare(kind) is not str:
            return msgspec.json.decode(value.encode(), type=kind)
        return msgspec.convert(value, kind, strict=not texts)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise ConfigError(f"{_place(path, origin)} {_expected(error, kind)}", field=".".join(path)) from None


def _expected(error: Exception, kind: Any) -> str:
    """What the setting wants, in one clause; never what it was given."""
    choices = get_args(bare(kind)) if get_origin(bare(kind)) is Literal else ()
    if choices:
        return f"expected one of {', '.join(map(repr, choices))}"
    text = str(error).partition(" - at `$")[0].replace("`", "")
    return text[:1].lower() + text[1:] if text.startswith("Expected") else "expected another type of value"


def _place(path: Path, origin: str) -> str:
    return f"{'.'.join(path) or 'settings'} ({origin}):"


def _unknown(path: Path, known: Iterable[str], origin: str) -> str:
    full = [".".join((*path[:-1], name)) for name in known]
    return f"unknown setting {'.'.join(path)} ({origin}){nearest('.'.join(path), full)}"
