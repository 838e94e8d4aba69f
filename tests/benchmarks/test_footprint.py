"""Footprint: the time comes from a fresh process, and a library counts as loaded when its files are mapped."""

from __future__ import annotations

import os

import numpy as np

from benchmarks import footprint


def test_the_import_is_timed_in_a_fresh_process() -> None:
    assert 0.01 < footprint.import_s() < 30


def test_a_loaded_library_is_seen() -> None:
    assert np.zeros(1).sum() == 0
    assert footprint.maps(os.getpid(), "numpy")
    assert not footprint.maps(os.getpid(), "nosuchlibrary")
