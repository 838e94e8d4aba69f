"""The source tree as the quality tests see it: paths, syntax trees, functions, names, imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "swerve"
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One source file."""

    name: str
    """Dotted, e.g. `swerve.log.sqlite`; a package is called by its own name."""
    path: Path
    text: str
    tree: ast.Module

    @classmethod
    def parse(cls, text: str, name: str = "swerve.example") -> Module:
        """A module that exists only in a test."""
        return cls(name, Path(name.replace(".", "/") + ".py"), text, ast.parse(text))

    @property
    def lines(self) -> int:
        return len(self.text.splitlines())

    def where(self, node: ast.AST) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 0)}"


@cache
def modules() -> tuple[Module, ...]:
    """Every module of the package."""
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found.append(Module(name, path.relative_to(ROOT), path.read_text(), ast.parse(path.read_text())))
    return tuple(found)


def rooms() -> list[str]:
    """Folders of the package that hold code, e.g. `log`."""
    return sorted(path.parent.name for path in SOURCE.glob("*/__init__.py"))


def functions(module: Module) -> Iterator[FunctionNode]:
    """Every function and method, nested ones too."""
    return (node for node in ast.walk(module.tree) if isinstance(node, FunctionNode))


def docstring_lines(node: FunctionNode) -> int:
    """Lines the docstring takes."""
    first = node.body[0]
    is_doc = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    return first.end_lineno - first.lineno + 1 if is_doc else 0


def length(node: FunctionNode) -> int:
    """Lines of signature and body, docstring not counted."""
    return node.end_lineno - node.lineno + 1 - docstring_lines(node)


def arguments(node: FunctionNode) -> int:
    """Arguments a caller may give: `self` and `cls` not counted."""
    spec = node.args
    names = [argument.arg for argument in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs)]
    return len(names) - (names[:1] in (["self"], ["cls"])) + bool(spec.vararg) + bool(spec.kwarg)


def imported(module: Module) -> Iterator[tuple[ast.stmt, str]]:
    """(statement, dotted name) of everything a module imports, wherever the statement stands.

    `from a import b` gives `a.b` as well as `a`: b may be a module. A relative import gives its leading dots.
    """
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name
        elif isinstance(node, ast.ImportFrom):
            source = "." * node.level + (node.module or "")
            yield node, source
            for alias in node.names:
                yield node, f"{source}.{alias.name}"
