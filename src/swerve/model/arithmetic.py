"""The few functions a network needs beside products, on float32 arrays, along the last axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from swerve.types import Floats

EPSILON = np.float32(1e-5)
"""As PyTorch's LayerNorm."""


def layer_norm(x: Floats, weight: Floats, bias: Floats) -> Floats:
    """(x - mean) / sqrt(variance + 1e-5) * weight + bias (Ba et al. 2016, arXiv 1607.06450)."""
    share = np.float32(1 / x.shape[-1])
    centred = x - np.add.reduce(x, -1, keepdims=True) * share
    spread = np.add.reduce(centred * centred, -1, keepdims=True) * share
    y: Floats = centred / np.sqrt(spread + EPSILON) * weight + bias
    return y


def linear(x: Floats, weight: Floats, bias: Floats) -> Floats:
    """x (..., in) @ weight (in, out) + bias (out,)."""
    y: Floats = x @ weight + bias
    return y


def sigmoid(x: Floats) -> Floats:
    """1 / (1 + exp(-x)), by tanh, which does not overflow."""
    y: Floats = np.float32(0.5) * (np.float32(1) + np.tanh(np.float32(0.5) * x))
    return y


def silu(x: Floats) -> Floats:
    """x * sigmoid(x)."""
    y: Floats = x * sigmoid(x)
    return y


def softmax(x: Any) -> Any:
    """exp(x) / sum exp(x), shifted by the maximum."""
    e = np.exp(x - np.maximum.reduce(x, -1, keepdims=True))
    return e / np.add.reduce(e, -1, keepdims=True)
