"""Accuracy of the user model on ML-1M (P1): each user's last item is the target, the one before it is for validation.

The model is trained on everything before those two; the best validation (NDCG@10) is kept, and the test is read once.
Full ranking over all items, those of the history left out; of equal scores the target's counts as the worst. Histories
are cut to their last 200 events when asked, as in the papers; training sees all of them. There are no times in P1, so
no query time either. Every seed trains anew; figures are means over seeds, `_spread` the standard deviation.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import numpy as np
import torch

from benchmarks import common, streams
from swerve.learn.config import LearnConfig
from swerve.learn.corpus import Corpus, from_sequences
from swerve.learn.ranking import hit_rate_ndcg, left_out_ranks
from swerve.learn.trainer import Epoch, Trainer
from swerve.model.config import ModelConfig
from swerve.model.nets.network import Network

SEEDS = (0, 1, 2)
EPOCHS = 20


def trained(corpus: Corpus, config: LearnConfig, model: ModelConfig) -> tuple[dict[str, float], list[Epoch]]:
    """Figures and curves of one training on one seed."""
    torch.manual_seed(config.seed)
    shape = model.shape(items=len(corpus.items), actions=len(corpus.actions), content=0)
    network = Network(shape, dropout=config.dropout)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    trainer = Trainer(network, corpus.without_last(1), config, device)
    began = time.process_time()
    trainer.run(lambda epoch: print(f"  seed {config.seed}: {epoch}", flush=True), lambda *_: None, time.monotonic)
    cpu_minutes = (time.process_time() - began) / 60
    hr, ndcg = hit_rate_ndcg(left_out_ranks(trainer.network, corpus, 1, device))
    curves = trainer.progress.curves
    return {
        "ml1m_p1_hr10": hr,
        "ml1m_p1_ndcg10": ndcg,
        "ml1m_p1_validation_ndcg10": trainer.progress.best,
        "ml1m_p1_train_min": trainer.progress.spent_s / 60,
        "ml1m_p1_train_cpu_min": cpu_minutes,
        "ml1m_p1_train_tokens_per_s": float(np.median([row.tokens_per_s for row in curves])),
    }, curves


def over_seeds(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    """Means, and the standard deviation of the accuracies."""
    means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    spread = {
        f"{name}_spread": float(np.std([row[name] for row in rows], ddof=1 if len(rows) > 1 else 0))
        for name in ("ml1m_p1_hr10", "ml1m_p1_ndcg10")
    }
    return means | spread


def measure(args: argparse.Namespace) -> tuple[dict[str, object], dict[str, float]]:
    """Settings and metrics of one run."""
    sequences = streams.ml1m_p1(common.required("ml-1m-p1"))
    seeds, epochs = (SEEDS, EPOCHS) if not args.quick else (SEEDS[:1], 2)
    corpus = from_sequences(sequences[:1500] if args.quick else sequences)
    model = ModelConfig()
    config = LearnConfig(epochs=epochs, minutes=1e6, every=2)
    rows = []
    for seed in seeds:
        figures, _ = trained(corpus, LearnConfig(epochs=epochs, minutes=1e6, every=2, seed=seed), model)
        print(f"  seed {seed}: {figures}", flush=True)
        rows.append(figures)
    settings = {
        "users": len(corpus.histories),
        "items": len(corpus.items),
        "seeds": list(seeds),
        "epochs": epochs,
        "model": f"{model.kind} {model.size}",
        "negatives": config.negatives,
        "learning_rate": config.learning_rate,
        "threads": torch.get_num_threads(),
        "ties": "target last",
    }
    return settings, over_seeds(rows)


def main() -> None:
    """Measure and report."""
    args = common.arguments(__doc__ or "")
    settings, metrics = measure(args)
    common.report("accuracy", settings, metrics, args)


if __name__ == "__main__":
    main()
