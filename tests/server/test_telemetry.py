"""The metrics: separate per engine, true to what was observed, readable by a Prometheus parser."""

from __future__ import annotations

import random
import threading

import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from swerve.telemetry import LIST_BUCKETS_S, Metrics, quantile
from tests.calls import counted_calls


def test_two_engines_never_share_a_number():
    one, other = Metrics(), Metrics()
    one.accepted.inc(3)
    assert one.snapshot()['swerve_events_total{outcome="accepted"}'] == 3
    assert other.snapshot()['swerve_events_total{outcome="accepted"}'] == 0


def test_nothing_reaches_the_global_registry():
    before = {family.name for family in REGISTRY.collect()}
    Metrics().lists.inc()
    assert {family.name for family in REGISTRY.collect()} == before
    assert not any(name.startswith("swerve") for name in before)


def test_the_text_format_names_every_promised_metric():
    metrics = Metrics()
    families = {family.name: family for family in text_string_to_metric_families(metrics.render().decode())}
    counters = {"swerve_events", "swerve_lists", "swerve_impressions_dropped"}
    histograms = {"swerve_ack_seconds", "swerve_list_seconds"}
    gauges = {"swerve_log_head", "swerve_items", "swerve_users", "swerve_model_version", "swerve_queue_items"}
    assert {name for name, family in families.items() if family.type == "counter"} == counters
    assert {name for name, family in families.items() if family.type == "histogram"} == histograms
    assert gauges <= {name for name, family in families.items() if family.type == "gauge"}
    outcomes = {s.labels.get("outcome") for s in families["swerve_events"].samples if s.name.endswith("_total")}
    assert outcomes == {"accepted", "duplicate", "rejected"}


def test_the_snapshot_agrees_with_the_text_format():
    metrics = Metrics()
    metrics.accepted.inc(2)
    metrics.log_head.set(7)
    metrics.ack_seconds.observe(0.004)
    text = metrics.render().decode()
    snapshot = metrics.snapshot()
    for name in ('swerve_events_total{outcome="accepted"}', "swerve_log_head", "swerve_ack_seconds_count"):
        assert f"{name} {snapshot[name]}" in text
    assert snapshot["swerve_ack_seconds_sum"] == pytest.approx(0.004)
    assert not any(name.endswith("_created") for name in snapshot)


def test_no_quantile_is_claimed_before_anything_was_observed():
    snapshot = Metrics().snapshot()
    assert snapshot["swerve_list_seconds_count"] == 0
    assert "swerve_list_seconds_p50" not in snapshot


def test_quantile_estimates_lie_within_the_right_bucket():
    metrics, rng = Metrics(), random.Random(7)
    values = sorted(rng.lognormvariate(-7, 0.8) for _ in range(5000))
    for value in values:
        metrics.list_seconds.observe(value)
    snapshot = metrics.snapshot()
    for q, name in ((0.5, "swerve_list_seconds_p50"), (0.99, "swerve_list_seconds_p99")):
        true = values[int(q * len(values))]
        upper = next(bound for bound in LIST_BUCKETS_S if bound >= true)
        lower = max((bound for bound in LIST_BUCKETS_S if bound < true), default=0.0)
        assert lower <= snapshot[name] <= upper


@pytest.mark.parametrize(
    ("buckets", "q", "expected"),
    [
        ([(1.0, 10.0), (2.0, 10.0), (float("inf"), 10.0)], 0.5, 0.5),
        ([(1.0, 0.0), (2.0, 10.0), (float("inf"), 10.0)], 0.5, 1.5),
        ([(1.0, 5.0), (2.0, 10.0), (float("inf"), 10.0)], 0.99, 1.98),
        ([(1.0, 0.0), (2.0, 0.0), (float("inf"), 4.0)], 0.5, 2.0),
    ],
)
def test_quantile_interpolates_within_its_bucket(buckets, q, expected):
    assert quantile(buckets, q) == pytest.approx(expected)


def test_threads_lose_no_count():
    metrics = Metrics()

    def work() -> None:
        for _ in range(2000):
            metrics.lists.inc()
            metrics.list_seconds.observe(0.001)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    snapshot = metrics.snapshot()
    assert snapshot["swerve_lists_total"] == snapshot["swerve_list_seconds_count"] == 8000


def test_one_observation_stays_cheap():
    metrics = Metrics()
    with counted_calls() as calls:
        for _ in range(100):
            metrics.list_seconds.observe(0.002)
    assert calls.total / 100 < 12
