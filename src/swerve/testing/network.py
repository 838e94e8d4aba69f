"""What every backbone of a user model owes its trainer, as a check to run on your own: `check_network(Mine)`.

Imports PyTorch, which only training needs.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn

from swerve.model.config import Shape
from swerve.model.nets.batch import Packed
from swerve.testing.obligations import owes

_owes = owes("a backbone owes its trainer")

SHAPE = Shape(items=30, actions=2, dim=16, blocks=2, heads=2, inner=24, window=8)
LENGTHS = (1, 2, 7, 8, 9, 17)
"""Histories around the window of 8."""
CLOSE = 1e-4
_DAY_S = 86_400


def check_network(factory: Callable[[Shape, float], nn.Module]) -> int:
    """Hold a backbone to its obligations; raises AssertionError saying which one it breaks.

    `factory(shape, dropout)` makes the module: event vectors (T, B, dim) and a packed batch -> hidden states of the
    same shape. Weights are moved off their start, so that what begins at zero counts too. Returns how many checks
    were made.
    """
    torch.manual_seed(0)
    net = factory(SHAPE, 0.0)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    checks = [_shapes, _past, _future, _neighbours, _padding, _again, _gradients]
    for check in checks:
        check(net)
    _dropout(factory)
    return len(checks) + 1


def events(lengths: tuple[int, ...] = LENGTHS, seed: int = 1) -> list[tuple[Tensor, Packed]]:
    """One row each: event vectors (T, 1, dim) and the batch that says what they are."""
    generator = torch.Generator().manual_seed(seed)
    rows = []
    for length in lengths:
        gaps = torch.randint(1, 3 * _DAY_S, (length, 1), generator=generator)
        gaps[0] = 0
        start = torch.zeros(length, 1, dtype=torch.bool)
        start[0] = True
        batch = Packed(
            items=torch.randint(1, SHAPE.items, (length, 1), generator=generator),
            actions=torch.randint(1, SHAPE.actions + 1, (length, 1), generator=generator),
            gaps=torch.where(gaps > 0, torch.log2(gaps.clamp(min=1)).long() + 1, 0),
            hours=torch.log1p(gaps / 3600.0),
            times=1_600_000_000 + gaps.cumsum(0),
            segment=torch.zeros(length, 1, dtype=torch.long),
            start=start,
        )
        rows.append((torch.randn(length, 1, SHAPE.dim, generator=generator), batch))
    return rows


def packed(rows: list[tuple[Tensor, Packed]]) -> tuple[Tensor, Packed]:
    """Histories after each other in one row."""
    marked = [batch._replace(segment=batch.segment + number) for number, (_, batch) in enumerate(rows)]
    columns = (torch.cat(column) for column in zip(*marked, strict=True))
    return torch.cat([x for x, _ in rows]), Packed(*columns)


def _hidden(net: nn.Module, x: Tensor, batch: Packed) -> Tensor:
    net.eval()
    with torch.no_grad():
        hidden: Tensor = net(x, batch)
    return hidden


def _same(one: Tensor, other: Tensor) -> bool:
    return bool(torch.allclose(one, other, atol=CLOSE))


def _shapes(net: nn.Module) -> None:
    for x, batch in events():
        hidden = _hidden(net, x, batch)
        _owes(hidden.shape == x.shape, "hidden states of the shape of the events")
        _owes(hidden.dtype == torch.float32 and bool(torch.isfinite(hidden).all()), "finite float32 numbers")


def _future(net: nn.Module) -> None:
    x, batch = events((17,))[0]
    part = Packed(*(column[:10] for column in batch))
    _owes(_same(_hidden(net, x, batch)[:10], _hidden(net, x[:10], part)), "blindness to what comes later")


def _past(net: nn.Module) -> None:
    x, batch = events((6,))[0]
    other = x.clone()
    other[3] = -other[3]  # not a shift: a norm would take it out again
    before, after = _hidden(net, x, batch), _hidden(net, other, batch)
    _owes(bool((before[-1] - after[-1]).abs().max() > CLOSE), "an answer that depends on earlier events")


def _neighbours(net: nn.Module) -> None:
    rows = events((7, 9, 17))
    together = _hidden(net, *packed(rows))
    bounds = [0, 7, 16, 33]
    for (low, high), (x, batch) in zip(pairwise(bounds), rows, strict=True):
        _owes(_same(together[low:high], _hidden(net, x, batch)), "blindness to the other histories of a packed row")


def _padding(net: nn.Module) -> None:
    (x, batch), (_, longer) = events((9, 17))
    filled = {name: getattr(longer, name).clone() for name in Packed._fields}
    for name, column in filled.items():
        column[:9] = getattr(batch, name)
    filled["segment"][9:] = -1
    filled["start"][9:] = False
    wide = Packed(*(torch.cat([filled[name], getattr(longer, name)], 1) for name in Packed._fields))
    vectors = torch.cat([torch.cat([x, torch.zeros(8, 1, SHAPE.dim)]), events((17,), 5)[0][0]], 1)
    _owes(_same(_hidden(net, vectors, wide)[:9, :1], _hidden(net, x, batch)), "the same for any padding and company")


def _again(net: nn.Module) -> None:
    x, batch = events((17,))[0]
    kept = x.clone()
    first = _hidden(net, x, batch)
    _owes(torch.equal(kept, x), "its input left alone")
    _owes(torch.equal(first, _hidden(net, x, batch)), "the same answer every time")


def _gradients(net: nn.Module) -> None:
    net.train()
    x, batch = packed(events((7, 17)))
    x.requires_grad_()
    net.zero_grad()
    net(x, batch).square().sum().backward()
    every = [x, *net.parameters()]
    _owes(all(part.grad is not None for part in every), "a gradient for its input and each of its parameters")
    finite = all(bool(torch.isfinite(part.grad).all()) for part in every if part.grad is not None)
    _owes(finite, "finite gradients")


def _dropout(factory: Callable[[Shape, float], nn.Module]) -> None:
    net, (x, batch) = factory(SHAPE, 0.5), events((17,))[0]
    _owes(torch.equal(_hidden(net, x, batch), _hidden(net, x, batch)), "no dropout outside of training")
    net.train()
    with torch.no_grad():
        _owes(not torch.equal(net(x, batch), net(x, batch)), "dropout in training")
