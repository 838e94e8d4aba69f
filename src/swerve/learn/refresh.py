"""Training of a known length on every pair of a corpus: how a model that is live is kept fresh.

Nothing is held out: what happened last is what a refresh is for. How long it takes was chosen on earlier periods.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from swerve.learn.config import LearnConfig
from swerve.learn.corpus import Corpus
from swerve.learn.progress import Epoch
from swerve.learn.trainer import Trainer
from swerve.model.nets.network import Network


def refresh(
    network: Network,
    corpus: Corpus,
    config: LearnConfig,
    told: Callable[[Epoch], None] = lambda row: None,
) -> None:
    """Train `network` in place, where it is, for `config.epochs` passes; `told` gets each one's row, without figures.

    The seed decides everything; what `config` says of validation is not read. Raises InvalidInput for too little to
    learn from.
    """
    device = next(network.parameters()).device
    trainer = Trainer(network, corpus, config, device, judge=lambda network: None)
    trainer.run(told, lambda *_: None, time.monotonic)
    trainer.network.eval()
