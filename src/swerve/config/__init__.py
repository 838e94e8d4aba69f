"""The settings: one typed tree, filled from defaults, preset, file, environment and arguments, origins remembered."""

from __future__ import annotations

from swerve.config.load import PRESETS, Loaded, load, remember_preset
from swerve.config.page import reference, show
from swerve.config.tree import Config

__all__ = ["PRESETS", "Config", "Loaded", "load", "reference", "remember_preset", "show"]
