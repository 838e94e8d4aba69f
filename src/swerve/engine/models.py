"""The blend's weights on disk: a numbered file each, with its checksum, and which of them is live."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec
import numpy as np

from swerve.errors import ConfigError
from swerve.rank.blend import Blend, from_config
from swerve.rank.config import RankConfig
from swerve.rank.features import FEATURES, Features

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
    sha256: str = ""
    """Of the file with this field empty."""


def live_blend(features: Features, config: RankConfig, directory: Path | None) -> Blend:
    """The newest fitted blend of this directory, else the preset's. Raises ConfigError for a damaged file."""
    names = sorted((directory / FOLDER).glob("blend-*.json")) if directory is not None else []
    if not names:
        return Blend(features, from_config(config.weights), 0)
    saved = read(names[-1])
    return Blend(features, from_config(saved.weights), saved.version)


def read(path: Path) -> Saved:
    """A saved blend, checked. Raises ConfigError naming the file."""
    try:
        saved = msgspec.json.decode(path.read_bytes(), type=Saved)
    except msgspec.DecodeError as error:
        raise ConfigError(f"{FOLDER}/{path.name}: not a saved blend; delete it to go back", field="rank") from error
    if _digest(saved) != saved.sha256:
        raise ConfigError(f"{FOLDER}/{path.name}: checksum differs; delete it to go back", field="rank")
    return saved


def save(directory: Path, blend: Blend, examples: int, log_likelihood: float, before: float) -> Path:
    """Write a blend durably under its version."""
    weights = {name: np.round(column, 6).tolist() for name, column in zip(FEATURES, blend.weights.T, strict=True)}
    saved = Saved(
        version=blend.version, weights=weights, examples=examples, log_likelihood=log_likelihood, before=before
    )
    saved = msgspec.structs.replace(saved, sha256=_digest(saved))
    folder = directory / FOLDER
    folder.mkdir(exist_ok=True)
    path = folder / f"blend-{blend.version:06d}.json"
    fresh = path.with_suffix(".new")
    with open(fresh, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(saved)))
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)
    return path


def _digest(saved: Saved) -> str:
    return hashlib.sha256(msgspec.json.encode(msgspec.structs.replace(saved, sha256=""))).hexdigest()
