"""Matrix factorization of the package `implicit`: iALS (Hu, Koren and Volinsky 2008) and BPR (Rendle et al. 2009).

iALS' settings are the best of seven on ML-1M's validation items (each user's last but one); BPR's are usual ones.
"""

from __future__ import annotations

from typing import Any

from implicit.cpu.als import AlternatingLeastSquares
from implicit.cpu.bpr import BayesianPersonalizedRanking

from benchmarks.rivals.histories import Arrays, Histories, top


def ials(given: Arrays) -> tuple[Arrays, str]:
    """Alternating least squares with confidence weights."""
    settings = {"factors": 128, "regularization": 10.0, "alpha": 1.0, "iterations": 20}
    return _ranked(AlternatingLeastSquares(random_state=int(given["seed"]), **settings), given), _said(settings)


def bpr(given: Arrays) -> tuple[Arrays, str]:
    """Pairwise ranking by stochastic gradient descent."""
    settings = {"factors": 64, "learning_rate": 0.05, "regularization": 0.01, "iterations": 100}
    model = BayesianPersonalizedRanking(random_state=int(given["seed"]), **settings)
    return _ranked(model, given), _said(settings)


def _ranked(model: Any, given: Arrays) -> Arrays:
    histories = Histories(given)
    model.fit(histories.matrix(), show_progress=False)
    return top(histories, lambda users: model.user_factors[users] @ model.item_factors.T)


def _said(settings: dict[str, float]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items())
