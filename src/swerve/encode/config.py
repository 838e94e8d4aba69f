"""Settings of encoding: which encoder turns items into vectors, and how long these are."""

from __future__ import annotations

import msgspec

from swerve.errors import ConfigError


class EncodeConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How items become vectors. Raises ConfigError for values out of range."""

    encoder: str = "hashing"
    """A built-in or installed encoder (entry point group `swerve.encoders`), or `module:factory` of your own."""
    dim: int = 64
    """Length of the vectors, where the encoder can choose; more tells items apart better and costs memory and time."""
    text_chars: int = 2000
    """How much of an item's text is read, characters."""
    remembered: int = 32_768
    """Words whose vectors the hashing encoder keeps ready (4 * dim bytes each); changes speed, never a vector."""
    options: dict[str, str | int | float | bool] = {}
    """Settings of a plug-in encoder, as it documents them."""

    def __post_init__(self) -> None:
        for name, most in (("dim", 4096), ("text_chars", 200_000), ("remembered", 10_000_000)):
            if not 1 <= getattr(self, name) <= most:
                raise ConfigError(f"must be between 1 and {most}", field=f"encode.{name}")
        if not self.encoder:
            raise ConfigError("must name an encoder", field="encode.encoder")
