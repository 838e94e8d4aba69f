"""RecTools' transformers (SASRec, BERT4Rec, HSTU), all of one size and for one stated time.

64 dimensions, 2 blocks, 2 heads, the last 200 items, full softmax, their defaults otherwise: the size that the user
model is compared at. That is smaller than their best and shorter trained: published figures stand in the papers.
HSTU runs without its time bias, because the data have no times.
"""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
import pandas
import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import BERT4RecModel, HSTUModel, SASRecModel

from benchmarks.rivals.histories import Arrays, Histories, N

warnings.filterwarnings("ignore")
SIZE = {"n_factors": 64, "n_blocks": 2, "n_heads": 2, "session_max_len": 200, "dropout_rate": 0.2, "batch_size": 64}
EPOCHS = 200


class Watch(Callback):
    """Ends training when its time is over, after any batch; when each epoch ended, by clock and CPU."""

    def __init__(self, budget_s: float) -> None:
        self._budget_s = budget_s or float("inf")
        self.marks: list[float] = []
        self.busy: list[float] = []
        self.batches = 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The first mark is the start."""
        self._mark()

    def on_train_batch_end(self, trainer: Trainer, *args: Any, **kwargs: Any) -> None:
        """Count, and look at the clock."""
        self.batches += 1
        if time.perf_counter() > self.marks[0] + self._budget_s:
            trainer.should_stop = True

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """One more mark."""
        self._mark()

    def _mark(self) -> None:
        self.marks.append(time.perf_counter())
        self.busy.append(time.process_time())


def rectools_sasrec(given: Arrays) -> tuple[Arrays, str]:
    """SASRec."""
    return _ranked(SASRecModel, given)


def rectools_bert4rec(given: Arrays) -> tuple[Arrays, str]:
    """BERT4Rec."""
    return _ranked(BERT4RecModel, given)


def rectools_hstu(given: Arrays) -> tuple[Arrays, str]:
    """HSTU with position bias only."""
    return _ranked(HSTUModel, given, relative_time_attention=False)


def rectools_sasrec_speed(given: Arrays) -> tuple[Arrays, str]:
    """Items predicted per second of training, padding not counted, over whole epochs."""
    histories, epochs = Histories(given), int(given["epochs"])
    _, watch = _trained(SASRecModel, histories, epochs)
    tokens = epochs * int(np.minimum(histories.lengths - 1, SIZE["session_max_len"]).sum())
    found = {
        "tokens_per_s": np.array(tokens / (watch.marks[-1] - watch.marks[0])),
        "tokens_per_cpu_s": np.array(tokens / (watch.busy[-1] - watch.busy[0])),
    }
    return found, f"{_said()}; {epochs} epochs, {torch.get_num_threads()} threads"


def _ranked(kind: Any, given: Arrays, **more: Any) -> tuple[Arrays, str]:
    histories = Histories(given)
    model, watch = _trained(kind, histories, EPOCHS, **more)
    users = np.arange(histories.n_users)
    table = model.recommend(users, _dataset(histories), k=N, filter_viewed=True)
    out = np.full((histories.n_users, N), -1)
    out[table[Columns.User], table[Columns.Rank] - 1] = table[Columns.Item]
    whole = -(-histories.n_users // SIZE["batch_size"])
    return {"top": out}, f"{_said()}; {watch.batches / whole:.1f} epochs in {histories.budget_s:.0f} s"


def _trained(kind: Any, histories: Histories, epochs: int, **more: Any) -> tuple[Any, Watch]:
    torch.manual_seed(histories.seed)

    def trainer() -> Trainer:
        return Trainer(
            max_epochs=epochs,
            callbacks=[Watch(histories.budget_s)],
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )

    model = kind(**SIZE, **more, epochs=epochs, get_trainer_func=trainer, recommend_torch_device="cpu")
    model.fit(_dataset(histories))
    # It trains with a copy of the trainer, so the copy of the watch is the one that saw anything.
    return model, next(found for found in model.fit_trainer.callbacks if isinstance(found, Watch))


def _dataset(histories: Histories) -> Dataset:
    times = pandas.Timestamp("2020-01-01") + pandas.to_timedelta(histories.places, unit="s")
    columns = {Columns.User: histories.users, Columns.Item: histories.items, Columns.Weight: 1.0}
    return Dataset.construct(pandas.DataFrame(columns | {Columns.Datetime: times}))


def _said() -> str:
    return ", ".join(f"{name} {value}" for name, value in SIZE.items()) + ", full softmax"
