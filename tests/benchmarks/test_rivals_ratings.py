"""The rating benchmark: the folds are a partition, figures are what they claim, a missing rival is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks import ratings
from benchmarks.rivals import place
from swerve.rate import RateConfig

TINY = RateConfig(dim=2, traits=4, burn=5, kept=5, every=1)


def made() -> ratings.Ratings:
    """Two camps of users and items."""
    rng = np.random.default_rng(0)
    users, items = rng.integers(40, size=2000), rng.integers(30, size=2000)
    return ratings.Ratings(users, items, np.where(users % 2 == items % 2, 4, 2).astype(np.float32))


def test_error_by_hand() -> None:
    assert ratings.rmse(np.array([1.0, 2.0, 5.0]), np.array([1.0, 4.0, 4.0])) == pytest.approx((5 / 3) ** 0.5)


def test_our_figure_is_the_mean_over_the_folds(capsys: pytest.CaptureFixture[str]) -> None:
    error, seconds = ratings.ours(made(), 3, TINY)

    said = [float(line.split(":")[1].split()[0]) for line in capsys.readouterr().out.splitlines()]
    assert len(said) == 3
    assert error == pytest.approx(np.mean(said), abs=1e-4)
    assert 0 < error < 0.5
    assert seconds > 0


def test_a_rival_that_cannot_run_is_said_and_leaves_no_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SWERVE_RIVALS", str(tmp_path))

    assert ratings.beside("ml100k", made(), quick=True) == {}
    assert f"surprise_svd did not run: {place.HOW}" in capsys.readouterr().out


def test_files_are_read_in_their_order(dataset: Callable[[str], Path]) -> None:
    data = ratings.ml100k(dataset("ml-100k"))

    assert len(data.values) == 100_000
    assert (data.users[0], data.items[0], data.values[0]) == (196, 242, 3)


def test_a_million_ratings_are_sorted_by_user_and_film(dataset: Callable[[str], Path]) -> None:
    data = ratings.ml1m(dataset("ml-1m"))

    assert len(data.values) == 1_000_209
    assert (np.diff(data.users * 10_000 + data.items) > 0).all()


def test_surprise_answers_on_our_folds(capsys: pytest.CaptureFixture[str]) -> None:
    if place.python() is None:
        pytest.skip(f"no environment for the rivals: {place.HOW}")

    figures = ratings.beside("ml100k", made(), quick=True)

    assert 0 < figures["surprise_svd_rmse_ml100k"] < 1.1


def test_what_is_quoted_is_named_so_and_nothing_else_is_claimed_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWERVE_RIVALS", str(tmp_path))  # nobody can run

    assert ratings.beside("ml1m", made(), quick=False) == {"surprise_svdpp_rmse_ml1m_published": 0.862}
    assert ratings.beside("ml1m", made(), quick=False, slow=True) == {}
    assert ratings.beside("ml100k", made(), quick=False) == {}
