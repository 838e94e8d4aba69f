"""What every test may ask for: real data sets, a time budget, one hypothesis profile.

Nothing is skipped quietly: whatever this machine cannot run is named with its reason when the run ends.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

# Tests already run side by side, one a core: two threads each in every product would only wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import HealthCheck, settings

from benchmarks import common

settings.register_profile(
    "swerve",
    deadline=None,  # two busy cores: judge by results, not by wall time
    print_blob=True,  # a failure prints what is needed to run it again
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("swerve")


@pytest.fixture(scope="session")
def dataset() -> Callable[[str], Path]:
    """`dataset("ml-1m")` -> its folder; skips the test, saying where it was looked for, when it is not there."""

    def find(name: str) -> Path:
        folder = common.dataset(name)
        if folder is None:
            pytest.skip(f"data set {name} is not in {common.data_directory()} (SWERVE_DATA names another place)")
        return folder

    return find


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what would start after the deadline, and what needs rights this process does not have."""
    deadline = float(os.environ.get("SWERVE_TEST_DEADLINE", "inf"))
    if time.time() > deadline:
        pytest.skip("the time budget was spent before this test could start")
    if item.get_closest_marker("requires_root") and os.geteuid() != 0:
        pytest.skip("needs root")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was not tested and why, on every run."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped if report.longrepr)
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"NOT TESTED ({count}): {reason}")
