"""Which room may import which: the contracts hold, cover every room, and break on one wrong import."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.quality.tree import ROOT, SOURCE, rooms

LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the package that lies in `folder`/src."""
    command = [sys.executable, "-c", LINT, "--no-cache", "--no-logo"]
    environment = {**os.environ, "PYTHONPATH": str(folder / "src")}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package that a test may break."""
    shutil.copytree(SOURCE, tmp_path / "src" / "swerve", ignore=shutil.ignore_patterns("__pycache__", "*.csv"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_contract_is_kept() -> None:
    answer = lint(ROOT)

    assert answer.returncode == 0, answer.stdout
    assert f"{len(CONTRACTS)} kept, 0 broken" in answer.stdout


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        ("state/fold.py", "swerve.respond"),  # a room below
        ("events/parse.py", "swerve.log"),  # where events are kept is not their business
        ("retrieve/merge.py", "swerve.log"),  # above, but serving must not know the log
        ("types.py", "swerve.errors_of_mine"),  # a module that no layer names
        ("server/routes.py", "swerve.cli"),
    ],
)
def test_one_wrong_import_breaks_a_contract(copy: Path, place: str, wrong: str) -> None:
    if wrong == "swerve.errors_of_mine":
        (copy / "src" / "swerve" / "errors_of_mine.py").write_text('"""Nobody said where this belongs."""\n')
    with (copy / "src" / "swerve" / place).open("a") as file:
        file.write(f"\nimport {wrong}\n")

    answer = lint(copy)

    assert answer.returncode == 1, answer.stdout
    assert "BROKEN" in answer.stdout


def test_a_room_is_named_whole_as_soon_as_it_exists() -> None:
    # `swerve.learn.**` holds for a room that does not exist yet, but not for the room's own `__init__`.
    named = {
        name
        for contract in CONTRACTS
        for name in contract.get("source_modules", []) + contract.get("forbidden_modules", [])
    }

    assert not [name for name in named if name.endswith(".**") and name.split(".")[1] in rooms()]
