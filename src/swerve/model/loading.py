"""A checkpoint as something that answers: the recurrent model in NumPy, the others on PyTorch."""

from __future__ import annotations

import importlib
from typing import Any

from swerve.errors import MissingExtra
from swerve.model.checkpoint import Checkpoint
from swerve.model.recurrent import RecurrentModel
from swerve.protocols import UserModel


def user_model(checkpoint: Checkpoint) -> UserModel[Any]:
    """The `UserModel` of a checkpoint. Raises MissingExtra when its kind needs PyTorch and there is none."""
    if checkpoint.words.shape.kind == "recurrent":
        return RecurrentModel(checkpoint)
    try:
        tail = importlib.import_module("swerve.model.nets.tail")  # loads torch
    except ImportError as error:
        raise MissingExtra("torch", "torch") from error
    model: UserModel[Any] = tail.TailModel(checkpoint)
    return model
