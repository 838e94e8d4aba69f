"""Settings of training."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Precision = Literal["auto", "float32", "bf16"]


class LearnConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a user model is trained. The defaults were chosen on ML-1M's validation items."""

    minutes: Annotated[float, Meta(gt=0)] = 30.0
    """Training ends after this long, with the best weights so far."""
    epochs: Annotated[int, Meta(ge=1, le=10_000)] = 40
    """Passes over all histories; the learning rate falls to nearly nothing over them (half a cosine)."""
    patience: Annotated[int, Meta(ge=1, le=10_000)] = 5
    """Validations without a better NDCG@10 before training ends early."""
    every: Annotated[int, Meta(ge=1, le=10_000)] = 4
    """Epochs between validations."""
    learning_rate: Annotated[float, Meta(gt=0, le=1)] = 2e-3
    """Of AdamW, after 200 steps of warm-up, or a tenth of all steps where that is fewer."""
    weight_decay: Annotated[float, Meta(ge=0, le=1)] = 0.01
    """Of matrices, not of embeddings, norms and biases."""
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.2
    """Share of features hidden in training."""
    hide: Annotated[float, Meta(ge=0, lt=1)] = 0.2
    """Share of item ids hidden in a step, so that content learns to stand alone. Only where there is content."""
    length: Annotated[int, Meta(ge=8, le=10_000)] = 256
    """Events of a packed row."""
    rows: Annotated[int, Meta(ge=1, le=10_000)] = 16
    """Packed rows of a step, over all processes."""
    negatives: Annotated[int, Meta(ge=1)] = 1024
    """Items drawn against each target, one draw for a whole step; as many as there are items: full softmax."""
    popularity: Annotated[float, Meta(ge=0, le=2)] = 0.0
    """Negatives are drawn in proportion to how often an item was seen, to this power; 0: all alike, 0.75 is usual."""
    precision: Precision = "auto"
    """Numbers the network is computed with; `auto`: bf16 on a GPU that has it, else float32."""
    seed: int = 0
    """The same seed on the same machine gives the same weights; on a GPU, up to the order of its sums."""
