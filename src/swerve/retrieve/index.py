"""Which index a project gets."""

from __future__ import annotations

from swerve.retrieve.coded import CodedIndex
from swerve.retrieve.exact import ExactIndex
from swerve.retrieve.index_config import IndexConfig


def make_index(config: IndexConfig, dim: int) -> ExactIndex | CodedIndex:
    """An empty index for vectors of length `dim`; `auto` starts exact by itself and goes over to codes as it grows."""
    return ExactIndex(dim) if config.kind == "exact" else CodedIndex(dim, config)
