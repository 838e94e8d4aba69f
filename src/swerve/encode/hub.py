"""A model's files from the Hugging Face hub, kept in its library's cache."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import errors, snapshot_download

from swerve.errors import ConfigError


def fetched(name: str, revision: str | None, patterns: Sequence[str], field: str) -> Path:
    """The folder with the files that match; `revision` None = the main one. Raises ConfigError about `field`."""
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=list(patterns)))
    except errors.HFValidationError as error:
        raise ConfigError("is no name that a hub can have", field=field) from error
    except Exception as error:  # whatever its HTTP client raises is the same to whoever named the model
        raise ConfigError(f"the hub gave nothing ({type(error).__name__})", field=field) from error
