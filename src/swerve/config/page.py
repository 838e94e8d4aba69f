"""The settings as text: those in force with their origins, and the page that explains all of them."""

from __future__ import annotations

import ast
import inspect
import itertools
import textwrap
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import msgspec

from swerve.config.flat import bare, flatten, struct_of, table_of
from swerve.config.load import PRESETS, Loaded, load
from swerve.config.tree import Config

_HEAD = """# Settings

<!-- Written by `python -m swerve.config > docs/config.md`; a test compares. Edit the docstrings in `config.py`. -->

Every setting has a default, so an empty project has no settings file at all. A value is looked for in this order, and
the last one found counts:

1. the default below,
2. the preset (`swerve.open("./shop", preset="shop")`; a new directory remembers its preset),
3. `swerve.toml` in the project directory,
4. the environment: `SWERVE_` + room + `__` + name, e.g. `SWERVE_EVENTS__MAX_BATCH=500`,
5. arguments: `swerve.open("./shop", events={"max_batch": 500})` or `config={"events.max_batch": 500}`.

`swerve config` shows each value in force and where it came from. An unknown name is refused, naming the nearest one.
Times are in seconds (`_s`) or milliseconds (`_ms`), sizes in bytes (`_bytes`).

```toml
# ./shop/swerve.toml
preset = "shop"

[events]
max_batch = 500

[events.actions.wishlist]        # adds an action to those of the preset
gain = 2.5
```
"""
_WORDS = {int: "integer", float: "number", bool: "true / false", str: "text", type(None): "none"}


def show(loaded: Loaded) -> str:
    """Every setting in force, as TOML, each with where it came from."""
    lines = [f"preset = {_literal(loaded.preset)}"] if loaded.preset else []
    room = ""
    for path, value in flatten(loaded.config, Config, "").values.items():
        if path[0] != room:
            room = path[0]
            lines += ["", f"[{room}]"]
        said = f"{'.'.join(path[1:])} = {_literal(value)}"
        lines.append(f"{said:<48}  # {loaded.origins['.'.join(path)]}")
    return "\n".join(lines).strip() + "\n"


def reference() -> str:
    """The page of all settings, in Markdown: rooms in the order the data travels, then what the presets change."""
    parts = [_HEAD]
    for room in msgspec.structs.fields(Config):
        struct = struct_of(room.type)
        if struct is not None:
            parts += [f"## [{room.name}]\n", f"{_paragraph(struct.__doc__ or '')}\n", _table(struct, room.name)]
    parts += ["## Presets\n", _presets()]
    return "\n".join(parts)


def docs_of(struct: type[msgspec.Struct]) -> dict[str, str]:
    """What the docstring under each field of a struct says; fields without one are missing."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(struct)))
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    found = {}
    for field, doc in itertools.pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(doc, ast.Expr):
            found[field.target.id] = _paragraph(ast.literal_eval(doc.value))
    return found


def _table(struct: type[msgspec.Struct], prefix: str) -> str:
    docs, defaults = docs_of(struct), struct()
    lines = ["| setting | type | default | meaning |", "|---|---|---|---|"]
    inner = []
    for field in msgspec.structs.fields(struct):
        default = getattr(defaults, field.name)
        entry = struct_of(table_of(field.type) or field.type)
        shown = "" if entry is not None else f"`{_literal(default)}`"
        meaning = docs.get(field.name, "").replace("|", "\\|")
        lines.append(f"| `{prefix}.{field.name}` | {_type(field.type)} | {shown} | {meaning} |")
        if entry is not None:
            is_table = table_of(field.type) is not None
            name = f"{prefix}.{field.name}" + (".NAME" if is_table else "")
            head = f"{'Each ' if is_table else ''}`{name}`: {_paragraph(entry.__doc__ or '')}"
            inner.append(f"\n{head}\n\n{_table(entry, name)}")
    return "\n".join(lines) + "\n" + "".join(inner)


def _presets() -> str:
    """What each preset sets, side by side; settings that none of them touches are left out."""
    loaded = {name: load(None, name, {}, {}) for name in PRESETS}
    values = {name: flatten(each.config, Config, "").values for name, each in loaded.items()}
    rows: dict[tuple[str, ...], None] = {}
    for name, each in loaded.items():
        rows |= dict.fromkeys(path for path in values[name] if each.origins[".".join(path)] != "default")
    settings = [path for path in rows if path[:2] != ("events", "actions")]
    lines = [f"| setting | {' | '.join(PRESETS)} |", "|---|" + "---|" * len(PRESETS)]
    for path in settings:
        shown = " | ".join(f"`{_literal(values[name].get(path))}`" for name in PRESETS)
        lines.append(f"| `{'.'.join(path)}` | {shown} |")
    return "\n".join([*lines, "", *(line for each in loaded.values() for line in _actions(each))])


def _actions(loaded: Loaded) -> Iterator[str]:
    yield f"Actions of `{loaded.preset}`:\n"
    yield "| action | gain | uses the item up |"
    yield "|---|---|---|"
    for name, action in loaded.config.events.actions.items():
        slope = f" + {action.per_value:g} * (value - {action.center:g})" if action.per_value else ""
        gain = "takes the latest one back" if action.undo else f"`{action.gain:g}{slope}`"
        yield f"| `{name}` | {gain} | {'yes' if action.consumes else ''} |"
    yield ""


def _type(kind: Any) -> str:
    plain = bare(kind)
    if get_origin(plain) is Literal:
        return " / ".join(f"`{choice}`" for choice in get_args(plain))
    if table_of(kind) is not None:
        return f"table of {_type(table_of(kind))}"
    if struct_of(kind) is not None:
        return "table, see below"
    if get_origin(plain) in (tuple, list):
        return f"array of {_type(get_args(plain)[0])}"
    if get_args(plain):
        return " or ".join(_type(part) for part in get_args(plain))
    return _WORDS.get(plain, "value") + _bounds(kind)


def _bounds(kind: Any) -> str:
    metas = [meta for meta in getattr(kind, "__metadata__", ()) if isinstance(meta, msgspec.Meta)]
    signs = (("gt", ">"), ("ge", "≥"), ("lt", "<"), ("le", "≤"))
    limits = [(sign, getattr(meta, name)) for meta in metas for name, sign in signs]
    said = [f"{sign} {_literal(limit)}" for sign, limit in limits if limit is not None]
    return f" {', '.join(said)}" if said else ""


def _literal(value: object) -> str:
    return "none" if value is None else msgspec.json.encode(value).decode()


def _paragraph(text: str) -> str:
    return " ".join(text.split())
