"""What is lost, doubled or altered when the writing process is killed again and again, at any instant.

Clients write through the log; each process is ended by SIGKILL after up to 300 ms, also while it still recovers from
the one before, and what was acknowledged is compared with what is left. The same harness is in `tests/crash`, where
it is shown to notice builds that are broken on purpose. Where root allows, the power is cut too.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from benchmarks.common import arguments, report
from tests.crash.cut import CannotCutError, cut_cycles, machine
from tests.crash.kill import Outcome, kill_cycles

SEED = 1


def main() -> None:
    """Kill, cut, compare, report."""
    args = arguments(__doc__ or "")
    kills, cuts = (60, 20) if args.quick else (200, 500)
    with tempfile.TemporaryDirectory() as folder:
        outcomes = [kill_cycles(Path(folder), kills, SEED), *power_cuts(cuts)]
    settings = {"kills": kills, "power_cuts": cuts if len(outcomes) > 1 else 0, "seed": SEED}
    metrics = {
        "acked": sum(outcome.acked for outcome in outcomes),
        "lost": sum(outcome.verdict.lost for outcome in outcomes),
        "doubled": sum(outcome.verdict.doubled for outcome in outcomes),
        "altered": sum(outcome.verdict.altered for outcome in outcomes),
        "partial_batches": sum(outcome.verdict.partial for outcome in outcomes),
    }
    report("crash", settings, metrics, args)


def power_cuts(count: int) -> list[Outcome]:
    """What power cuts showed; empty, with the reason on stderr, where this machine does not let us cut."""
    if os.geteuid() != 0:
        print("no power cuts: they need root", file=sys.stderr)
        return []
    try:
        with tempfile.TemporaryDirectory() as folder, machine(Path(folder)) as computer:
            return [cut_cycles(computer, count, SEED)]
    except CannotCutError as error:
        print(f"no power cuts: {error}", file=sys.stderr)
        return []


if __name__ == "__main__":
    main()
