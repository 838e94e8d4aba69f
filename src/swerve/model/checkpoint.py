"""A trained user model on disk: its arrays, its shape and its words, each with a checksum, the manifest written last.

Arrays are safetensors, the rest JSON: opening a checkpoint runs nothing. Needs the small package `safetensors`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from swerve import snapshot
from swerve.errors import ConfigError, MissingExtra
from swerve.model.config import Shape

FOLDER = "models/user"
KEEP = 3
"""Versions kept on disk; the newest that is whole serves."""

Arrays = Mapping[str, np.ndarray[Any, np.dtype[np.float32]]]


class Words(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the rows of the tables mean, and where the model comes from."""

    shape: Shape
    items: tuple[str, ...]
    """Item id of rows 1, 2, …; row 0 is any other."""
    actions: tuple[str, ...]
    """Action of rows 1, 2, …; row 0 is any other."""
    encoder: str = ""
    """Name of the encoder whose vectors it reads; empty: it reads none."""
    offset: int = 0
    """The log up to here was learned from."""
    facts: dict[str, float] = {}
    """What training measured, by name."""


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a user model."""

    version: int
    words: Words
    arrays: dict[str, Any]
    """float32 arrays by the names the network gives them."""


def save(directory: Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint under its version, durably; older ones beyond KEEP go. Raises OSError, MissingExtra."""
    parts = {
        "words.json": msgspec.json.encode(checkpoint.words),
        "arrays.safetensors": _safetensors().save(
            {name: np.ascontiguousarray(array) for name, array in checkpoint.arrays.items()}
        ),
    }
    folder = directory / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    return snapshot.save(folder, checkpoint.version, parts, KEEP)


def newest(directory: Path) -> Checkpoint | None:
    """The newest version that is whole, or None. Raises ConfigError when what is there cannot be a user model."""
    folder = directory / FOLDER
    if not folder.is_dir():
        return None
    loaded = snapshot.load_latest(folder)
    if not loaded.parts:
        return None
    try:
        words = msgspec.json.decode(loaded.parts["words.json"], type=Words)
        arrays = _safetensors().load(loaded.parts["arrays.safetensors"])
    except (KeyError, msgspec.DecodeError) as error:
        raise ConfigError(f"{FOLDER}: version {loaded.offset} is no user model: {error}", field="model") from error
    return Checkpoint(version=loaded.offset, words=words, arrays=arrays)


def rows_of(words: Sequence[str]) -> dict[str, int]:
    """Row of each word, from 1 on."""
    return {word: row for row, word in enumerate(words, 1)}


def _safetensors() -> Any:
    try:
        from safetensors import numpy as door  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtra("model", "safetensors") from error
    return door
