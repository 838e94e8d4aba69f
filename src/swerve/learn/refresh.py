"""Training of a known length on every pair of a corpus, without validation: how a model that is live is kept fresh.

Nothing is held out: what happened last is what a refresh is for. How long it takes was chosen on earlier periods.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from swerve.learn.config import LearnConfig
from swerve.learn.corpus import Corpus
from swerve.learn.draws import Draws
from swerve.learn.loss import softmax_loss
from swerve.learn.packing import Packing
from swerve.learn.schedule import CLIP
from swerve.model.nets.network import Network


def refresh(network: Network, corpus: Corpus, config: LearnConfig, *, repeats: bool) -> list[float]:
    """Train `network` in place for `config.epochs` passes; returns the mean loss of each.

    `repeats`: whether people come back to what they had; if not, what a history holds is no negative for it. The seed
    decides everything; what `config` says of validation and minutes is not read.
    """
    packing = Packing(corpus)
    draws = Draws(corpus, config.negatives)
    length = max(2, min(config.length, packing.pairs // config.rows))
    total = config.epochs * max(1, packing.count(length, config.rows))
    optimizer = torch.optim.AdamW(network.parameters(), lr=config.learning_rate, betas=(0.9, 0.98), weight_decay=0.0)
    rng = np.random.default_rng(config.seed)
    torch.manual_seed(config.seed)
    network.train()
    done, curve = 0, []
    for _ in range(config.epochs):
        losses = []
        for step in packing.steps(length, config.rows, rng):
            negatives = draws.draw(rng)
            seen = () if repeats else draws.seen(negatives, step.batch.segment.T.reshape(-1))
            table = network.items.table()
            preference = network(step.batch, step.wait, table).transpose(0, 1).reshape(-1, network.shape.dim)
            targets = step.targets.T.reshape(-1)
            loss = softmax_loss(preference, table, network.items.bias, targets, negatives, seen)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(network.parameters(), CLIP)
            for group in optimizer.param_groups:
                group["lr"] = config.learning_rate * share(done, total)
            optimizer.step()
            losses.append(loss.item())
            done += 1
        curve.append(float(np.mean(losses)))
    network.eval()
    return curve


def share(step: int, total: int) -> float:
    """Share of the learning rate at a step: it rises over the first tenth, then falls to nothing along a cosine."""
    rise = max(1, total // 10)
    fallen = (step - rise) / (total - rise) if total > rise else float(step >= total)
    return min((step + 1) / rise, 0.5 * (1 + math.cos(math.pi * max(fallen, 0.0))))
