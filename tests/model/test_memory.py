"""A user's memory is what the model makes of the touches, however it came about; and it is forgotten in order."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from swerve.learn.export import checkpoint_of
from swerve.model import memory as module
from swerve.model.loading import user_model
from swerve.model.memory import Memory, Touches
from swerve.model.recurrent import RecurrentModel
from swerve.types import Touch
from tests.model.worlds import ITEMS, corpus, network

CLOSE = 1e-4
T0 = 1.6e9


def memory(users: int = 100) -> Memory:
    made = checkpoint_of(network(), corpus([]), 3)
    return Memory(user_model(made), made.words, users)


def touches(n: int, first: int = 0, gain: float = 1.0) -> Touches:
    return tuple(Touch(f"i{(7 * k) % ITEMS}", "buy", gain, T0 + 500.0 * k, first + k) for k in range(n))


def preference(memory: Memory, given: Touches) -> np.ndarray:
    return memory.model.preference(memory.of(given).state, T0 + 1e6)


class Counting:
    """A model that says how it was asked."""

    def __init__(self, inner: RecurrentModel) -> None:
        self.inner, self.steps, self.encoded = inner, 0, 0

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)

    def step(self, *given: object) -> object:
        self.steps += 1
        return self.inner.step(*given)  # type: ignore[arg-type]

    def encode(self, histories: list) -> object:
        self.encoded += len(histories)
        return self.inner.encode(histories)


@pytest.fixture
def counting() -> tuple[Memory, Counting]:
    made = checkpoint_of(network(), corpus([]), 3)
    model = Counting(RecurrentModel(made))
    return Memory(model, made.words, 100), model  # type: ignore[arg-type]


def test_an_event_costs_one_step_and_no_encoding(counting: tuple[Memory, Counting]) -> None:
    here, model = counting
    whole = touches(40)
    here.of(whole[:30])
    for n in range(31, 41):
        here.of(whole[:n])
    assert (model.encoded, model.steps) == (1, 10)
    here.of(whole)
    assert (model.encoded, model.steps) == (1, 10), "nothing new costs nothing"


def test_by_steps_or_anew_it_is_the_same() -> None:
    here, whole = memory(), touches(40)
    for n in range(1, 41):
        stepped = preference(here, whole[:n])
        assert stepped == pytest.approx(preference(memory(), whole[:n]), abs=CLOSE)


def test_an_undone_touch_is_as_if_it_had_never_been() -> None:
    here, whole = memory(), touches(20)
    here.of(whole)
    without = (*whole[:7], *whole[8:])
    assert preference(here, without) == pytest.approx(preference(memory(), without), abs=CLOSE)
    assert np.abs(preference(here, without) - preference(memory(), whole)).max() > 1e-3


def test_touches_that_were_pushed_out_are_forgotten() -> None:
    here, whole = memory(), touches(20)
    here.of(whole)
    assert preference(here, whole[5:]) == pytest.approx(preference(memory(), whole[5:]), abs=CLOSE)


def test_a_session_joined_to_its_user_between_two_requests() -> None:
    here, own, session = memory(), touches(5), touches(3, first=100)
    here.of(own)
    joined = (*own[:3], *session, *own[3:])
    assert preference(here, joined) == pytest.approx(preference(memory(), joined), abs=CLOSE)


def test_many_new_events_are_read_in_one_go(counting: tuple[Memory, Counting]) -> None:
    here, model = counting
    whole = touches(10 + module.STEPS + 1)
    here.of(whole[:10])
    here.of(whole)
    assert (model.encoded, model.steps) == (2, 0)


def test_only_what_was_liked_and_is_known_is_read() -> None:
    here, known = memory(), touches(4)
    strange = Touch("never-heard-of", "buy", 1.0, T0 + 1e5, 50)
    seen = Touch("i3", "view", 0.0, T0 + 1e5, 51)
    assert here.of((*known, strange, seen)).events == 4
    assert preference(here, (*known, strange, seen)) == pytest.approx(preference(here, known), abs=0)
    assert here.of((strange, seen)).events == 0
    assert here.of(()).events == 0


def test_an_action_it_never_saw_counts_as_any_other() -> None:
    here, given = memory(), touches(4)
    odd = tuple(Touch(one.item, "teleport", one.gain, one.time, one.offset) for one in given)
    other = tuple(Touch(one.item, "swallow", one.gain, one.time, one.offset) for one in given)
    assert preference(here, odd) == pytest.approx(preference(memory(), other), abs=0)


def test_a_history_that_came_with_the_request_is_not_remembered() -> None:
    here = memory()
    here.of(tuple(Touch("i1", "view", 1.0, T0, -1) for _ in range(3)))
    assert len(here) == 0


def test_who_asked_longest_ago_is_forgotten_first(counting: tuple[Memory, Counting]) -> None:
    made = checkpoint_of(network(), corpus([]), 3)
    model = Counting(RecurrentModel(made))
    here = Memory(model, made.words, 2)  # type: ignore[arg-type]
    ann, bob, cid = touches(3, 0), touches(3, 100), touches(3, 200)
    for user in (ann, bob, ann, cid):
        here.of(user)
    assert len(here) == 2
    before = model.encoded
    here.of(ann)
    here.of(cid)
    assert model.encoded == before
    here.of(bob)
    assert model.encoded == before + 1


def test_a_new_version_is_prepared_for_those_who_asked_last(counting: tuple[Memory, Counting]) -> None:
    old, (new, model) = memory(), counting
    users = [touches(4, 100 * n) for n in range(70)]
    for user in users:
        old.of(user)
    assert old.recent() == users[::-1]
    new.prepare(old.recent())
    before = model.encoded
    assert preference(new, users[3]) == pytest.approx(preference(old, users[3]), abs=CLOSE)
    assert model.encoded == before == 70
    assert new.recent()[1:] == [user for user in users[::-1] if user is not users[3]]


def test_preparing_keeps_to_the_bound() -> None:
    here = memory(users=5)
    users = [touches(2, 100 * n) for n in range(9)]
    here.prepare(iter([(), *users]))
    assert here.recent() == users[:5] or len(here) == 5
    assert users[0] in here.recent()


def test_threads_may_ask_at_once() -> None:
    here, users = memory(users=8), [touches(30, 100 * n) for n in range(12)]
    wanted = [preference(memory(), user) for user in users]
    wrong: list[int] = []

    def ask(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for _ in range(60):
            number, n = int(rng.integers(12)), int(rng.integers(1, 31))
            here.of(users[number][:n])
            if np.abs(preference(here, users[number]) - wanted[number]).max() > CLOSE:
                wrong.append(number)

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(here) <= 8
