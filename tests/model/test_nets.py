"""What every backbone owes: it sees only the past of its own history, however rows are packed."""

from __future__ import annotations

from typing import get_args

import pytest
import torch

from swerve.model.config import SIZES, Kind, ModelConfig
from swerve.model.history import History
from swerve.model.nets import scan as scanning
from swerve.model.nets.batch import Packed, padded
from swerve.model.nets.network import BACKBONES, Network
from swerve.model.nets.scan import scan
from tests.model.worlds import histories, network

KINDS: tuple[Kind, ...] = get_args(Kind)


def preferences(net: Network, batch: Packed) -> torch.Tensor:
    with torch.no_grad():
        out: torch.Tensor = net(batch, torch.zeros_like(batch.items), net.items.table())
    return out


def after_each_other(first: History, second: History) -> Packed:
    """Two histories packed into one row."""
    one, two = padded([first]), padded([second])
    parts = {
        name: torch.cat([getattr(one, name), getattr(two, name) + (1 if name == "segment" else 0)])
        for name in Packed._fields
        if name != "start"
    }
    return Packed(start=torch.cat([one.start, two.start]), **parts)


def test_every_kind_has_a_backbone() -> None:
    assert set(BACKBONES) == set(KINDS)
    assert len(KINDS) == 4


@pytest.mark.parametrize("kind", KINDS)
def test_the_future_does_not_count(kind: Kind) -> None:
    net, history = network(kind), histories(0, (30,))[0]
    whole, part = preferences(net, padded([history])), preferences(net, padded([history.upto(19)]))
    assert torch.allclose(whole[:19], part, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_the_past_does_count(kind: Kind) -> None:
    net, history = network(kind), histories(0, (12,))[0]
    other = History(history.items.copy(), history.actions, history.times)
    other.items[8] = 1 + other.items[8] % 50
    whole, changed = (preferences(net, padded([given])) for given in (history, other))
    assert torch.allclose(whole[:8], changed[:8], atol=1e-6)
    assert (whole[-1] - changed[-1]).abs().max() > 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_neighbours_in_a_row_do_not_see_each_other(kind: Kind) -> None:
    net, (first, second) = network(kind), histories(5, (11, 14))
    packed = preferences(net, after_each_other(first, second))
    assert torch.allclose(packed[:11], preferences(net, padded([first])), atol=1e-5)
    assert torch.allclose(packed[11:], preferences(net, padded([second])), atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_padding_and_batch_mates_change_nothing(kind: Kind) -> None:
    net, given = network(kind), histories(6)
    together = preferences(net, padded(given))
    for row, history in enumerate(given):
        alone = preferences(net, padded([history]))
        assert torch.allclose(together[: len(history), row], alone[:, 0], atol=1e-5)


@pytest.mark.parametrize("kind", ["recurrent", "hstu"])
def test_time_counts_where_the_model_reads_it(kind: Kind) -> None:
    net, history = network(kind), histories(7, (10,))[0]
    slower = History(history.items, history.actions, history.times[0] + (history.times - history.times[0]) * 50)
    assert (preferences(net, padded([history])) - preferences(net, padded([slower]))).abs().max() > 1e-4


def test_scan_is_the_recurrence_and_its_gradient_the_derivative() -> None:
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.rand(7, 2, 3, generator=generator, dtype=torch.float64).requires_grad_() for _ in range(2))
    h = scan(a, b)
    state = torch.zeros(2, 3, dtype=torch.float64)
    for t in range(7):
        state = a[t] * state + b[t]
        assert torch.allclose(h[t], state)
    assert torch.autograd.gradcheck(scan, (a, b))


def test_content_starts_at_nothing_and_hidden_ids_leave_it_alone() -> None:
    torch.manual_seed(0)
    shape = ModelConfig(size="tiny").shape(items=9, actions=1, content=4)
    net = Network(shape, hide=1.0)
    net.items.inform(torch.full((10,), 5.0), torch.randn(10, 4))
    net.eval()
    assert torch.allclose(net.items.table(), net.items.id * 0.5)  # seen 5 times: half of it is the id
    net.train()
    assert torch.allclose(net.items.table(), torch.zeros(10, shape.dim))
    with pytest.raises(ValueError, match="expected content vectors"):
        net.items.inform(torch.ones(10), None)


def test_the_dial_goes_up() -> None:
    dims = [ModelConfig(size=size).shape(items=1, actions=1, content=0).dim for size in SIZES]
    assert dims == sorted(set(dims))


def test_the_scan_in_passes_is_the_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a GPU computes, computed here: values and both gradients, for lengths around powers of two."""
    generator = torch.Generator().manual_seed(1)
    for length in (1, 2, 3, 8, 9, 33):
        a, b, given = (torch.rand(length, 2, 3, generator=generator, dtype=torch.float64) for _ in range(3))
        answers = []
        for kinds in ((), ("cpu",)):
            monkeypatch.setattr(scanning, "PARALLEL", kinds)
            one, other = a.clone().requires_grad_(), b.clone().requires_grad_()
            h = scan(one, other)
            h.backward(given)
            answers.append((h.detach(), one.grad, other.grad))
        for walked, doubled in zip(*answers, strict=True):
            assert torch.allclose(walked, doubled, atol=1e-12)
