"""A checkpoint as something that answers: the recurrent model in NumPy, the others on PyTorch."""

from __future__ import annotations

from typing import Any

from swerve.errors import needing
from swerve.model.checkpoint import Checkpoint
from swerve.model.recurrent import RecurrentModel
from swerve.protocols import UserModel


def user_model(checkpoint: Checkpoint) -> UserModel[Any]:
    """The `UserModel` of a checkpoint. Raises MissingExtra when its kind needs PyTorch and there is none."""
    if checkpoint.words.shape.kind == "recurrent":
        return RecurrentModel(checkpoint)
    model: UserModel[Any] = needing("torch", ("torch",), "swerve.model.nets.tail").TailModel(checkpoint)
    return model
