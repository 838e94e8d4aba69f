"""Where encoders come in: by name, built-in ones and a user's own through the same door.

A name stands for a factory `module:attribute`, called with the EncodeConfig. Names are known from the table below and
from installed packages (entry point group `swerve.encoders`); a name with a colon is such a factory itself.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable
from importlib.metadata import entry_points

from swerve.encode.config import EncodeConfig
from swerve.errors import ConfigError, needing
from swerve.protocols import Encoder

GROUP = "swerve.encoders"
BUILT_IN = {
    "hashing": "swerve.encode.hashing:from_config",
    "text": "swerve.encode.text:from_config",
    "onnx": "swerve.encode.onnx:from_config",
    "static": "swerve.encode.static:from_config",
}
NEEDS = {"text": ("torch", "transformers"), "onnx": ("onnxruntime", "tokenizers"), "static": ("model2vec",)}
"""Packages of those that need more than the core; the extra has the encoder's name."""
_FIELD = "encode.encoder"


def known() -> dict[str, str]:
    """Every encoder that can be named, and its factory; an installed one never hides a built-in one."""
    return {entry.name: entry.value for entry in entry_points(group=GROUP)} | BUILT_IN


def load(config: EncodeConfig) -> Encoder:
    """The encoder that the settings name. Raises ConfigError for one that is unknown or cannot be made."""
    encoder = _factory(config.encoder)(config)
    dim, name = getattr(encoder, "dim", None), getattr(encoder, "name", None)
    if not (isinstance(dim, int) and dim > 0 and isinstance(name, str) and name and callable(encoder.encode)):
        raise ConfigError("is no Encoder: it needs `dim`, `name` and `encode`", field=_FIELD)
    return encoder


def _factory(name: str) -> Callable[[EncodeConfig], Encoder]:
    path = name if ":" in name else _path(name)
    module, _, attribute = path.partition(":")
    try:
        found = needing(name, NEEDS[name], module) if name in NEEDS else importlib.import_module(module)
        factory: Callable[[EncodeConfig], Encoder] = getattr(found, attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f"cannot import {path} ({type(error).__name__})", field=_FIELD) from error
    return factory


def _path(name: str) -> str:
    every = known()
    if name not in every:
        close = difflib.get_close_matches(name, every, 1) or sorted(every)[:1]
        raise ConfigError(f"unknown encoder; nearest: {close[0]} (or module:factory)", field=_FIELD)
    return every[name]
