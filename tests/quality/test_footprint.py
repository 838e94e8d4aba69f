"""What an import loads and what an installation weighs."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from importlib.metadata import distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.quality.tree import ROOT

CORE = {
    "anyio", "click", "h11", "httpcore2", "httptools", "httpx2", "idna", "msgspec", "numpy", "prometheus-client",
    "starlette", "truststore", "typing-extensions", "uvicorn",
}  # fmt: skip
"""The whole closure of an installation without extras. A name that joins it needs a reason in dev/LOG.md."""
CORE_LIMIT_MB = 80
HEAVY = {
    "torch", "tensorflow", "jax", "keras", "onnxruntime", "transformers", "sklearn", "scipy", "pandas", "polars",
    "pyarrow", "matplotlib", "duckdb", "narwhals", "ray",
}  # fmt: skip
NOT_FOR_A_LIBRARY = {"starlette", "uvicorn", "httptools", "httpx2", "click", "asyncio", "http.client"}


def loaded_by(code: str) -> set[str]:
    """Names of all modules in a fresh process that ran some code."""
    program = f"{code}\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(answer.stdout.splitlines()[-1]))


def closure() -> set[str]:
    """Every distribution that an installation without extras brings."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    waiting = [Requirement(text) for text in project["dependencies"]]
    found: set[str] = set()
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        if name not in found:
            found.add(name)
            needs = [Requirement(text) for text in distribution(name).requires or []]
            waiting += [need for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    return found


def test_importing_the_package_loads_nothing_heavy_and_no_server() -> None:
    loaded = loaded_by("import swerve")

    assert "swerve" in loaded
    assert not loaded & (HEAVY | NOT_FOR_A_LIBRARY)


def test_an_open_engine_loads_nothing_heavy_and_no_server(tmp_path: object) -> None:
    loaded = loaded_by(
        f"""
import swerve
with swerve.open({str(tmp_path)!r}, preset="shop") as engine:
    engine.observe(swerve.Item(id="mug", title="Red mug"))
    engine.observe(swerve.Interaction(user="ann", item="mug", action="view"))
    engine.recommend("ann")
"""
    )

    assert "swerve.engine" in loaded
    brought_by_prometheus_client = {"asyncio", "http.client"}
    assert not loaded & (HEAVY | (NOT_FOR_A_LIBRARY - brought_by_prometheus_client))


def test_the_server_and_the_command_line_load_no_training_framework() -> None:
    assert not loaded_by("import swerve.cli, swerve.server, swerve.client") & HEAVY


def test_the_core_is_fourteen_packages() -> None:
    assert closure() == CORE


def test_the_core_is_small() -> None:
    files = [file.locate() for name in CORE for file in distribution(name).files or [] if file.suffix != ".pyc"]
    weight_mb = sum(file.stat().st_size for file in files if file.exists()) / 1e6

    assert 10 < weight_mb < CORE_LIMIT_MB
