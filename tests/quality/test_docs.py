"""Docs are tests: every example runs, every link leads somewhere, everything public is mentioned."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import click
import pytest
from msgspec.structs import fields

import swerve
from swerve.cli import VERBS, main
from swerve.config import Config
from swerve.server.routes import ROUTES
from tests.quality.pages import TEST, Block, anchors, blocks, everything, links, pages
from tests.quality.tree import ROOT, SOURCE, modules, rooms

HEADINGS = ["What comes in", "What goes out", "Defaults", "The door", "When it fails"]
NO_JOURNEY_PAGE = {
    "testing": "shipped checks, described on the pages of the doors they check",
    "config": "docs/config.md",
    "engine": "the composition root has no logic: ARCHITECTURE.md",
    "cli": "docs/cli.md",
    "demo": "docs/quickstart.md",
}

EVERY_BLOCK = [block for page in pages() for block in blocks(page) if block.language == "python"]
PAGES_WITH_CODE = sorted({block.page for block in EVERY_BLOCK if not block.not_run})


@pytest.mark.parametrize("page", PAGES_WITH_CODE, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_examples_of_a_page_run_in_order(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "example"}
    for block in blocks(page):
        if block.language == "python" and not block.not_run:
            # Blank lines in front make a traceback point at the line of the page.
            exec(compile("\n" * (block.line - 1) + block.code, str(page), "exec"), names)


@pytest.mark.parametrize("block", [block for block in EVERY_BLOCK if block.not_run], ids=lambda block: block.where)
def test_an_example_that_is_not_run(block: Block) -> None:
    compile(block.code, block.where, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    pytest.skip(f"example {block.where} is not run: {block.not_run}")


def test_the_examples_are_found() -> None:
    assert len(EVERY_BLOCK) > 5
    assert ROOT / "README.md" in PAGES_WITH_CODE


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    dead = []
    for target in links(page):
        if re.match(r"https?://|mailto:", target):
            continue
        path, _, anchor = target.partition("#")
        place = (page.parent / path).resolve() if path else page
        if not place.exists() or (anchor and anchor not in anchors(place)):
            dead.append(target)
    assert not dead


def test_every_test_a_page_names_exists() -> None:
    named = sorted({pair for page in pages() for pair in TEST.findall(page.read_text())})
    missing = [f"{path}::{name}" for path, name in named if name not in functions_of(ROOT / path)]

    assert not missing
    assert named


def functions_of(path: Path) -> set[str]:
    if not path.exists():
        return set()
    tree = ast.parse(path.read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}


@pytest.mark.parametrize("room", [room for room in rooms() if room not in NO_JOURNEY_PAGE])
def test_every_room_has_its_page_with_the_same_headings(room: str) -> None:
    page = ROOT / "docs" / "journey" / f"{room}.md"
    headings = re.findall(r"^## +(.+?)\s*$", page.read_text(), re.M)

    assert [heading for heading in headings if heading in HEADINGS] == HEADINGS
    assert f"journey/{room}.md" in (ROOT / "docs" / "journey.md").read_text()


def test_every_door_is_documented() -> None:
    tree = next(module.tree for module in modules() if module.name == "swerve.protocols")
    doors = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    text = everything()

    assert len(doors) >= 6
    assert not [door for door in doors if f"`{door}`" not in text]


def test_every_setting_is_explained() -> None:
    page = (ROOT / "docs" / "config.md").read_text()
    names = [f"{room.name}.{field.name}" for room in fields(Config) for field in fields(room.type)]

    assert len(names) > 20
    assert not [name for name in names if f"`{name}`" not in page]


def test_every_route_is_explained() -> None:
    page = (ROOT / "docs" / "http-api.md").read_text()

    assert not [route.path for route in ROUTES if route.path not in page]


def test_every_verb_of_the_command_line_is_explained() -> None:
    page = (ROOT / "docs" / "cli.md").read_text()

    assert len(VERBS) >= 10
    assert not [verb for verb, (_, words) in VERBS.items() if f"| `swerve {verb}` | {words} |" not in page]


def test_every_option_a_page_names_is_one_of_the_command_line() -> None:
    every = set()
    for verb in VERBS:
        command = main.get_command(click.Context(main), verb)
        for part in command.commands.values() if isinstance(command, click.Group) else [command]:
            every |= {option for given in part.params for option in (*given.opts, *given.secondary_opts)}
    named = {
        option
        for page in (ROOT / "docs" / "cli.md", ROOT / "docs" / "operations.md", ROOT / "docs" / "quickstart.md")
        for line in page.read_text().splitlines()
        if "swerve " in line
        for option in re.findall(r"(?<!\S)--[\w-]+", line.partition("#")[0])
    }

    assert named
    assert not named - every - {"--help"}


def test_every_check_a_page_names_is_shipped() -> None:
    named = set(re.findall(r"\bcheck_\w+", everything()))
    shipped = {node.name for path in (SOURCE / "testing").glob("*.py") for node in ast.parse(path.read_text()).body
               if isinstance(node, ast.FunctionDef)}  # fmt: skip

    assert named
    assert not named - shipped


def test_the_changelog_starts_with_this_version() -> None:
    versions = re.findall(r"^## +\[?([\d.]+)", (ROOT / "CHANGELOG.md").read_text(), re.M)

    assert versions[0] == swerve.__version__


def test_the_architecture_page_names_every_room() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    files = [path.stem for path in SOURCE.glob("*.py") if not path.stem.startswith("_")]

    assert not [room for room in rooms() if f"`{room}/`" not in text]
    assert not [name for name in files if f"`{name}.py`" not in text]


def test_public_names_are_all_there() -> None:
    assert not [name for name in swerve.__all__ if not hasattr(swerve, name)]
