"""The training loop: packed steps, a shared draw of negatives, early stop on validation, a state that can go on.

One process or several (`torchrun`): each takes its share of a step's rows, and gradients are averaged before the step.
All randomness comes from the seed and the epoch's number, so that an interrupted training, gone on from its state, ends
in the same weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec
import numpy as np
import torch
from torch import Tensor, distributed

from swerve.learn.config import LearnConfig
from swerve.learn.corpus import Corpus
from swerve.learn.draws import Draws
from swerve.learn.loss import softmax_loss
from swerve.learn.packing import Packing, Step
from swerve.learn.ranking import hit_rate_ndcg, left_out_ranks
from swerve.model.nets.network import Network

WARM_UP = 200
"""Steps in which the learning rate rises from nothing."""
FLOOR = 0.02
"""Share of the learning rate that is left at the end."""
CLIP = 1.0
"""Longest gradient, as a norm."""


Judge: TypeAlias = Callable[[Network], tuple[float, float]]
"""Says how good a network is: HR@10 and NDCG@10 of what it was not trained on."""


class Epoch(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the curves."""

    epoch: int
    loss: float
    seconds: float
    tokens_per_s: float
    hr10: float | None = None
    ndcg10: float | None = None
    """Of the validation items; None in epochs without a validation."""


class Progress(msgspec.Struct):
    """Where a training is: enough, with network and optimizer, to go on."""

    epoch: int = 0
    step: int = 0
    best: float = -1.0
    waited: int = 0
    """Validations since the best one."""
    spent_s: float = 0.0
    curves: list[Epoch] = []


class Trainer:
    """Trains one network on one corpus, whose last items are kept for validation unless somebody else judges."""

    def __init__(
        self,
        network: Network,
        corpus: Corpus,
        config: LearnConfig,
        device: torch.device,
        judge: Judge | None = None,
    ) -> None:
        """`corpus`: all histories. Without a `judge` the last item of each is never a target, and is what validates."""
        self.network = network.to(device)
        self.config = config
        self.progress = Progress()
        self.best: dict[str, Tensor] = {}
        """Weights of the best validation so far."""
        self._corpus = corpus
        self._device = device
        self._judge = judge
        training = corpus.without_last(1) if judge is None else corpus
        self._packing = Packing(training)
        self._draws = Draws(training, config.negatives)
        self._world = distributed.get_world_size() if distributed.is_initialized() else 1
        self._rank = distributed.get_rank() if distributed.is_initialized() else 0
        self.optimizer = torch.optim.AdamW(_groups(network, config), lr=config.learning_rate, betas=(0.9, 0.98))
        self._total = self.steps_per_epoch * config.epochs

    @property
    def steps_per_epoch(self) -> int:
        """Steps of one pass."""
        return max(1, self._packing.count(self._length, self.config.rows))

    @property
    def _length(self) -> int:
        """Events of a row; shorter where there are not enough for one step."""
        return max(2, min(self.config.length, self._packing.pairs // self.config.rows))

    def run(
        self, told: Callable[[Epoch], None], at: Callable[[int, int, float], None], clock: Callable[[], float]
    ) -> None:
        """Train until the epochs, the minutes or the patience are over; afterwards the network holds the best weights.

        `told` gets each epoch's row; `at` the step, the number of all steps and the seconds spent, after each step.
        """
        while not self.over():
            self.epoch(told, at, clock)
        if self.best:
            self.network.load_state_dict(self.best)

    def over(self) -> bool:
        """Whether there is nothing left to do."""
        progress, config = self.progress, self.config
        late = progress.spent_s >= config.minutes * 60
        return progress.epoch >= config.epochs or progress.waited >= config.patience or late

    def epoch(
        self, told: Callable[[Epoch], None], at: Callable[[int, int, float], None], clock: Callable[[], float]
    ) -> None:
        """One pass, then a validation if it is due or the end."""
        progress, config = self.progress, self.config
        rng = np.random.default_rng([config.seed, progress.epoch])
        torch.manual_seed(int(rng.integers(2**31)) + self._rank)
        self.network.train()
        began, losses = clock(), []
        for step in self._packing.steps(self._length, config.rows, rng):
            losses.append(self._step(step, rng))
            spent = progress.spent_s + clock() - began
            at(progress.step, self._total, spent)
            if spent >= config.minutes * 60:
                break
        seconds = clock() - began
        progress.spent_s += seconds
        progress.epoch += 1
        last = self.over()
        hr, ndcg = self._validate() if last or progress.epoch % config.every == 0 else (None, None)
        tokens = len(losses) * self._length * config.rows
        row = Epoch(
            epoch=progress.epoch,
            loss=float(np.mean(losses)),
            seconds=seconds,
            tokens_per_s=tokens / max(seconds, 1e-9),
            hr10=hr,
            ndcg10=ndcg,
        )
        progress.curves.append(row)
        told(row)

    def _step(self, step: Step, rng: np.random.Generator) -> float:
        config, progress = self.config, self.progress
        negatives = self._draws.draw(rng)
        share = slice(self._rank * config.rows // self._world, (self._rank + 1) * config.rows // self._world)
        batch = type(step.batch)(*(column[:, share].contiguous() for column in step.batch))
        segment = batch.segment.T.reshape(-1)
        seen = self._draws.seen(negatives, segment)
        targets = step.targets[:, share].T.reshape(-1)
        for group in self.optimizer.param_groups:
            group["lr"] = config.learning_rate * rate(progress.step, self._total)
        table = self.network.items.table()
        preference = self.network(batch.to(self._device), step.wait[:, share].to(self._device), table)
        x = preference.transpose(0, 1).reshape(-1, preference.shape[-1]).float()
        columns = [run._replace(columns=run.columns.to(self._device)) for run in seen]
        bias = self.network.items.bias
        loss = softmax_loss(x, table.float(), bias, targets.to(self._device), negatives.to(self._device), columns)
        self.optimizer.zero_grad(set_to_none=False)
        loss.backward()  # type: ignore[no-untyped-call]
        if self._world > 1:
            for parameter in self.network.parameters():
                if parameter.grad is not None:
                    distributed.all_reduce(parameter.grad)
                    parameter.grad /= self._world
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), CLIP)
        self.optimizer.step()
        progress.step += 1
        return loss.item()

    def _validate(self) -> tuple[float, float]:
        if self._judge is None:
            hr, ndcg = hit_rate_ndcg(left_out_ranks(self.network, self._corpus, 1, self._device))
        else:
            hr, ndcg = self._judge(self.network)
        if ndcg > self.progress.best:
            self.progress.best, self.progress.waited = ndcg, 0
            self.best = {name: value.detach().clone() for name, value in self.network.state_dict().items()}
        else:
            self.progress.waited += 1
        return hr, ndcg


def rate(step: int, total: int) -> float:
    """Share of the learning rate at a step: a warm-up, then half a cosine down to FLOOR."""
    warm = min(1.0, (step + 1) / WARM_UP)
    return warm * (FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * min(step / max(total, 1), 1.0))))


def _groups(network: Network, config: LearnConfig) -> list[dict[str, Any]]:
    """Matrices are decayed; tables of embeddings, norms and biases are not."""
    matrices: list[Tensor] = []
    rest: list[Tensor] = []
    for name, parameter in network.named_parameters():
        decayed = name.endswith(".weight") and parameter.ndim == 2
        (matrices if decayed else rest).append(parameter)
    return [{"params": matrices, "weight_decay": config.weight_decay}, {"params": rest, "weight_decay": 0.0}]
