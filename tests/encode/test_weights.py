"""Where weights come from, and what is refused: pickles, other bytes under a known name, names that lead nowhere."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from swerve.encode import weights
from swerve.encode.weights import Packaged, Wanted, deciding, digest, folder_of
from swerve.errors import ConfigError, MissingExtra

hub = pytest.importorskip("huggingface_hub")


def model(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_bytes(name.encode())
    return folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the hub once gave, laid out as its library keeps it; nobody is asked."""
    monkeypatch.setattr(hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(hub.constants, "HF_HUB_OFFLINE", True)
    home = tmp_path / "models--lab--tiny"
    for revision in ("a" * 40, "b" * 40):
        model(home / "snapshots" / revision, "config.json", f"{revision[0]}.safetensors")
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text("a" * 40)
    (home / "refs" / "v2").write_text("b" * 40)
    return tmp_path


def test_a_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    folder = model(tmp_path / "m", "b.safetensors", "a.safetensors", "config.json")
    assert folder_of(str(folder)) == folder
    assert [path.name for path in deciding(folder)] == ["a.safetensors", "b.safetensors", "config.json"]


def test_pickles_are_not_opened(tmp_path: Path) -> None:
    folder = model(tmp_path / "m", "pytorch_model.bin", "config.json")
    with pytest.raises(ConfigError, match=r"holds no \*\.safetensors"):
        folder_of(str(folder))
    with pytest.raises(ConfigError, match=r"holds no \*\.onnx"):
        folder_of(str(folder), Wanted("*.onnx"))


def test_a_hub_is_asked_through_its_cache(cache: Path) -> None:
    assert folder_of("lab/tiny").name == "a" * 40
    assert folder_of("lab/tiny@v2").name == "b" * 40
    with pytest.raises(ConfigError, match="the hub gave nothing") as caught:
        folder_of("lab/other")
    assert caught.value.field == "encode.options.model"


@pytest.mark.parametrize("name", ["minlm", "/no/such/folder", "a/b/c", "../x", ""])
def test_a_name_that_leads_nowhere_is_refused_without_being_repeated(name: str) -> None:
    with pytest.raises(ConfigError, match="expected minilm, minilm-int8, a folder") as caught:
        folder_of(name)
    assert not name or name not in str(caught.value)


def test_a_package_that_is_not_there_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(weights.PACKAGED, "gone", Packaged("no_such_package", "", "w.safetensors", "", "minilm"))
    with pytest.raises(MissingExtra, match="minilm"):
        folder_of("gone")


def test_other_bytes_under_a_known_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = model(tmp_path / "carrier", "__init__.py", "w.safetensors")
    monkeypatch.syspath_prepend(str(tmp_path))
    right = Packaged("carrier", "", "w.safetensors", hashlib.sha256(b"w.safetensors").hexdigest(), "minilm")
    monkeypatch.setitem(weights.PACKAGED, "carried", right)
    assert folder_of("carried") == package
    (package / "w.safetensors").write_bytes(b"tampered")
    with pytest.raises(ConfigError, match="not those that were published"):
        folder_of("carried")


def test_a_name_that_no_hub_can_have_is_refused_without_being_repeated() -> None:
    with pytest.raises(ConfigError, match="is no name that a hub can have") as caught:
        folder_of("lab/a--b")
    assert "a--b" not in str(caught.value)


def test_what_is_wrong_is_said_of_the_setting_that_named_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"holds no words\.json") as caught:
        folder_of(str(tmp_path), Wanted("words.json", "encode.options.tokenizer"))
    assert caught.value.field == "encode.options.tokenizer"


def test_the_digest_is_of_every_file_that_decides(tmp_path: Path) -> None:
    names = ["w.safetensors", "config.json", "tokenizer_config.json", "vocab.txt", "merges.txt", "spiece.model"]
    folder = model(tmp_path / "m", *names, "README.md")
    plain = digest(deciding(folder))
    assert digest(deciding(folder), ["query: ", 256]) != digest(deciding(folder), ["passage: ", 256]) != plain
    (folder / "README.md").write_text("changed")
    assert digest(deciding(folder)) == plain
    for name in names:
        (folder / name).write_bytes(name.encode()[::-1])
        assert digest(deciding(folder)) != plain, name
        (folder / name).write_bytes(name.encode())
    (folder / "added_tokens.json").write_text("{}")
    assert digest(deciding(folder)) != plain
