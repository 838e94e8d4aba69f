"""One model in two forms: what serves step by step says the same as what was trained in parallel."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from swerve.errors import ConfigError
from swerve.learn.export import checkpoint_of
from swerve.model.history import History, gap_buckets
from swerve.model.nets.batch import padded
from swerve.model.recurrent import RecurrentModel, State, from_content
from tests.model.worlds import ITEMS, corpus, histories, network

CLOSE = 1e-4


def serving(content: int = 0) -> RecurrentModel:
    return RecurrentModel(checkpoint_of(network(content=content), corpus([]), 7))


def stepped(model: RecurrentModel, history: History) -> State:
    state = model.start()
    for item, action, time in zip(history.items, history.actions, history.times, strict=True):
        state = model.step(state, int(item), int(action), float(time))
    return state


def test_step_by_step_equals_parallel() -> None:
    trained, model, given = network(), serving(), histories()
    batch = padded(given)
    waited = torch.full_like(batch.items, int(gap_buckets(500.0)))
    preferences = trained(batch, waited, trained.items.table()).detach().numpy()
    for row, history in enumerate(given):
        state = model.start()
        for t, (item, action, time) in enumerate(zip(history.items, history.actions, history.times, strict=True)):
            state = model.step(state, int(item), int(action), float(time))
            served = model.preference(state, float(time) + 500.0)
            assert served == pytest.approx(preferences[t, row], abs=CLOSE)


def test_encode_equals_step_by_step_whatever_else_is_in_the_batch() -> None:
    model, given = serving(), [*histories(), History.of([])]
    together = model.encode(given)
    for history, state in zip(given, together, strict=True):
        alone = model.encode([history])[0]
        walked = stepped(model, history)
        assert state.events == alone.events == walked.events == len(history)
        for one, other, third in zip(state[:3], alone[:3], walked[:3], strict=True):
            assert one == pytest.approx(np.asarray(other), abs=CLOSE)
            assert one == pytest.approx(np.asarray(third), abs=CLOSE)


def test_a_state_goes_on_where_encode_left_it() -> None:
    model, history = serving(), histories(3, (30,))[0]
    state = model.encode([history.upto(20)])[0]
    for place in range(20, 30):
        state = model.step(state, int(history.items[place]), int(history.actions[place]), float(history.times[place]))
    now = float(history.times[-1])
    assert model.preference(state, now) == pytest.approx(model.preference(stepped(model, history), now), abs=CLOSE)


def test_a_step_changes_the_preference_and_leaves_the_old_state_alone() -> None:
    model, history = serving(), histories(1, (12,))[0]
    before = stepped(model, history)
    kept = State(before.memory.copy(), before.near.copy(), before.hidden.copy(), before.events, before.time)
    after = model.step(before, 5, 1, before.time + 60)
    assert all(np.array_equal(one, other) for one, other in zip(before, kept, strict=True))
    assert np.abs(model.preference(after, after.time) - model.preference(before, after.time)).max() > 0.01


def test_the_state_has_one_size_for_every_history() -> None:
    model = serving()
    sizes = {sum(np.asarray(part).nbytes for part in state) for state in model.encode(histories())}
    assert len(sizes) == 1


def test_the_time_of_the_question_counts_but_an_unknown_one_does_not() -> None:
    model, history = serving(), histories(2, (5,))[0]
    state = stepped(model, history)
    at_once, later = model.preference(state, state.time), model.preference(state, state.time + 86_400)
    assert np.abs(at_once - later).max() > 0.001
    assert np.array_equal(model.preference(state, 0.0), at_once)
    assert np.array_equal(model.preference(state, state.time - 50), at_once)  # a clock that went back


def test_scores_are_those_of_the_network() -> None:
    trained, model, history = network(), serving(), histories(4, (9,))[0]
    batch = padded([history])
    table = trained.items.table()
    hidden = trained(batch, torch.zeros_like(batch.items), table)[-1, 0]
    wanted = (hidden @ table.T + trained.items.bias).detach().numpy()
    state = stepped(model, history)
    assert model.table @ model.preference(state, state.time) + model.bias == pytest.approx(wanted, abs=CLOSE)


def test_content_stands_in_for_an_id_that_was_never_seen() -> None:
    trained = network(content=6)
    content = torch.randn(ITEMS + 1, 6, generator=torch.Generator().manual_seed(1))
    seen = torch.arange(ITEMS + 1, dtype=torch.float32)
    trained.items.inform(seen, content)
    model = RecurrentModel(checkpoint_of(trained, corpus([]), 1, encoder="hashing"))
    assert model.table == pytest.approx(trained.items.table().detach().numpy(), abs=CLOSE)
    checkpoint = checkpoint_of(trained, corpus([]), 1)
    assert from_content(checkpoint, content.numpy())[0] == pytest.approx(
        model.table[0], abs=CLOSE
    )  # never seen: gate 0


def test_another_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected a recurrent model, found gru4rec"):
        RecurrentModel(checkpoint_of(network("gru4rec"), corpus([]), 1))
