"""Ranks of held-out items under full ranking: against every item the model knows.

Items already had are left out, unless people come back to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from swerve.learn.corpus import Corpus
from swerve.model.config import LONGEST
from swerve.model.history import gap_buckets
from swerve.model.nets.batch import padded
from swerve.model.nets.network import Network
from swerve.types import History

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
            had = [] if corpus.repeats else [history.items for history in past]
            ranks[chosen] = _ranks(scores, had, targets)
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
