"""The script at the root: old Pythons get a sentence, a second run is instant, a missing network is explained."""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.quality.tree import ROOT

SCRIPT = ROOT / "run"
OLD_PYTHONS = ("python2.7", "python3.6", "python3.7", "python3.8", "python3.9", "python3.10")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module of its own, so that a test may change it."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    loader = importlib.machinery.SourceFileLoader("run_script", str(SCRIPT))
    spec = importlib.util.spec_from_loader("run_script", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.fixture
def checkout(run: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that looks like a checkout whose environment works."""
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    binary = tmp_path / ".venv" / "bin" / "python"
    binary.parent.mkdir(parents=True)
    binary.symlink_to(sys.executable)
    for name, path in {
        "ROOT": tmp_path,
        "VENV": tmp_path / ".venv",
        "PYTHON": binary,
        "STAMP": tmp_path / ".venv" / ".stamp",
        "SETUP_LOG": tmp_path / ".venv" / "setup.log",
    }.items():
        monkeypatch.setattr(run, name, str(path))
    return tmp_path


def steps_of(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What `setup` does, without doing it."""
    done: list[str] = []
    monkeypatch.setattr(run, "make_venv", lambda: done.append("make"))
    monkeypatch.setattr(run, "install", lambda tools: done.append("install with tools" if tools else "install"))
    return done


def test_it_parses_on_an_old_python() -> None:
    tree = ast.parse(SCRIPT.read_text(), feature_version=(3, 6))
    modern = (
        ast.JoinedStr,
        ast.AnnAssign,
        ast.NamedExpr,
        ast.AsyncFunctionDef,
        ast.YieldFrom,
        ast.Nonlocal,
        ast.Starred,
    )

    assert not [node.lineno for node in ast.walk(tree) if isinstance(node, modern)]
    assert not [node.lineno for node in ast.walk(tree) if isinstance(node, ast.arg) and node.annotation]


def test_it_needs_nothing_but_the_standard_library() -> None:
    tree = ast.parse(SCRIPT.read_text())
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]

    assert names
    assert not [name for name in names if name not in sys.stdlib_module_names]


@pytest.mark.parametrize("name", OLD_PYTHONS)
def test_an_old_python_is_told_what_to_do(name: str) -> None:
    try:
        answer = subprocess.run([name, str(SCRIPT), "demo"], capture_output=True, text=True, timeout=60, check=False)
    except OSError:
        pytest.skip("no Python older than 3.11 on this machine to try `run` with")
    if "command not found" in answer.stderr or answer.returncode == 127:
        pytest.skip("no Python older than 3.11 on this machine to try `run` with")

    assert answer.returncode == 2
    assert "swerve needs Python 3.11 or newer" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_without_a_job_it_says_how_it_is_used() -> None:
    wrong = subprocess.run([sys.executable, str(SCRIPT), "dmeo"], capture_output=True, text=True, check=False)
    asked = subprocess.run([sys.executable, str(SCRIPT), "--help"], capture_output=True, text=True, check=False)

    assert (wrong.returncode, asked.returncode) == (2, 0)
    assert "python3 run demo" in wrong.stderr
    assert "python3 run demo" in asked.stdout


def test_a_second_setup_does_nothing(run: ModuleType, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = steps_of(run, monkeypatch)

    run.setup()
    run.setup()
    run.setup(tools=False)

    assert done == ["install with tools"]


def test_tools_are_added_when_a_demo_came_first(
    run: ModuleType, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = steps_of(run, monkeypatch)

    run.setup(tools=False)
    run.setup(tools=False)
    run.setup()

    assert done == ["install", "install with tools"]


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_a_changed_requirement_installs_again(
    run: ModuleType, checkout: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    done = steps_of(run, monkeypatch)
    run.setup()

    with (checkout / name).open("a") as file:
        file.write("# changed\n")
    run.setup()

    assert done == ["install with tools"] * 2


def test_a_broken_environment_is_made_again(run: ModuleType, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = steps_of(run, monkeypatch)
    run.setup()

    os.unlink(run.PYTHON)
    os.symlink("/nonexistent/python3.11", run.PYTHON)
    run.setup()

    assert done == ["install with tools", "make", "install with tools"]


def test_a_moved_environment_is_made_again(run: ModuleType, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = steps_of(run, monkeypatch)
    run.setup()

    monkeypatch.setattr(run, "ROOT", str(shutil.copytree(checkout, checkout / "moved", symlinks=True)))
    run.setup()

    assert done[1:] == ["make", "install with tools"]


def test_a_failed_install_leaves_no_stamp(run: ModuleType, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        run, "installers", lambda: iter([[sys.executable, "-c", "raise SystemExit('no route to host')"]])
    )

    with pytest.raises(run.Stop, match="could not be reached"):
        run.setup()

    assert not Path(run.STAMP).exists()
    assert "no route to host" in Path(run.SETUP_LOG).read_text()


def test_a_missing_network_is_explained(run: ModuleType) -> None:
    words = (
        "WARNING: Retrying after connection broken by 'NewConnectionError(... Name or service not known)'\n"
        "ERROR: Could not find a version that satisfies the requirement numpy>=2.0\n"
        "ERROR: No matching distribution found for numpy>=2.0\n"
    )
    said = run.why_not(words)

    assert "could not be reached, so these are missing: numpy>=2.0" in said
    assert "Nothing else is broken" in said


def test_another_failure_shows_the_words_of_the_installer(run: ModuleType) -> None:
    assert "error: no space left" in run.why_not("a\nb\nerror: no space left")


def test_words_after_test_reach_pytest(run: ModuleType) -> None:
    assert run.test_options(["--slow", "--budget", "60"]) == (True, 60.0, [])
    assert run.test_options(["--", "-k", "foo"]) == (False, 0.0, ["-k", "foo"])
    assert run.test_options(["tests/log", "-x"]) == (False, 0.0, ["tests/log", "-x"])
    with pytest.raises(run.Stop):
        run.test_options(["--budget", "soon"])


@pytest.mark.parametrize(
    "line",
    [
        "12 passed in 3.45s",
        "1 failed, 2 passed, 3 skipped in 61.20s (0:01:01)",
        "no tests ran in 0.01s",
        "== 1 error in 2s ==",
    ],
)
def test_the_closing_line_is_known(run: ModuleType, line: str) -> None:
    assert run.CLOSING.search(line)


def test_nothing_that_is_pinned_is_a_cuda_build() -> None:
    pins = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]

    assert not [pin for pin in pins if pin.startswith(("nvidia", "triton", "cuda")) or "+" in pin]
    assert not [pin for pin in pins if "==" not in pin]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_fresh_checkout_gives_a_demo_in_one_command(tmp_path: Path) -> None:
    fresh = tmp_path / "checkout"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(fresh)], check=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SWERVE", "VIRTUAL_ENV"))}
    command = [sys._base_executable, "run", "demo", "--once"]

    first = subprocess.run(
        command, cwd=fresh, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if "could not be reached" in first.stderr:
        pytest.skip("no package index can be reached from here, so a fresh checkout cannot be set up")
    second = subprocess.run(
        command, cwd=fresh, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )

    assert first.returncode == 0, first.stdout + first.stderr
    assert second.returncode == 0, second.stdout + second.stderr
    assert "Setting up" in first.stdout
    assert "Setting up" not in second.stdout
