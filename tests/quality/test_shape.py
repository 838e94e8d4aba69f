"""The shape budget: every file and function stays small enough to be read in one sitting.

The rules are functions from modules to complaints, so that each can be shown to complain.
"""

from __future__ import annotations

import ast
import statistics
import tomllib
from collections.abc import Callable, Iterable, Iterator

import pytest

from tests.quality.tree import ROOT, SOURCE, Module, arguments, functions, imported, length, modules

Rule = Callable[[Iterable[Module]], Iterator[str]]

LATE_IMPORTS = {
    "narwhals": "extra `data`",
    "duckdb": "extra `data`",
    "safetensors": "extra `model`",
    "uvloop": "extra `fast`",
    "importlib": "what loads a name on its first use, so that making events loads no engine",
}
"""What may be imported inside a function, and why. Everything else is imported at the top, where it can be seen."""

REQUIRED = {"numpy", "msgspec", "starlette", "uvicorn", "httptools", "click", "httpx2", "prometheus-client"}


def long_files(every: Iterable[Module]) -> Iterator[str]:
    for module in every:
        if module.lines > 400:
            yield f"{module.path} has {module.lines} lines, 400 at most"


def long_functions(every: Iterable[Module]) -> Iterator[str]:
    for module in every:
        for node in functions(module):
            if length(node) > 80:
                yield f"{module.where(node)} {node.name} has {length(node)} lines, 80 at most"


def many_arguments(every: Iterable[Module]) -> Iterator[str]:
    for module in every:
        for node in functions(module):
            if arguments(node) > 8:
                yield f"{module.where(node)} {node.name} takes {arguments(node)} arguments, 8 at most"


def hidden_imports(every: Iterable[Module]) -> Iterator[str]:
    for module in every:
        inside = {id(inner) for node in functions(module) for inner in ast.walk(node)}
        for statement, name in imported(module):
            if id(statement) in inside and name.split(".")[0] not in LATE_IMPORTS:
                yield f"{module.where(statement)} imports {name} inside a function"


def relative_imports(every: Iterable[Module]) -> Iterator[str]:
    for module in every:
        yield from (f"{module.where(node)} imports {name}" for node, name in imported(module) if name[0] == ".")


def undocumented(every: Iterable[Module]) -> Iterator[str]:
    for module in every:
        yield from (
            f"{module.where(node)} {name} has no docstring"
            for name, node in _public(module.tree)
            if not ast.get_docstring(node)
        )


def _public(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.AST]]:
    if not prefix:
        yield "the module", node
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not inner.name.startswith("_"):
            yield prefix + inner.name, inner
            if isinstance(inner, ast.ClassDef):
                yield from _public(inner, inner.name + ".")


def scattered_protocols(every: Iterable[Module]) -> Iterator[str]:
    for module in every:
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.ClassDef) or "Protocol" not in {
                ast.unparse(base).split("[")[0] for base in node.bases
            }:
                continue
            methods = [inner for inner in node.body if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef)]
            if module.name != "swerve.protocols":
                yield f"{module.where(node)} {node.name}: doors stand in protocols.py"
            if len(methods) > 4:
                yield f"{module.where(node)} {node.name} has {len(methods)} methods, 4 at most"


def cycles(every: Iterable[Module]) -> Iterator[str]:
    names = {module.name for module in every}
    graph = {module.name: _targets(module, names) - {module.name} for module in every}
    for start in graph:
        path = _way_back(graph, start)
        if path and start == min(path):
            yield " -> ".join([*path, start])


def _targets(module: Module, names: set[str]) -> set[str]:
    """Modules it imports. `from room import module` needs the module, not what the room's own file says."""
    by_statement: dict[int, set[str]] = {}
    for statement, name in imported(module):
        by_statement.setdefault(id(statement), set()).add(name)
    found = set()
    for said in by_statement.values():
        here = said & names
        found |= {name for name in here if not any(other.startswith(f"{name}.") for other in here)}
    return found


def _way_back(graph: dict[str, set[str]], start: str) -> list[str]:
    came_from: dict[str, str] = {}
    waiting = [start]
    while waiting:
        at = waiting.pop()
        for target in graph[at]:
            if target == start:
                path = [at]
                while path[0] != start:
                    path.insert(0, came_from[path[0]])
                return path
            if target not in came_from:
                came_from[target] = at
                waiting.append(target)
    return []


RULES = (
    long_files,
    long_functions,
    many_arguments,
    hidden_imports,
    relative_imports,
    undocumented,
    scattered_protocols,
    cycles,
)

BROKEN: dict[str, list[Module]] = {
    "long_files": [Module.parse("x = 1\n" * 401)],
    "long_functions": [Module.parse("def f():\n" + "    x = 1\n" * 80)],
    "many_arguments": [Module.parse("def f(a, b, c, d, e, f, g, *, h, i): ...")],
    "hidden_imports": [Module.parse("def f():\n    import json\n")],
    "relative_imports": [Module.parse("from . import log")],
    "undocumented": [Module.parse('"""Doc."""\nclass A:\n    """Doc."""\n    def f(self): ...')],
    "scattered_protocols": [Module.parse("class Door(Protocol):\n    def f(self): ...", "swerve.rank.doors")],
    "cycles": [
        Module.parse("import swerve.b", "swerve.a"),
        Module.parse("from swerve import c", "swerve.b"),
        Module.parse("from swerve.a import x", "swerve.c"),
    ],
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_no_module_breaks_the_rule(rule: Rule) -> None:
    assert not list(rule(modules()))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_rule_does_complain_about_a_broken_module(rule: Rule) -> None:
    assert list(rule(BROKEN[rule.__name__]))


def test_a_protocol_with_five_methods_is_too_big() -> None:
    door = "class Door(Protocol):\n" + "".join(f"    def f{index}(self): ...\n" for index in range(5))
    assert list(scattered_protocols([Module.parse(door, "swerve.protocols")]))


def test_files_are_short_on_the_whole() -> None:
    assert statistics.median(module.lines for module in modules()) <= 120


def test_functions_are_short_on_the_whole() -> None:
    lengths = sorted(length(node) for module in modules() for node in functions(module))
    over_50 = sum(lines > 50 for lines in lengths) / len(lengths)

    assert statistics.median(lengths) <= 8
    assert lengths[int(len(lengths) * 0.9)] <= 25
    assert over_50 <= 0.02


def test_there_is_at_least_as_much_test_as_source() -> None:
    source = sum(module.lines for module in modules())
    tests = sum(len(path.read_text().splitlines()) for path in (ROOT / "tests").rglob("*.py"))

    assert tests >= source


def test_the_core_needs_eight_packages() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = {entry.split(">")[0].split("=")[0] for entry in project["dependencies"]}

    assert named == REQUIRED


def test_every_module_was_looked_at() -> None:
    assert len(modules()) == len(list(SOURCE.rglob("*.py"))) > 5
