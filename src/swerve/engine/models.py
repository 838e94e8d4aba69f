"""The blend's weights on disk: a numbered file each, with its checksum, and which of them is live."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec
import numpy as np

from swerve.errors import ConfigError
from swerve.rank.features import FEATURES
from swerve.types import Floats

FOLDER = "models"


class Saved(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One fitted blend as it lies on disk."""

    version: int
    weights: dict[str, list[float]]
    examples: int
    """Choices it was fitted to."""
    log_likelihood: float
    """Mean over choices it was not fitted to."""
    before: float
    """The same for the weights that were live before."""
    user_model: int = 0
    """Version of the user model whose scores it reads; 0 = none."""
    sha256: str = ""
    """Of the file with this field empty."""


def newest_blend(directory: Path | None) -> Saved | None:
    """The newest fitted blend of this directory, if any. Raises ConfigError for a damaged file."""
    names = sorted((directory / FOLDER).glob("blend-*.json")) if directory is not None else []
    return read(names[-1]) if names else None


def read(path: Path) -> Saved:
    """A saved blend, checked. Raises ConfigError naming the file."""
    try:
        saved = msgspec.json.decode(path.read_bytes(), type=Saved)
    except msgspec.DecodeError as error:
        raise ConfigError(f"{FOLDER}/{path.name}: not a saved blend; delete it to go back", field="rank") from error
    if _digest(saved) != saved.sha256:
        raise ConfigError(f"{FOLDER}/{path.name}: checksum differs; delete it to go back", field="rank")
    return saved


def named(weights: Floats) -> dict[str, list[float]]:
    """Weights (buckets, features) by feature, as they are saved."""
    return {name: np.round(column, 6).tolist() for name, column in zip(FEATURES, weights.T, strict=True)}


def save(directory: Path, saved: Saved) -> Path:
    """Write a blend durably under its version, with its checksum."""
    saved = msgspec.structs.replace(saved, sha256=_digest(saved))
    folder = directory / FOLDER
    folder.mkdir(exist_ok=True)
    path = folder / f"blend-{saved.version:06d}.json"
    fresh = path.with_suffix(".new")
    with open(fresh, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(saved)))
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)
    return path


def _digest(saved: Saved) -> str:
    return hashlib.sha256(msgspec.json.encode(msgspec.structs.replace(saved, sha256=""))).hexdigest()
