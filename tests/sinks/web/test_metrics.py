from prometheus_client.parser import text_string_to_metric_families

from edmlive.realtime.reading import State
from edmlive.sinks.web.server import WebSink
from edmlive.sources.health import Counts, Liveness
from tests.sinks.web.conftest import at, http

Sample = tuple[str, tuple[tuple[str, str], ...]]


def samples(sink: WebSink) -> dict[Sample, float]:
    answer = http.get(f"{sink.url}metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = text_string_to_metric_families(answer.text)
    return {(s.name, tuple(s.labels.items())): s.value for family in families for s in family.samples}


def test_before_the_first_reading(sink: WebSink) -> None:
    values = samples(sink)
    assert values[("edmlive_decisions_total", ())] == 0
    assert values[("edmlive_healthy", ())] == 0
    assert ("edmlive_bpm", ()) not in values


def test_metrics_of_the_newest_reading(sink: WebSink) -> None:
    counts = Counts(10, 2, 3, 4410, 5, 6, 7)
    sink.write(at(1, latency=0.04))
    sink.write(at(2, latency=0.4, counts=counts))
    values = samples(sink)
    expected = {
        "decisions": 10,
        "decisions_skipped": 2,
        "gaps": 3,
        "frames_lost": 4410,
        "overflows": 5,
        "reconnects": 6,
        "readings_dropped": 7,
    }
    assert {name: values[(f"edmlive_{name}_total", ())] for name in expected} == expected
    assert values[("edmlive_info", (("model", "small"), ("provider", "CPUExecutionProvider")))] == 1
    assert values[("edmlive_bpm", ())] == 128.0
    assert values[("edmlive_level_dbfs", ())] == -12.5
    assert values[("edmlive_latency_seconds_count", ())] == 2
    assert values[("edmlive_latency_seconds_bucket", (("le", "0.05"),))] == 1
    assert values[("edmlive_confidence", (("genre", "Drum & Bass"),))] == 2 / 21
    assert [values[("edmlive_state", (("state", state),))] for state in State] == [0, 0, 1, 0, 0, 0]
    assert values[("edmlive_healthy", ())] == 1


def test_a_lost_input(sink: WebSink) -> None:
    sink.write(at(1, latency=0.04))
    sink.write(at(2, state=State.NO_INPUT, liveness=Liveness.RECOVERING))
    values = samples(sink)
    assert values[("edmlive_liveness", (("liveness", "recovering"),))] == 1
    assert values[("edmlive_liveness", (("liveness", "healthy"),))] == 0
    assert values[("edmlive_latency_seconds_count", ())] == 1
    assert values[("edmlive_healthy", ())] == 0
    assert not [name for name, _ in values if name in ("edmlive_bpm", "edmlive_confidence")]


def test_each_metric_has_a_meaning(sink: WebSink) -> None:
    sink.write(at(1))
    for family in text_string_to_metric_families(http.get(f"{sink.url}metrics").text):
        assert family.documentation.endswith("."), family.name
