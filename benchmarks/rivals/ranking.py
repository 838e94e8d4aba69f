"""Judges rivals' top ten under protocol P1: each user's last item is the target, everything before it is the history.

All items are ranked, those in the history left out. Models that count learn from the whole history; those that need a
validation item take the last of it themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.rivals import place

NAMES = (
    "popularity",
    "itemknn",
    "itemknn_last10",
    "ease",
    "ease_last20",
    "ials",
    "bpr",
    "lightfm_warp",
    "lightfm_bpr",
    "tensorrec",
    "rectools_sasrec",
    "rectools_bert4rec",
    "rectools_hstu",
    "recbole_sasrec",
)
GRACE_S = 900.0
"""Beyond its budget a rival may spend this on reading, ranking and its last epoch."""

TAKEN = ("seconds", "cpu_s", "rss_mib")
"""What a rival took: by the clock, as work of all cores (which neighbours hardly change), memory at its highest."""


def run(
    names: Sequence[str], sequences: Sequence[Sequence[int]], budget_s: float, seed: int = 0
) -> list[dict[str, Any]]:
    """A row for each rival: `name, hr10, ndcg10, seconds, cpu_s, rss_mib, note`.

    `sequences`: item rows 0..n per user, oldest first, at least two each. `budget_s` is the time that neural rivals may
    train for. A rival that cannot be run has NaN for figures, and the reason in its note.
    """
    given = question([sequence[:-1] for sequence in sequences], budget_s, seed, 1 + max(map(max, sequences)))
    targets = np.array([sequence[-1] for sequence in sequences])
    return [row(name, given, targets) for name in names]


def row(name: str, given: dict[str, Any], targets: np.ndarray) -> dict[str, Any]:
    """The row of one rival."""
    try:
        answer = place.ask(name, given, given["budget_s"] + GRACE_S)
    except place.RivalFailed as failure:
        nothing = dict.fromkeys(("hr10", "ndcg10", *TAKEN), float("nan"))
        return {"name": name, **nothing, "note": f"NOT RUN: {failure}"}
    hr10, ndcg10 = judged(answer["top"], targets)
    taken = {what: float(answer[what]) for what in TAKEN}
    return {"name": name, "hr10": hr10, "ndcg10": ndcg10, **taken, "note": str(answer["note"])}


def judged(top: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
    """(HR@10, NDCG@10) of lists (users, 10) with one target each."""
    found = top == targets[:, None]
    return float(found.any(axis=1).mean()), float((found / np.log2(np.arange(2, 2 + top.shape[1]))).sum(axis=1).mean())


def speed(sequences: Sequence[Sequence[int]], epochs: int = 1, seed: int = 0) -> dict[str, float | str]:
    """How fast RecTools' SASRec trains at d 64, 2 blocks, the last 200 items.

    `tokens_per_s` by the clock, `tokens_per_cpu_s` by the work of all cores, `rss_mib`, `note`.
    A token is an item that is predicted from those before it; padding does not count. Raises RivalFailed.
    """
    given = question(sequences, 0.0, seed, 1 + max(map(max, sequences)))
    answer = place.ask("rectools_sasrec_speed", {**given, "epochs": epochs}, 3600.0)
    figures: dict[str, float | str] = {
        name: float(answer[name]) for name in ("tokens_per_s", "tokens_per_cpu_s", "rss_mib")
    }
    return figures | {"note": str(answer["note"])}


def question(histories: Sequence[Sequence[int]], budget_s: float, seed: int, n_items: int) -> dict[str, Any]:
    """Histories as the arrays that a rival is given."""
    starts = np.cumsum([0, *map(len, histories)])
    items = np.concatenate([np.asarray(history, np.int64) for history in histories])
    return {"items": items, "starts": starts, "n_items": n_items, "budget_s": budget_s, "seed": seed}
