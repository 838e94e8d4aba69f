"""Bytes in, clean records out: limits, parsing, normalising, gains. Knows no store and no user."""
