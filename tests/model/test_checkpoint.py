"""A checkpoint comes back as it was written, and a damaged one is not mistaken for a model."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from swerve import snapshot
from swerve.errors import ConfigError
from swerve.learn.export import checkpoint_of
from swerve.model import checkpoint
from swerve.model.nets.network import network_of
from swerve.model.recurrent import RecurrentModel, from_content
from swerve.testing.user_model import check_user_model
from tests.model.worlds import ITEMS, corpus, network


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


def test_the_live_version_stays_however_old(tmp_path: Path) -> None:
    for version in range(1, 8):
        checkpoint.save(tmp_path, checkpoint_of(network(), corpus([]), version), live=2)
    assert checkpoint.load(tmp_path, 2).version == 2
    with pytest.raises(ConfigError, match="version 3: snapshot 3 is damaged"):
        checkpoint.load(tmp_path, 3)


def test_a_version_is_loaded_by_its_number(tmp_path: Path) -> None:
    for version in (1, 2):
        checkpoint.save(tmp_path, checkpoint_of(network(seed=version), corpus([]), version))
    first = checkpoint.load(tmp_path, 1)
    assert np.array_equal(first.arrays["items.id"], checkpoint_of(network(seed=1), corpus([]), 1).arrays["items.id"])


def test_arrays_that_are_no_safetensors_are_no_user_model(tmp_path: Path) -> None:
    made = checkpoint_of(network(), corpus([]), 1)
    folder = tmp_path / checkpoint.FOLDER
    folder.mkdir(parents=True)
    parts = {"words.json": msgspec.json.encode(made.words), "arrays.safetensors": b"\x80\x04K\x01."}  # a pickle
    snapshot.save(folder, 1, parts, 1)
    with pytest.raises(ConfigError, match="version 1 is no user model"):
        checkpoint.load(tmp_path, 1)


def test_items_it_never_saw_stand_by_their_content_alone() -> None:
    trained = network(content=6)
    content = torch.randn(ITEMS + 1, 6, generator=torch.Generator().manual_seed(1))
    trained.items.inform(torch.full((ITEMS + 1,), 100.0), content)
    made = checkpoint_of(trained, corpus([]), 1, encoder="hashing")
    grown = checkpoint.with_items(made, ["new"], content[7:8].numpy())
    assert grown.words.items[-1] == "new"
    assert grown.words.shape.items == ITEMS + 1
    one, other = RecurrentModel(made), RecurrentModel(grown)
    assert np.array_equal(other.table[:-1], one.table)
    assert other.table[-1] == pytest.approx(from_content(made, content[7:8].numpy())[0], abs=1e-5)
    assert other.bias[-1] == np.median(one.bias)
    check_user_model(other, actions=3)


def test_a_model_of_ids_alone_knows_no_new_items() -> None:
    with pytest.raises(ValueError, match="ids only"):
        checkpoint.with_items(checkpoint_of(network(), corpus([]), 1), ["new"], np.zeros((1, 6), np.float32))
