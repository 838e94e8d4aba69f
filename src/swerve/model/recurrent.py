"""The recurrent user model as it serves: NumPy only, one cheap step an event.

The same formulas as `nets/`, which says where they come from; a test holds the two within 1e-4 of each other. A
state is a value: a step makes a new one, so a state that is being read never changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from swerve.errors import ConfigError
from swerve.model.arithmetic import layer_norm, linear, sigmoid, silu, softmax
from swerve.model.checkpoint import Checkpoint
from swerve.model.history import History, gap_buckets, gaps_of, log_gap
from swerve.types import Floats

EPSILON = np.float32(1e-6)
MASKED = np.float32(-1e9)


class State(NamedTuple):
    """What one user's events left behind: 2 * blocks * (inner / 2 + window * dim) numbers, whatever their count."""

    memory: Floats
    """(blocks, inner) float32, the recurrences."""
    near: Floats
    """(blocks, 2, window, dim) float32: keys and values of the newest events, event number t at place t % window."""
    hidden: Floats
    """(dim,) float32, output of the last block for the newest event; zeros before the first."""
    events: int
    """How many so far."""
    time: float
    """Unix seconds of the newest event, 0 when not known."""


class RecurrentModel:
    """A `UserModel`. Immutable; safe to share between threads."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        """Raises ConfigError when the checkpoint is of another kind."""
        self.shape = checkpoint.words.shape
        if self.shape.kind != "recurrent":
            raise ConfigError(f"expected a recurrent model, found {self.shape.kind}", field="model.kind")
        self.version = checkpoint.version
        self.dim = self.shape.dim
        self._of: dict[str, Any] = checkpoint.arrays
        self.table, self.bias = item_table(checkpoint), np.ascontiguousarray(checkpoint.arrays["items.bias"])
        """(items + 1, dim) and (items + 1,) float32; the score of row i is preference . table[i] + bias[i]."""
        self._entering = layer_norm(self.table, *self._norm("events.norm"))
        self._blocks = [
            _Block(checkpoint.arrays, f"backbone.blocks.{i}.", self.shape) for i in range(self.shape.blocks)
        ]

    def start(self) -> State:
        """The state before the first event."""
        shape = self.shape
        return State(
            np.zeros((shape.blocks, shape.inner), np.float32),
            np.zeros((shape.blocks, 2, shape.window, shape.dim), np.float32),
            np.zeros(shape.dim, np.float32),
            0,
            0.0,
        )

    def encode(self, histories: Sequence[History]) -> list[State]:
        """The state after each history, all at once: (users, T) events in one pass a block."""
        lengths = np.array([len(history) for history in histories])
        longest = int(lengths.max(initial=0))
        if longest == 0:
            return [self.start() for _ in histories]
        items, actions = (np.zeros((len(histories), longest), np.int64) for _ in range(2))
        gaps = np.zeros((len(histories), longest))
        for place, history in enumerate(histories):
            items[place, : len(history)], actions[place, : len(history)] = history.items, history.actions
            gaps[place, : len(history)] = gaps_of(history.times)
        x = self._event(items, actions, gap_buckets(gaps))
        hours = log_gap(gaps)
        memories, nears = [], []
        for block in self._blocks:
            x, memory, keys, values = block.walk(x, hours)
            memories.append(memory)
            nears.append((keys, values))
        return [self._state(place, history, x, memories, nears) for place, history in enumerate(histories)]

    def step(self, state: State, item: int, action: int, time: float) -> State:
        """The state after one more event: rows of the model's own tables, Unix seconds; 0 = not known."""
        gap = max(time - state.time, 0.0) if state.events and time > 0 and state.time > 0 else 0.0
        x = self._event(item, action, gap_buckets(gap))
        hours = log_gap(gap)
        memory, near = np.empty_like(state.memory), state.near.copy()
        for place, block in enumerate(self._blocks):
            x, memory[place] = block.step(x, hours, state.memory[place], near[place], state.events)
        return State(memory, near, x, state.events + 1, time)

    def preference(self, state: State, query_time: float) -> Floats:
        """(dim,) float32 for a question at this time (Unix seconds, 0 = not known)."""
        wait = max(query_time - state.time, 0.0) if query_time > 0 and state.time > 0 else 0.0
        waited = state.hidden + self._of["readout.wait"][gap_buckets(wait)]
        preference: Floats = layer_norm(waited, *self._norm("readout.norm"))
        return preference

    def _event(self, items: Any, actions: Any, gaps: Any) -> Floats:
        event: Floats = self._entering[items] + self._of["events.action"][actions] + self._of["events.gap"][gaps]
        return event

    def _norm(self, name: str) -> tuple[Floats, Floats]:
        return self._of[f"{name}.weight"], self._of[f"{name}.bias"]

    def _state(self, place: int, history: History, x: Floats, memories: list[Any], nears: list[Any]) -> State:
        """Cut one user's state out of what the blocks computed for all."""
        n = len(history)
        if n == 0:
            return self.start()
        newest = np.arange(max(n - self.shape.window, 0), n)
        near = np.zeros((self.shape.blocks, 2, self.shape.window, self.dim), np.float32)
        for block, pair in enumerate(nears):
            for side, columns in enumerate(pair):
                near[block, side, newest % self.shape.window] = columns[place, newest]
        memory = np.stack([states[place, n - 1] for states in memories])
        return State(memory, near, x[place, n - 1], n, float(history.times[-1]))


class _Block:
    """One gated block: recurrence and local attention, then the feed-forward."""

    def __init__(self, arrays: dict[str, Any], prefix: str, shape: Any) -> None:
        self._of = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
        for name in [name for name in self._of if name.endswith(".weight") and self._of[name].ndim == 2]:
            self._of[name] = np.ascontiguousarray(self._of[name].T)  # (in, out): x @ W reads it in order
        self._heads, self._window = shape.heads, shape.window
        self._slowness = np.log1p(np.exp(self._of["recurrence.rate"]))  # softplus

    def walk(self, x: Floats, hours: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Outputs (users, T, dim), memories (users, T, inner), keys and values (users, T, dim) for whole histories."""
        normed = layer_norm(x, *self._pair("before_mix"))
        decay, fresh, gate = self._gates(normed, hours[..., None])
        memory = fresh
        for t in range(1, x.shape[1]):
            memory[:, t] += decay[:, t] * memory[:, t - 1]
        query, keys, values = np.split(linear(normed, *self._pair("attention.qkv")), 3, -1)
        attended = self._attend_all(query, keys, values)
        mixed = self._remember(memory, gate) + linear(attended, *self._pair("attention.out"))
        return self._feed(x, mixed), memory, keys, values

    def step(self, x: Floats, hours: Any, memory: Floats, near: Floats, count: int) -> tuple[Floats, Floats]:
        """Output (dim,) and new memory (inner,); writes this event's key and value into `near`."""
        normed = layer_norm(x, *self._pair("before_mix"))
        decay, fresh, gate = self._gates(normed, hours)
        memory = decay * memory + fresh
        qkv = linear(normed, *self._pair("attention.qkv"))
        dim = len(x)
        place = count % self._window
        near[0, place], near[1, place] = qkv[dim : 2 * dim], qkv[2 * dim :]
        attended = self._attend_near(qkv[:dim], near, count)
        mixed = self._remember(memory, gate) + linear(attended, *self._pair("attention.out"))
        return self._feed(x, mixed), memory

    def _pair(self, name: str) -> tuple[Floats, Floats]:
        return self._of[f"{name}.weight"], self._of[f"{name}.bias"]

    def _gates(self, normed: Floats, hours: Any) -> tuple[Floats, Floats, Floats]:
        value, forget, admit, gate = np.split(linear(normed, *self._pair("recurrence.into")), 4, -1)
        decay = sigmoid(forget) * np.exp(-self._slowness * hours)
        return decay, np.sqrt(1 - decay * decay + EPSILON) * sigmoid(admit) * value, gate

    def _remember(self, memory: Floats, gate: Floats) -> Floats:
        return linear(layer_norm(memory, *self._pair("recurrence.norm")) * silu(gate), *self._pair("recurrence.out"))

    def _feed(self, x: Floats, mixed: Floats) -> Floats:
        x = x + sigmoid(linear(x, *self._pair("after_mix.gate"))) * mixed
        gate, value = np.split(layer_norm(x, *self._pair("before_feed")) @ self._of["feed.up.weight"], 2, -1)
        fed = (silu(gate) * value) @ self._of["feed.down.weight"]
        y: Floats = x + sigmoid(linear(x, *self._pair("after_feed.gate"))) * fed
        return y

    def _attend_all(self, query: Floats, keys: Floats, values: Floats) -> Floats:
        """(users, T, dim): every event over its window."""
        users, length, dim = query.shape
        width = dim // self._heads
        split = [part.reshape(users, length, self._heads, width).swapaxes(1, 2) for part in (query, keys, values)]
        apart = np.arange(length)[:, None] - np.arange(length)
        scores = split[0] @ split[1].swapaxes(-1, -2) * np.float32(width**-0.5)
        scores += self._of["attention.distance"][:, np.clip(apart, 0, self._window - 1)]
        scores[..., (apart < 0) | (apart >= self._window)] = MASKED
        mixed: Floats = (softmax(scores) @ split[2]).swapaxes(1, 2).reshape(users, length, dim)
        return mixed

    def _attend_near(self, query: Floats, near: Floats, count: int) -> Floats:
        """(dim,): the newest event over the ring of keys and values."""
        heads, window = self._heads, self._window
        width = len(query) // heads
        held = min(count + 1, window)
        keys, values = (near[side, :held].reshape(held, heads, width).swapaxes(0, 1) for side in range(2))
        apart = (count - np.arange(held)) % window
        scores = (keys @ query.reshape(heads, width, 1))[..., 0] * np.float32(width**-0.5)
        scores = scores + self._of["attention.distance"][:, apart]
        mixed: Floats = (softmax(scores)[:, None] @ values).reshape(-1)
        return mixed


def item_table(checkpoint: Checkpoint) -> Floats:
    """Embeddings of all rows of the checkpoint, (items + 1, dim) float32."""
    of = checkpoint.arrays
    if not checkpoint.words.shape.content:
        return np.ascontiguousarray(of["items.id"])
    table: Floats = of["items.id"] * of["items.known"][:, None] + from_content(checkpoint, of["items.content"])
    return table


def from_content(checkpoint: Checkpoint, content: Floats) -> Floats:
    """Embeddings of items the model never saw, by their content vectors (n, content) alone: (n, dim) float32."""
    of = checkpoint.arrays
    normed = layer_norm(content, of["items.norm.weight"], of["items.norm.bias"])
    inner = silu(linear(normed, of["items.up.weight"].T, of["items.up.bias"]))
    return linear(inner, of["items.down.weight"].T, of["items.down.bias"])
