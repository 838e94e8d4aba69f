"""Filling the tree: defaults < preset < `swerve.toml` < environment < arguments. Says where each value came from.

No environment variable is read anywhere else, and this one is handed in.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from swerve.config.flat import Layer, flatten, nearest, nested
from swerve.config.tree import Config
from swerve.errors import ConfigError

FILE = "swerve.toml"
_FOLDER = Path(__file__).resolve().parent.parent / "presets"
PRESETS = tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))
"""Names of the presets that come with the package."""
_ENVIRON = "SWERVE_"


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """The settings in force."""

    config: Config
    origins: dict[str, str]
    """Dotted name of every setting -> `default`, `preset NAME`, the path of a file, a variable's name, `argument`."""
    preset: str = ""
    """Name (or path) of the preset; empty = none."""


def load(
    directory: Path | None, preset: str | None, overrides: Mapping[str, Any], environ: Mapping[str, str]
) -> Loaded:
    """Settings of a project directory (None = of no directory).

    `preset`: a name from PRESETS or the path of a `.toml` file; None = the one that the directory remembers.
    `overrides`: nested mappings, structs, or dotted names, e.g. `{"log.segment_events": 1000}`.
    Raises ConfigError for an unknown name (naming the nearest), a value of the wrong type, a file that is no TOML.
    """
    given = _file_settings(directory)
    remembered = given.pop("preset", "")
    if not isinstance(remembered, str):
        raise ConfigError(f"preset ({directory}/{FILE}): expected a name or a path", field="preset")
    chosen = preset or remembered
    layers = [_environ_layer(environ), *(_argument_layer(name, value) for name, value in overrides.items())]
    if directory is not None:
        layers.insert(0, flatten(given, Config, str(directory / FILE)))
    base = flatten(_preset_settings(chosen, directory), Config, f"preset {chosen}") if chosen else None
    return _settled(base, layers, chosen)


def remember_preset(directory: Path, preset: str) -> None:
    """Write the preset into the directory's `swerve.toml`, so that it need not be named again.

    A file path is remembered whole. Does nothing when the same preset stands there already; raises ConfigError when
    another one does (changing the meaning of a project's actions is for the file's owner), or when there is no such
    preset.
    """
    _preset_settings(preset, None)
    name = str(Path(preset).resolve()) if _is_path(preset) else preset
    given = _file_settings(directory)
    known = given.get("preset")
    if known == name:
        return
    path = directory / FILE
    if known is not None:
        message = f"this directory was made with another preset than {preset!r}: see `preset` in {path}"
        raise ConfigError(message, field="preset")
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    fresh = path.with_suffix(".toml.new")
    fresh.write_text(f"preset = {json.dumps(name)}\n{before}", encoding="utf-8")
    os.replace(fresh, path)


def _settled(base: Layer | None, layers: list[Layer], preset: str) -> Loaded:
    """All layers laid over the defaults. A preset's tables stand for themselves; later layers add to them."""
    flat = flatten(Config(), Config, "default").values
    origins: dict[tuple[str, ...], str] = {}
    tables = base.tables if base else ()
    for table in tables:
        flat = {path: value for path, value in flat.items() if path[: len(table)] != table}
    for layer in [base, *layers] if base else layers:
        flat |= layer.values
        origins |= layer.origins
    try:
        config = msgspec.convert(nested(flat, tables), Config)
    except ConfigError as error:  # what a room checks in its own `__post_init__`
        origin = origins.get(tuple(error.field.split(".")), "default")
        raise ConfigError(f"{error.field} ({origin}): {error.message}", field=error.field) from error
    final = flatten(config, Config, "default").values
    named = {".".join(path): origins.get(path, "default") for path in final}
    return Loaded(config=config, origins=named, preset=preset)


def _is_path(preset: str) -> bool:
    return preset.endswith(".toml")


def _preset_settings(preset: str, directory: Path | None) -> dict[str, Any]:
    if _is_path(preset):
        path = Path(preset)
        beside = directory / path if directory is not None else path
        return _toml(beside if beside.exists() else path, f"preset {preset}")
    if preset not in PRESETS:
        raise ConfigError(f"unknown preset{nearest(preset, PRESETS)}", field="preset")
    return _toml(_FOLDER / f"{preset}.toml", f"preset {preset}")


def _file_settings(directory: Path | None) -> dict[str, Any]:
    path = directory / FILE if directory is not None else None
    return _toml(path, str(path)) if path is not None and path.exists() else {}


def _toml(path: Path, origin: str) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{origin}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{origin}: not TOML: {error}") from error


def _environ_layer(environ: Mapping[str, str]) -> Layer:
    """`SWERVE_ROOM__NAME=text`; names without the double underscore are not settings."""
    merged = Layer({}, (), {})
    for name, text in sorted(environ.items()):
        path = name.removeprefix(_ENVIRON).lower().split("__")
        if name.startswith(_ENVIRON) and len(path) > 1:
            layer = flatten(nested({tuple(path): text}), Config, name, texts=True)
            merged = Layer(merged.values | layer.values, (), merged.origins | layer.origins)
    return merged


def _argument_layer(name: str, value: object) -> Layer:
    return flatten(nested({tuple(name.split(".")): value}), Config, "argument")
