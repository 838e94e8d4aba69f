"""TensorRec, reimplemented: its package needs TensorFlow 1, which no supported Python can install.

Its published configuration for ranking on MovieLens (examples/check_movielens_losses.py in jfkirk/tensorrec): linear
representations of indicator features, dot products with biases, 10 components, a tenth of the items sampled, 300
epochs of one Adam step each over all users, learning rate 0.01, L2 1e-5; weights start at N(0, 0.5). The loss is WMRP:

    mean over positives (u, p) of log(1 + (n_items / |S|) * sum over s in S of max(0, 1 - x_up + x_us))

One thing differs: S is drawn for a batch of users at a time instead of for each user, to fit into memory.
"""

from __future__ import annotations

import time

import numpy as np

from benchmarks.rivals.histories import Arrays, Histories, top

COMPONENTS, LEARNING_RATE, L2, EPOCHS, START = 10, 0.01, 1e-5, 300, 0.5
BATCH = 151


class Adam:
    """Adam on one array, in place."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values
        self.gradient = np.zeros_like(values)
        """What is added here is used up by the next step."""
        self._mean, self._square, self._steps = np.zeros_like(values), np.zeros_like(values), 0

    def step(self) -> None:
        """Move against the gradient and the pull of the L2 term."""
        gradient = self.gradient + L2 * self.values
        self._steps += 1
        self._mean += 0.1 * (gradient - self._mean)
        self._square += 0.001 * (gradient * gradient - self._square)
        mean, square = self._mean / (1 - 0.9**self._steps), self._square / (1 - 0.999**self._steps)
        self.values -= LEARNING_RATE * mean / (np.sqrt(square) + 1e-8)
        self.gradient[:] = 0


def tensorrec(given: Arrays) -> tuple[Arrays, str]:
    """Train until the epochs or the budget are over, then rank."""
    histories = Histories(given)
    rng = np.random.default_rng(histories.seed)
    sizes = (histories.n_users, histories.n_items)
    users, items = (Adam((START * rng.standard_normal((size, COMPONENTS))).astype(np.float32)) for size in sizes)
    bias = Adam(np.zeros(histories.n_items, np.float32))
    until, epoch = time.perf_counter() + histories.budget_s, 0
    while epoch < EPOCHS and time.perf_counter() < until:
        for first in range(0, histories.n_users, BATCH):
            add_gradients(histories, slice(first, first + BATCH), users, items, bias, rng)
        for part in (users, items, bias):
            part.step()
        epoch += 1
    found = top(histories, lambda rows: users.values[rows] @ items.values.T + bias.values)
    return found, f"NumPy reimplementation (the package needs TensorFlow 1); {epoch} of {EPOCHS} epochs"


def add_gradients(
    histories: Histories, batch: slice, users: Adam, items: Adam, bias: Adam, rng: np.random.Generator
) -> None:
    """Add a batch of users' share of the gradient: their positives against items drawn for the whole batch."""
    lengths = histories.lengths[batch]
    starts = np.cumsum(lengths) - lengths
    own = np.repeat(np.arange(len(lengths)), lengths)
    begin = histories.starts[batch.start]
    liked = histories.items[begin : begin + len(own)]
    drawn = rng.choice(histories.n_items, max(histories.n_items // 10, 1), replace=False)
    of_users = users.values[batch]
    positive = np.einsum("nd,nd->n", of_users[own], items.values[liked]) + bias.values[liked]
    sampled = of_users @ items.values[drawn].T + bias.values[drawn]
    margin = sampled[own]
    margin += (1 - positive)[:, None]
    np.maximum(margin, 0, out=margin)
    ratio = histories.n_items / len(drawn)
    outer = (ratio / (1 + ratio * margin.sum(axis=1)) / len(histories.items)).astype(np.float32)
    slope = (margin > 0) * outer[:, None]
    pushed = np.zeros((len(lengths), histories.n_items), np.float32)
    np.add.at(pushed, (own, liked), -slope.sum(axis=1))
    pushed[:, drawn] += np.add.reduceat(slope, starts, axis=0)
    users.gradient[batch] += pushed @ items.values
    items.gradient += pushed.T @ of_users
    bias.gradient += pushed.sum(axis=0)
