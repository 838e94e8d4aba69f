"""Ranks of held-out items under full ranking: against every item the model knows, those already had left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from swerve.learn.corpus import Corpus
from swerve.model.config import LONGEST
from swerve.model.history import History, gap_buckets, gaps_of, log_gap
from swerve.model.nets.batch import Packed
from swerve.model.nets.network import Network

BATCH = 64
"""Histories ranked at once."""

Ranks = np.ndarray[tuple[int], np.dtype[np.int64]]


def left_out_ranks(network: Network, corpus: Corpus, back: int, device: torch.device) -> Ranks:
    """Rank of each user's item number -`back` given all before it, (users,) int64, 1 = best; users with less: left out.

    Reads the last LONGEST events. Ties: the target goes behind every item of the same score (pessimistic).
    """
    asked = [history for history in corpus.histories if len(history) > back]
    order = np.argsort([len(history) for history in asked], kind="stable")
    ranks = np.zeros(len(asked), np.int64)
    network.eval()
    with torch.no_grad():
        table = network.items.table()
        for begin in range(0, len(order), BATCH):
            chosen = order[begin : begin + BATCH]
            histories = [asked[number] for number in chosen]
            past = [history.upto(len(history) - back) for history in histories]
            targets = np.array([history.items[len(history) - back] for history in histories], np.int64)
            times = np.array([history.times[len(history) - back] for history in histories])
            scores = scores_of(network, table, past, times, device)
            ranks[chosen] = _ranks(scores, [history.items for history in past], targets)
    return ranks


def scores_of(
    network: Network, table: Tensor, histories: Sequence[History], times: Any, device: torch.device
) -> Tensor:
    """Scores (users, items + 1) on the CPU after each history for questions at `times` (0 = not known)."""
    recent = [history.last(LONGEST) for history in histories]
    batch = padded(recent).to(device)
    last = torch.tensor([max(len(history) - 1, 0) for history in recent], device=device)
    newest = np.array([history.times[-1] if len(history) else 0.0 for history in recent])
    waits = gap_buckets(np.where((times > 0) & (newest > 0), times - newest, 0.0))
    wait = torch.from_numpy(waits).to(device).expand(len(batch.items), -1)
    rows = torch.arange(len(recent), device=device)
    preference = network(batch, wait, table)[last, rows]
    scores: Tensor = (preference @ table.T + network.items.bias).float().cpu()
    return scores


def padded(histories: Sequence[History]) -> Packed:
    """One history a row, from its first event on, filled up at the end."""
    length = max(1, *map(len, histories)) if len(histories) > 1 else max(1, len(histories[0]))
    shape = (length, len(histories))
    items, actions, times = (np.zeros(shape, np.int64) for _ in range(3))
    gaps = np.zeros(shape)
    segment = np.full(shape, -1, np.int64)
    for row, history in enumerate(histories):
        n = len(history)
        items[:n, row], actions[:n, row], times[:n, row] = history.items, history.actions, history.times
        gaps[:n, row] = gaps_of(history.times)
        segment[:n, row] = row
    start = np.zeros(shape, bool)
    start[0] = True
    columns = (items, actions, gap_buckets(gaps), log_gap(gaps), times, segment, start)
    return Packed(*(torch.from_numpy(column) for column in columns))


def _ranks(scores: Tensor, had: Sequence[Any], targets: Any) -> Any:
    wanted = torch.from_numpy(targets)
    own = scores.gather(1, wanted[:, None])
    scores[:, 0] = -torch.inf
    for row, items in enumerate(had):
        scores[row, torch.from_numpy(items.astype(np.int64))] = -torch.inf
    scores.scatter_(1, wanted[:, None], -torch.inf)
    return (scores >= own).sum(1).numpy() + 1


def hit_rate_ndcg(ranks: Ranks, n: int = 10) -> tuple[float, float]:
    """HR@n and NDCG@n with one relevant item: share of ranks <= n, and mean of 1 / log2(rank + 1) there."""
    hit = ranks <= n
    return float(hit.mean()), float((hit / np.log2(ranks + 1)).mean())
