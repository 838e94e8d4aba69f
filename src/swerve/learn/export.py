"""From a trained network to a checkpoint that serves, and back."""

from __future__ import annotations

import numpy as np
import torch

from swerve.learn.corpus import Corpus
from swerve.model.checkpoint import Checkpoint, Words
from swerve.model.nets.network import Network


def checkpoint_of(
    network: Network, corpus: Corpus, version: int, *, encoder: str = "", facts: dict[str, float] | None = None
) -> Checkpoint:
    """All arrays as float32, with the words of their rows. `encoder`: whose vectors the network reads, if any."""
    arrays = {name: value.detach().cpu().float().numpy().copy() for name, value in network.state_dict().items()}
    words = Words(
        shape=network.shape,
        items=corpus.items,
        actions=corpus.actions,
        encoder=encoder,
        offset=corpus.offset,
        facts=facts or {},
    )
    return Checkpoint(version=version, words=words, arrays=arrays)


def network_of(checkpoint: Checkpoint, *, dropout: float = 0.0, hide: float = 0.0) -> Network:
    """The network of a checkpoint, to train it further. Raises ValueError for other arrays."""
    network = Network(checkpoint.words.shape, dropout=dropout, hide=hide)
    wanted = network.state_dict()
    if wanted.keys() != checkpoint.arrays.keys():
        raise ValueError(f"expected other arrays: {sorted(wanted.keys() ^ checkpoint.arrays.keys())[:5]}")
    network.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in checkpoint.arrays.items()})
    return network
