"""Which numbers a network is computed with: parameters, sums of the loss and the recurrence's memory stay float32."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

from swerve.learn.config import Precision


def chosen(precision: Precision, device: torch.device) -> torch.dtype:
    """float32 or bfloat16; `auto` is bfloat16 on a GPU that has it, else float32."""
    if precision == "auto":
        fast = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if fast else torch.float32
    return torch.bfloat16 if precision == "bf16" else torch.float32


def computing(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """A block in which products are computed with what was chosen (autocast)."""
    dtype = chosen(precision, device)
    return torch.autocast(device.type, dtype) if dtype == torch.bfloat16 else nullcontext()
