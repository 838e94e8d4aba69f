"""From a trained network to a checkpoint that serves."""

from __future__ import annotations

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
