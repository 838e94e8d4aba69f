"""TensorRec's default model, reimplemented: the package needs TensorFlow 1, which no supported Python can install.

Its published configuration (James Kirk, "Getting started with TensorRec"; defaults of the last release): linear
representation graphs over indicator features, dot product prediction, biases on, WMRP loss, 100 components, Adam with
learning rate 0.1, L2 1e-5, 300 sampled items, full batch. An epoch here runs over batches of users, so that a few
epochs suffice.

    WMRP (Liu and Zhou 2016): sum over positives (u, p) of log(1 + (n_items / |S|) * sum_{s in S} max(0, 1 - x_up + x_us))
"""

from __future__ import annotations

import time

import numpy as np

from benchmarks.rivals.histories import Arrays, Histories, top

COMPONENTS, LEARNING_RATE, L2, SAMPLED, BATCH = 100, 0.1, 1e-5, 300, 604
EPOCHS = 100


class Adam:
    """Adam on one array, in place."""

    def __init__(self, values: np.ndarray, learning_rate: float) -> None:
        self.values, self._rate, self._steps = values, learning_rate, 0
        self._mean, self._square = np.zeros_like(values), np.zeros_like(values)

    def step(self, gradient: np.ndarray) -> None:
        """Move against the gradient (same shape)."""
        self._steps += 1
        self._mean += 0.1 * (gradient - self._mean)
        self._square += 0.001 * (gradient * gradient - self._square)
        mean, square = self._mean / (1 - 0.9**self._steps), self._square / (1 - 0.999**self._steps)
        self.values -= self._rate * mean / (np.sqrt(square) + 1e-8)


def tensorrec(given: Arrays) -> tuple[Arrays, str]:
    """Train until the epochs or the budget are over, then rank."""
    histories = Histories(given)
    rng = np.random.default_rng(histories.seed)
    shapes = ((histories.n_users, COMPONENTS), (histories.n_items, COMPONENTS))
    users, items = (Adam(rng.standard_normal(shape).astype(np.float32) * 0.1, LEARNING_RATE) for shape in shapes)
    bias = Adam(np.zeros(histories.n_items, np.float32), LEARNING_RATE)
    until, epoch = time.perf_counter() + histories.budget_s, 0
    while epoch < EPOCHS and time.perf_counter() < until:
        for batch in np.array_split(rng.permutation(histories.n_users), -(-histories.n_users // BATCH)):
            _step(histories, np.sort(batch), users, items, bias, rng)
        epoch += 1
    found = top(histories, lambda rows: users.values[rows] @ items.values.T + bias.values)
    return found, f"NumPy reimplementation (the package needs TensorFlow 1); {epoch} epochs"


def _step(
    histories: Histories, batch: np.ndarray, users: Adam, items: Adam, bias: Adam, rng: np.random.Generator
) -> None:
    """One step on a batch of users: their positives against items sampled for the whole batch."""
    lengths = histories.lengths[batch]
    own = np.repeat(np.arange(len(batch)), lengths)
    within = np.arange(len(own)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    liked = histories.items[histories.starts[batch][own] + within]
    drawn = rng.choice(histories.n_items, min(SAMPLED, histories.n_items), replace=False)
    of_users, of_drawn = users.values[batch], items.values[drawn]
    positive = np.einsum("nd,nd->n", of_users[own], items.values[liked]) + bias.values[liked]
    margin = 1 - positive[:, None] + (of_users @ of_drawn.T + bias.values[drawn])[own]
    ratio = histories.n_items / len(drawn)
    outer = ratio / (1 + ratio * np.maximum(margin, 0).sum(axis=1)) / len(own)
    slope = (margin > 0) * outer[:, None].astype(np.float32)
    fall = slope.sum(axis=1)
    rise = np.add.reduceat(slope, np.cumsum(lengths) - lengths, axis=0)
    grad_users, grad_items, grad_bias = (np.zeros_like(part.values) for part in (users, items, bias))
    np.add.at(grad_bias, liked, -fall)
    grad_bias[drawn] += rise.sum(axis=0)
    pulled = np.zeros((len(batch), histories.n_items), np.float32)
    np.add.at(pulled, (own, liked), -fall)
    pulled[:, drawn] += rise
    grad_users[batch] = pulled @ items.values
    grad_items += pulled.T @ of_users
    for part, gradient in ((users, grad_users), (items, grad_items), (bias, grad_bias)):
        part.step(gradient + 2 * L2 * part.values)
