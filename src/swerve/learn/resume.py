"""An interrupted training as bytes: weights, best weights, optimizer, progress. Safetensors and JSON, never pickle."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import torch
from safetensors import torch as safetensors
from torch import Tensor

from swerve.learn.trainer import Progress, Trainer


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
        keys = [key for key in moments if key.split("/", 1)[1] == name]
        trainer.optimizer.state[parameter] = {key.split("/", 1)[0]: moments[key].clone() for key in keys}


def _packed(tensors: Mapping[str, Tensor]) -> bytes:
    data: bytes = safetensors.save({name: value.detach().cpu().contiguous() for name, value in tensors.items()})
    return data
