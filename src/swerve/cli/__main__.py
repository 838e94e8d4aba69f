"""`python -m swerve.cli`: the same as `swerve`."""

from __future__ import annotations

from swerve.cli import main

main(prog_name="swerve")
