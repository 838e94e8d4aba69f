"""Items -> vectors by a table of word pieces that a language model was distilled into: meaning for a lookup.

A text's vector is the mean of its pieces' (model2vec: one pass of the large model over its own vocabulary, PCA, and
weights by rarity). Needs the extra `static`; no PyTorch. `model2vec.distill` makes such a table of any encoder.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Annotated

import msgspec
from model2vec import StaticModel
from msgspec import Meta

from swerve.encode.config import EncodeConfig, options_of
from swerve.encode.said import vectors_of
from swerve.encode.tokens import unit
from swerve.encode.weights import SAFETENSORS, Wanted, deciding, digest, folder_of
from swerve.errors import ConfigError
from swerve.types import Floats, Item

VERSION = 1
"""Part of the name: another way to read items makes other vectors."""
_WANTED = Wanted(SAFETENSORS, extra="static")


class StaticOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`encode.options` of the encoder `static`."""

    model: str
    """A folder, or a hub's `owner/name`, as model2vec saves it."""
    max_tokens: Annotated[int, Meta(ge=8, le=1_000_000)] = 512
    """What is behind them is not read."""


class StaticEncoder:
    """Items -> (n, dim) float32 unit vectors; an item that says nothing gives zeros. Threads may share it."""

    def __init__(self, options: StaticOptions, text_chars: int = 2000) -> None:
        """Raises ConfigError where the model cannot be had, MissingExtra for what asks a hub."""
        folder = folder_of(options.model, _WANTED)
        try:
            self._model = StaticModel.from_pretrained(folder, force_download=False, max_length=options.max_tokens)
            self.dim = int(self._model.encode(["a"], use_multiprocessing=False).shape[1])
        except Exception as error:  # its parsers raise whatever went wrong inside
            words = f"is no table that can be read ({type(error).__name__})"
            raise ConfigError(words, field=_WANTED.field) from error
        self._text_chars = text_chars
        self._lock = threading.Lock()
        read = digest(deciding(folder), [options.max_tokens, text_chars])
        self.name = f"static-v{VERSION}-{read[:16]}-{self.dim}"

    def encode(self, items: Sequence[Item]) -> Floats:
        """(n, dim) float32, rows of unit length or zero."""
        return vectors_of(items, self._text_chars, self.dim, self._of)

    def _of(self, texts: list[str]) -> Floats:
        with self._lock:  # a tokenizer may not be shared by threads
            return unit(self._model.encode(texts, use_multiprocessing=False))


def from_config(config: EncodeConfig) -> StaticEncoder:
    """The encoder with these settings. Raises ConfigError, MissingExtra."""
    return StaticEncoder(options_of(config, StaticOptions), config.text_chars)
