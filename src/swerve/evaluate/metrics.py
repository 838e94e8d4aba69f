"""Metrics of ranked lists, as pure functions of ranks and slates.

Those of accuracy take what `rank_of` answers: `ranks` int64 (q,), or (q, m) where a query has several relevant items,
1 = best place, 0 = no such target. They answer one value a query, (q,) float64: take the mean for the figure, or hand
two arms' values to `paired_bootstrap`. Ties were decided when the ranks were made, so every figure names that rule.
`n` is the depth: only the first n places count, and `n=None` counts all. Every value lies in 0..1 unless it is said.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from swerve.errors import InvalidInput

Values: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.integer]


def hit_rate(ranks: Ints, n: int | None = None) -> Values:
    """HR@n: 1 where at least one relevant item stands in the first n places, else 0. Also called hit ratio.

    With one relevant item a query it equals recall (Deshpande & Karypis 2004, Item-based top-N recommendation
    algorithms, TOIS 22, section 5).
    """
    found: Values = np.minimum(np.count_nonzero(_in_top(ranks, n), axis=1), 1.0)
    return found


def recall(ranks: Ints, n: int | None = None) -> Values:
    """Recall@n = |relevant in the first n places| / |relevant|. Not divided by min(n, |relevant|), as some do.

    Manning, Raghavan & Schütze 2008, Introduction to Information Retrieval, section 8.3; 0 without a relevant item.
    """
    shares: Values = _in_top(ranks, n).sum(axis=1) / _relevant(ranks)
    return shares


def ndcg(ranks: Ints, n: int | None = None) -> Values:
    """NDCG@n with gain 1 for every relevant item.

        DCG = sum over relevant items with rank <= n of 1 / log2(rank + 1)
        NDCG = DCG / DCG of the best order, which has min(n, |relevant|) of them in the first places

    Järvelin & Kekäläinen 2002, Cumulated gain-based evaluation of IR techniques, TOIS 20, with the discount that
    starts at the first place, as in Burges et al. 2005. One relevant item: 1 / log2(rank + 1).
    """
    wide = _wide(ranks)
    gains = np.where(_in_top(ranks, n), 1.0 / np.log2(np.maximum(wide, 1) + 1.0), 0.0)
    best = np.concatenate([[0.0], np.cumsum(1.0 / np.log2(np.arange(wide.shape[1]) + 2.0))])
    shares: Values = gains.sum(axis=1) / best[_best(ranks, n)]
    return shares


def mrr(ranks: Ints, n: int | None = None) -> Values:
    """MRR@n: 1 / the best rank of a relevant item, 0 where that is below place n; the mean is MRR.

    Voorhees 1999, The TREC-8 question answering track report.
    """
    reciprocal = np.where(_in_top(ranks, n), 1.0 / np.maximum(_wide(ranks), 1), 0.0)
    best: Values = reciprocal.max(axis=1, initial=0.0)
    return best


def average_precision(ranks: Ints, n: int | None = None) -> Values:
    """AP@n: precision at each relevant item in the first n places, summed and divided by min(n, |relevant|).

        AP = 1 / min(n, |relevant|) * sum over relevant items with rank r <= n of |relevant in the first r places| / r

    The mean over queries is MAP@n. Manning, Raghavan & Schütze 2008, section 8.4 (without a depth); the divisor lets a
    perfect list reach 1 at every depth.
    """
    ordered = np.sort(np.where(_wide(ranks) > 0, _wide(ranks), np.iinfo(np.int64).max), axis=1)
    precision = np.arange(1, ordered.shape[1] + 1) / ordered
    inside = _in_top(np.where(ordered == np.iinfo(np.int64).max, 0, ordered), n)
    means: Values = np.where(inside, precision, 0.0).sum(axis=1) / _best(ranks, n)
    return means


def inverse_popularity_ndcg(ranks: Ints, popularity: NDArray[np.floating], n: int | None = None) -> Values:
    """NDCG@n in which a rare target counts for more: every target has the same chance to matter, not every event.

        value_q = NDCG_q * f_q / mean(f),    f_q = 1 / popularity of the target of q

    ranks (q,): one target a query. popularity (q,) > 0: how often each target was interacted with in the training
    part; share or count is the same. The mean over queries is the self-normalised inverse-propensity estimate (Yang et
    al. 2018, Unbiased offline recommender evaluation for missing-not-at-random implicit feedback, RecSys; propensity
    taken as proportional to popularity). Single values may exceed 1, their mean does not. Raises InvalidInput.
    """
    if ranks.ndim != 1 or ranks.shape != popularity.shape:
        raise InvalidInput("expected one target and its popularity for each query, (q,) each", field="popularity")
    if not (popularity > 0).all():
        raise InvalidInput("expected popularity above 0", field="popularity")
    factors: Values = 1.0 / popularity.astype(np.float64)
    return ndcg(ranks, n) * (factors / factors.mean() if len(factors) else factors)


def coverage(slates: Ints, items: int) -> float:
    """Catalog coverage: share of `items` that stand in at least one slate; slates (q, n) rows, -1 = empty place.

    Herlocker et al. 2004, Evaluating collaborative filtering recommender systems, TOIS 22, section 5.1; Ge et al. 2010.
    """
    return len(np.unique(slates[slates >= 0])) / items if items else 0.0


def novelty(slates: Ints, popularity: NDArray[np.integer]) -> Values:
    """Mean self-information of a slate's items in bits, -log2 p(item): (q,), >= 0, without an upper bound of 1.

        p(item) = (count + 1) / (all counts + items)

    slates (q, n) rows, -1 = empty place; popularity (items,): how often each item was interacted with in the training
    part. One is added to each count, or an item nobody touched would be infinitely new. 0 for an empty slate. Zhou et
    al. 2010, Solving the apparent diversity-accuracy dilemma of recommender systems, PNAS 107 (surprisal); Vargas &
    Castells 2011, Rank and relevance in novelty and diversity metrics for recommender systems, RecSys.
    """
    bits = -np.log2((popularity + 1.0) / (popularity.sum() + len(popularity)))
    filled = slates >= 0
    means: Values = np.where(filled, bits[slates], 0.0).sum(axis=1) / np.maximum(filled.sum(axis=1), 1)
    return means


def _wide(ranks: Ints) -> Ints:
    return ranks[:, None] if ranks.ndim == 1 else ranks


def _in_top(ranks: Ints, n: int | None) -> NDArray[np.bool_]:
    wide = _wide(ranks)
    if n is not None and n < 1:
        raise InvalidInput("expected n >= 1", field="n")
    return (wide > 0) & (wide <= (np.iinfo(np.int64).max if n is None else n))


def _relevant(ranks: Ints) -> NDArray[np.int64]:
    """How many targets each query has, at least 1 (to divide by)."""
    counts: NDArray[np.int64] = np.maximum(np.count_nonzero(_wide(ranks) > 0, axis=1), 1)
    return counts


def _best(ranks: Ints, n: int | None) -> NDArray[np.int64]:
    """How many relevant items the first n places can hold, at least 1 (to divide by)."""
    known = _relevant(ranks)
    return known if n is None else np.minimum(known, n)
