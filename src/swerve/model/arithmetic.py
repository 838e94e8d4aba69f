"""The few functions a network needs beside products, on float32 arrays, along the last axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from swerve.types import Floats

EPSILON = np.float32(1e-5)
"""As PyTorch's LayerNorm."""
ONE = np.float32(1)


def normal(x: Floats) -> Floats:
    """(x - mean) / sqrt(variance + 1e-5), a new array."""
    share = np.float32(1 / x.shape[-1])
    if x.ndim == 1:  # plain numbers cost a tenth of arrays of one
        line: Floats = x - np.add.reduce(x) * share
        line *= ONE / np.sqrt(np.dot(line, line) * share + EPSILON)
        return line
    centred: Any = x - np.add.reduce(x, -1, keepdims=True) * share
    centred /= np.sqrt(np.vecdot(centred, centred) * share + EPSILON)[..., None]
    y: Floats = centred
    return y


def layer_norm(x: Floats, weight: Floats, bias: Floats) -> Floats:
    """`normal(x)` * weight + bias (Ba et al. 2016, arXiv 1607.06450)."""
    y = normal(x)
    y *= weight
    y += bias
    return y


def linear(x: Floats, weight: Floats, bias: Floats) -> Floats:
    """x (..., in) @ weight (in, out) + bias (out,)."""
    y: Floats = x @ weight + bias
    return y


def silu(x: Floats) -> Floats:
    """x * sigmoid(x), sigmoid by tanh, which does not overflow."""
    half: Any = np.float32(0.5) * x
    y: Floats = half * (ONE + np.tanh(half))
    return y


def softmax(x: Any) -> Any:
    """exp(x) / sum exp(x), shifted by the maximum."""
    e = np.exp(x - np.maximum.reduce(x, -1, keepdims=True))
    e /= np.add.reduce(e, -1, keepdims=True)
    return e
