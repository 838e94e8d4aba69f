"""bf16 changes the numbers a network is computed with, not what is learned."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest
import torch

from swerve.learn.config import LearnConfig
from swerve.learn.precision import chosen, computing
from swerve.model.config import Kind
from tests.learn.test_trainer import CPU, run, trainer

SHORT = LearnConfig(epochs=2, every=2, length=32, rows=4, dropout=0.0, learning_rate=0.01, negatives=20)


def test_auto_is_float32_where_there_is_no_gpu() -> None:
    assert chosen("auto", CPU) == torch.float32
    assert chosen("float32", CPU) == torch.float32
    assert chosen("bf16", CPU) == torch.bfloat16


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_auto_is_bf16_on_a_gpu_that_has_it() -> None:
    has = torch.cuda.is_bf16_supported(including_emulation=False)
    assert chosen("auto", torch.device("cuda")) == (torch.bfloat16 if has else torch.float32)


def test_products_are_bf16_and_only_inside_the_block() -> None:
    one = torch.ones(2, 2)
    with computing("bf16", CPU):
        assert (one @ one).dtype == torch.bfloat16
    assert (one @ one).dtype == torch.float32
    with computing("float32", CPU):
        assert (one @ one).dtype == torch.float32


@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_kind_trains_in_bf16_with_weights_and_moments_in_float32(kind: Kind) -> None:
    plain, short = (run(trainer(msgspec.structs.replace(SHORT, precision=of), kind)) for of in ("float32", "bf16"))
    losses = [[row.loss for row in made.progress.curves] for made in (plain, short)]
    assert losses[0] != losses[1], "it is another computation"
    assert losses[1] == pytest.approx(losses[0], rel=0.02), "of the same thing"
    for parameter in short.network.parameters():
        assert parameter.dtype == torch.float32
        assert all(value.dtype == torch.float32 for value in short.optimizer.state[parameter].values())
