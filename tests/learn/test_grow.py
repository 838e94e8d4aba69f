"""A grown network says the same of what it knew, and begins new items where they were met."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from swerve.learn.corpus import Corpus
from swerve.learn.grow import NEAR, company, grown
from swerve.learn.ranking import scores_of
from swerve.model.config import Shape
from swerve.model.history import History
from swerve.model.nets.network import Network

CPU = torch.device("cpu")
SHAPE = Shape(items=6, actions=0, dim=8, blocks=1, heads=2, inner=16)


def network(shape: Shape = SHAPE) -> Network:
    torch.manual_seed(3)
    made = Network(shape)
    with torch.no_grad():
        made.items.bias.copy_(torch.arange(shape.items + 1.0))
    return made


def corpus(*histories: list[int], items: int) -> Corpus:
    return Corpus(tuple(History.of(items) for items in histories), tuple(f"i{n}" for n in range(items)), ())


def asked(made: Network, histories: list[list[int]]) -> torch.Tensor:
    made.eval()
    with torch.no_grad():
        return scores_of(made, made.items.table(), [History.of(items) for items in histories], np.zeros(2), CPU)


def test_every_score_of_a_known_item_stays_as_it_was() -> None:
    old = network()
    new = grown(old, corpus([1, 7, 2], [8, 3], items=9))
    histories = [[1, 2, 3], [6, 4, 4]]
    assert new.shape.items == 9
    assert torch.equal(asked(new, histories)[:, :7], asked(old, histories))
    assert asked(new, histories).shape == (2, 10)


def test_a_new_item_begins_as_the_mean_of_its_company() -> None:
    old = network()
    new = grown(old, corpus([1, 7, 2], [7, 2], [4, 4, 4, 4, 8], items=9))
    known = old.items.id.detach()
    torch.testing.assert_close(new.items.id[7].detach(), (known[1] + 2 * known[2]) / 3)
    torch.testing.assert_close(new.items.id[8].detach(), known[4])
    torch.testing.assert_close(new.items.bias[7].detach(), torch.tensor((1 + 2 + 2) / 3))


def test_a_new_item_without_company_begins_as_the_mean_of_all_but_the_unknown_one() -> None:
    old = network()
    new = grown(old, corpus([7, 8], items=8))
    torch.testing.assert_close(new.items.id[7].detach(), old.items.id[1:].mean(0).detach())
    torch.testing.assert_close(new.items.bias[7].detach(), torch.tensor(3.5))


def test_company_is_near_known_and_on_both_sides() -> None:
    far = [5, *[9] * NEAR, 7, 1, 2, 3, 4]
    pairs = company(corpus(far, items=9), 6)
    of_seven = pairs[1][pairs[0] == 7].tolist()
    assert of_seven == [1, 2, 3], "5 and 4 are further away than NEAR, 9 is new itself"
    assert company(corpus([1, 2], items=6), 6).shape == (2, 0)


def test_training_goes_on_from_there() -> None:
    new = grown(network(), corpus([1, 7, 2], items=7), dropout=0.5)
    assert all(parameter.requires_grad for parameter in new.parameters())
    new.items.table().sum().backward()
    assert new.items.id.grad is not None
    assert new.items.id.grad.shape == (8, 8)
    assert new.events.dropout.p == 0.5


def test_content_grows_with_the_items() -> None:
    shape = Shape(items=6, actions=0, dim=8, blocks=1, heads=2, inner=16, content=4)
    old = network(shape)
    old.items.inform(torch.arange(7.0), torch.rand(7, 4))
    new = grown(old, corpus([1, 7], items=8))
    assert torch.equal(new.items.content[:7], old.items.content)
    assert torch.equal(new.items.known[:7], old.items.known)
    assert torch.equal(new.items.table()[:7], old.items.table())


def test_a_corpus_that_does_not_contain_what_is_known_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 6 items"):
        grown(network(), corpus([1, 2], items=5))
    with pytest.raises(ValueError, match="exactly 0 actions"):
        grown(network(), Corpus((), tuple("abcdef"), ("view",)))
