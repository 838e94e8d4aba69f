"""Items -> vectors by a language model in an ONNX file: no PyTorch, and int8 where the file is quantized.

The file gives hidden states (n, tokens, dim), which are pooled here, or sentence vectors (n, dim). Words are cut by
the `tokenizer.json` beside it, or that of another model. Needs the extra `onnx`.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
import onnxruntime
from msgspec import Meta
from tokenizers import Tokenizer

from swerve.encode.config import EncodeConfig, options_of
from swerve.encode.said import vectors_of
from swerve.encode.tokens import Pooling, encoded
from swerve.encode.weights import PACKAGED, Wanted, digest, folder_of
from swerve.errors import ConfigError
from swerve.types import Floats, Item

VERSION = 1
"""Part of the name: another way to read items makes other vectors."""
WORDS = "tokenizer.json"
_MODEL, _WORDS = "encode.options.model", "encode.options.tokenizer"


class OnnxOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`encode.options` of the encoder `onnx`."""

    model: str
    """A known package, a folder, or a hub's `owner/name`."""
    file: str = "model.onnx"
    """Inside it, e.g. `onnx/model.onnx`."""
    tokenizer: str = ""
    """Another model, where `tokenizer.json` is not in this one's folder."""
    pooling: Pooling = "mean"
    """Of hidden states (see the encoder `text`)."""
    instruction: str = ""
    """Stands before every text, e.g. `passage: `."""
    max_tokens: Annotated[int, Meta(ge=8, le=131_072)] = 256
    """What is behind them is not read; the model must be able to read as many."""
    threads: Annotated[int, Meta(ge=0, le=1024)] = 0
    """Of one run; 0: as many as there are cores."""


class OnnxEncoder:
    """Items -> (n, dim) float32 unit vectors; an item that says nothing gives zeros. Threads may share it."""

    def __init__(self, options: OnnxOptions, text_chars: int = 2000) -> None:
        """Raises ConfigError where the model cannot be had, MissingExtra for a package that carries it."""
        folder = folder_of(options.model, Wanted(options.file, _MODEL, "onnx"))
        self._tokenizer = _tokenizer(folder, options)
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = options.threads
        try:
            path = folder / options.file
            self._session = onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])
            self._inputs = [one.name for one in self._session.get_inputs()]
            # Whatever it cannot read must show now: an event whose item cannot be encoded would stop the log.
            longest = np.ones((1, options.max_tokens), np.int64)
            self.dim = int(self._run(longest, longest).shape[-1])
        except Exception as error:  # its errors have no base of their own
            raise ConfigError(f"is no model that can be run ({type(error).__name__})", field=_MODEL) from error
        self._options = options
        self._text_chars = text_chars
        self._lock = threading.Lock()
        read = [options.instruction, options.max_tokens, options.pooling, text_chars, self._tokenizer.to_str()]
        files = sorted(path.parent.glob(f"{path.name}*"))  # numbers may lie in another file of that name
        self.name = f"onnx-v{VERSION}-{digest(files, read)[:16]}-{self.dim}"

    def encode(self, items: Sequence[Item]) -> Floats:
        """(n, dim) float32, rows of unit length or zero."""
        return vectors_of(items, self._text_chars, self.dim, self._of)

    def _of(self, texts: list[str]) -> Floats:
        with self._lock:
            rows = [
                one.ids for one in self._tokenizer.encode_batch([self._options.instruction + text for text in texts])
            ]
        return encoded(rows, self._run, self._options.pooling, self.dim)

    def _run(self, tokens: Any, mask: Any) -> Any:
        known = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}
        (states, *_) = self._session.run(None, {name: known[name] for name in self._inputs})
        return states


def from_config(config: EncodeConfig) -> OnnxEncoder:
    """The encoder with these settings. Raises ConfigError, MissingExtra."""
    return OnnxEncoder(options_of(config, OnnxOptions), config.text_chars)


def _tokenizer(folder: Path, options: OnnxOptions) -> Any:
    known = PACKAGED.get(options.model)
    other = options.tokenizer or (known.tokenizer if known else "")
    if other:
        folder = folder_of(other, Wanted(WORDS, _WORDS, "onnx"))
    try:
        tokenizer = Tokenizer.from_file(str(folder / WORDS))
    except Exception as error:  # that is all it raises
        raise ConfigError(f"expected {WORDS} beside the model, or `tokenizer`", field=_WORDS) from error
    tokenizer.no_padding()
    tokenizer.enable_truncation(options.max_tokens, direction="right")
    return tokenizer
