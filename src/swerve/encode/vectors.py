"""Vectors on their way out of an encoder."""

from __future__ import annotations

from typing import Any

import numpy as np

from swerve.types import Floats


def unit(vectors: Any) -> Floats:
    """(n, dim) of any float -> float32 rows of unit length; a row of zeros stays one."""
    wide = np.asarray(vectors, np.float32)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    found: Floats = np.divide(wide, lengths, out=np.zeros_like(wide), where=lengths > 0)
    return found
