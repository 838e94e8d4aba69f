"""From a replay's columns to its figures: metrics of every arm, slices, paired differences, the freshness curve.

Everything here is plain data for JSON; `report` says it in words and charts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from swerve.counts.popularity import WINDOWS
from swerve.evaluate.bootstrap import DRAWS, paired_bootstrap
from swerve.evaluate.metrics import hit_rate, inverse_popularity_ndcg, mrr, ndcg
from swerve.evaluate.prq.outcome import Judged, Outcome
from swerve.evaluate.prq.panel import REPEAT
from swerve.evaluate.prq.places import DAY_S
from swerve.evaluate.prq.views import PACES, delay_name

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]

METRICS: dict[str, Callable[[NDArray[np.int32]], Values]] = {
    "hr10": lambda ranks: hit_rate(ranks, 10),
    "hr20": lambda ranks: hit_rate(ranks, 20),
    "mrr20": lambda ranks: mrr(ranks, 20),
    "ndcg10": lambda ranks: ndcg(ranks, 10),
}
"""Name -> one value an event, from ranks (n,)."""
LIVE = "live+online"
"""The arm that is the product."""
STALE = "day+nightly"
"""What a nightly batch serves."""
KNOWN = (STALE, "day+online", "session+online", "live+nightly", "live+frozen")
CONTROLS = (*(f"popular {window}" for window in WINDOWS), *(f"last item, {pace}" for pace in PACES), REPEAT)
COMPARED = ("hr20", "mrr20", "ndcg10")
PARTS = 10
"""Parts of equally many events that the judged time is cut into."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """The product against another arm on the same events: difference of means and its 95 % interval over users."""

    against: str
    metric: str
    among: str
    """`all` events, or those whose item was `new` to the user: no repeat prior helps there."""
    events: int
    theirs: float
    difference: float
    low: float
    high: float
    p: float


class Delayed(msgspec.Struct, frozen=True, kw_only=True):
    """The product if it heard of everything so much later."""

    delay_s: float
    figures: dict[str, float]
    differences: dict[str, tuple[float, float, float]]
    """Metric -> difference from no delay and its 95 % interval."""


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """Every arm on part of the events."""

    by: str
    name: str
    events: int
    figures: dict[str, dict[str, float]]
    """Arm -> metric -> mean; no arm where there are no events."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """All figures of one replay."""

    events: int
    """Judged."""
    users: int
    every: int
    seed: int
    first: float
    start: float
    last: float
    """Unix seconds: the log's first interaction, the end of the warm-up, the last one."""
    items: int
    hidden: int
    """Events not judged because no list may have held their item."""
    late: int
    reached: float
    """Share of the judged events whose item was a candidate; the others are misses in every arm."""
    fitted: dict[str, int]
    """Age of the state -> choices its weights were fitted to, 0 = it has the project's own."""
    arms: dict[str, dict[str, float]]
    """Arm -> metric -> figure: METRICS, `inverse_popularity_ndcg10`, `coverage10`."""
    differences: tuple[Difference, ...]
    slices: tuple[Slice, ...]
    freshness: tuple[Delayed, ...]
    loss_per_decade: dict[str, float]
    """Metric -> part of the figure without delay that each factor of ten between the delays costs."""
    over_time: dict[str, tuple[float, ...]]
    """Arm -> HR@20 in each of the PARTS of the judged events, oldest first."""


def figures(outcome: Outcome, seed: int = 0, draws: int = DRAWS) -> Figures:
    """Everything that a replay says. `seed` and `draws` are those of the bootstrap."""
    judged = outcome.judged
    values = {
        arm: {name: metric(ranks) for name, metric in METRICS.items()}
        for arm, ranks in zip(outcome.arms, judged.ranks.T, strict=True)
    }
    return Figures(
        events=len(judged.ranks),
        users=len(np.unique(judged.person)),
        every=outcome.every,
        seed=seed,
        first=outcome.axis.first,
        start=outcome.axis.start,
        last=outcome.axis.last,
        items=outcome.items,
        hidden=outcome.hidden,
        late=outcome.axis.late,
        reached=float(judged.reached.mean()),
        fitted={age: tuned.choices if tuned.fitted else 0 for age, tuned in outcome.tuned.items()},
        arms=_arms(outcome, values),
        differences=_differences(judged, values, seed, draws),
        slices=_slices(judged, values),
        freshness=_freshness(outcome, values, seed, draws),
        loss_per_decade={name: _loss(outcome, values, name) for name in METRICS} if len(outcome.delays) > 1 else {},
        over_time={arm: _parts(own["hr20"]) for arm, own in values.items() if arm.startswith("live+")},
    )


ByArm = Mapping[str, Mapping[str, Values]]


def _arms(outcome: Outcome, values: ByArm) -> dict[str, dict[str, float]]:
    answers = {}
    popularity = outcome.judged.popularity + 1.0
    for arm, ranks, shown in zip(outcome.arms, outcome.judged.ranks.T, outcome.shown.tolist(), strict=True):
        answers[arm] = {
            **_means(values[arm]),
            "inverse_popularity_ndcg10": float(inverse_popularity_ndcg(ranks, popularity, 10).mean()),
            "coverage10": shown / max(outcome.items, 1),
        }
    return answers


def _means(values: Mapping[str, Values], mask: Mask | None = None) -> dict[str, float]:
    return {name: float((own if mask is None else own[mask]).mean()) for name, own in values.items()}


def _differences(judged: Judged, values: ByArm, seed: int, draws: int) -> tuple[Difference, ...]:
    among = {"all": np.ones(len(judged.repeat), np.bool_)}
    if judged.repeat.any() and not judged.repeat.all():
        among["new"] = ~judged.repeat
    answers = []
    for against in (*KNOWN, *CONTROLS):
        for part, mask in among.items():
            for metric in COMPARED:
                ours, theirs = values[LIVE][metric][mask], values[against][metric][mask]
                found = paired_bootstrap(ours, theirs, judged.person[mask], draws=draws, seed=seed)
                answers.append(
                    Difference(
                        against=against,
                        metric=metric,
                        among=part,
                        events=int(mask.sum()),
                        theirs=float(theirs.mean()),
                        difference=found.mean,
                        low=found.low,
                        high=found.high,
                        p=found.p,
                    )
                )
    return tuple(answers)


def cuts(judged: Judged) -> dict[str, dict[str, Mask]]:
    """By -> name -> (n,) which events: every event in exactly one slice of each kind."""
    position = judged.position
    places = {"1st": position == 1, "2nd": position == 2, "3rd to 5th": (position > 2) & (position <= 5)}
    return {
        "position in session": {**places, "later": position > 5},
        "item age": _ages(judged.item_age_s),
        "user age": _ages(judged.person_age_s),
        "item": {"new to the user": ~judged.repeat, "repeat": judged.repeat},
    }


def _ages(ages_s: Values) -> dict[str, Mask]:
    today, week = ages_s < DAY_S, ages_s < 7 * DAY_S
    return {"under 1 day": today, "under 7 days": week & ~today, "older": ~week}


def _slices(judged: Judged, values: ByArm) -> tuple[Slice, ...]:
    return tuple(
        Slice(
            by=by,
            name=name,
            events=int(mask.sum()),
            figures={arm: _means(own, mask) for arm, own in values.items()} if mask.any() else {},
        )
        for by, parts in cuts(judged).items()
        for name, mask in parts.items()
    )


def _freshness(outcome: Outcome, values: ByArm, seed: int, draws: int) -> tuple[Delayed, ...]:
    live = values[LIVE]
    answers = [Delayed(delay_s=0.0, figures=_means(live), differences=dict.fromkeys(METRICS, (0.0, 0.0, 0.0)))]
    for delay in sorted(outcome.delays):
        own = values[delay_name(delay)]
        found = {
            name: paired_bootstrap(own[name], live[name], outcome.judged.person, draws=draws, seed=seed)
            for name in METRICS
        }
        ranges = {name: (one.mean, one.low, one.high) for name, one in found.items()}
        answers.append(Delayed(delay_s=delay, figures=_means(own), differences=ranges))
    return tuple(answers) if outcome.delays else ()


def _loss(outcome: Outcome, values: ByArm, metric: str) -> float:
    """Least-squares slope over log10 of the delays, as a part of the figure without delay."""
    means = [float(values[delay_name(delay)][metric].mean()) for delay in outcome.delays]
    slope = float(np.polyfit(np.log10(outcome.delays), means, 1)[0])
    live = float(values[LIVE][metric].mean())
    return -slope / live if live else float("nan")


def _parts(values: Values) -> tuple[float, ...]:
    return tuple(float(part.mean()) for part in np.array_split(values, PARTS) if len(part))
