"""Settings of encoding: which encoder turns items into vectors, and how long these are."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from swerve.errors import ConfigError

T = TypeVar("T", bound=msgspec.Struct)


class EncodeConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How items become vectors. Raises ConfigError for values out of range."""

    encoder: str = "hashing"
    """`hashing`, `text`, `onnx`, `static`, one that is installed (group `swerve.encoders`) or `module:factory`."""
    dim: int = 64
    """Length of the vectors, where the encoder can choose; more tells items apart better and costs memory and time."""
    text_chars: int = 2000
    """How much of an item's text is read, characters."""
    remembered: int = 32_768
    """Words whose vectors the hashing encoder keeps ready (4 * dim bytes each); changes speed, never a vector."""
    options: dict[str, str | int | float | bool] = {}
    """Settings of an encoder other than `hashing`, as it documents them."""

    def __post_init__(self) -> None:
        for name, most in (("dim", 4096), ("text_chars", 200_000), ("remembered", 10_000_000)):
            if not 1 <= getattr(self, name) <= most:
                raise ConfigError(f"must be between 1 and {most}", field=f"encode.{name}")
        if not self.encoder:
            raise ConfigError("must name an encoder", field="encode.encoder")


def options_of(config: EncodeConfig, kind: type[T]) -> T:
    """`options` as an encoder's own settings. Raises ConfigError naming the one that is wrong, but not its value."""
    known = kind.__struct_fields__
    if strange := config.options.keys() - set(known):
        raise ConfigError(f"{len(strange)} unknown; known: {', '.join(known)}", field="encode.options")
    try:
        return msgspec.convert(config.options, kind)
    except msgspec.ValidationError as error:
        complaint, _, path = str(error).partition(" - at `$.")
        words = complaint.lower() if complaint.startswith(("Expected", "Object")) else "is none of the values allowed"
        raise ConfigError(words, field=f"encode.options.{path.rstrip('`')}".rstrip(".")) from error
