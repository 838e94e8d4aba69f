"""Softmax over a shared draw of items, with its gradient made in the same pass.

    loss = mean_t [ log( e^{s(t, target)} + sum_{j in negatives, j not in seen(t)} e^{s(t, j)} ) - s(t, target) ]

Negatives are drawn once a step, uniformly; as many negatives as items are the full softmax. What the user has had is
left out of them: it will not be offered again, so it need not be pushed down (compare 3,000 drawn negatives with the
full softmax in Klenitskiy & Vasilev, RecSys 2023).
The logits (tokens, negatives) live for one chunk at a time: memory does not grow with the batch, and autograd keeps
none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

CHUNK = 1024
"""Tokens whose logits exist at once."""
MASKED = -1e9


class Seen(NamedTuple):
    """Which negatives do not count for which tokens: consecutive tokens of one history share theirs."""

    begin: int
    end: int
    columns: Tensor
    """Places among the negatives, int64."""


class _Softmax(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, table: Tensor, bias: Tensor, targets: Tensor, negatives: Tensor, seen: Sequence[Seen]
    ) -> Tensor:
        against, against_bias = table[negatives], bias[negatives]
        to_x, to_table, to_bias = torch.empty_like(x), torch.zeros_like(table), torch.zeros_like(bias)
        to_against, to_against_bias = torch.zeros_like(against), torch.zeros_like(against_bias)
        total = x.new_zeros(())
        for begin in range(0, len(x), CHUNK):
            part, target = x[begin : begin + CHUNK], targets[begin : begin + CHUNK]
            logits = torch.addmm(against_bias, part, against.T)
            _mask(logits, seen, begin)
            logits.masked_fill_(negatives == target[:, None], MASKED)
            own = (part * table[target]).sum(1) + bias[target]
            most = torch.maximum(logits.amax(1), own)
            logits.sub_(most[:, None]).exp_()
            right = (own - most).exp()
            mass = logits.sum(1) + right
            total += (mass.log() + most - own).sum()
            logits.div_(mass[:, None])
            wrong = (right / mass - 1)[:, None]
            to_x[begin : begin + CHUNK] = torch.addmm(wrong * table[target], logits, against)
            to_against.addmm_(logits.T, part)
            to_against_bias += logits.sum(0)
            to_table.index_add_(0, target, wrong * part)
            to_bias.index_add_(0, target, wrong[:, 0])
        to_table.index_add_(0, negatives, to_against)
        to_bias.index_add_(0, negatives, to_against_bias)
        ctx.save_for_backward(to_x, to_table, to_bias)
        return total / len(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        to_x, to_table, to_bias = ctx.saved_tensors
        share = grads[0] / len(to_x)
        return to_x * share, to_table * share, to_bias * share, None, None, None


def _mask(logits: Tensor, seen: Sequence[Seen], offset: int) -> None:
    for begin, end, columns in seen:
        low, high = max(begin - offset, 0), min(end - offset, len(logits))
        if low < high:
            logits[low:high].index_fill_(1, columns, MASKED)


def _left(seen: Sequence[Seen], asked: Tensor) -> list[Seen]:
    """Where the runs stand once the tokens that are not `asked` (n,) have gone."""
    before = [0, *asked.cumsum(0).tolist()]
    moved = (Seen(before[begin], before[end], columns) for begin, end, columns in seen)
    return [run for run in moved if run.begin < run.end]


def softmax_loss(
    x: Tensor, table: Tensor, bias: Tensor, targets: Tensor, negatives: Tensor, seen: Sequence[Seen] = ()
) -> Tensor:
    """Mean loss of preferences x (n, dim) for targets (n,) against negatives (m,).

    Both are rows of `table` (rows, dim) and `bias` (rows,). A negative that is the target itself never counts twice.
    Preferences whose target is row 0 are left out; a mean over nothing is 0.
    """
    asked = targets > 0
    if not asked.all():
        x, targets, seen = x[asked], targets[asked], _left(seen, asked)
    if not len(targets):
        return x.sum()  # of no rows: 0, and a gradient of 0
    loss: Tensor = _Softmax.apply(x, table, bias, targets, negatives, seen)  # type: ignore[no-untyped-call]
    return loss
