"""The benchmark of the user model measures what it says."""

from __future__ import annotations

import argparse

import numpy as np
import pytest

from benchmarks import usermodel
from swerve.learn.corpus import Corpus
from swerve.learn.export import checkpoint_of
from swerve.model.recurrent import RecurrentModel


@pytest.mark.slow
def test_a_quick_run_says_everything() -> None:
    settings, metrics = usermodel.measure(argparse.Namespace(quick=True))
    assert settings["dim"] == 64
    assert metrics["step_parallel_maxdiff"] < 1e-4
    assert all(value > 0 for value in metrics.values())


def test_the_difference_is_that_of_the_two_forms() -> None:
    items = 50
    trained = usermodel.network(items)
    made = checkpoint_of(trained, Corpus((), tuple(map(str, range(items))), ("a",) * usermodel.ACTIONS), 1)
    corpus = Corpus((usermodel.history(np.random.default_rng(0), 60, items),), (), ())
    assert usermodel.largest_difference(trained, RecurrentModel(made), corpus, 1) < 1e-4
    made.arrays["backbone.blocks.0.recurrence.rate"] = made.arrays["backbone.blocks.0.recurrence.rate"] + 1
    assert usermodel.largest_difference(trained, RecurrentModel(made), corpus, 1) > 1e-3
