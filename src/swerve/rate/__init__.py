"""Ratings somebody gave -> predictions of those nobody gave, on the same scale. Knows no time, no slate and no log."""

from swerve.rate.config import RateConfig
from swerve.rate.fit import fit
from swerve.rate.model import RatingModel

__all__ = ["RateConfig", "RatingModel", "fit"]
