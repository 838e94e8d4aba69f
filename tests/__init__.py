"""Tests mirror the rooms; `quality/` guards the repository as a whole."""
