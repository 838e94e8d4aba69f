"""The fused loss against the plain one, value and gradient."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from swerve.learn import loss as room
from swerve.learn.loss import Seen, softmax_loss

N, ROWS, DIM = 23, 12, 5


def parts() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    x, table = torch.randn(N, DIM, generator=generator), torch.randn(ROWS, DIM, generator=generator)
    bias = torch.randn(ROWS, generator=generator)
    targets = torch.randint(1, ROWS, (N,), generator=generator)
    return x.requires_grad_(), table.requires_grad_(), bias.requires_grad_(), targets


def plain(
    x: Tensor, table: Tensor, bias: Tensor, targets: Tensor, negatives: Tensor, hidden: Tensor | None = None
) -> Tensor:
    """The formula, written with a (n, 1 + m) matrix."""
    against = x @ table[negatives].T + bias[negatives]
    masked = negatives == targets[:, None]
    if hidden is not None:
        masked = masked | hidden
    own = (x * table[targets]).sum(1, keepdim=True) + bias[targets][:, None]
    logits = torch.cat([own, against.masked_fill(masked, -1e9)], 1)
    return functional.cross_entropy(logits, torch.zeros(len(x), dtype=torch.long))


@pytest.mark.parametrize("chunk", [4, 1024])
@pytest.mark.parametrize("negatives", [torch.tensor([3, 7, 1]), torch.arange(1, ROWS)])
def test_value_and_gradients_are_those_of_the_formula(
    chunk: int, negatives: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "CHUNK", chunk)
    fused, usual = parts(), parts()
    one, other = softmax_loss(*fused, negatives), plain(*usual, negatives)
    (one * 3).backward()
    (other * 3).backward()
    assert one.item() == pytest.approx(other.item(), abs=1e-5)
    for left, right in zip(fused[:3], usual[:3], strict=True):
        assert torch.allclose(left.grad, right.grad, atol=1e-5)


def test_all_items_are_the_full_softmax() -> None:
    x, table, bias, targets = parts()
    full = functional.cross_entropy((x @ table.T + bias)[:, 1:], targets - 1)
    assert softmax_loss(x, table, bias, targets, torch.arange(1, ROWS)).item() == pytest.approx(full.item(), abs=1e-5)


@pytest.mark.parametrize("chunk", [4, 1024])
def test_what_was_had_is_no_negative(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "CHUNK", chunk)
    negatives = torch.tensor([2, 4, 6, 8])
    seen = [
        Seen(0, 6, torch.tensor([0, 2])),
        Seen(6, 9, torch.tensor([], dtype=torch.long)),
        Seen(9, N, torch.tensor([3])),
    ]
    hidden = torch.zeros(N, 4, dtype=torch.bool)
    hidden[0:6, [0, 2]] = True
    hidden[9:, 3] = True
    fused, usual = parts(), parts()
    one, other = softmax_loss(*fused, negatives, seen), plain(*usual, negatives, hidden)
    one.backward()
    other.backward()
    assert one.item() == pytest.approx(other.item(), abs=1e-5)
    assert torch.allclose(fused[1].grad, usual[1].grad, atol=1e-5)
    assert one.item() < softmax_loss(*parts(), negatives).item()


def test_large_scores_do_not_overflow() -> None:
    x, table, bias, targets = parts()
    loss = softmax_loss(x * 1e4, table, bias, targets, torch.arange(1, ROWS))
    assert torch.isfinite(loss)


def test_a_target_of_row_0_asks_nothing() -> None:
    """The same loss and gradients as without those tokens, whoever's they are."""
    torch.manual_seed(0)
    x, table, bias = torch.randn(6, 4), torch.randn(9, 4), torch.randn(9)
    targets, negatives = torch.tensor([3, 0, 0, 5, 0, 2]), torch.tensor([1, 2, 7, 8])
    seen = [Seen(0, 2, torch.tensor([0])), Seen(2, 3, torch.tensor([1])), Seen(3, 6, torch.tensor([2, 3]))]
    asked = targets > 0
    less = [Seen(0, 1, torch.tensor([0])), Seen(1, 3, torch.tensor([2, 3]))]

    def grads(rows: torch.Tensor, wanted: torch.Tensor, runs: list[Seen]) -> list[torch.Tensor]:
        parts = [part.clone().requires_grad_() for part in (rows, table, bias)]
        loss = softmax_loss(*parts, wanted, negatives, runs)
        loss.backward()
        return [loss.detach(), *(part.grad for part in parts if part.grad is not None)]

    whole, part = grads(x, targets, seen), grads(x[asked], targets[asked], less)
    assert torch.equal(whole[0], part[0])
    assert torch.equal(whole[1][asked], part[1])
    assert not whole[1][~asked].any()
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(whole[2:], part[2:], strict=True))


def test_where_nothing_is_asked_there_is_nothing_to_learn() -> None:
    x = torch.randn(3, 4, requires_grad=True)
    loss = softmax_loss(x, torch.randn(5, 4), torch.zeros(5), torch.zeros(3, dtype=torch.int64), torch.tensor([1, 2]))
    loss.backward()

    assert loss.item() == 0.0
    assert x.grad is not None
    assert not x.grad.any()
