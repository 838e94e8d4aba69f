"""One block of the recurrent model in NumPy: all of a history at once, or one event.

The formulas are those of `nets/block.py` and `nets/mixers.py`. What can be worked out before the first event is: the
affine part of a norm goes into the product that follows, products of the same input are one, and sigmoid(z) is
(1 + tanh(z / 2)) / 2 with both halves in the weights. So a step is a few dozen calls, whatever the history's length.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from swerve.model.arithmetic import normal, softmax
from swerve.model.config import Shape
from swerve.types import Floats

EPSILON = np.float32(1e-6)
MASKED = np.float32(-1e9)
ONE = np.float32(1)


class Block:
    """Weights of one block, ready to serve. Every function takes any leading axes: `x` is (..., dim)."""

    def __init__(self, arrays: dict[str, Any], prefix: str, shape: Shape) -> None:
        of = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
        self._inner, self._dim, self._window = shape.inner, shape.dim, shape.window
        self._heads, self._width = shape.heads, shape.dim // shape.heads
        self._into = self._entrance(of)
        self._fade = np.log1p(np.exp(of["recurrence.rate"]))  # softplus
        self._remembered = of["recurrence.norm.weight"], of["recurrence.norm.bias"]
        joined = np.concatenate([of["recurrence.out.weight"].T, of["attention.out.weight"].T])
        self._out = _pair(joined, of["recurrence.out.bias"] + of["attention.out.bias"], 0.5)
        self._after_mix = _pair(of["after_mix.gate.weight"].T, of["after_mix.gate.bias"], 0.5)
        scale = np.ones(2 * shape.spread * shape.dim, np.float32)
        scale[: len(scale) // 2] = 0.5
        up = of["feed.up.weight"].T * scale
        self._up = _pair(of["before_feed.weight"][:, None] * up, of["before_feed.bias"] @ up)
        self._down = np.ascontiguousarray(of["feed.down.weight"].T * np.float32(0.5))
        self._after_feed = _pair(of["after_feed.gate.weight"].T, of["after_feed.gate.bias"], 0.5)
        self._distance = of["attention.distance"]
        self._by_count = self._near_bias()

    def _entrance(self, of: dict[str, Any]) -> tuple[Floats, Floats]:
        """[value / 2 | forget / 2 | admit / 2 | gate / 2 | query * width^-1/2 | key | value], affine norm included."""
        weight = np.concatenate([of["recurrence.into.weight"], of["attention.qkv.weight"]]).T.copy()
        bias = np.concatenate([of["recurrence.into.bias"], of["attention.qkv.bias"]])
        scale = np.ones(len(bias), np.float32)
        scale[: 4 * self._inner] = 0.5
        scale[4 * self._inner : 4 * self._inner + self._dim] = self._width**-0.5
        return _pair(of["before_mix.weight"][:, None] * weight * scale, (of["before_mix.bias"] @ weight + bias) * scale)

    def _near_bias(self) -> Floats:
        """Bias of each place of the ring by how many events came before, (2 * window, heads, window).

        The first half is for the ring's first round, when the places ahead are still empty.
        """
        window, places = self._window, np.arange(self._window)
        counts = np.arange(2 * window)[:, None]
        bias: Floats = self._distance[:, (counts - places) % window].swapaxes(0, 1).copy()
        bias.swapaxes(1, 2)[places > counts] = MASKED
        return bias

    def step(self, x: Floats, hours: Any, memory: Floats, near: Floats, count: int) -> tuple[Floats, Floats]:
        """Output (dim,) and new memory (inner,); writes this event's key and value into `near`.

        `near` (2, heads, window, width); `count` events came before this one.
        """
        z = self._enter(x)
        decay, fresh = self._decay(z, self._faded(hours))
        decay *= memory
        decay += fresh
        place = count % self._window
        keys_values = z[4 * self._inner + self._dim :].reshape(2, self._heads, self._width)
        near[:, :, place] = keys_values
        attended = self._look(z, near, count if count < self._window else self._window + place)
        return self._close(x, z, decay, attended), decay

    def walk(self, x: Floats, hours: Floats, at: Any) -> tuple[Floats, Floats, Floats]:
        """Outputs after all events (users, T, dim), and what each user's event number `at` (users,) leaves behind.

        That is the memory (users, inner) and the ring of keys and values (users, 2, heads, window, width).
        """
        z = self._enter(x)
        memory = self._recur(z, hours)
        attended = self._look_back(z)
        return self._close(x, z, memory, attended), memory[np.arange(len(at)), at], self._ring(z, at)

    def end(self, x: Floats, hours: Floats, at: Any) -> tuple[Floats, Floats, Floats]:
        """As `walk`, but only the output of event `at`, (users, dim): all that the last block is asked for."""
        z, users = self._enter(x), np.arange(len(at))
        memory, near = self._recur(z, hours)[users, at], self._ring(z, at)
        places = np.where(at < self._window, at, self._window + at % self._window)
        attended = self._look(z[users, at], near.swapaxes(0, 1), places)
        return self._close(x[users, at], z[users, at], memory, attended), memory, near

    def _enter(self, x: Floats) -> Floats:
        weight, bias = self._into
        z: Floats = normal(x) @ weight
        z += bias
        return z

    def _faded(self, hours: Any) -> Floats:
        """Half of what the time alone leaves of the memory: exp(-softplus(rate) * hours) / 2."""
        faded: Floats = np.exp(self._fade * -hours)
        faded *= np.float32(0.5)
        return faded

    def _decay(self, z: Floats, faded: Floats) -> tuple[Floats, Floats]:
        """Decay and what is added, both (..., inner)."""
        inner = self._inner
        opened = np.tanh(z[..., inner : 3 * inner])
        opened += ONE
        decay = opened[..., :inner] * faded
        fresh: Floats = decay * decay
        np.subtract(ONE + EPSILON, fresh, out=fresh)
        np.sqrt(fresh, out=fresh)
        fresh *= opened[..., inner:]
        fresh *= z[..., :inner]
        return decay, fresh

    def _recur(self, z: Floats, hours: Floats) -> Floats:
        """Memory after each event, (users, T, inner)."""
        decay, memory = self._decay(z, self._faded(hours[..., None]))
        by_time, decays = memory.swapaxes(0, 1), decay.swapaxes(0, 1)
        kept = np.empty_like(by_time[0])
        for t in range(1, len(by_time)):
            np.multiply(decays[t], by_time[t - 1], out=kept)
            by_time[t] += kept
        return memory

    def _close(self, x: Floats, z: Floats, memory: Floats, attended: Floats) -> Floats:
        """What memory and attention say, through their gate, and the feed-forward behind its own."""
        inner = self._inner
        half_gate = z[..., 3 * inner : 4 * inner]
        opened = np.tanh(half_gate)
        opened += ONE
        opened *= half_gate
        recalled = normal(memory)
        recalled *= self._remembered[0]
        recalled += self._remembered[1]
        recalled *= opened
        x = x + _gated(x, self._after_mix, _affine(np.concatenate([recalled, attended], -1), self._out))
        fed = _affine(normal(x), self._up)
        width = fed.shape[-1] // 2
        opened = np.tanh(fed[..., :width])
        opened += ONE
        opened *= fed[..., :width]
        opened *= fed[..., width:]
        x += _gated(x, self._after_feed, opened @ self._down)
        return x

    def _look(self, z: Floats, near: Floats, places: Any) -> Floats:
        """Attention of one event a user over its ring: (..., dim). `near` (2, ..., heads, window, width)."""
        begin = 4 * self._inner
        query = z[..., begin : begin + self._dim].reshape(*z.shape[:-1], self._heads, self._width, 1)
        scores = (near[0] @ query)[..., 0]
        scores += self._by_count[places]
        mixed: Floats = softmax(scores)[..., None, :] @ near[1]
        return mixed.reshape(*z.shape[:-1], self._dim)

    def _look_back(self, z: Floats) -> Floats:
        """Attention of every event over its window, (users, T, dim): chunks of a window see themselves and the last."""
        window, heads, width = self._window, self._heads, self._width
        users, length = z.shape[:2]
        fill = -length % window
        chunks = (length + fill) // window
        parts = np.pad(z[..., 4 * self._inner :], ((0, 0), (window, fill), (0, 0)))
        split = parts.reshape(users, chunks + 1, window, 3, heads, width).transpose(3, 0, 1, 4, 2, 5)
        both = np.concatenate([split[:, :, :-1], split[:, :, 1:]], -2)  # (3, users, chunks, heads, 2 * window, width)
        distance = np.arange(window)[:, None] + window - np.arange(2 * window)
        scores = split[0, :, 1:] @ both[1].swapaxes(-1, -2)
        scores += self._distance[:, np.clip(distance, 0, window - 1)]
        scores[..., (distance < 0) | (distance >= window)] = MASKED
        scores[:, 0, :, :, :window] = MASKED  # before the first event there is nothing
        mixed: Floats = (softmax(scores) @ both[2]).transpose(0, 1, 3, 2, 4)
        return mixed.reshape(users, length + fill, self._dim)[:, :length]

    def _ring(self, z: Floats, at: Any) -> Floats:
        """Keys and values of the newest `window` events up to `at`, event t at place t % window; zeros where none."""
        place = np.arange(self._window)
        events = at[:, None] - (at[:, None] - place) % self._window
        rows = np.take_along_axis(z[..., 4 * self._inner + self._dim :], np.maximum(events, 0)[..., None], 1) * (
            events >= 0
        )[..., None].astype(np.float32)
        split = rows.reshape(len(at), self._window, 2, self._heads, self._width)
        return np.ascontiguousarray(split.transpose(0, 2, 3, 1, 4))


def _pair(weight: Any, bias: Any, factor: float = 1.0) -> tuple[Floats, Floats]:
    """(in, out) and (out,) float32, so that x @ W reads memory in order."""
    return (
        np.ascontiguousarray(weight * np.float32(factor), np.float32),
        np.ascontiguousarray(bias * np.float32(factor), np.float32),
    )


def _affine(x: Floats, pair: tuple[Floats, Floats]) -> Floats:
    y: Floats = x @ pair[0]
    y += pair[1]
    return y


def _gated(x: Floats, gate: tuple[Floats, Floats], half: Floats) -> Floats:
    """2 * sigmoid(x W + b) * half, `gate` holding W / 2 and b / 2."""
    opened = _affine(x, gate)
    np.tanh(opened, out=opened)
    opened += ONE
    opened *= half
    return opened
