"""`python -m swerve.config > docs/config.md` writes the page of all settings."""

from __future__ import annotations

import sys

from swerve.config.page import reference

if __name__ == "__main__":
    sys.stdout.write(reference())
