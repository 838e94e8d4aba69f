"""LightFM without side features (the package `lightfm-next`, which still builds), with its two ranking losses."""

from __future__ import annotations

from lightfm import LightFM

from benchmarks.rivals.histories import Arrays, Histories, top

DIM, EPOCHS = 64, 30


def lightfm_warp(given: Arrays) -> tuple[Arrays, str]:
    """Weighted approximate-rank pairwise loss."""
    return _ranked("warp", given)


def lightfm_bpr(given: Arrays) -> tuple[Arrays, str]:
    """Bayesian personalised ranking loss."""
    return _ranked("bpr", given)


def _ranked(loss: str, given: Arrays) -> tuple[Arrays, str]:
    histories = Histories(given)
    model = LightFM(no_components=DIM, loss=loss, random_state=histories.seed)
    model.fit(histories.matrix().tocoo(), epochs=EPOCHS, num_threads=1)
    user_bias, users = model.get_user_representations()
    item_bias, items = model.get_item_representations()
    found = top(histories, lambda rows: users[rows] @ items.T + item_bias + user_bias[rows, None])
    return found, f"no_components {DIM}, epochs {EPOCHS}, adagrad, learning_rate 0.05"
