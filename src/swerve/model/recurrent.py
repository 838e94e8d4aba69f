"""The recurrent user model as it serves: NumPy only, one cheap step an event.

The same formulas as `nets/`, which says where they come from; a test holds the two within 1e-4 of each other. A
state is a value: a step makes a new one, so a state that is being read never changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from swerve.errors import ConfigError
from swerve.model.arithmetic import layer_norm, linear, silu
from swerve.model.block import Block
from swerve.model.checkpoint import Checkpoint
from swerve.model.history import History, gap_buckets, gaps_of, log_gap
from swerve.types import Floats


class State(NamedTuple):
    """What one user's events left behind: 2 * blocks * (inner / 2 + window * dim) numbers, whatever their count."""

    memory: Floats
    """(blocks, inner) float32, the recurrences."""
    near: Floats
    """(blocks, 2, heads, window, width) float32: keys and values of the newest events, number t at place t % window."""
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
        self._blocks = [Block(checkpoint.arrays, f"backbone.blocks.{i}.", self.shape) for i in range(self.shape.blocks)]

    def start(self) -> State:
        """The state before the first event."""
        shape = self.shape
        return State(
            np.zeros((shape.blocks, shape.inner), np.float32),
            np.zeros((shape.blocks, 2, shape.heads, shape.window, shape.dim // shape.heads), np.float32),
            np.zeros(shape.dim, np.float32),
            0,
            0.0,
        )

    def encode(self, histories: Sequence[History]) -> list[State]:
        """The state after each history, all at once: (users, T) events in one pass a block."""
        lengths = np.array([len(history) for history in histories], np.int64)
        longest = int(lengths.max(initial=0))
        if longest == 0:
            return [self.start() for _ in histories]
        items, actions = (np.zeros((len(histories), longest), np.int64) for _ in range(2))
        gaps = np.zeros((len(histories), longest))
        for place, history in enumerate(histories):
            items[place, : len(history)], actions[place, : len(history)] = history.items, history.actions
            gaps[place, : len(history)] = gaps_of(history.times)
        x, hours = self._event(items, actions, gap_buckets(gaps)), log_gap(gaps)
        at = np.maximum(lengths - 1, 0)
        left = []
        for block in self._blocks[:-1]:
            x, *rest = block.walk(x, hours, at)
            left.append(rest)
        hidden, *rest = self._blocks[-1].end(x, hours, at)
        left.append(rest)
        memory, near = (np.stack(parts, 1) for parts in zip(*left, strict=True))
        return [
            State(memory[place], near[place], hidden[place], len(history), float(history.times[-1]))
            if len(history)
            else self.start()
            for place, history in enumerate(histories)
        ]

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
