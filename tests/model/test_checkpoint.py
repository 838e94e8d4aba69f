"""A checkpoint comes back as it was written, and a damaged one is not mistaken for a model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from swerve import snapshot
from swerve.errors import ConfigError
from swerve.learn.export import checkpoint_of, network_of
from swerve.model import checkpoint
from tests.model.worlds import corpus, network


def test_nothing_there_is_none(tmp_path: Path) -> None:
    assert checkpoint.newest(tmp_path) is None
    (tmp_path / checkpoint.FOLDER).mkdir(parents=True)
    assert checkpoint.newest(tmp_path) is None


def test_words_and_arrays_come_back(tmp_path: Path) -> None:
    made = checkpoint_of(network(), corpus([]), 3, facts={"ndcg10": 0.2})
    checkpoint.save(tmp_path, made)
    back = checkpoint.newest(tmp_path)
    assert back is not None
    assert (back.version, back.words) == (3, made.words)
    assert back.arrays.keys() == made.arrays.keys()
    assert all(np.array_equal(back.arrays[name], array) for name, array in made.arrays.items())
    again = network_of(back).state_dict()
    assert all(np.array_equal(again[name].numpy(), array) for name, array in made.arrays.items())


def test_the_newest_whole_one_counts_and_few_are_kept(tmp_path: Path) -> None:
    for version in range(1, 6):
        folder = checkpoint.save(tmp_path, checkpoint_of(network(seed=version), corpus([]), version))
    assert len(list(folder.parent.iterdir())) == checkpoint.KEEP
    whole = folder / "arrays.safetensors"
    whole.write_bytes(whole.read_bytes()[:-1] + b"?")
    back = checkpoint.newest(tmp_path)
    assert back is not None
    assert back.version == 4


def test_what_is_no_user_model_is_refused_by_name(tmp_path: Path) -> None:
    folder = tmp_path / checkpoint.FOLDER
    folder.mkdir(parents=True)
    snapshot.save(folder, 2, {"words.json": b"[]"}, 1)
    with pytest.raises(ConfigError, match="version 2 is no user model"):
        checkpoint.newest(tmp_path)


def test_arrays_of_another_network_are_refused() -> None:
    made = checkpoint_of(network(), corpus([]), 1)
    del made.arrays["items.bias"]
    with pytest.raises(ValueError, match=r"items\.bias"):
        network_of(made)


def test_words_have_rows_from_one_on() -> None:
    assert checkpoint.rows_of(["a", "b"]) == {"a": 1, "b": 2}
