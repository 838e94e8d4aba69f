"""The page of all settings: complete, current, and made from the docstrings in the rooms."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import pytest

from swerve.config import PRESETS, Config, load, reference
from swerve.config.flat import flatten, struct_of, table_of
from swerve.config.page import _type, docs_of

ROOT = Path(__file__).resolve().parents[2]


def structs(struct: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    yield struct
    for field in msgspec.structs.fields(struct):
        inner = struct_of(table_of(field.type) or field.type)
        if inner is not None:
            yield from structs(inner)


def test_the_page_is_current() -> None:
    page = (ROOT / "docs" / "config.md").read_text(encoding="utf-8")

    assert page == reference(), "write it again: python -m swerve.config > docs/config.md"


def test_the_command_prints_the_page() -> None:
    command = [sys.executable, "-m", "swerve.config"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, encoding="utf-8").stdout

    assert printed == reference()


def test_every_setting_is_explained() -> None:
    for struct in structs(Config):
        assert struct.__doc__, struct
        explained = docs_of(struct)
        missing = [name for name in struct.__struct_fields__ if not explained.get(name)]
        assert not missing, (struct.__name__, missing)


def test_every_setting_and_every_action_stands_on_the_page() -> None:
    page = reference()
    names = [".".join(path) for path in flatten(Config(), Config, "").values if path[:2] != ("events", "actions")]

    assert not [name for name in names if f"| `{name}` |" not in page]
    for preset in PRESETS:
        assert f"Actions of `{preset}`" in page
        assert all(f"| `{action}` |" in page for action in load(None, preset, {}, {}).config.events.actions)


def test_a_setting_that_a_preset_changes_is_compared() -> None:
    compared = reference().partition("## Presets")[2]

    assert "| `events.feedback_window_s` | `259200.0` | `3600.0` | `604800.0` | `3600.0` |" in compared
    assert "`events.max_batch`" not in compared


def test_rooms_stand_in_the_order_the_data_travels() -> None:
    headings = [line for line in reference().splitlines() if line.startswith("## [")]

    assert headings == [f"## [{room}]" for room in Config.__struct_fields__]


class Sub(msgspec.Struct, frozen=True):
    """Inside."""

    x: int = 1


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (int, "integer"),
        (Annotated[int, msgspec.Meta(ge=1, le=10_000_000)], "integer ≥ 1, ≤ 10000000"),
        (Annotated[float, msgspec.Meta(gt=0)], "number > 0"),
        (Literal["a", "b"], "`a` / `b`"),
        (tuple[str, ...], "array of text"),
        (dict[str, float], "table of number"),
        (dict[str, tuple[float, ...]], "table of array of number"),
        (dict[str, Sub], "table of table, see below"),
        (str | None, "text or none"),
        (Sub | None, "table, see below"),
    ],
)
def test_types_are_said_in_words(kind: object, said: str) -> None:
    assert _type(kind) == said
