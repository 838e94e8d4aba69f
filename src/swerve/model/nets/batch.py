"""A packed batch: rows of one length in which histories follow each other, with marks where each begins."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


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
