"""A benchmark in parts: each can be measured on another day, and the kept result says when and at which commit."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import common


def keep(
    benchmark: str, part: str, settings: Mapping[str, Any], metrics: Mapping[str, float], folder: Path = common.RESULTS
) -> Path:
    """Put one part into `<folder>/<benchmark>.json`: its metrics replace those it had, other parts stay as they are."""
    path = folder / f"{benchmark}.json"
    kept = json.loads(path.read_text()) if path.exists() else {"metrics": {}, "settings": {}, "parts": {}}
    before = kept["parts"].get(part, {"metrics": []})["metrics"]
    figures = {name: value for name, value in kept["metrics"].items() if name not in before}
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    measured = {"commit": common.commit(), "date": today, "machine": common.machine(), "metrics": list(metrics)}
    parts = {**kept["parts"], part: measured}
    outcome = {
        "benchmark": benchmark,
        "commit": _all(parts, "commit"),
        "machine": _all(parts, "machine"),
        "settings": {**kept["settings"], part: dict(settings)},
        "metrics": figures | {name: common.plain(value) for name, value in metrics.items()},
        "parts": parts,
        "date": _all(parts, "date"),
    }
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(outcome, indent=2) + "\n")
    return path


def _all(parts: Mapping[str, Mapping[str, Any]], what: str) -> str:
    """Every value once, in order of the parts."""
    return ", ".join(dict.fromkeys(part[what] for part in parts.values()))
