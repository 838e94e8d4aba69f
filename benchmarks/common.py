"""What the benchmarks share: arguments, the report, data sets, percentiles, paced load, a real server, memory.

A benchmark is a module with a `main()` that measures, then calls `report` once. It knows nothing of the room it
measures but its public face.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
T = TypeVar("T")


# --- arguments and the report -------------------------------------------------------------------------------


def arguments(
    description: str,
    argv: Sequence[str] | None = None,
    more: Callable[[argparse.ArgumentParser], None] = lambda _: None,
) -> argparse.Namespace:
    """`json`, `quick`, `keep` (bool) and `data` (Path or None) from the command line, the same for every benchmark.

    `more` adds a benchmark's own.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    parser.add_argument("--quick", action="store_true", help="a smaller run that ends within 40 s")
    parser.add_argument("--keep", action="store_true", help="write benchmarks/results/<name>.json (full runs only)")
    parser.add_argument("--data", type=Path, help="folder of the data sets (default: SWERVE_DATA)")
    more(parser)
    args = parser.parse_args(argv)
    if args.keep and args.quick:
        parser.error("--keep is for full runs: a quick run proves nothing")
    if args.data is not None:
        os.environ["SWERVE_DATA"] = str(args.data)
    return args


def report(
    benchmark: str, settings: Mapping[str, Any], metrics: Mapping[str, float], args: argparse.Namespace
) -> dict[str, Any]:
    """Print a table for people, with `--json` one object as the last line; `--keep` stores it. Returns the object."""
    figures = {name: plain(value) for name, value in metrics.items()}
    outcome: dict[str, Any] = {
        "benchmark": benchmark,
        "commit": commit(),
        "machine": machine(),
        "settings": dict(settings),
        "metrics": figures,
    }
    print(f"\n{benchmark}  ({outcome['machine']}; {outcome['commit']})")
    print("  " + ", ".join(f"{name} {value}" for name, value in settings.items()))
    width = max((len(name) for name in figures), default=0)
    for name, value in figures.items():
        print(f"  {name:<{width}}  {value:>12,.6g}")
    if args.keep:
        keep(outcome)
    if args.json:
        print(json.dumps(outcome), flush=True)
    return outcome


def keep(outcome: Mapping[str, Any], folder: Path = RESULTS) -> Path:
    """Write an outcome with today's date to `<folder>/<benchmark>.json`, replacing the one kept before."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{outcome['benchmark']}.json"
    dated = {**outcome, "date": datetime.datetime.now(datetime.UTC).date().isoformat()}
    path.write_text(json.dumps(dated, indent=2) + "\n")
    return path


def commit() -> str:
    """The commit that is measured, with a `+` when sources were changed since; `unknown` outside a checkout."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--", "src", "benchmarks/*.py")
        return git("rev-parse", "--short=12", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def machine() -> str:
    """Cores, processor, memory, system and Python of this machine; nothing that names it."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}"
    return f"{cores} x {_processor()}, {memory_gib:.0f} GiB, {system}, Python {platform.python_version()}"


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def plain(value: float) -> float:
    """A JSON number with no more digits than mean something; whole numbers stay whole."""
    number = float(value)
    return int(number) if number.is_integer() else float(f"{number:.6g}")


# --- data ---------------------------------------------------------------------------------------------------


def data_directory() -> Path:
    """Where data sets are looked for: `SWERVE_DATA`, else a `shared/data` folder beside the checkout."""
    return Path(os.environ.get("SWERVE_DATA") or ROOT.parent / "shared" / "data")


def dataset(name: str) -> Path | None:
    """The folder of a data set, or None where this machine does not have it."""
    folder = data_directory() / name
    return folder if folder.is_dir() else None


def required(name: str) -> Path:
    """The folder of a data set; ends the benchmark with a sentence where this machine does not have it."""
    folder = dataset(name)
    if folder is None:
        raise SystemExit(f"data set {name} is not in {data_directory()}: set SWERVE_DATA or pass --data")
    return folder


# --- measuring ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Percentiles:
    """Durations by rank, in milliseconds."""

    count: int
    mean_ms: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Percentiles:
        """From durations in seconds; at least one."""
        ms = np.asarray(seconds, dtype=np.float64) * 1000
        p50, p95, p99 = np.percentile(ms, [50, 95, 99])
        return cls(len(ms), float(ms.mean()), float(p50), float(p95), float(p99), float(ms.max()))


def timed(call: Callable[[], T]) -> tuple[T, float]:
    """The answer of a call and how many seconds it took."""
    start = time.perf_counter()
    answer = call()
    return answer, time.perf_counter() - start


def arrivals(rate: float, count: int) -> Iterator[float]:
    """Sleep until each of `count` starts at `rate` per second; yields when it was *due* (`time.perf_counter`).

    Measure from the due time, not from the start of the call: a server that stalls must not slow down the load
    that shows it (no coordinated omission).
    """
    start = time.perf_counter()
    for index in range(count):
        due = start + index / rate
        wait = due - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
        yield due


def rss_mb(pid: int, *, peak: bool = False) -> float:
    """Memory of a process now (or at its highest), MiB, from /proc."""
    wanted = "VmHWM:" if peak else "VmRSS:"
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(wanted):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"/proc/{pid}/status names no {wanted}")


# --- a real server ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Served:
    """A `swerve serve` that runs."""

    url: str
    pid: int
    ready_s: float
    """From the start of the process to the first good answer of /readyz."""


@contextlib.contextmanager
def serve(
    directory: Path,
    config: Mapping[str, Any] | None = None,
    cpu: int | None = None,
    *,
    preset: str = "",
    timeout_s: float = 60.0,
) -> Iterator[Served]:
    """Run `swerve serve` on a free loopback port until the block ends; `config` is `{"log.segment_events": 100}`.

    `cpu` pins the server to one core (put the load on another with `pinned`). Raises RuntimeError with the
    server's own words when it ends early or is not ready in time.
    """
    port = free_port()
    command = [sys.executable, "-m", "swerve.cli", "serve", str(directory), "--port", str(port)]
    command += ["--preset", preset] if preset else []
    environment = {**os.environ, **{_variable(key): _text(value) for key, value in (config or {}).items()}}
    with tempfile.TemporaryFile() as words:
        start = time.perf_counter()
        with pinned(cpu):  # inherited by the server; this process goes back to its own cores
            process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=words, stderr=words)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_ready(process, url, timeout_s, words)
            yield Served(url, process.pid, time.perf_counter() - start)
        finally:
            stop(process)


def stop(process: subprocess.Popen[bytes], timeout_s: float = 30.0) -> int:
    """SIGTERM, then SIGKILL if it does not end in time; returns the exit status."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        return process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


@contextlib.contextmanager
def pinned(cpu: int | None) -> Iterator[None]:
    """Run the block, and whatever it starts, on one core; None = on all that this process had at first."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, ALL_CORES if cpu is None else {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


ALL_CORES = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()


def free_port() -> int:
    """A loopback port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_ready(process: subprocess.Popen[bytes], url: str, timeout_s: float, words: Any) -> None:
    deadline = time.perf_counter() + timeout_s
    while time.perf_counter() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url + "/readyz", timeout=2):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
            if isinstance(error, urllib.error.HTTPError):
                error.close()  # "not ready yet" is an answer too, with a connection of its own
            time.sleep(0.01)
    words.seek(0)
    said = words.read().decode(errors="replace")[-2000:]
    raise RuntimeError(f"the server is not ready (exit status {process.poll()}): {said}")


def _variable(key: str) -> str:
    return "SWERVE_" + key.upper().replace(".", "__")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
