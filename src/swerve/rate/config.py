"""Settings of rating prediction."""

from __future__ import annotations

import msgspec

from swerve.errors import ConfigError


class RateConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How ratings are explained. Raises ConfigError for values out of range."""

    dim: int = 20
    """Taste directions of a user and an item, besides one bias each. More only costs time: what is not needed is
    shrunk away."""
    traits: int = 100
    """Summary numbers of *whom or what* somebody or something was rated with, whatever the rating; 0 = not used."""
    burn: int = 60
    """Rounds drawn before the first one that counts."""
    kept: int = 50
    """Draws that predictions are averaged over; a model keeps `4 * kept * (dim + 1)` bytes per user and item."""
    every: int = 3
    """Rounds from one kept draw to the next: neighbouring draws say nearly the same."""
    noise_shape: float = 12.0
    """How alike users (and items) are in how predictable their ratings are; larger = more alike."""
    seed: int = 0
    """Of every draw: the same ratings in the same order give the same model."""

    def __post_init__(self) -> None:
        for name, least in (("dim", 1), ("traits", 0), ("burn", 0), ("kept", 1), ("every", 1), ("seed", 0)):
            if getattr(self, name) < least:
                raise ConfigError(f"must be at least {least}", field=f"rate.{name}")
        if not 0 < self.noise_shape < 1e6:
            raise ConfigError("must be above 0 and below a million", field="rate.noise_shape")

    @property
    def rounds(self) -> int:
        """Rounds that are drawn in all."""
        return self.burn + self.kept * self.every
