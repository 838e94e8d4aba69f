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
import torch
from msgspec import Meta
from transformers import AutoConfig, AutoModel, AutoTokenizer
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, MODEL_FOR_MASKED_LM_MAPPING_NAMES
from transformers.utils import logging

from swerve.encode.config import EncodeConfig, options_of
from swerve.encode.said import vectors_of
from swerve.encode.tokens import Pooling, encoded
from swerve.encode.weights import TEXT, deciding, digest, folder_of
from swerve.errors import ConfigError
from swerve.types import Floats, Item

VERSION = 1
"""Part of the name: another way to read items makes other vectors."""
_FIELD = TEXT.field
_MODES: dict[str, Pooling] = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_lasttoken": "last",
    "pooling_mode_mean_tokens": "mean",
    "cls": "cls",
    "lasttoken": "last",
    "mean": "mean",
}
"""How sentence-transformers calls what is known here, before and since its version 6."""


class TextOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`encode.options` of the encoder `text`."""

    model: str = "minilm"
    """A known package, a folder, or a hub's `owner/name`."""
    pooling: Literal["auto", "mean", "cls", "last"] = "auto"
    """`auto`: as the model's folder says, else `last` for a decoder and `mean` for the rest."""
    instruction: str = ""
    """Stands before every text, e.g. `passage: `."""
    max_tokens: Annotated[int, Meta(ge=8, le=131_072)] = 256
    """What is behind them is not read; fewer where the model reads no further."""


class TextEncoder:
    """Items -> (n, dim) float32 unit vectors; an item that says nothing gives zeros. Threads may share it."""

    def __init__(self, options: TextOptions, text_chars: int = 2000) -> None:
        """Raises ConfigError where the model cannot be had, MissingExtra for a package that carries it."""
        folder = folder_of(options.model)
        self._pooling: Pooling = _pooling(folder) if options.pooling == "auto" else options.pooling
        try:
            self._tokenizer, self._model, positions = _loaded(folder)
            self._tokens = min(options.max_tokens, self._tokenizer.model_max_length, positions)
            # Whatever it cannot read must show now: an event whose item cannot be encoded would stop the log.
            self.dim = int(self._run([[0] * self._tokens], [[1] * self._tokens]).shape[2])
        except Exception as error:  # they raise whatever went wrong inside
            raise ConfigError(f"is no model that can be run ({type(error).__name__})", field=_FIELD) from error
        self._instruction = options.instruction
        self._text_chars = text_chars
        self._lock = threading.Lock()
        read = [options.instruction, self._tokens, text_chars, self._pooling]
        self.name = f"text-v{VERSION}-{digest(deciding(folder), read)[:16]}-{self.dim}"

    def encode(self, items: Sequence[Item]) -> Floats:
        """(n, dim) float32, rows of unit length or zero."""
        return vectors_of(items, self._text_chars, self.dim, self._of)

    def _of(self, texts: list[str]) -> Floats:
        given = [self._instruction + text for text in texts]
        with self._lock:  # a tokenizer may not be shared by threads
            rows = self._tokenizer(given, truncation=True, max_length=self._tokens)["input_ids"]
        return encoded(rows, self._run, self._pooling, self.dim)

    def _run(self, tokens: Any, mask: Any) -> Any:
        with torch.inference_mode():
            found = self._model(input_ids=torch.as_tensor(tokens), attention_mask=torch.as_tensor(mask))
        return found.last_hidden_state.numpy()


def from_config(config: EncodeConfig) -> TextEncoder:
    """The encoder with these settings. Raises ConfigError, MissingExtra."""
    return TextEncoder(options_of(config, TextOptions), config.text_chars)


def _loaded(folder: Path) -> tuple[Any, Any, int]:
    """Tokenizer, model and how many tokens it has places for. Raises ValueError for weights that are not all there."""
    settings = {"local_files_only": True, "trust_remote_code": False}
    bar = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, truncation_side="right", **settings)
        model, told = AutoModel.from_pretrained(
            folder, dtype=torch.float32, use_safetensors=True, output_loading_info=True, **settings
        )
    finally:
        if bar:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
    # What is missing was filled with random numbers; the pooler, which many leave out, is not used.
    if [name for name in told["missing_keys"] if not name.startswith("pooler.")]:
        raise ValueError("weights are missing")
    positions = getattr(model.config, "max_position_embeddings", 0)
    return tokenizer, model.eval(), positions if positions > 0 else 2**31


def _pooling(folder: Path) -> Pooling:
    """As sentence-transformers wrote it down, else by the kind of model. Raises ConfigError for what is not known."""
    try:
        layers = json.loads((folder / "modules.json").read_bytes()) if (folder / "modules.json").exists() else []
        strange = {str(layer["type"]).rpartition(".")[2] for layer in layers} - {"Transformer", "Pooling", "Normalize"}
        path = folder / "1_Pooling" / "config.json"
        said = json.loads(path.read_bytes()) if path.exists() else {}
        modes = {key for key, value in said.items() if key.startswith("pooling_mode_") and value is True}
        modes |= {said["pooling_mode"]} if "pooling_mode" in said else set()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError("its pooling cannot be read: name one", field="encode.options.pooling") from error
    if strange or len(modes) > 1 or not modes <= _MODES.keys():
        words = "the model puts more behind its hidden states than mean, cls or last: name one of them to go without"
        raise ConfigError(words, field="encode.options.pooling")
    if modes:
        return _MODES[modes.pop()]
    return "last" if _is_decoder(folder) else "mean"


def _is_decoder(folder: Path) -> bool:
    try:
        kind = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False).model_type
    except Exception as error:  # its parsers raise whatever went wrong inside
        raise ConfigError(f"is no model that can be run ({type(error).__name__})", field=_FIELD) from error
    return kind in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES and kind not in MODEL_FOR_MASKED_LM_MAPPING_NAMES
