"""The linear recurrence h[t] = a[t] * h[t-1] + b[t], forwards and backwards.

On a CPU a loop over time of fused multiply-adds in place: O(T) work in O(1) memory beside the answer, and faster than a
logarithmic scan, because each step touches only (rows, channels) values that stay in the cache. A GPU would wait for T
small steps; there, log2(T) passes over everything (Hillis & Steele, CACM 1986).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

PARALLEL = ("cuda",)
"""Kinds of device that scan in passes."""


class _Scan(torch.autograd.Function):
    """dL/db[t] = g[t] + a[t+1] * dL/db[t+1]; dL/da[t] = dL/db[t] * h[t-1]."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        h = _doubled(a, b) if a.device.type in PARALLEL else _walked(a, b)
        ctx.save_for_backward(a, h)
        return h

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor]:
        a, h = ctx.saved_tensors
        given = grads[0].contiguous()
        if a.device.type in PARALLEL:
            flow = _doubled(a.roll(-1, 0).flip(0), given.flip(0)).flip(0)  # a[0] is before the first: never used
        else:
            flow = _walked_back(a, given)
        to_a = torch.zeros_like(a)
        torch.mul(flow[1:], h[:-1], out=to_a[1:])
        return to_a, flow


def _walked(a: Tensor, b: Tensor) -> Tensor:
    h = torch.empty_like(b)
    h[0] = b[0]
    for t in range(1, len(b)):
        torch.addcmul(b[t], a[t], h[t - 1], out=h[t])
    return h


def _walked_back(a: Tensor, given: Tensor) -> Tensor:
    flow = torch.empty_like(given)
    flow[-1] = given[-1]
    for t in range(len(given) - 2, -1, -1):
        torch.addcmul(given[t], a[t + 1], flow[t + 1], out=flow[t])
    return flow


def _doubled(a: Tensor, b: Tensor) -> Tensor:
    """After k passes h[t] holds the last 2^k inputs, a[t] the product of as many decays."""
    a, h, shift = a.clone(), b.clone(), 1
    while shift < len(h):
        h[shift:] += a[shift:] * h[:-shift]
        a[shift:] = a[shift:] * a[:-shift]
        shift *= 2
    return h


def scan(a: Tensor, b: Tensor) -> Tensor:
    """h (T, B, C) for decays a and inputs b of the same shape; h[-1] is zero. A zero decay begins anew."""
    h: Tensor = _Scan.apply(a.contiguous(), b.contiguous())  # type: ignore[no-untyped-call]
    return h
