"""Flat settings: what is flattened can be nested again, whatever shape a room gives its part."""

from __future__ import annotations

import msgspec
import pytest

from swerve.config.flat import flatten, nested
from swerve.errors import ConfigError


class Leaf(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part within a part."""

    size: int = 1
    names: tuple[str, ...] = ()


class Tree(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every shape that a part may have."""

    leaf: Leaf = Leaf()
    perhaps: Leaf | None = None
    shares: dict[str, float] = {}
    leaves: dict[str, Leaf] = {}
    rate: float | None = None


FULL = Tree(
    leaf=Leaf(size=2, names=("a",)), perhaps=Leaf(), shares={"x": 0.5}, leaves={"b": Leaf(size=3)}, rate=1.5
)  # fmt: skip


@pytest.mark.parametrize("tree", [Tree(), FULL])
def test_there_and_back(tree: Tree) -> None:
    flat = flatten(tree, Tree, "here").values

    assert msgspec.convert(nested(flat), Tree) == tree


def test_paths_lead_to_single_values() -> None:
    layer = flatten(FULL, Tree, "here")

    assert layer.values[("leaf", "names")] == ("a",)
    assert layer.values[("leaves", "b", "size")] == 3
    assert layer.values[("shares", "x")] == 0.5
    assert layer.tables == (("shares",), ("leaves",))
    assert set(layer.origins.values()) == {"here"}


def test_an_optional_part_may_be_switched_off() -> None:
    assert flatten({"perhaps": None}, Tree, "here").values == {("perhaps",): None}
    with pytest.raises(ConfigError, match=r"leaf .here.: expected a table"):
        flatten({"leaf": None}, Tree, "here")


def test_names_inside_an_optional_part_and_a_table_are_checked() -> None:
    for tree in ({"perhaps": {"sise": 1}}, {"leaves": {"b": {"sise": 1}}}):
        with pytest.raises(ConfigError, match=r"did you mean (perhaps|leaves\.b)\.size\?"):
            flatten(tree, Tree, "here")


def test_lists_become_what_the_setting_holds() -> None:
    assert flatten({"leaf": {"names": ["a", "b"]}}, Tree, "here").values == {("leaf", "names"): ("a", "b")}


def test_text_that_must_be_read_is_read_and_other_text_is_not() -> None:
    assert flatten({"shares": {"x": "0.5"}}, Tree, "here", texts=True).values == {("shares", "x"): 0.5}
    with pytest.raises(ConfigError):
        flatten({"shares": {"x": "0.5"}}, Tree, "here")
