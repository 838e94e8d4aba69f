"""A packed batch: rows of one length in which histories follow each other, with marks where each begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from swerve.model.history import gap_buckets, gaps_of, log_gap
from swerve.types import History


class Packed(NamedTuple):
    """Events as (time, rows) tensors; time comes first, because the recurrence walks along it."""

    items: Tensor
    """(T, B) int64, row of the item, 0 = unknown or padding."""
    actions: Tensor
    """(T, B) int64."""
    gaps: Tensor
    """(T, B) int64, bucket of the time since the event before."""
    hours: Tensor
    """(T, B) float32, ln(1 + hours since the event before)."""
    times: Tensor
    """(T, B) int64, Unix seconds; only differences inside one segment mean anything."""
    segment: Tensor
    """(T, B) int64, which history an event belongs to; -1 = padding."""
    start: Tensor
    """(T, B) bool, the first event of its history in this row."""

    def to(self, device: torch.device) -> Packed:
        """The same on another device."""
        return Packed(*(column.to(device, non_blocking=True) for column in self))

    def positions(self) -> Tensor:
        """(T, B) int64: place of each event in its own segment, from 0."""
        place = torch.arange(len(self.start), device=self.start.device)[:, None].expand_as(self.start)
        return place - torch.where(self.start, place, 0).cummax(0).values


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
