"""RecBole's SASRec as it comes (64 dimensions, 2 layers, the last 50 items, full softmax), for one stated time.

RecBole makes an example of every prefix of every history (a million here) and trains on each of them by itself: on a
CPU one epoch takes hours, so the note says what part of the first one was done.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from recbole.config import Config
from recbole.data import create_dataset
from recbole.data.interaction import Interaction
from recbole.model.sequential_recommender import SASRec

from benchmarks.rivals.histories import Arrays, Histories, top

NAME, BATCH, LEARNING_RATE = "histories", 512, 0.001


def recbole_sasrec(given: Arrays) -> tuple[Arrays, str]:
    """Train on prefixes until the time is over, then rank."""
    histories = Histories(given)
    torch.manual_seed(histories.seed)
    config, dataset = _opened(histories)
    model = SASRec(config, dataset)
    done = _train(model, dataset, histories)
    rows = np.array([0] + [int(token) for token in dataset.field2id_token["item_id"][1:]])
    sequences, lengths = _ends(histories, dataset, model.max_seq_length)
    model.eval()

    @torch.no_grad()
    def scores(users: np.ndarray) -> np.ndarray:
        asked = Interaction({model.ITEM_SEQ: sequences[users], model.ITEM_SEQ_LEN: lengths[users]})
        out = np.full((len(users), histories.n_items), -np.inf, np.float32)
        out[:, rows[1:]] = model.full_sort_predict(asked)[:, 1:].numpy()
        return out

    note = f"its defaults, the last {model.max_seq_length} items; {done:.2f} epochs in {histories.budget_s:.0f} s"
    return top(histories, scores), note


def _opened(histories: Histories) -> tuple[Config, Any]:
    """The histories as RecBole reads them: a file, in the folder this process was started in."""
    folder = Path(NAME)
    folder.mkdir()
    lines = ["user_id:token\titem_id:token\ttimestamp:float"]
    columns = (histories.users.tolist(), histories.items.tolist(), histories.places.tolist())
    lines += [f"{user}\t{item}\t{place}" for user, item, place in zip(*columns, strict=True)]
    (folder / f"{NAME}.inter").write_text("\n".join(lines))
    settings = {
        "data_path": ".",
        "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
        "train_neg_sample_args": None,
        "use_gpu": False,
        "seed": histories.seed,
        "state": "ERROR",
    }
    config = Config(model="SASRec", dataset=NAME, config_dict=settings)
    dataset = create_dataset(config)
    dataset._change_feat_format()
    return config, dataset


def _train(model: SASRec, dataset: Any, histories: Histories) -> float:
    """Epochs done until the time was over."""
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    examples, done, until = dataset.inter_feat, 0, time.perf_counter() + histories.budget_s
    model.train()
    while time.perf_counter() < until:
        for batch in torch.randperm(len(examples)).split(BATCH):
            optimizer.zero_grad()
            model.calculate_loss(examples[batch]).backward()
            optimizer.step()
            done += len(batch)
            if time.perf_counter() > until:
                break
    return done / len(examples)


def _ends(histories: Histories, dataset: Any, longest: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The end of every history in RecBole's own numbers: (n_users, longest) padded on the right, and lengths."""
    numbers = np.zeros(histories.n_items, np.int64)
    for token, number in dataset.field2token_id["item_id"].items():
        if number:
            numbers[int(token)] = number
    sequences = np.zeros((histories.n_users, longest), np.int64)
    lengths = np.minimum(histories.lengths, longest)
    for user, length in enumerate(lengths):
        end = histories.starts[user + 1]
        sequences[user, :length] = numbers[histories.items[end - length : end]]
    return torch.from_numpy(sequences), torch.from_numpy(lengths)
