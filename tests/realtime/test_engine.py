"""Audio in, readings out: the same for any blocks and any source."""

import dataclasses
import gc
import io
import time
import tracemalloc
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edmlive.errors import SourceError
from edmlive.features.front_end import FrontEnd
from edmlive.realtime.classifier import Classifier, Decision
from edmlive.realtime.engine import Engine, classify, listen
from edmlive.realtime.reading import Reading, State
from edmlive.sources.audio import AudioBlock, Source
from edmlive.sources.file import FileSource
from edmlive.sources.health import Liveness
from edmlive.sources.pcm import PcmSource
from edmlive.spec import VoteSpec
from tests import small_models
from tests.conftest import FakeClock, write_audio
from tests.music import pulse, render
from tests.realtime import readings as made
from tests.realtime.blocks import BlockSource, cut

RATE = 22_050
ALL_INPUTS = (*small_models.CHUNK, small_models.DESCRIPTORS)
WARM_UP = small_models.DESCRIPTORS.warm_up_seconds


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    return Classifier(
        small_models.save(tmp_path_factory.mktemp("model") / "small.onnx", small_models.spec(), scale=0.5)
    )


@pytest.fixture(scope="module")
def fused(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    return Classifier(
        small_models.save(tmp_path_factory.mktemp("model") / "fused.onnx", small_models.spec(ALL_INPUTS), scale=0.5)
    )


def readings(engine: Engine, blocks: Iterable[AudioBlock], rate: int = RATE) -> list[Reading]:
    """All readings, without the one field that depends on the clock."""
    return [dataclasses.replace(r, latency=0.0, clock="") for r in engine.run(BlockSource(list(blocks), rate))]


def answers(heard: Iterable[Reading]) -> list[tuple[Any, ...]]:
    """What the readings say about the music, apart from when."""
    return [(r.state, r.genre, r.confidence, r.top, r.votes, r.bpm, r.level_dbfs, r.seconds) for r in heard]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from([RATE, 48_000]), st.lists(st.floats(0, 1), max_size=12), st.integers(0, 300))
def test_any_blocks_give_the_same_readings(
    fused: Classifier, rate: int, cuts: list[float], single_samples: int
) -> None:
    samples = render(7.3, rate)
    at = [*range(1, single_samples), *(int(place * len(samples)) for place in cuts)]
    whole = readings(Engine(fused, rate), cut(samples), rate)
    assert readings(Engine(fused, rate), cut(samples, at), rate) == whole
    assert [r.time for r in whole] == [1, 2, 3, 4, 5, 6, 7]
    assert whole[-1].genre is not None


def test_file_pipe_and_memory_give_the_same_readings(classifier: Classifier, tmp_path: Path) -> None:
    samples = render(6, 44_100)
    path = write_audio(tmp_path / "music.wav", samples, 44_100, "pcm_f32le", "flt")

    def said(source: Source) -> list[Reading]:
        with source:
            return [dataclasses.replace(r, latency=0.0, clock="") for r in listen(source, classifier)]

    from_memory = said(BlockSource(cut(samples, range(0, len(samples), 4410)), 44_100, live=True))
    assert said(FileSource(path)) == from_memory
    assert said(PcmSource(io.BytesIO(samples.tobytes()), 44_100, 2, "f32le")) == from_memory  # type: ignore[arg-type]
    assert sum(r.genre is not None for r in from_memory) >= 3


def test_reading_describes_the_newest_hop(classifier: Classifier) -> None:
    time_axis = np.arange(5 * RATE) / RATE
    tone = (np.sin(2 * np.pi * 440 * time_axis) * 0.5).astype(np.float32)[:, None]
    heard = readings(Engine(classifier, RATE, hop_seconds=0.5), cut(tone))
    assert [r.time for r in heard] == [0.5 * i for i in range(1, 11)]
    assert {r.level_dbfs for r in heard} == {-9.03}
    assert {r.model for r in heard} == {"small"}
    for reading in heard:
        assert (reading.genre is None) == (reading.state is State.WARMING_UP) == (reading.time < WARM_UP)
        assert reading.bpm is None or reading.bpm == round(reading.bpm, 1)


def test_confidence_is_the_mean_over_the_voting_decisions(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    decisions: list[NDArray[np.float32]] = []
    decide = classifier.decide

    def keep(features: Mapping[str, NDArray[np.float32]]) -> Decision:
        decisions.append(classifier.probabilities(features))
        return decide(features)

    monkeypatch.setattr(classifier, "decide", keep)
    last = readings(Engine(classifier, RATE, votes=4), cut(render(12, RATE)))[-1]
    assert len(decisions) >= 8
    assert sum(last.votes.values()) == 4
    means = np.mean(decisions[-4:], axis=0, dtype=np.float64)
    assert {c.genre: c.confidence for c in last.top} == pytest.approx(
        dict(zip(small_models.LABELS, np.atleast_1d(means), strict=True))
    )


def test_latency_is_the_age_of_the_newest_sample(classifier: Classifier, clock: FakeClock) -> None:
    block = AudioBlock(render(2.5, RATE), clock.now - 1)
    first, second = list(Engine(classifier, RATE).push(block))
    assert first.latency == pytest.approx(1 + 1.5, abs=0.005)
    assert second.latency == pytest.approx(1 + 0.5, abs=0.005)


@pytest.mark.parametrize("rate", [44_100, 48_000, 192_000])
def test_latency_includes_the_delay_of_the_resampler(classifier: Classifier, rate: int, clock: FakeClock) -> None:
    samples, began = render(4.5, rate), clock.now
    engine = Engine(classifier, rate)
    for start in range(0, len(samples), rate // 100):
        block = AudioBlock(samples[start : start + rate // 100], began + (start + rate // 100) / rate)
        for reading in engine.push(block):
            # The sample that completes the hop was captured so long after the beginning, whatever came with it.
            assert clock.now - reading.latency - began == pytest.approx(reading.time, abs=0.005)


def test_decision_waits_only_for_the_block_that_completes_its_hop(classifier: Classifier) -> None:
    samples = render(3.5, 48_000)
    engine = Engine(classifier, 48_000)
    said: list[float] = []
    for end in range(480, len(samples) + 1, 480):
        wanted = engine.wanted
        readings_now = list(engine.push(AudioBlock(samples[end - 480 : end], time.monotonic())))
        said += [end / 48_000] * len(readings_now)
        assert not readings_now or wanted <= 0.01
        assert engine.wanted <= 0.25
    assert said == pytest.approx([1.01, 2.01, 3.01])  # the filter looks ahead by less than 5 ms


def test_source_learns_how_much_audio_is_wanted_at_once(classifier: Classifier) -> None:
    source = BlockSource(cut(render(1.9, RATE), [RATE // 2]), RATE)
    wanted = [source.wanted for _ in Engine(classifier, RATE).run(source)]
    assert wanted == pytest.approx([0.25, 0.1])


def test_state_is_unsure_below_the_minimum_confidence_of_the_model(tmp_path: Path) -> None:
    strict = small_models.spec(vote=VoteSpec(votes=3, minimum_confidence=0.999))
    doubtful = Classifier(small_models.save(tmp_path / "doubtful.onnx", strict, scale=0.001))
    heard = readings(Engine(doubtful, RATE), cut(render(5, RATE)))
    assert heard[-1].state is State.UNSURE
    assert heard[-1].genre is not None


def test_answer_at_chance_is_unsure_whatever_the_model_asks_for(tmp_path: Path) -> None:
    guessing = Classifier(small_models.save(tmp_path / "guessing.onnx", small_models.spec(), scale=0.0001))
    assert guessing.spec.vote.minimum_confidence == 0
    assert readings(Engine(guessing, RATE), cut(render(5, RATE)))[-1].state is State.UNSURE


def test_what_is_unknown_over_the_votes_has_no_genre(classifier: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = iter([0.9, 0.0, 0.0, 0.9, 0.9, 0.9, 0.0, 0.0])
    monkeypatch.setattr(
        classifier, "decide", lambda features: Decision(classifier.probabilities(features), next(unknown))
    )
    heard = readings(Engine(classifier, RATE), cut(render(10, RATE)))[2:]  # three votes
    states = [reading.state is State.UNKNOWN for reading in heard]
    assert states == [True, False, False, False, True, True, True, False]
    for reading in heard:
        nothing = (reading.genre, reading.confidence, reading.top, reading.votes) == (None, None, (), {})
        assert nothing == (reading.state is State.UNKNOWN)


TWO_TRACKS = np.concatenate((pulse(30, RATE, 60, 0.002), pulse(20, RATE, 900, 0.05)))[:, np.newaxis]


def test_change_of_track_shortens_the_window_and_ends_the_vote(classifier: Classifier, clock: FakeClock) -> None:
    heard = readings(Engine(classifier, RATE), cut(TWO_TRACKS))
    assert {reading.mixing for reading in heard[:30]} == {False}
    noticed = next(i for i, reading in enumerate(heard) if reading.mixing)
    assert 30 < heard[noticed].time <= 40
    assert heard[noticed - 1].seconds == small_models.DESCRIPTORS.seconds
    assert heard[noticed].seconds <= 9
    assert sum(min((reading.votes for reading in heard[30:40]), key=lambda votes: sum(votes.values())).values()) == 1
    assert not heard[-1].mixing
    assert heard[-1].seconds == small_models.DESCRIPTORS.seconds


def test_answer_after_a_change_is_soon_that_of_the_new_track_alone(tmp_path: Path, clock: FakeClock) -> None:
    model = small_models.save(tmp_path / "other.onnx", small_models.spec(), scale=0.5, seed=9)
    classifier = Classifier(model, trusted=True)
    heard = readings(Engine(classifier, RATE), cut(TWO_TRACKS))
    alone = readings(Engine(classifier, RATE), cut(TWO_TRACKS[30 * RATE :]))
    assert heard[29].genre != alone[-1].genre
    assert {reading.genre for reading in heard[40:]} == {alone[-1].genre}


def test_any_blocks_give_the_same_readings_over_a_change(classifier: Classifier, clock: FakeClock) -> None:
    whole = readings(Engine(classifier, RATE), cut(TWO_TRACKS))
    assert readings(Engine(classifier, RATE), cut(TWO_TRACKS, range(777, len(TWO_TRACKS), 12_345))) == whole


def test_gap_forgets_the_track_before(classifier: Classifier, clock: FakeClock) -> None:
    first, second = cut(TWO_TRACKS, [30 * RATE])
    heard = readings(Engine(classifier, RATE), [first, dataclasses.replace(second, gap=1)])
    alone = readings(Engine(classifier, RATE), [second])
    assert answers(heard[30:]) == answers(alone)
    assert not any(reading.mixing for reading in heard)


def test_whole_song_has_no_change_of_track(classifier: Classifier, clock: FakeClock) -> None:
    heard = readings(Engine(classifier, RATE, votes=0), cut(TWO_TRACKS))
    assert not any(reading.mixing for reading in heard)
    assert sum(heard[-1].votes.values()) == sum(reading.genre is not None for reading in heard)


def test_engine_warms_up_again_after_a_gap(classifier: Classifier) -> None:
    before, after = render(6, RATE), render(6, RATE, seed=1)
    engine = Engine(classifier, RATE)
    lead = [r for block in cut(before) for r in engine.push(block)]
    rest = [
        dataclasses.replace(r, latency=0.0, clock="")
        for block in [AudioBlock(after, time.monotonic(), gap=12_345)]
        for r in engine.push(block)
    ]
    assert lead[-1].state is State.LISTENING
    assert [r.state for r in rest[:3]] == [State.WARMING_UP, State.WARMING_UP, State.LISTENING]
    assert all(r.genre is None and r.top == () and r.votes == {} for r in rest[:2])
    assert rest[-1].state is State.LISTENING
    fresh = readings(Engine(classifier, RATE), cut(after))
    assert answers(rest) == answers(fresh[: len(rest)])
    assert (engine.counts.gaps, engine.counts.frames_lost) == (1, 12_345)
    assert rest[-1].time == 12


def test_silence_is_not_classified_and_resets_the_windows(classifier: Classifier) -> None:
    music, nothing = render(6, RATE), np.zeros((5 * RATE, 2), np.float32)
    heard = readings(Engine(classifier, RATE), cut(np.concatenate((music, nothing, music))))
    states = [r.state for r in heard]
    assert states[6:11] == [State.LISTENING, *[State.SILENCE] * 4]  # it takes two seconds to be sure of silence
    assert all(r.genre is None and r.bpm is None and r.level_dbfs == -120 for r in heard[7:11])
    assert states[11:14] == [State.WARMING_UP, State.WARMING_UP, State.LISTENING]
    assert answers(heard[11:]) == answers(heard[:6])


@pytest.mark.parametrize("seconds", [1.1, 2.0, 2.7])
def test_short_music_gets_one_decision_at_its_end(classifier: Classifier, seconds: float) -> None:
    heard = readings(Engine(classifier, RATE), cut(render(seconds, RATE)))
    *waiting, last = heard
    assert all(r.genre is None for r in waiting)
    assert last.genre is not None
    assert last.time == pytest.approx(seconds)
    assert last.state is State.UNSURE
    assert last.level_dbfs > -40


@pytest.mark.parametrize(
    "samples",
    [np.zeros((0, 2), np.float32), render(0.5, RATE), np.zeros((int(1.5 * RATE), 2), np.float32)],
    ids=["nothing", "half a second", "short silence"],
)
def test_too_little_audio_gets_no_decision(classifier: Classifier, samples: NDArray[np.float32]) -> None:
    assert all(r.genre is None for r in readings(Engine(classifier, RATE), cut(samples)))


def test_network_gets_the_newest_frames_of_the_front_end_at_every_decision(
    fused: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_features: list[Mapping[str, NDArray[np.float32]]] = []
    decide = fused.decide

    def keep(features: Mapping[str, NDArray[np.float32]]) -> Decision:
        given_features.append(features)
        return decide(features)

    monkeypatch.setattr(fused, "decide", keep)
    samples = render(9, RATE, 1)
    heard = readings(Engine(fused, RATE), cut(samples, range(0, len(samples), 1000)))
    frames = vars(FrontEnd().push(samples[:, 0]))
    decided = [r.time for r in heard if r.genre is not None]
    assert len(decided) == len(given_features) >= 4
    for seconds, features in zip(decided, given_features, strict=True):
        complete = (int(seconds * RATE) - 1024) // 512 + 1
        for i in small_models.CHUNK:
            columns = [frames[i.name][complete - 1 - i.stride * k] for k in reversed(range(i.shape[-1]))]
            np.testing.assert_array_equal(features[i.name], np.stack(columns, axis=-1).reshape(i.shape))


def test_classify_summarises_a_whole_file(classifier: Classifier, tmp_path: Path) -> None:
    samples = render(10, 44_100)
    path = write_audio(tmp_path / "music.flac", samples, 44_100, "flac", "s16")
    track = classify(path, classifier)
    with FileSource(path) as source:
        heard = [r for r in Engine(classifier, source.rate, votes=0).run(source) if r.genre is not None]
    assert (track.genre, track.confidence, track.top) == (heard[-1].genre, heard[-1].confidence, heard[-1].top)
    tempos = [r.bpm for r in heard if r.bpm is not None]
    assert track.bpm == (round(float(np.median(tempos)), 1) if tempos else None)
    assert sum(heard[-1].votes.values()) == len(heard)
    assert (track.path, track.model, track.fault) == (str(path), "small", None)
    assert track.seconds == pytest.approx(10, abs=0.01)


def test_classify_keeps_its_votes_over_a_pause(classifier: Classifier, tmp_path: Path) -> None:
    music, nothing = render(6, RATE), np.zeros((5 * RATE, 2), np.float32)
    samples = np.concatenate((music, nothing, music))
    heard = readings(Engine(classifier, RATE, votes=0), cut(samples))
    assert sum(heard[-1].votes.values()) == sum(r.state is State.LISTENING for r in heard)


def test_whole_track_is_as_sure_as_its_whole_vote_whatever_follows_a_pause(
    classifier: Classifier, tmp_path: Path
) -> None:
    music, nothing, rest = render(8, RATE), np.zeros((4 * RATE, 2), np.float32), render(2, RATE)
    path = write_audio(tmp_path / "music.wav", np.concatenate((music, nothing, rest)), RATE, "pcm_f32le", "flt")
    track = classify(path, classifier)
    assert track.state is State.LISTENING
    write_audio(path, np.concatenate((music, nothing)), RATE, "pcm_f32le", "flt")
    assert classify(path, classifier).top == track.top


@pytest.mark.parametrize("samples", [render(0.4, RATE), np.zeros((8 * RATE, 2), np.float32)], ids=["short", "silent"])
def test_classify_refuses_files_without_enough_music(
    classifier: Classifier, tmp_path: Path, samples: NDArray[np.float32]
) -> None:
    path = write_audio(tmp_path / "music.wav", samples, RATE, "pcm_f32le", "flt")
    with pytest.raises(SourceError, match="without enough music"):
        classify(path, classifier)


@pytest.mark.slow
def test_memory_stays_flat_over_half_an_hour(fused: Classifier) -> None:
    minute = render(60, RATE)
    engine = Engine(fused, RATE)
    process = psutil.Process()

    def hear(minutes: int) -> None:
        for _ in range(minutes):
            for block in cut(minute, range(0, len(minute), RATE // 2)):
                for _ in engine.push(block):
                    pass

    hear(3)
    gc.collect()
    before = process.memory_info().rss
    hear(27)
    gc.collect()
    assert process.memory_info().rss - before < 4 << 20
    assert engine.seconds == 30 * 60

    held = []
    tracemalloc.start()
    try:
        for _ in range(4):
            hear(1)
            gc.collect()
            held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    # What leaks grows every minute; what another test's threads do meanwhile does not.
    assert min(np.diff(held)) < 64 << 10


def empty(liveness: Liveness, **fields: Any) -> AudioBlock:
    return AudioBlock(np.zeros((0, 2), np.float32), time.monotonic(), liveness=liveness, **fields)


def test_lost_input_gives_a_reading_without_music(classifier: Classifier) -> None:
    engine = Engine(classifier, RATE)
    heard = [r for block in cut(render(6, RATE)) for r in engine.push(block)]
    assert heard[-1].genre is not None
    (lost,) = engine.push(empty(Liveness.RECOVERING, notices=("The mixer has gone.",), overflows=3))
    assert (lost.state, lost.liveness, lost.notices) == (State.NO_INPUT, Liveness.RECOVERING, ("The mixer has gone.",))
    assert (lost.genre, lost.confidence, lost.top, lost.votes, lost.bpm) == (None, None, (), {}, None)
    assert lost.time == 6
    music = dataclasses.replace(cut(render(5, RATE))[0], gap=RATE, reconnects=1, overflows=3)
    back = list(engine.push(music))
    assert [r.state for r in back[:3]] == [State.WARMING_UP, State.WARMING_UP, State.LISTENING]
    assert {r.liveness for r in back} == {Liveness.HEALTHY}
    counts = back[-1].counts
    assert (counts.gaps, counts.frames_lost, counts.reconnects, counts.overflows) == (1, RATE, 1, 3)
    assert counts.decisions == sum(r.genre is not None for r in (*heard, *back))


def test_stall_without_loss_resets_nothing(classifier: Classifier) -> None:
    samples = render(8, RATE)
    engine = Engine(classifier, RATE)
    first, second = cut(samples, [5 * RATE])
    heard = list(engine.push(first))
    assert next(engine.push(empty(Liveness.STALLED))).genre is None
    heard += engine.push(second)
    assert answers(heard) == answers(readings(Engine(classifier, RATE), cut(samples)))


def test_decisions_are_skipped_while_the_audio_is_old_but_its_samples_are_not(classifier: Classifier) -> None:
    samples = render(20, RATE)
    engine = Engine(classifier, RATE)
    blocks = cut(samples, range(RATE, len(samples), RATE))
    late = [dataclasses.replace(block, time=time.monotonic() - 20) for block in blocks[:12]]
    heard = [r for block in late for r in engine.push(block)]
    assert [r.time for r in heard] == [1, 2, 3]  # the first is never skipped
    assert engine.counts.decisions_skipped == 9
    heard = [r for block in blocks[12:] for r in engine.push(dataclasses.replace(block, time=time.monotonic()))]
    assert [r.time for r in heard] == list(range(13, 21))
    assert heard[0].genre is not None  # all of it has entered the windows
    assert engine.counts.decisions_skipped == 9


def test_time_between_decisions_is_bounded_however_late_they_are(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edmlive.realtime.decider.SKIP_SECONDS", 0.0)
    engine = Engine(classifier, RATE)
    (block,) = cut(render(6, RATE))
    assert len(list(engine.push(dataclasses.replace(block, time=time.monotonic() - 60)))) == 6


def test_readings_carry_notices_about_faulty_sound(classifier: Classifier) -> None:
    samples = render(10, 44_100)
    samples[:, 1] = 0
    heard = readings(Engine(classifier, 44_100), cut(samples), 44_100)
    assert heard[2].notices == ()
    assert "only the first plays" in heard[-1].notices[0]


def test_answers_are_called_by_the_names_given(classifier: Classifier, tmp_path: Path) -> None:
    names = tmp_path / "names.toml"
    names.write_text('[Club]\nFront = ["genre A", "genre B", "genre C", "genre D"]\nBack = ["genre E"]\n')
    heard = readings(Engine(classifier, RATE, labels=names), cut(render(6, RATE)))
    said = [r for r in heard if r.genre is not None]
    assert said
    for one in said:
        assert {c.genre for c in one.top} == {"Front", "Back", "genre F", "genre G", "genre H"}
        assert sum(c.confidence for c in one.top) == pytest.approx(1)
        assert one.family == "Club"
        front_and_back = [c.confidence for c in one.top if c.genre in ("Front", "Back")]
        assert one.family_confidence == pytest.approx(sum(front_and_back))


@pytest.mark.parametrize("known", [True, False])
def test_track_is_what_all_of_its_decisions_make_it(
    classifier: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    named, unknown = made.reading(family="Club", family_confidence=0.5), made.waiting(state=State.UNKNOWN)
    heard = [made.waiting(), named, unknown, named if known else unknown, made.waiting(state=State.SILENCE)]
    monkeypatch.setattr(Engine, "run", lambda self, source: iter(heard))
    path = write_audio(tmp_path / "music.wav", render(1, RATE), RATE, "pcm_f32le", "flt")
    track = classify(path, classifier)
    assert track.state is (State.LISTENING if known else State.UNKNOWN)
    assert [track.genre, track.family] == (["Techno", "Club"] if known else [None, None])
    assert bool(track.top) is (track.confidence is not None) is known
