"""Metrics: all are declared here and served at /metrics.

Nothing about private incidents is in them: no effect, reminder or message of one is counted. Slack's
requests and our calls are counted as traffic, whatever they are about.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

LAG_EVERY_SECONDS = 0.5


class MetricKind(StrEnum):
    """Prometheus's kinds of metrics."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: its scraped name (without `_total`), kind, description, labels, buckets."""

    name: str
    kind: MetricKind
    summary: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


_QUICK = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 2.5, 3.0)
_CALLS = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

REQUESTS = Metric(
    "sitrep_requests",
    MetricKind.COUNTER,
    "Slack's requests by kind and by answer",
    ("kind", "outcome"),
)
REQUEST_SECONDS = Metric(
    "sitrep_request_seconds",
    MetricKind.HISTOGRAM,
    "Seconds from Slack's request to our answer",
    ("kind",),
    _QUICK,
)
SLACK_CALLS = Metric(
    "sitrep_slack_calls",
    MetricKind.COUNTER,
    "Calls to Slack by method and outcome",
    ("method", "outcome"),
)
SLACK_CALL_SECONDS = Metric(
    "sitrep_slack_call_seconds",
    MetricKind.HISTOGRAM,
    "Seconds that calls to Slack took, without the wait for rate limits",
    ("method",),
    _CALLS,
)
EFFECTS = Metric(
    "sitrep_effects",
    MetricKind.COUNTER,
    "Effects by kind and by how an attempt ended, without private incidents",
    ("kind", "outcome"),
)
EFFECTS_DROPPED = Metric(
    "sitrep_effects_dropped",
    MetricKind.COUNTER,
    "Effects that were no longer true, by reason, without private incidents",
    ("kind", "reason"),
)
OUTBOX_DEPTH = Metric(
    "sitrep_outbox_depth",
    MetricKind.GAUGE,
    "Effects not yet settled, by status, without private incidents",
    ("status",),
)
OUTBOX_OLDEST = Metric(
    "sitrep_outbox_oldest_seconds",
    MetricKind.GAUGE,
    "Age of the oldest effect that waits or is under way, without private incidents",
)
DEAD_LETTERS = Metric(
    "sitrep_dead_letters",
    MetricKind.GAUGE,
    "Effects that Slack refused for good, by its error, without private incidents",
    ("cause",),
)
REMINDERS_LATE = Metric(
    "sitrep_reminders_late_seconds",
    MetricKind.GAUGE,
    "Seconds by which the oldest due reminder is late, without private incidents",
)
REMINDERS_FIRED = Metric("sitrep_reminders_fired", MetricKind.COUNTER, "Reminders that came due")
LOOP_LAG = Metric(
    "sitrep_event_loop_lag_seconds",
    MetricKind.GAUGE,
    "Seconds by which the event loop was late, last measured",
)
SOCKETS = Metric("sitrep_sockets_connected", MetricKind.GAUGE, "Open Socket Mode connections")
SOCKETS_WANTED = Metric(
    "sitrep_sockets_wanted",
    MetricKind.GAUGE,
    "Socket Mode connections that should be open; 0 without Socket Mode",
)
READY = Metric(
    "sitrep_ready", MetricKind.GAUGE, "1 for each part that works, 0 if it doesn't", ("check",)
)
BEAT_AGE = Metric(
    "sitrep_beat_age_seconds",
    MetricKind.GAUGE,
    "Seconds since the dispatcher's and the scheduler's last round",
    ("part",),
)
PAUSED = Metric(
    "sitrep_paused", MetricKind.GAUGE, "1 while nothing is sent because Slack refuses the token"
)
DISK_FREE = Metric(
    "sitrep_disk_free_bytes",
    MetricKind.GAUGE,
    "Free bytes where the SQLite file is; not on PostgreSQL",
    ("folder",),
)

METRICS = (
    REQUESTS,
    REQUEST_SECONDS,
    SLACK_CALLS,
    SLACK_CALL_SECONDS,
    EFFECTS,
    EFFECTS_DROPPED,
    OUTBOX_DEPTH,
    OUTBOX_OLDEST,
    DEAD_LETTERS,
    REMINDERS_LATE,
    REMINDERS_FIRED,
    LOOP_LAG,
    SOCKETS,
    SOCKETS_WANTED,
    READY,
    BEAT_AGE,
    PAUSED,
    DISK_FREE,
)


class Telemetry:
    """Counts and measures; one per running program, with its own registry."""

    def __init__(self) -> None:
        """Create every declared metric."""
        # Imported late: most commands need no metrics.
        from prometheus_client import CollectorRegistry  # noqa: PLC0415

        self.registry: CollectorRegistry = CollectorRegistry()
        self._made: Mapping[Metric, Any] = {
            metric: _make(metric, self.registry) for metric in METRICS
        }

    def count(self, metric: Metric, amount: float = 1, **labels: str) -> None:
        """Add to a counter."""
        self._series(metric, labels).inc(amount)

    def observe(self, metric: Metric, value: float, **labels: str) -> None:
        """Add one measurement to a histogram."""
        self._series(metric, labels).observe(value)

    def set(self, metric: Metric, value: float, **labels: str) -> None:
        """Set a gauge."""
        self._series(metric, labels).set(value)

    def forget(self, metric: Metric) -> None:
        """Forget a gauge's series, so that only those set from now on are shown."""
        self._made[metric].clear()

    def on_call(self, method: str, outcome: str, seconds: float) -> None:
        """Count one call to Slack; the gateway calls this as its `on_call`."""
        self.count(SLACK_CALLS, method=method, outcome=outcome)
        self.observe(SLACK_CALL_SECONDS, seconds, method=method)

    def exposition(self) -> bytes:
        """Return all metrics in the text format that Prometheus scrapes."""
        from prometheus_client import generate_latest  # noqa: PLC0415

        return generate_latest(self.registry)

    async def watch_loop(self) -> None:
        """Measure the event loop's lag until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            await asyncio.sleep(LAG_EVERY_SECONDS)
            self.set(LOOP_LAG, max(loop.time() - started - LAG_EVERY_SECONDS, 0.0))

    def _series(self, metric: Metric, labels: Mapping[str, str]) -> Any:
        made = self._made[metric]
        return made.labels(**labels) if labels else made


def _make(metric: Metric, registry: "CollectorRegistry") -> Any:
    from prometheus_client import Counter, Gauge, Histogram  # noqa: PLC0415

    match metric.kind:
        case MetricKind.COUNTER:
            return Counter(metric.name, metric.summary, metric.labels, registry=registry)
        case MetricKind.GAUGE:
            return Gauge(metric.name, metric.summary, metric.labels, registry=registry)
        case MetricKind.HISTOGRAM:
            return Histogram(
                metric.name,
                metric.summary,
                metric.labels,
                registry=registry,
                buckets=metric.buckets,
            )
