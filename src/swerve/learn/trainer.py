"""The training loop: packed steps, a shared draw of negatives, early stop on validation, a state that can go on.

One process or several (`torchrun`): each takes its share of a step's rows, and gradients are averaged before the step.
All randomness comes from the seed and the epoch's number, so that an interrupted training, gone on from its state, ends
in the same weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from swerve.errors import InvalidInput, SwerveError
from swerve.learn.config import LearnConfig
from swerve.learn.corpus import Corpus
from swerve.learn.draws import Draws
from swerve.learn.loss import Seen, softmax_loss
from swerve.learn.packing import Packing, Step
from swerve.learn.precision import computing
from swerve.learn.processes import Processes
from swerve.learn.progress import Epoch, Progress
from swerve.learn.ranking import hit_rate_ndcg, left_out_ranks
from swerve.learn.schedule import CLIP, optimizer, rate
from swerve.model.nets.network import Network

LEAST = 2
"""Events of a packed row, at the very least."""

Judge: TypeAlias = Callable[[Network], tuple[float, float] | None]
"""Says how good a network is: HR@10 and NDCG@10 of what it was not trained on; None: nothing was held out."""


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
        """`corpus`: all histories. Without a `judge` the last item of each is never a target, and is what validates.

        Raises InvalidInput when they are too short for a single step, ConfigError for more processes than rows.
        """
        self.network = network.to(device)
        self.config = config
        self.progress = Progress()
        self.best: dict[str, Tensor] = {}
        """Weights of the best validation so far."""
        self._device = device
        self._judge = judge or self._last_items(corpus)
        training = corpus.without_last(1) if judge is None else corpus
        self._packing = Packing(training)
        if self._packing.pairs < LEAST * config.rows:
            apart = ", the last like of each history left out" if judge is None else ""
            words = f"expected at least {LEAST * config.rows} pairs of likes that follow each other{apart}"
            raise InvalidInput(f"{words}; found {self._packing.pairs}", field="log")
        self._draws = Draws(training, config.negatives, config.popularity)
        self.processes = Processes(device)
        self._share = self.processes.share(config.rows)
        self.optimizer = optimizer(network, config)
        self.total = self.steps_per_epoch * config.epochs
        """Steps of all epochs."""

    @property
    def steps_per_epoch(self) -> int:
        """Steps of one pass."""
        return self._packing.count(self._length, self.config.rows)

    @property
    def tokens_per_step(self) -> int:
        """Events of a step, over all processes."""
        return self._length * self.config.rows

    @property
    def _length(self) -> int:
        """Events of a row; shorter where there are not enough for one step."""
        return min(self.config.length, self._packing.pairs // self.config.rows)

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
        progress, config, processes = self.progress, self.config, self.processes
        rng = np.random.default_rng([config.seed, progress.epoch])
        torch.manual_seed(int(rng.integers(2**31)) + processes.rank)
        self.network.train()
        began, losses = clock(), []
        for step in self._packing.steps(self._length, config.rows, rng):
            losses.append(self._step(step, rng))
            spent = processes.agreed(progress.spent_s + clock() - began)
            at(progress.step, self.total, spent)
            if spent >= config.minutes * 60:
                break
        seconds = processes.agreed(clock() - began)
        progress.spent_s += seconds
        progress.epoch += 1
        last = self.over()
        judged = self._validate() if last or progress.epoch % config.every == 0 else None
        row = Epoch(
            epoch=progress.epoch,
            loss=float(np.mean(losses)),
            seconds=seconds,
            tokens_per_s=len(losses) * self.tokens_per_step / max(seconds, 1e-9),
            hr10=judged and judged[0],
            ndcg10=judged and judged[1],
        )
        progress.curves.append(row)
        told(row)

    def _step(self, step: Step, rng: np.random.Generator) -> float:
        """One step on this process's share of the rows; the loss is that of all."""
        config, progress = self.config, self.progress
        negatives = self._draws.draw(rng)
        batch = type(step.batch)(*(column[:, self._share].contiguous() for column in step.batch))
        seen = self._draws.seen(negatives, batch.segment.T.reshape(-1))
        correction = self._draws.correction(negatives)
        for group in self.optimizer.param_groups:
            group["lr"] = config.learning_rate * rate(progress.step, self.total)
        with computing(config.precision, self._device):
            table = self.network.items.table()
            preference = self.network(batch.to(self._device), step.wait[:, self._share].to(self._device), table)
        loss = softmax_loss(
            preference.transpose(0, 1).reshape(-1, preference.shape[-1]).float(),
            table.float(),
            self.network.items.bias,
            step.targets[:, self._share].T.reshape(-1).to(self._device),
            negatives.to(self._device),
            _moved(seen, self._device),
            correction if correction is None else correction.to(self._device),
        )
        asked = (step.targets[:, self._share] > 0).sum() / (step.targets > 0).sum().clamp(min=1)
        return self._take(loss * asked.item())

    def _last_items(self, corpus: Corpus) -> Judge:
        return lambda network: hit_rate_ndcg(left_out_ranks(network, corpus, 1, self._device))

    def _take(self, loss: Tensor) -> float:
        """The optimizer's step for a share of the loss; returns the whole."""
        self.optimizer.zero_grad(set_to_none=False)
        loss.backward()  # type: ignore[no-untyped-call]
        whole = self.processes.summed(self.network.parameters(), loss.detach()).item()
        if not math.isfinite(whole):
            words = "the loss is no longer a number: try a lower learn.learning_rate, or float32 as learn.precision"
            raise SwerveError(words, field="learn", code="diverged")
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), CLIP)
        self.optimizer.step()
        self.progress.step += 1
        return whole

    def _validate(self) -> tuple[float, float] | None:
        judged = self._judge(self.network)
        if judged is None:
            return None
        hr, ndcg = map(self.processes.agreed, judged)
        if ndcg > self.progress.best:
            self.progress.best, self.progress.waited = ndcg, 0
            self.best = {name: value.detach().clone() for name, value in self.network.state_dict().items()}
        else:
            self.progress.waited += 1
        return hr, ndcg


def _moved(seen: Sequence[Seen], device: torch.device) -> list[Seen]:
    """The same on another device, in one transfer."""
    if not seen:
        return []
    columns = torch.cat([run.columns for run in seen]).to(device)
    parts = torch.split(columns, [len(run.columns) for run in seen])
    return [run._replace(columns=part) for run, part in zip(seen, parts, strict=True)]
