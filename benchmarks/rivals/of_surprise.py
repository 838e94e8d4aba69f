"""Surprise's rating predictors with the parameters of its own benchmark page (that is: its defaults)."""

from __future__ import annotations

from typing import Any

import numpy as np
from surprise import SVD as PlainSVD
from surprise import Dataset, KNNBaseline, Reader, SVDpp

Arrays = dict[str, np.ndarray]


def surprise_svd(given: Arrays) -> tuple[Arrays, str]:
    """Biased matrix factorization by gradient descent."""
    return _predicted(PlainSVD(random_state=0), given)


def surprise_svdpp(given: Arrays) -> tuple[Arrays, str]:
    """The same with implicit feedback; `cache_ratings` trades memory for time and changes no figure."""
    return _predicted(SVDpp(random_state=0, cache_ratings=True), given)


def surprise_knn_baseline(given: Arrays) -> tuple[Arrays, str]:
    """Neighbours around the biases."""
    return _predicted(KNNBaseline(verbose=False), given)


def _predicted(algorithm: Any, given: Arrays) -> tuple[Arrays, str]:
    import pandas  # noqa: PLC0415  (Surprise reads tables only)

    low, high = given["scale"].tolist()
    table = pandas.DataFrame({name: given[name] for name in ("users", "items", "ratings")})
    data = Dataset.load_from_df(table, Reader(rating_scale=(low, high)))
    algorithm.fit(data.build_full_trainset())
    pairs = zip(given["test_users"].tolist(), given["test_items"].tolist(), strict=True)
    return {"predicted": np.array([algorithm.predict(user, item).est for user, item in pairs])}, "its defaults"
