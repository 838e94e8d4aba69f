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
from swerve.types import Floats

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


def save(directory: Path, checkpoint: Checkpoint, live: int = 0) -> Path:
    """Write a checkpoint under its version, durably; older ones beyond KEEP go, but not the `live` one.

    Raises OSError, MissingExtra.
    """
    parts = {
        "words.json": msgspec.json.encode(checkpoint.words),
        "arrays.safetensors": _safetensors().numpy.save(
            {name: np.ascontiguousarray(array) for name, array in checkpoint.arrays.items()}
        ),
    }
    folder = directory / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    return snapshot.save(folder, checkpoint.version, parts, KEEP, live)


def newest(directory: Path) -> Checkpoint | None:
    """The newest version that is whole, or None. Raises ConfigError when what is there cannot be a user model."""
    folder = directory / FOLDER
    loaded = snapshot.load_latest(folder)
    return _opened(loaded) if loaded.parts else None


def load(directory: Path, version: int) -> Checkpoint:
    """This version. Raises ConfigError when it is not there, damaged, or no user model."""
    loaded = snapshot.load(directory / FOLDER, version)
    if not loaded.parts:
        raise ConfigError(f"{FOLDER}: version {version}: {loaded.reports[0]}", field="model")
    return _opened(loaded)


def _opened(loaded: snapshot.Loaded) -> Checkpoint:
    door = _safetensors()
    try:
        words = msgspec.json.decode(loaded.parts["words.json"], type=Words)
        arrays = door.numpy.load(loaded.parts["arrays.safetensors"])
    except (KeyError, msgspec.DecodeError, door.SafetensorError) as error:
        raise ConfigError(f"{FOLDER}: version {loaded.offset} is no user model: {error}", field="model") from error
    return Checkpoint(version=loaded.offset, words=words, arrays=arrays)


def with_items(checkpoint: Checkpoint, ids: Sequence[str], content: Floats) -> Checkpoint:
    """The same with rows for items it never saw, each known by its content (n, content) alone.

    Their bias is the median: nothing is known of how popular they are. Raises ValueError when the model reads no
    content.
    """
    if not checkpoint.words.shape.content:
        raise ValueError("this model knows ids only")
    n, of = len(ids), dict(checkpoint.arrays)
    nothing = np.zeros((n, checkpoint.words.shape.dim), np.float32)
    of["items.id"] = np.concatenate([of["items.id"], nothing])
    of["items.known"] = np.concatenate([of["items.known"], np.zeros(n, np.float32)])
    of["items.content"] = np.concatenate([of["items.content"], content.astype(np.float32)])
    of["items.bias"] = np.concatenate([of["items.bias"], np.full(n, np.median(of["items.bias"]), np.float32)])
    words = msgspec.structs.replace(
        checkpoint.words,
        items=(*checkpoint.words.items, *ids),
        shape=msgspec.structs.replace(checkpoint.words.shape, items=checkpoint.words.shape.items + n),
    )
    return msgspec.structs.replace(checkpoint, words=words, arrays=of)


def rows_of(words: Sequence[str]) -> dict[str, int]:
    """Row of each word, from 1 on."""
    return {word: row for row, word in enumerate(words, 1)}


def _safetensors() -> Any:
    try:
        import safetensors.numpy  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtra("model", "safetensors") from error
    return safetensors
