"""S5: no pickle is read by a process that serves, watched from inside while it works."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import swerve
from benchmarks import common

WATCHER = """
import sys

def watch(event, arguments):
    if event == "pickle.find_class":
        open({canary!r}, "a").write(repr(arguments) + chr(10))
        raise RuntimeError("something was unpickled")

sys.addaudithook(watch)
"""


@pytest.fixture
def canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that appears when any child process of this test unpickles a class or a function."""
    path = tmp_path / "unpickled"
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(WATCHER.format(canary=str(path)))
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return path


def test_S5_the_watcher_sees_a_pickle(canary: Path) -> None:
    program = "import pickle, datetime; pickle.loads(pickle.dumps(datetime.date(2026, 1, 1)))"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert answer.returncode == 1
    assert canary.exists()


def test_S5_a_server_at_work_unpickles_nothing(canary: Path, tmp_path: Path) -> None:
    for _ in range(2):  # the second start reads what the first one wrote
        with common.serve(tmp_path / "shop", preset="shop") as served, swerve.Client(served.url) as client:
            client.observe([swerve.Item(id=f"i{index}", title=f"mug {index}") for index in range(20)])
            client.observe([swerve.Interaction(user="ann", item=f"i{index}", action="view") for index in range(5)])
            slate = client.recommend("ann", n=5)
            client.explain(slate.id, slate.picks[0].item)
            client.similar("i1")
            client.user("ann")
            client.metrics()

    assert slate.picks
    assert not canary.exists()
