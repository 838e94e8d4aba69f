"""Which column means what: parsed from `--map`, or guessed from the columns' names.

One grammar for every table: `user=visitorid,item=itemid,time=ts` names columns, `action:=view` gives every line
the same value, `item.title=name` and `user.age=age` say something about the item or user of the line.
A table with items but no users describes items; one with users but no items describes users.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field
from typing import TypeAlias

from swerve.errors import InvalidInput
from swerve.readers.columns import Table
from swerve.readers.convert import time_unit
from swerve.readers.guess import is_rating, likeliest

PLAIN = ("user", "session", "item", "action", "value", "time", "slate", "event_id")
"""Targets that are an interaction's own."""
ITEM = ("title", "text", "categories", "time", "available")
"""Targets after `item.` with a place of their own; any other name becomes a field."""
Wanted: TypeAlias = str | MappingType[str, str]
"""A mapping as text (`user=a,action:=view`) or as pairs (`{"user": "a", "action:": "view"}`)."""


@dataclass(frozen=True)
class Mapping:
    """What each target is read from, and how."""

    kind: str
    """`interactions`, `items` or `users`."""
    columns: dict[str, str]
    constants: dict[str, str] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    """Unit of each target that is a time: `s`, `ms`, `us`, `ns`, `iso` or `pattern`."""
    guessed: bool = False
    ratings: bool = False
    """True when `value` holds ratings and nothing says the action: the rating decides it."""

    def shown(self) -> dict[str, str]:
        """Targets and columns for reports; constants as `:=value`."""
        return {**self.columns, **{target: f":={value}" for target, value in self.constants.items()}}


def parse_map(wanted: Wanted, role: str = "") -> tuple[dict[str, str], dict[str, str]]:
    """(columns, constants) of a mapping. `role` is `items` or `users` for a table that holds only those.

    Raises InvalidInput for a broken pair or an unknown target, naming the nearest known one.
    """
    columns: dict[str, str] = {}
    constants: dict[str, str] = {}
    for target, value in _pairs(wanted):
        constant = target.endswith(":")
        name = _target(target.removesuffix(":").strip(), role)
        if name in columns or name in constants:
            raise InvalidInput(f"{name} is mapped twice", field="map", code="bad_map")
        (constants if constant else columns)[name] = value
    return columns, constants


def parse_pairs(text: str, field_name: str) -> dict[str, str]:
    """`transaction=buy,addtocart=cart` as a dict. Raises InvalidInput when a pair has no `=`."""
    pairs: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        left, equals, right = pair.partition("=")
        if not equals or not left.strip() or not right.strip():
            raise InvalidInput("expected pairs like a=b,c=d", field=field_name, code="bad_map")
        pairs[left.strip()] = right.strip()
    return pairs


def _pairs(wanted: Wanted) -> list[tuple[str, str]]:
    if not isinstance(wanted, str):
        return [(target.strip(), column) for target, column in wanted.items()]
    pairs: list[tuple[str, str]] = []
    for pair in filter(None, (part.strip() for part in wanted.split(","))):
        left, equals, right = pair.partition("=")
        if not equals or not left.strip() or not right.strip():
            raise InvalidInput("expected target=column or target:=value", field="map", code="bad_map")
        pairs.append((left.strip(), right.strip()))
    return pairs


def _target(name: str, role: str) -> str:
    prefix, dot, rest = name.partition(".")
    if dot and prefix in ("item", "user") and rest:
        return name
    if role:
        single = role.removesuffix("s")
        return single if name in ("id", single) else f"{single}.{name}"
    if name in PLAIN:
        return name
    known = {**{target: f"item.{target}" for target in ITEM}, **{target: target for target in PLAIN}}
    near = difflib.get_close_matches(name, known, 1)
    hint = f", did you mean {known[near[0]]}?" if near else f": known are {', '.join(PLAIN)}, item.NAME, user.NAME"
    raise InvalidInput(f"unknown target in the mapping{hint}", field="map", code="bad_map")


def resolve(table: Table, wanted: Wanted = "", *, role: str = "", time_format: str = "") -> Mapping:
    """The mapping for a table: the wanted one checked against its columns, or a guess. Raises InvalidInput."""
    if wanted:
        columns, constants = parse_map(wanted, role)
        for target, column in columns.items():
            if column not in table.names:
                raise InvalidInput(_no_such(table, column, target), field="map", code="no_such_column")
    else:
        columns, constants = _guess(table, role), {}
    kind = _kind(table, columns, constants, role)
    ratings = kind == "interactions" and not {"action"} & (columns.keys() | constants.keys())
    if ratings and not is_rating(columns.get("value", "")) and not (wanted and "value" in columns):
        if wanted:
            raise InvalidInput(
                "the mapping says no action: add action=COLUMN or action:=view", field="map", code="no_action"
            )
        constants, ratings = {"action": "view"}, False
    units = {target: _unit(table, column, time_format) for target, column in columns.items() if _is_time(target)}
    return Mapping(kind, columns, constants, units, not wanted, ratings)


def _is_time(target: str) -> bool:
    return target in ("time", "item.time")


def _unit(table: Table, column: str, time_format: str) -> str:
    return "pattern" if time_format else time_unit(table.column(column))


def _guess(table: Table, role: str) -> dict[str, str]:
    if not table.header:
        first = "user=1,item=2" if len(table.names) > 1 else "item=1"
        raise InvalidInput(
            f"{table.name} has {len(table.names)} columns and no header: say which is which by their place, "
            f"e.g. --map {first},action:=view",
            field="map",
            code="no_header",
        )
    found = likeliest(table.names)
    if role and (ident := next((name for name in table.names if name.lower() == "id"), "")):
        found.setdefault(role.removesuffix("s"), ident)
    if role == "users" or ("user" in found and "item" not in found and role != "items"):
        return _describing("user", found, table)
    if role == "items" or not {"user", "session"} & found.keys():
        return _describing("item", found, table)
    return found


def _describing(what: str, found: dict[str, str], table: Table) -> dict[str, str]:
    """A guess for a table of items or users: what is not known by name becomes a field."""
    lower = {name.lower(): name for name in table.names}
    key = found.get(what) or lower.get("id") or next(iter(table.names))
    kept = {what: key}
    if what == "item":
        kept |= {target: name for target, name in found.items() if target.startswith("item.") and name != key}
    used = set(kept.values())
    return kept | {f"{what}.{_field_name(name)}": name for name in table.names if name and name not in used}


def _field_name(name: str) -> str:
    # A field called `title` would shadow the item's own: two columns can both look like a title.
    return f"{name}_field" if name in ITEM else name


def _kind(table: Table, columns: dict[str, str], constants: dict[str, str], role: str) -> str:
    targets = columns.keys() | constants.keys()
    has_item, has_user = "item" in targets, bool({"user", "session"} & targets)
    if role:
        if role.removesuffix("s") not in targets:
            raise InvalidInput(
                f"no column holds the id: add {role.removesuffix('s')}=COLUMN", field="map", code="no_id"
            )
        return role
    if has_item and has_user:
        return "interactions"
    if has_item or has_user:
        if "action" in targets:
            missing = "item" if has_user else "user"
            raise InvalidInput(f"the mapping says no {missing}: add {missing}=COLUMN", field="map", code="no_id")
        return "items" if has_item else "users"
    raise InvalidInput(
        f"cannot tell what {table.name} holds; its columns are {', '.join(table.names)}: say user=…,item=…",
        field="map",
        code="no_id",
    )


def _no_such(table: Table, column: str, target: str) -> str:
    near = difflib.get_close_matches(column, table.names, 1)
    hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(table.names)}"
    return f"{table.name} has no such column for {target}: {hint}"
