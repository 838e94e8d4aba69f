"""What is counted: one set of Prometheus metrics per engine, cheap enough to touch on every request.

It knows numbers only: never a user, an item or a key, because a label per user is an unbounded cache.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import Metric

ACK_BUCKETS_S = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LIST_BUCKETS_S = (0.0001, 0.00025, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
QUANTILES = ((0.5, "p50"), (0.99, "p99"))


class Metrics:
    """Counters, histograms and gauges of one engine, in a registry of its own, so two engines never mix.

    The attributes are plain prometheus-client objects: `inc`, `observe` (seconds) and `set` are thread-safe
    and cost about a microsecond each.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        events = Counter("swerve_events", "Events answered, by outcome.", ["outcome"], registry=self.registry)
        # Children are looked up once: `labels()` costs more than `inc()`.
        self.accepted = events.labels(outcome="accepted")
        self.duplicate = events.labels(outcome="duplicate")
        self.rejected = events.labels(outcome="rejected")
        self.lists = Counter("swerve_lists", "Slates answered.", registry=self.registry)
        self.impressions_dropped = Counter(
            "swerve_impressions_dropped", "Slates not logged because the queue was full.", registry=self.registry
        )
        self.ack_seconds = Histogram(
            "swerve_ack_seconds", "Submit to durable and visible.", buckets=ACK_BUCKETS_S, registry=self.registry
        )
        self.list_seconds = Histogram(
            "swerve_list_seconds", "Time to make one slate.", buckets=LIST_BUCKETS_S, registry=self.registry
        )
        self.log_head = Gauge("swerve_log_head", "Offset the next record will get.", registry=self.registry)
        self.items = Gauge("swerve_items", "Items in the catalog.", registry=self.registry)
        self.users = Gauge("swerve_users", "Users with a state.", registry=self.registry)
        self.model_version = Gauge("swerve_model_version", "Version of the live model.", registry=self.registry)
        self.queue_items = Gauge("swerve_queue_items", "Records waiting for the writer.", registry=self.registry)

    def render(self) -> bytes:
        """Everything in the Prometheus text format (UTF-8)."""
        return generate_latest(self.registry)

    def snapshot(self) -> dict[str, float]:
        """Everything as one flat dict, keyed as in the text format, e.g. `swerve_events_total{outcome="accepted"}`.

        A histogram becomes `<name>_count`, `<name>_sum`, and, once something was observed, the estimates
        `<name>_p50` and `<name>_p99` (seconds, interpolated within their bucket).
        """
        return dict(_flatten(self.registry.collect()))


def _flatten(families: Iterable[Metric]) -> Iterator[tuple[str, float]]:
    for family in families:
        buckets: list[tuple[float, float]] = []
        for sample in family.samples:
            if sample.name.endswith("_created"):
                continue
            if sample.name.endswith("_bucket"):
                buckets.append((float(sample.labels["le"]), sample.value))
                continue
            labels = ",".join(f'{key}="{value}"' for key, value in sample.labels.items())
            yield f"{sample.name}{{{labels}}}" if labels else sample.name, sample.value
        if buckets and buckets[-1][1] > 0:
            for q, name in QUANTILES:
                yield f"{family.name}_{name}", quantile(buckets, q)


def quantile(buckets: Sequence[tuple[float, float]], q: float) -> float:
    """Estimate the q-quantile (0 < q <= 1) of cumulative `buckets` [(upper bound, count so far)], ending at +Inf.

    Linear within a bucket, like Prometheus; what lies beyond the last finite bound is reported as that bound.
    At least one observation is needed.
    """
    rank = q * buckets[-1][1]
    lower, below = 0.0, 0.0
    for upper, count in buckets[:-1]:
        if count >= rank:
            return lower + (upper - lower) * (rank - below) / (count - below)
        lower, below = upper, count
    return lower
