"""Encoders by name: built-in, installed, or `module:factory`."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from swerve.encode import EncodeConfig, load
from swerve.encode.door import BUILT_IN, known
from swerve.encode.hashing import HashingEncoder
from swerve.errors import ConfigError
from swerve.testing.encoder import check_encoder

PLUG_IN = """
import numpy as np

class Lengths:
    name = "lengths-v1"

    def __init__(self, config):
        self.dim = int(config.options.get("dim", 2))

    def encode(self, items):
        vectors = np.zeros((len(items), self.dim), np.float32)
        vectors[[bool(item.title) for item in items], 0] = 1
        return vectors

def broken(config):
    return object()
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with an encoder, on the path as pip would have put it."""
    (tmp_path / "shop_encoder.py").write_text(PLUG_IN)
    info = tmp_path / "shop_encoder-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shop-encoder\nVersion: 1\n")
    entries = "lengths = shop_encoder:Lengths\nhashing = shop_encoder:broken\ngone = shop_gone:Encoder"
    (info / "entry_points.txt").write_text(f"[swerve.encoders]\n{entries}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    monkeypatch.delitem(sys.modules, "shop_encoder", raising=False)
    return tmp_path


def test_the_default_is_the_hashing_encoder() -> None:
    encoder = load(EncodeConfig())
    assert isinstance(encoder, HashingEncoder)
    assert (encoder.name, encoder.dim) == ("hashing-v1-64", 64)


def test_settings_reach_the_encoder() -> None:
    assert load(EncodeConfig(dim=32)).encode([]).shape == (0, 32)


@pytest.mark.usefixtures("installed")
def test_an_installed_encoder_is_known_by_name() -> None:
    encoder = load(EncodeConfig(encoder="lengths", options={"dim": 3}))
    assert encoder.dim == 3
    assert check_encoder(lambda: load(EncodeConfig(encoder="lengths"))) == 9


@pytest.mark.usefixtures("installed")
def test_an_installed_encoder_never_hides_a_built_in_one() -> None:
    assert known()["hashing"] == BUILT_IN["hashing"]
    assert load(EncodeConfig()).name.startswith("hashing")


@pytest.mark.usefixtures("installed")
def test_a_factory_can_be_named_directly() -> None:
    assert load(EncodeConfig(encoder="shop_encoder:Lengths")).name == "lengths-v1"
    # and built-ins enter by the same door
    assert load(EncodeConfig(encoder=BUILT_IN["hashing"])).name == "hashing-v1-64"


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="nearest: hashing") as error:
        load(EncodeConfig(encoder="hasing"))
    assert error.value.field == "encode.encoder"
    with pytest.raises(ConfigError, match="hashing"):
        load(EncodeConfig(encoder="zzz"))


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("name", ["gone", "no_such_module:x", "shop_encoder:Nothing", ":x", "shop_encoder:"])
def test_what_cannot_be_imported_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot import"):
        load(EncodeConfig(encoder=name))


@pytest.mark.usefixtures("installed")
def test_what_is_no_encoder_is_refused() -> None:
    with pytest.raises(ConfigError, match="no Encoder"):
        load(EncodeConfig(encoder="shop_encoder:broken"))


def test_vectors_are_ready_to_be_indexed() -> None:
    assert load(EncodeConfig()).encode([]).dtype == np.float32
