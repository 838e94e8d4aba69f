"""Items -> vectors by a language model in an ONNX file: no PyTorch, and int8 where the file is quantized.

The file gives hidden states (n, tokens, dim), which are pooled here, or sentence vectors (n, dim). Words are cut by
the `tokenizer.json` beside it, or that of another model. Needs the extra `onnx`.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
import onnxruntime
from msgspec import Meta
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidGraph, InvalidProtobuf
from tokenizers import Tokenizer

from swerve.encode import weights
from swerve.encode.batches import by_length
from swerve.encode.config import EncodeConfig, options_of
from swerve.encode.said import said
from swerve.encode.vectors import unit
from swerve.errors import ConfigError
from swerve.types import Floats, Item

VERSION = 1
"""Part of the name: another way to read items makes other vectors."""
PATTERN, WORDS = "*.onnx", "tokenizer.json"


class OnnxOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`encode.options` of the encoder `onnx`."""

    model: str = "minilm-int8"
    """A known package, a folder with one .onnx file, or a hub's `owner/name`."""
    tokenizer: str = ""
    """Likewise, where `tokenizer.json` is not beside the model."""
    pooling: Literal["mean", "cls", "last"] = "mean"
    """Of hidden states (see the encoder `text`)."""
    instruction: str = ""
    """Stands before every text, e.g. `passage: `."""
    max_tokens: Annotated[int, Meta(ge=8, le=131_072)] = 256
    """What is behind them is not read."""
    threads: Annotated[int, Meta(ge=0, le=1024)] = 0
    """Of one run; 0: as many as there are cores."""


class OnnxEncoder:
    """Items -> (n, dim) float32 unit vectors; an item that says nothing gives zeros. Threads may share it."""

    def __init__(self, options: OnnxOptions, text_chars: int = 2000) -> None:
        """Raises ConfigError where the model cannot be had, MissingExtra for a package that carries it."""
        folder = weights.folder_of(options.model, PATTERN)
        self._session = _session(folder, options.threads)
        self._inputs = [one.name for one in self._session.get_inputs()]
        self._tokenizer = _tokenizer(folder, options)
        self._options = options
        self._text_chars = text_chars
        self._lock = threading.Lock()
        self.dim = int(self._vectors([[0]]).shape[1])
        read = [options.instruction, options.max_tokens, options.pooling, text_chars, self._tokenizer.to_str()]
        self.name = f"onnx-v{VERSION}-{weights.digest(weights.files(folder, PATTERN), read)[:16]}-{self.dim}"

    def encode(self, items: Sequence[Item]) -> Floats:
        """(n, dim) float32, rows of unit length or zero."""
        texts = [said(item, self._text_chars) for item in items]
        places = [place for place, text in enumerate(texts) if text]
        vectors = np.zeros((len(items), self.dim), np.float32)
        with self._lock:
            given = [self._options.instruction + texts[place] for place in places]
            rows = [one.ids for one in self._tokenizer.encode_batch(given)]
        for chosen in by_length(rows):
            vectors[[places[row] for row in chosen]] = self._vectors([rows[row] for row in chosen])
        return vectors

    def _vectors(self, rows: Sequence[Sequence[int]]) -> Floats:
        tokens, mask = padded(rows)
        known = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}
        (states, *_) = self._session.run(None, {name: known[name] for name in self._inputs})
        return unit(states if states.ndim == 2 else pooled(states, mask, self._options.pooling))


def padded(rows: Sequence[Sequence[int]]) -> tuple[Any, Any]:
    """Tokens and what of them counts, (n, longest) int64 each; padding is behind."""
    tokens = np.zeros((len(rows), max(map(len, rows))), np.int64)
    mask = np.zeros_like(tokens)
    for place, row in enumerate(rows):
        tokens[place, : len(row)] = row
        mask[place, : len(row)] = 1
    return tokens, mask


def pooled(states: Any, mask: Any, pooling: str) -> Any:
    """Hidden states (n, tokens, dim), mask (n, tokens) with padding behind -> (n, dim)."""
    if pooling == "cls":
        return states[:, 0]
    if pooling == "last":
        return states[np.arange(len(states)), mask.sum(axis=1) - 1]
    shares = (mask / mask.sum(axis=1, keepdims=True)).astype(np.float32)
    return np.einsum("ntd,nt->nd", states, shares)


def from_config(config: EncodeConfig) -> OnnxEncoder:
    """The encoder with these settings. Raises ConfigError, MissingExtra."""
    return OnnxEncoder(options_of(config, OnnxOptions), config.text_chars)


def _session(folder: Path, threads: int) -> Any:
    found = weights.files(folder, PATTERN)
    if len(found) != 1:
        raise ConfigError(f"expected one .onnx file, found {len(found)}", field=weights.FIELD)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    try:
        session = onnxruntime.InferenceSession(found[0], settings, providers=["CPUExecutionProvider"])
    except (Fail, InvalidGraph, InvalidProtobuf) as error:
        raise ConfigError(f"is no model that can be loaded ({type(error).__name__})", field=weights.FIELD) from error
    strange = {one.name for one in session.get_inputs()} - {"input_ids", "attention_mask", "token_type_ids"}
    if strange:
        raise ConfigError(f"the model asks for {', '.join(sorted(strange))}, which no text has", field=weights.FIELD)
    return session


def _tokenizer(folder: Path, options: OnnxOptions) -> Any:
    known = weights.PACKAGED.get(options.model)
    other = options.tokenizer or (known.tokenizer if known else "")
    path = (weights.folder_of(other, WORDS) if other else folder) / WORDS
    if not path.exists():
        raise ConfigError(f"expected {WORDS} beside the model, or `tokenizer`", field=weights.FIELD)
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.enable_truncation(options.max_tokens)
    return tokenizer
