"""All four architectures keep the contract of `UserModel`, and the check finds those that do not."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
import torch

from swerve.learn.export import checkpoint_of
from swerve.model.config import LONGEST, Kind
from swerve.model.loading import user_model
from swerve.model.nets.batch import padded
from swerve.model.nets.tail import TailModel
from swerve.model.recurrent import RecurrentModel
from swerve.protocols import UserModel
from swerve.testing.user_model import check_user_model
from swerve.types import Floats, History
from tests.model.worlds import corpus, histories, network

KINDS = get_args(Kind)


def model_of(kind: Kind) -> UserModel[Any]:
    return user_model(checkpoint_of(network(kind), corpus([]), 5))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_keeps_the_contract(kind: Kind) -> None:
    assert check_user_model(model_of(kind), actions=3) < 1e-4


def test_only_the_recurrent_one_has_a_step_of_its_own() -> None:
    assert isinstance(model_of("recurrent"), RecurrentModel)
    assert all(isinstance(model_of(kind), TailModel) for kind in KINDS if kind != "recurrent")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "recurrent"])
def test_a_tail_says_what_its_network_says(kind: Kind) -> None:
    trained, model, history = network(kind), model_of(kind), histories(2, (17,))[0]
    batch = padded([history])
    wanted = trained(batch, torch.zeros_like(batch.items), trained.items.table())[-1, 0].detach().numpy()
    state = model.encode([history])[0]
    assert model.preference(state, 0.0) == pytest.approx(wanted, abs=1e-5)
    assert model.table == pytest.approx(trained.items.table().detach().numpy())
    assert model.bias == pytest.approx(trained.items.bias.detach().numpy())


def test_a_tail_holds_the_newest_events_only() -> None:
    model = model_of("sasrec")
    state = model.encode([histories(1, (LONGEST + 30,))[0]])[0]
    assert len(state) == LONGEST
    after = model.step(state, 4, 1, float(state.times[-1]) + 9.0)
    assert len(after) == LONGEST
    assert (after.items[-1], after.actions[-1]) == (4, 1)
    assert np.array_equal(after.items[:-1], state.items[1:])


class Broken:
    """A model with one fault."""

    def __init__(self, inner: UserModel[Any]) -> None:
        self.inner = inner
        self.version, self.table, self.bias = inner.version, inner.table, inner.bias

    def encode(self, given: list[History]) -> list[Any]:
        return self.inner.encode(given)

    def step(self, state: Any, item: int, action: int, time: float) -> Any:
        return self.inner.step(state, item, action, time)

    def preference(self, state: Any, query_time: float) -> Floats:
        return self.inner.preference(state, query_time)


class Deaf(Broken):
    def step(self, state: Any, item: int, action: int, time: float) -> Any:
        return state


class Forgetful(Broken):
    def encode(self, given: list[History]) -> list[Any]:
        return self.inner.encode([history.last(20) for history in given])


class Mixing(Broken):
    def encode(self, given: list[History]) -> list[Any]:
        states = self.inner.encode(given)
        return [states[-1] for _ in states]


class Infinite(Broken):
    def preference(self, state: Any, query_time: float) -> Floats:
        return self.inner.preference(state, query_time) * np.float32(np.inf)


class Writing(Broken):
    def step(self, state: Any, item: int, action: int, time: float) -> Any:
        state.hidden[:] += 1
        return self.inner.step(state, item, action, time)


class Doubled(Broken):
    def preference(self, state: Any, query_time: float) -> Floats:
        return self.inner.preference(state, query_time).astype(np.float64)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("broken", "obligation"),
    [
        (Deaf, "the same by steps as in one go"),
        (Forgetful, "the same by steps as in one go"),
        (Mixing, "a user apart from the others"),
        (Infinite, "a finite preference"),
        (Writing, "an old state left alone"),
        (Doubled, "a float32 preference"),
    ],
)
def test_the_check_finds_a_fault(broken: type[Broken], obligation: str) -> None:
    with pytest.raises(AssertionError, match=obligation):
        check_user_model(broken(model_of("recurrent")), actions=3)


def test_the_check_wants_a_bias_for_each_embedding() -> None:
    model = Broken(model_of("recurrent"))
    model.bias = model.bias[:-1]
    with pytest.raises(AssertionError, match="one bias for each embedding"):
        check_user_model(model)
