"""What it takes to begin: importing the package, an empty directory to a ready server, and what got loaded for it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.common import arguments, report, rss_mb, serve

IMPORT = """
import time
start = time.perf_counter()
import swerve, swerve.engine
swerve.open
print(time.perf_counter() - start)
"""


def import_s() -> float:
    """Seconds to import the package with its engine, in a fresh process."""
    said = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True)
    return float(said.stdout)


def maps(pid: int, name: str) -> bool:
    """Whether a process has mapped any file of the library `name`."""
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    return any(f"/{name}/" in line or f"/lib{name}" in line for line in lines)


def ready() -> tuple[float, float, bool]:
    """Of a server on an empty directory: seconds until /readyz, MiB of memory, whether torch is loaded."""
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder) / "shop", preset="shop") as served:
        return served.ready_s, rss_mb(served.pid), maps(served.pid, "torch")


def main() -> None:
    """Measure and report the best of several: the rest is what the machine did beside."""
    args = arguments(__doc__ or "")
    rounds = 3 if args.quick else 9
    started = [ready() for _ in range(rounds)]
    metrics = {
        "import_s": min(import_s() for _ in range(rounds)),
        "ready_s": min(seconds for seconds, _, _ in started),
        "torch_loaded": any(torch for _, _, torch in started),
        "empty_rss_mb": min(memory for _, memory, _ in started),
    }
    report("footprint", {"rounds": rounds, "preset": "shop"}, metrics, args)


if __name__ == "__main__":
    main()
