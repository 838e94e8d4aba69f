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
    except (errors.HfHubHTTPError, errors.LocalEntryNotFoundError, OSError) as error:
        raise ConfigError(f"the hub gave nothing ({type(error).__name__})", field=field) from error
