"""A distilled table of word pieces: the model that model2vec runs, held to what encoders owe, to the last bit."""

from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from swerve.encode import EncodeConfig, load
from swerve.errors import ConfigError
from swerve.testing.encoder import check_encoder
from swerve.types import Item

model2vec = pytest.importorskip("model2vec")

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
WORDS = ["[UNK]", "the", "red", "mug", "lamp", "sofa", "couch", *LETTERS, *(f"##{letter}" for letter in LETTERS)]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random vectors, but that of `couch` is nearly that of `sofa`."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    words = Tokenizer(models.WordPiece({word: place for place, word in enumerate(WORDS)}, unk_token="[UNK]"))
    words.normalizer, words.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.Whitespace()
    vectors = np.random.default_rng(0).normal(size=(len(WORDS), 16)).astype(np.float32)
    vectors[WORDS.index("couch")] = vectors[WORDS.index("sofa")] + 0.1
    folder = tmp_path_factory.mktemp("table")
    model2vec.StaticModel(vectors=vectors, tokenizer=words).save_pretrained(str(folder))
    return folder


def static(folder: Path, **options: int) -> EncodeConfig:
    return EncodeConfig(encoder="static", options={"model": str(folder), **options})


def test_it_keeps_what_encoders_owe_to_the_last_bit(table: Path) -> None:
    assert check_encoder(lambda: load(static(table))) == 9


def test_it_says_what_its_library_says(table: Path) -> None:
    titles = ["the red mug", "sofa", "couch"]
    ours = load(static(table)).encode([Item(id=title, title=title) for title in titles])
    theirs = model2vec.StaticModel.from_pretrained(str(table), force_download=False).encode(titles, normalize=True)
    assert ours == pytest.approx(theirs, abs=1e-3)
    assert np.linalg.norm(ours, axis=1) == pytest.approx(1, abs=1e-6)
    assert ours[1] @ ours[2] > 0.9 > ours[1] @ ours[0]


def test_what_is_read_is_part_of_the_name(table: Path) -> None:
    long, short = load(static(table)), load(static(table, max_tokens=8))
    assert long.name != short.name
    item = [Item(id="1", title="the red mug " * 10)]
    assert np.allclose(short.encode(item), short.encode([Item(id="1", title="the red mug " * 2 + "the red")]))


def test_no_torch_is_imported(table: Path) -> None:
    code = f"""
import sys
from swerve.encode import EncodeConfig, load
from swerve.types import Item
load(EncodeConfig(encoder="static", options={{"model": {str(table)!r}}})).encode([Item(id="1", title="mug")])
assert not {{"torch", "transformers"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_cannot_be_loaded_is_said(table: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(table, tmp_path / "broken")
    (folder / "model.safetensors").write_bytes(b"no tensors")
    with pytest.raises(ConfigError, match="is no table that can be read"):
        load(static(folder))
    with pytest.raises(ConfigError, match="missing required field"):
        load(EncodeConfig(encoder="static"))


def test_threads_share_it(table: Path) -> None:
    encoder = load(static(table, max_tokens=8))
    item = [Item(id="1", title="the red mug lamp sofa " * 10)]
    right = encoder.encode(item)
    with ThreadPoolExecutor(4) as threads:
        assert all(np.array_equal(right, found) for found in threads.map(encoder.encode, [item] * 200))
