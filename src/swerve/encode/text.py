"""Items -> vectors by a pretrained language model: BERT-like encoders and GPT-like decoders of the Hugging Face kind.

What an item says is one text (`said`); the hidden states of its tokens are pooled into one vector:

- `mean` over tokens (Reimers & Gurevych 2019, Sentence-BERT, section 3), the default for encoders;
- `cls`, the first token's;
- `last`, the last token's, the default for decoders: it is the only one that has read everything. An instruction in
  front tells a decoder what to read for (Su et al. 2023, INSTRUCTOR).

Needs the extra `text` and imports PyTorch. No pickle is opened, no code of a model's is run.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
import torch
from msgspec import Meta
from torch import Tensor
from transformers import AutoConfig, AutoModel, AutoTokenizer
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, MODEL_FOR_MASKED_LM_MAPPING_NAMES
from transformers.utils import logging

from swerve.encode.batches import by_length
from swerve.encode.config import EncodeConfig, options_of
from swerve.encode.said import said
from swerve.encode.weights import FIELD, digest, files, folder_of
from swerve.errors import ConfigError
from swerve.types import Floats, Item

VERSION = 1
"""Part of the name: another way to read items makes other vectors."""
Pooling = Literal["auto", "mean", "cls", "last"]
_MODES = {"pooling_mode_cls_token": "cls", "pooling_mode_lasttoken": "last", "pooling_mode_mean_tokens": "mean"}


class TextOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`encode.options` of the encoder `text`."""

    model: str = "minilm"
    """A known package, a folder, or a hub's `owner/name`."""
    pooling: Pooling = "auto"
    """`auto`: as the model's folder says, else `last` for a decoder and `mean` for the rest."""
    instruction: str = ""
    """Stands before every text, e.g. `passage: `."""
    max_tokens: Annotated[int, Meta(ge=8, le=131_072)] = 256
    """What is behind them is not read."""


class TextEncoder:
    """Items -> (n, dim) float32 unit vectors; an item that says nothing gives zeros. Threads may share it."""

    def __init__(self, options: TextOptions, text_chars: int = 2000) -> None:
        """Raises ConfigError where the model cannot be had, MissingExtra for a package that carries it."""
        folder = folder_of(options.model)
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        settings = {"local_files_only": True, "trust_remote_code": False}
        try:
            config = AutoConfig.from_pretrained(folder, **settings)
            self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, **settings)
            self._model: Any = AutoModel.from_pretrained(
                folder, dtype=torch.float32, use_safetensors=True, **settings
            ).eval()
        except (OSError, ValueError, KeyError) as error:
            raise ConfigError(f"is no model that can be loaded ({type(error).__name__})", field=FIELD) from error
        if self._tokenizer.pad_token is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        self._tokenizer.padding_side = "right"
        self._pooling = _pooling(options.pooling, folder, config)
        self._instruction = options.instruction
        self._tokens = min(options.max_tokens, getattr(config, "max_position_embeddings", options.max_tokens))
        self._text_chars = text_chars
        self._lock = threading.Lock()
        self.dim = int(config.hidden_size)
        read = [options.instruction, self._tokens, text_chars, self._pooling]
        deciding = [*files(folder), folder / "config.json", folder / "tokenizer.json"]
        self.name = f"text-v{VERSION}-{digest(deciding, read)[:16]}-{self.dim}"

    def encode(self, items: Sequence[Item]) -> Floats:
        """(n, dim) float32, rows of unit length or zero."""
        texts = [said(item, self._text_chars) for item in items]
        places = [place for place, text in enumerate(texts) if text]
        vectors = np.zeros((len(items), self.dim), np.float32)
        given = [self._instruction + texts[place] for place in places]
        with self._lock, torch.inference_mode():  # a tokenizer may not be shared by threads
            rows = self._tokenizer(given, truncation=True, max_length=self._tokens)["input_ids"] if given else []
            for chosen in by_length(rows):
                vectors[[places[row] for row in chosen]] = self._vectors([rows[row] for row in chosen])
        return vectors

    def _vectors(self, tokens: list[list[int]]) -> Floats:
        given = self._tokenizer.pad({"input_ids": tokens}, return_tensors="pt")
        hidden = self._model(input_ids=given["input_ids"], attention_mask=given["attention_mask"]).last_hidden_state
        vectors: Floats = torch.nn.functional.normalize(pooled(hidden, given["attention_mask"], self._pooling)).numpy()
        return vectors


def _pooling(asked: Pooling, folder: Path, config: Any) -> str:
    if asked != "auto":
        return asked
    told = folder / "1_Pooling" / "config.json"  # of sentence-transformers
    if told.exists():
        modes = json.loads(told.read_bytes())
        return next((name for mode, name in _MODES.items() if modes.get(mode)), "mean")
    decoder = config.model_type in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    return "last" if decoder and config.model_type not in MODEL_FOR_MASKED_LM_MAPPING_NAMES else "mean"


def pooled(hidden: Tensor, mask: Tensor, pooling: str) -> Tensor:
    """Hidden states (n, tokens, dim), mask (n, tokens) with padding behind -> (n, dim)."""
    if pooling == "cls":
        return hidden[:, 0]
    if pooling == "last":
        return hidden[torch.arange(len(hidden)), mask.sum(dim=1) - 1]
    counted = mask[..., None].to(hidden.dtype)
    return (hidden * counted).sum(dim=1) / counted.sum(dim=1)


def from_config(config: EncodeConfig) -> TextEncoder:
    """The encoder with these settings. Raises ConfigError, MissingExtra."""
    return TextEncoder(options_of(config, TextOptions), config.text_chars)
