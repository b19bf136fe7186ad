"""Metrics for Prometheus."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from edmlive.realtime.reading import Reading, State
from edmlive.sinks.web.feed import Feed
from edmlive.sources.health import NOTHING_LOST, Counts, Liveness

_COUNTS = {
    "decisions": "Times the model was run.",
    "decisions_skipped": "Decisions skipped because the computer did not keep up.",
    "gaps": "Gaps in the audio.",
    "frames_lost": "Audio frames lost in gaps, at the source's rate.",
    "overflows": "Times the sound system reported dropped input.",
    "reconnects": "Times the input came back after it was lost.",
    "readings_dropped": "Readings dropped because a sink was too slow.",
}
_LATENCIES = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0)


class Metrics(Collector):
    """The newest reading, its counts and the latencies so far.

    Only genres of the newest reading appear as labels, so there are never more than the model has.

    Parameters
    ----------
    feed
        Knows the newest reading and the clients.
    provider
        What runs the model.
    """

    def __init__(self, feed: Feed, provider: str) -> None:
        self._feed = feed
        self._provider = provider
        self._registry = CollectorRegistry()
        self._latency = Histogram(
            "edmlive_latency_seconds",
            "Time between the capture of the newest sample and the reading.",
            buckets=_LATENCIES,
            registry=self._registry,
        )
        self._registry.register(self)

    def observe(self, reading: Reading) -> None:
        """Count a reading's latency, unless there is no input."""
        if reading.state is not State.NO_INPUT:
            self._latency.observe(reading.latency)

    def text(self) -> bytes:
        """Return all metrics in Prometheus's text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of the newest reading."""
        newest = self._feed.newest
        yield from _counters(newest.counts if newest else NOTHING_LOST)
        yield GaugeMetricFamily("edmlive_web_clients", "Connected clients.", self._feed.clients)
        yield CounterMetricFamily(
            "edmlive_web_messages_dropped", "Messages dropped because a client was too slow.", self._feed.dropped
        )
        yield GaugeMetricFamily("edmlive_healthy", "Whether /healthz is 200.", int(self._feed.unhealthy_reason is None))
        if newest is None:
            return
        yield InfoMetricFamily(
            "edmlive", "Model and provider.", {"model": _label(newest.model), "provider": self._provider}
        )
        yield GaugeMetricFamily("edmlive_level_dbfs", "RMS level of the newest audio in dBFS.", newest.level_dbfs)
        yield _one_of("state", "What edmlive is doing.", State, newest.state)
        yield _one_of("liveness", "Whether audio arrives.", Liveness, newest.liveness)
        if newest.bpm is not None:
            yield GaugeMetricFamily("edmlive_bpm", "Tempo in beats per minute.", newest.bpm)
        confidence = GaugeMetricFamily(
            "edmlive_confidence", "Mean probability of a genre over the votes, 0..1.", labels=["genre"]
        )
        for candidate in newest.top:
            confidence.add_metric([_label(candidate.genre)], candidate.confidence)
        yield confidence
        family = GaugeMetricFamily("edmlive_family_confidence", "Probability of the family, 0..1.", labels=["family"])
        if newest.family is not None and newest.family_confidence is not None:
            family.add_metric([_label(newest.family)], newest.family_confidence)
        yield family
        yield GaugeMetricFamily("edmlive_mixing", "Whether two tracks overlap.", int(newest.mixing))


def _label(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()  # file names and genres may hold what UTF-8 cannot


def _counters(counts: Counts) -> Iterator[Metric]:
    for name, meaning in _COUNTS.items():
        yield CounterMetricFamily(f"edmlive_{name}", meaning, getattr(counts, name))


def _one_of(name: str, meaning: str, values: type[State] | type[Liveness], present: State | Liveness) -> Metric:
    gauge = GaugeMetricFamily(f"edmlive_{name}", meaning, labels=[name])
    for value in values:
        gauge.add_metric([value], int(value is present))
    return gauge
