"""From columns to figures and to words, on outcomes made by hand."""

from __future__ import annotations

import io
import math

import msgspec
import numpy as np
import pytest

from swerve.evaluate.metrics import inverse_popularity_ndcg
from swerve.evaluate.prq.figures import CONTROLS, KNOWN, LIVE, METRICS, STALE, Figures, cuts, figures
from swerve.evaluate.prq.fit import Tuned
from swerve.evaluate.prq.outcome import Judged, Outcome
from swerve.evaluate.prq.places import Axis
from swerve.evaluate.prq.report import claim, report
from swerve.evaluate.prq.views import arms_of
from swerve.evaluate.report import Table, html, lines
from swerve.rank.features import BUCKETS, FEATURES
from swerve.terminal import Paint
from tests.evaluate.logs import DAY, T0

DELAYS = (10.0, 100.0, 1000.0)
ARMS = (*(arm.name for arm in arms_of(DELAYS)), *CONTROLS)
N = 200


def outcome(ranks: dict[str, list[int]] | None = None, n: int = N, **columns: object) -> Outcome:
    """`n` events of n / 4 users; arms that are not given miss everything."""
    table = np.zeros((n, len(ARMS)), np.int32)
    for arm, own in (ranks or {}).items():
        table[:, ARMS.index(arm)] = own
    at = np.arange(n)
    usual = {
        "person": at // 4,
        "time": T0 + at,
        "position": at % 4 + 1,
        "person_age_s": np.zeros(n),
        "item_age_s": np.full(n, 30 * DAY),
        "repeat": np.zeros(n, bool),
        "popularity": np.full(n, 5),
        "reached": np.ones(n, bool),
    }
    own = Tuned(table=np.zeros((len(BUCKETS), len(FEATURES)), np.float32), choices=7, fitted=False)
    return Outcome(
        axis=Axis(first=T0, tuned_from=T0, start=T0, last=T0 + n, records=2 * n, tuning=0, judged=n, late=3),
        every=2,
        arms=ARMS,
        delays=DELAYS,
        judged=Judged(**{**usual, **columns}, ranks=table),  # type: ignore[arg-type]
        shown=np.arange(len(ARMS)),
        items=100,
        hidden=11,
        tuned={"live": own, "day": msgspec.structs.replace(own, fitted=True)},
    )


def made(ranks: dict[str, list[int]] | None = None, **columns: object) -> Figures:
    return figures(outcome(ranks, **columns), draws=200)


def test_metrics_are_means_over_the_judged_events() -> None:
    found = made({LIVE: [1, 11, 21, 0] * 50}).arms[LIVE]

    assert found["hr10"] == 0.25
    assert found["hr20"] == 0.5
    assert found["mrr20"] == pytest.approx((1 + 1 / 11) / 4)
    assert found["ndcg10"] == pytest.approx(0.25)


def test_coverage_is_the_share_of_the_items_that_were_shown() -> None:
    found = made()

    assert found.arms[ARMS[7]]["coverage10"] == 0.07


def test_a_rare_item_counts_for_more_where_popularity_is_taken_out() -> None:
    popularity = np.array([0, 99] * (N // 2))
    rare, common = made({LIVE: [1, 0] * 100}, popularity=popularity), made({LIVE: [0, 1] * 100}, popularity=popularity)

    name = "inverse_popularity_ndcg10"
    assert rare.arms[LIVE][name] == pytest.approx(1 / 1.01)
    assert common.arms[LIVE][name] == pytest.approx(0.01 / 1.01)
    expected = inverse_popularity_ndcg(np.array([1, 0]), np.array([1.0, 100.0]), 10).mean()
    assert rare.arms[LIVE][name] == pytest.approx(expected)


def test_the_product_is_held_against_every_other_way_to_know() -> None:
    found = made({LIVE: [1] * N, STALE: [1, 0] * 100})

    assert {one.against for one in found.differences} == {*KNOWN, *CONTROLS}
    claimed = next(one for one in found.differences if (one.against, one.metric) == (STALE, "hr20"))
    assert (claimed.theirs, claimed.difference, claimed.events) == (0.5, 0.5, N)
    assert claimed.low <= 0.5 <= claimed.high
    assert "+0.5000 (+100%)" in claim(found)


def test_a_difference_that_users_do_not_agree_on_is_not_sure() -> None:
    some = [1] * 4 + [0] * (N - 4)  # one user of fifty
    many = ([1] * 4 + [0] * 4) * 25

    unsure, sure = (
        next(one for one in made({LIVE: own}).differences if (one.against, one.metric) == (STALE, "hr20"))
        for own in (some, many)
    )
    assert unsure.low == 0
    assert sure.low > 0


def test_repeats_are_taken_out_where_there_are_any() -> None:
    repeat = np.arange(N) % 2 == 0
    found = made({LIVE: [1, 0] * 100}, repeat=repeat)

    among = {one.among: one for one in found.differences if (one.against, one.metric) == (STALE, "hr20")}
    assert among["all"].difference == 0.5
    assert among["new"].difference == 0
    assert among["new"].events == 100
    assert {one.among for one in made().differences} == {"all"}


def test_every_event_is_in_one_slice_of_each_kind() -> None:
    rng = np.random.default_rng(0)
    judged = outcome(
        position=rng.integers(1, 9, N),
        person_age_s=rng.exponential(3 * DAY, N),
        item_age_s=rng.exponential(3 * DAY, N),
        repeat=rng.random(N) < 0.5,
    ).judged

    for by, parts in cuts(judged).items():
        assert (np.sum(list(parts.values()), axis=0) == 1).all(), by


@pytest.mark.parametrize(
    ("by", "column", "values"),
    [
        ("position in session", "position", {"1st": 1, "2nd": 2, "3rd to 5th": 5, "later": 6}),
        ("item age", "item_age_s", {"under 1 day": DAY - 1, "under 7 days": DAY, "older": 7 * DAY}),
        ("user age", "person_age_s", {"under 1 day": 0.0, "under 7 days": 7 * DAY - 1, "older": 7 * DAY}),
    ],
)
def test_the_edges_of_the_slices(by: str, column: str, values: dict[str, float]) -> None:
    judged = outcome(n=len(values), **{column: np.array(list(values.values()))}).judged

    assert [np.flatnonzero(mask).tolist() for mask in cuts(judged)[by].values()] == [[at] for at in range(len(values))]
    assert list(cuts(judged)[by]) == list(values)


def test_a_slice_has_the_figures_of_its_events_only() -> None:
    found = made({LIVE: [1, 0, 0, 0] * 50})

    first = next(one for one in found.slices if one.name == "1st")
    empty = next(one for one in found.slices if (one.by, one.name) == ("item age", "under 1 day"))
    assert first.figures[LIVE]["hr10"] == 1
    assert first.events == 50
    assert (empty.events, empty.figures) == (0, {})


def test_the_loss_per_decade_is_the_slope_over_the_logarithm_of_the_delay() -> None:
    shares = {"delay 10 s": 0.4, "delay 100 s": 0.3, "delay 1000 s": 0.2}
    ranks = {name: [1] * int(N * share) + [0] * (N - int(N * share)) for name, share in shares.items()}
    found = made({**ranks, LIVE: [1] * (N // 2) + [0] * (N // 2)})

    assert found.loss_per_decade["hr10"] == pytest.approx(0.1 / 0.5)
    assert [one.delay_s for one in found.freshness] == [0, 10, 100, 1000]
    assert [one.figures["hr10"] for one in found.freshness] == [0.5, 0.4, 0.3, 0.2]
    mean, low, high = found.freshness[2].differences["hr10"]
    assert mean == pytest.approx(-0.2)
    assert low < -0.2 < high < 0


def test_a_curve_needs_delays() -> None:
    without = figures(msgspec.structs.replace(outcome(), delays=()), draws=50)

    assert without.freshness == ()
    assert without.loss_per_decade == {}
    assert "Freshness" not in html(report(without))


def test_time_is_cut_into_parts_of_equally_many_events() -> None:
    found = made({LIVE: [1] * 100 + [0] * 100})

    assert found.over_time[LIVE] == (1.0,) * 5 + (0.0,) * 5
    assert set(found.over_time) == {"live+frozen", "live+nightly", LIVE}


def test_figures_are_the_same_for_the_same_seed_and_go_through_json() -> None:
    one, two = (figures(outcome({LIVE: [1, 0] * 100}), seed=3, draws=100) for _ in range(2))

    assert msgspec.json.encode(one) == msgspec.json.encode(two)
    assert msgspec.json.decode(msgspec.json.encode(one), type=Figures) == one


def test_the_report_says_what_was_done_and_every_figure_of_an_arm() -> None:
    found = made({LIVE: [1, 11, 21, 0] * 50, STALE: [12, 0] * 100})
    said = "\n".join(lines(report(found, "shop"), Paint(io.StringIO(), {}), 120))

    assert "Replay of shop" in said
    assert f"{N} events of 50 users judged (one of 2)" in said
    assert "11 events are left out" in said
    assert "live none, day 7" in said
    assert "3 interactions came late" in said
    assert "Ties take the" in said
    for arm in (*ARMS[:9], *CONTROLS):
        assert any(line.strip().startswith(arm) for line in said.splitlines()), arm


def test_the_page_holds_the_curve_and_what_there_is_nothing_of_is_a_dash() -> None:
    found = report(made())
    page = html(found)

    assert page.count("<svg") == 4
    assert "1 min" not in page
    assert "1000 s" in page
    table = next(part for section in found.sections for part in section.parts
                 if isinstance(part, Table) and part.title == "By item age")  # fmt: skip
    assert math.isnan(float(table.rows[0][2]))


def test_every_metric_has_a_name_in_the_report() -> None:
    head = next(part for section in report(made()).sections for part in section.parts
                if isinstance(part, Table) and part.title == "By delay").head  # fmt: skip

    assert len(head) == 1 + len(METRICS) + 3
