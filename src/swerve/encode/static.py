"""Items -> vectors by a table of word pieces that a language model was distilled into: meaning for a lookup.

A text's vector is the mean of its pieces' (model2vec: one pass of the large model over its own vocabulary, PCA, and
weights by rarity). Needs the extra `static`; no PyTorch. `model2vec.distill` makes such a table of any encoder.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
import numpy as np
from model2vec import StaticModel
from msgspec import Meta

from swerve.encode import weights
from swerve.encode.config import EncodeConfig, options_of
from swerve.encode.said import said
from swerve.encode.vectors import unit
from swerve.errors import ConfigError
from swerve.types import Floats, Item

VERSION = 1
"""Part of the name: another way to read items makes other vectors."""


class StaticOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`encode.options` of the encoder `static`."""

    model: str
    """A folder, or a hub's `owner/name`, as model2vec saves it."""
    max_tokens: Annotated[int, Meta(ge=8, le=1_000_000)] = 512
    """What is behind them is not read."""


class StaticEncoder:
    """Items -> (n, dim) float32 unit vectors; an item that says nothing gives zeros. Threads may share it."""

    def __init__(self, options: StaticOptions, text_chars: int = 2000) -> None:
        """Raises ConfigError where the model cannot be had."""
        folder = weights.folder_of(options.model)
        try:
            self._model = StaticModel.from_pretrained(folder, force_download=False)
        except (OSError, ValueError, KeyError) as error:
            words = f"is no model that can be loaded ({type(error).__name__})"
            raise ConfigError(words, field=weights.FIELD) from error
        self._options = options
        self._text_chars = text_chars
        self.dim = int(self._model.dim)
        deciding = [*weights.files(folder), folder / "config.json", folder / "tokenizer.json"]
        how = weights.digest(deciding, [options.max_tokens, text_chars])
        self.name = f"static-v{VERSION}-{how[:16]}-{self.dim}"

    def encode(self, items: Sequence[Item]) -> Floats:
        """(n, dim) float32, rows of unit length or zero."""
        texts = [said(item, self._text_chars) for item in items]
        places = [place for place, text in enumerate(texts) if text]
        vectors = np.zeros((len(items), self.dim), np.float32)
        if places:
            given = [texts[place] for place in places]
            found = self._model.encode(given, max_length=self._options.max_tokens, use_multiprocessing=False)
            vectors[places] = unit(found)
        return vectors


def from_config(config: EncodeConfig) -> StaticEncoder:
    """The encoder with these settings. Raises ConfigError."""
    return StaticEncoder(options_of(config, StaticOptions), config.text_chars)
