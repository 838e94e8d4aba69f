"""An interrupted training as bytes: weights, best weights, optimizer, progress. Safetensors and JSON, never pickle.

On disk (`keep`, `kept`) it carries the name of what was trained, so that it is never gone on with on other data.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec
import torch
from safetensors import torch as safetensors
from torch import Tensor

from swerve import snapshot
from swerve.learn.config import LearnConfig
from swerve.learn.progress import Progress
from swerve.learn.trainer import Trainer
from swerve.model.config import Shape

IDENTITY = "training.json"


class Identity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a training is of: with another one its state must not be mixed."""

    shape: Shape
    learn: LearnConfig
    encoder: str
    """Whose vectors are read as content; empty: none."""
    offset: int
    """The log up to here is learned from."""
    digest: str
    """SHA-256 of histories and content."""


class Kept(NamedTuple):
    """A state found on disk."""

    identity: Identity
    version: int
    """What the trained model will be called."""
    parts: dict[str, bytes]


def keep(folder: Path, trainer: Trainer, identity: Identity, version: int) -> None:
    """Write the state after an epoch, durably, in the place of the one before. Raises OSError."""
    said = msgspec.json.encode(_Said(identity, version))
    snapshot.save(folder, trainer.progress.epoch, {**dump(trainer), IDENTITY: said}, 1)


def kept(folder: Path) -> Kept | None:
    """The state in this folder; None where there is none that is whole, or it is of another version of this code."""
    parts = snapshot.load_latest(folder).parts
    if IDENTITY not in parts:
        return None
    try:
        said = msgspec.json.decode(parts[IDENTITY], type=_Said)
    except msgspec.DecodeError:
        return None
    return Kept(said.identity, said.version, parts)


class _Said(msgspec.Struct, frozen=True):
    identity: Identity
    version: int


def dump(trainer: Trainer) -> dict[str, bytes]:
    """Parts by name, for `snapshot.save`. Everything that later steps depend on."""
    moments: dict[str, Tensor] = {}
    for name, parameter in trainer.network.named_parameters():
        for key, value in trainer.optimizer.state.get(parameter, {}).items():
            moments[f"{key}/{name}"] = torch.as_tensor(value).detach().cpu().contiguous()
    return {
        "weights.safetensors": _packed(trainer.network.state_dict()),
        "best.safetensors": _packed(trainer.best),
        "optimizer.safetensors": safetensors.save(moments),
        "progress.json": msgspec.json.encode(trainer.progress),
    }


def load(trainer: Trainer, parts: Mapping[str, bytes]) -> None:
    """Put a fresh trainer of the same network, corpus and settings where the dumped one was."""
    trainer.network.load_state_dict(safetensors.load(parts["weights.safetensors"]))
    trainer.best = safetensors.load(parts["best.safetensors"])
    trainer.progress = msgspec.json.decode(parts["progress.json"], type=Progress)
    moments = safetensors.load(parts["optimizer.safetensors"])
    for name, parameter in trainer.network.named_parameters():
        own = {key.split("/", 1)[0]: value for key, value in moments.items() if key.split("/", 1)[1] == name}
        # AdamW counts its steps on the CPU; the moments lie where the parameter does.
        trainer.optimizer.state[parameter] = {
            key: value.clone() if key == "step" else value.to(parameter.device, copy=True) for key, value in own.items()
        }


def _packed(tensors: Mapping[str, Tensor]) -> bytes:
    data: bytes = safetensors.save({name: value.detach().cpu().contiguous() for name, value in tensors.items()})
    return data
