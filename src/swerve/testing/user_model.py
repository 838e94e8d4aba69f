"""What every UserModel owes its callers, as a check to run on your own: `check_user_model(mine)`."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from swerve.protocols import UserModel
from swerve.testing.obligations import owes
from swerve.types import Floats, History

_owes = owes("a UserModel owes its callers")
CLOSE = 1e-4
LENGTHS = (0, 1, 2, 31, 32, 33, 70)


def check_user_model(model: UserModel[Any], *, actions: int = 1, seed: int = 0) -> float:
    """Hold a user model to the obligations of `UserModel`; raises AssertionError saying which one it breaks.

    `actions`: how many it knows. Returns the largest difference found between stepping and encoding.
    """
    _owes(isinstance(model.version, int), "a version number")
    rows, dim = model.table.shape
    _owes(model.bias.shape == (rows,), "one bias for each embedding")
    _owes(model.table.dtype == model.bias.dtype == np.float32, "float32 embeddings and biases")
    _owes(bool(np.isfinite(model.table).all() and np.isfinite(model.bias).all()), "finite embeddings and biases")
    rng = np.random.default_rng(seed)
    given = [_history(rng, n, rows, actions) for n in LENGTHS]
    together = model.encode(given)
    _owes(len(together) == len(given), "one state for each history")
    worst = 0.0
    for history, state in zip(given, together, strict=True):
        now = float(history.times[-1]) + 500.0 if len(history) else 1.6e9
        encoded = model.preference(state, now)
        _owes(encoded.shape == (dim,) and encoded.dtype == np.float32, "a float32 preference as long as an embedding")
        _owes(bool(np.isfinite(encoded).all()), "a finite preference")
        _owes(_close(encoded, model.preference(model.encode([history])[0], now)), "a user apart from the others")
        stepped = model.preference(_stepped(model, history), now)
        _owes(_close(encoded, stepped), "the same by steps as in one go")
        worst = max(worst, float(np.abs(encoded - stepped).max()))
    _still(model, given[-1], together[-1])
    return worst


def _still(model: UserModel[Any], history: History, state: Any) -> None:
    """A state is a value; a preference moves with an event, and can be asked for at an unknown time."""
    now = float(history.times[-1])
    kept = copy.deepcopy(state)
    before = model.preference(state, now)
    after = model.step(state, 1, 0, now + 60.0)
    _owes(bool(np.array_equal(model.preference(state, now), before)), "an old state left alone by a step")
    _owes(bool(np.array_equal(model.preference(kept, now), before)), "a state that is a value")
    _owes(not np.array_equal(model.preference(after, now + 60.0), before), "a preference that moves with an event")
    _owes(bool(np.isfinite(model.preference(model.step(state, 0, 0, 0.0), 0.0)).all()), "an answer to what is unknown")


def _stepped(model: UserModel[Any], history: History) -> Any:
    state = model.encode([History.of([])])[0]
    for item, action, time in zip(history.items, history.actions, history.times, strict=True):
        state = model.step(state, int(item), int(action), float(time))
    return state


def _history(rng: np.random.Generator, n: int, rows: int, actions: int) -> History:
    times = 1.6e9 + np.cumsum(rng.exponential(90_000, n))
    return History.of(rng.integers(0, rows, n).tolist(), rng.integers(0, actions + 1, n).tolist(), times.tolist())


def _close(one: Floats, other: Floats) -> bool:
    return bool(np.allclose(one, other, atol=CLOSE, rtol=0))
