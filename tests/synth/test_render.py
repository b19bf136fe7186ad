"""What a rendered track promises: its truth, its loudness, and the same samples for the same seed."""

import hashlib
import os
import platform
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from numpy._core._multiarray_umath import __cpu_dispatch__  # type: ignore[import-not-found]
from numpy.typing import NDArray

from edmlive.errors import UserError
from edmlive.features.resampler import Resampler
from edmlive.features.rhythm import RhythmTracker
from edmlive.synth.audio import RATE
from edmlive.synth.kernels.filters import LOW, state_variable
from edmlive.synth.loudness import loudness
from edmlive.synth.mastering import balance
from edmlive.synth.recipe import Faders
from edmlive.synth.render import Rendering, mix, plan, render
from edmlive.taxonomy import SUBGENRES
from tests.conftest import ROOT

FOUR_ON_THE_FLOOR = ("house", "tech-house", "uplifting-trance", "psy-trance", "progressive-big-room", "hard-dance")
DIGEST = (
    "import hashlib; from edmlive.synth.render import render; "
    "print(*(hashlib.sha256(render(genre, 8.0, 5).samples.tobytes()).hexdigest() for genre in {genres!r}))"
)
OLDER_PROCESSOR = {
    "NUMBA_CPU_NAME": "x86-64",
    "NUMBA_CPU_FEATURES": "",
    "NPY_DISABLE_CPU_FEATURES": " ".join(__cpu_dispatch__),
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX512F",
}


@pytest.fixture(scope="module", params=SUBGENRES)
def track(request: pytest.FixtureRequest) -> Rendering:
    """Return forty seconds of each subgenre."""
    return render(request.param, 40.0, seed=11)


def onsets(samples: NDArray[np.float32], highest: float) -> NDArray[np.float64]:
    """Return how much the level below a frequency, its peak over 30 ms, rises in each 10 ms, at least 0."""
    mono = samples.mean(axis=1, dtype=np.float32)
    state_variable(mono, np.array([highest]), RATE, 0.7, LOW)
    level = np.abs(mono[: len(mono) // 441 * 441]).reshape(-1, 441).max(axis=1)
    level = np.maximum(level, np.maximum(np.roll(level, 1), np.roll(level, 2)))
    return np.maximum(0.0, np.diff(level, prepend=0.0)).astype(np.float64)


def test_samples_are_stereo_and_of_the_requested_length(track: Rendering) -> None:
    assert track.samples.shape == (40 * RATE, 2)
    assert track.samples.dtype == np.float32


def test_nothing_clips_and_nothing_is_missing(track: Rendering) -> None:
    assert np.isfinite(track.samples).all()
    assert np.abs(track.samples).max() <= 0.945  # -0.5 dBFS
    seconds = np.abs(track.samples).reshape(40, -1).max(axis=1)
    assert seconds.min() > 0.01
    assert not np.array_equal(track.samples[:, 0], track.samples[:, 1])


def test_loudness_is_that_of_released_music(track: Rendering) -> None:
    assert -14.0 <= loudness(track.samples) <= -6.0


def test_no_click_where_sections_meet(track: Rendering) -> None:
    # A click is one sample far off the line through its neighbours amid calm ones; after a drum it is not calm.
    for section in track.truth.sections[1:]:
        place = round(section.start * RATE)
        around = track.samples[place - 2000 : place + 2000, 0].astype(np.float64)
        bend = np.abs(around[2:] - 2 * around[1:-1] + around[:-2])
        worst = int(bend.argmax())
        after = np.median(bend[worst + 2 : worst + 200]) if worst + 200 < len(bend) else np.median(bend)
        assert bend[worst] < 0.3 or after > 0.01


def test_tempo_is_heard(track: Rendering) -> None:
    tracker = RhythmTracker(40.0)
    tracker.push(Resampler(RATE).push(track.samples, last=True))
    heard = tracker.read(40.0).bpm
    ratios = [0.5, 2 / 3, 0.75, 1.0, 4 / 3, 1.5, 2.0]
    nearest = min(ratios, key=lambda ratio: abs(np.log(heard / track.truth.bpm / ratio)))
    assert heard / track.truth.bpm / nearest == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("genre", FOUR_ON_THE_FLOOR)
def test_kicks_fall_on_the_beats_of_the_truth(genre: str) -> None:
    planned = plan(genre, 20.0, seed=3)
    alone = Faders(drums=-200.0, bass=-200.0, music=-200.0)
    kicks = mix(replace(planned, recipe=planned.recipe.model_copy(update={"faders": alone})))
    strength = onsets(kicks, 150.0)
    beat = np.arange(len(strength)) * 0.01 * planned.clock.bpm / 60
    near = np.abs(beat - np.round(beat)) < 0.1
    assert strength[near].sum() / strength.sum() > 0.45  # in a fifth of the time; some have kicks between the beats


def test_a_bar_is_four_beats(track: Rendering) -> None:
    strength = onsets(track.samples, 20_000.0)
    strength -= strength.mean()
    bar = 240 / track.truth.bpm * 100

    def alike(lag: float) -> float:
        places = np.arange(0, len(strength) - lag - 1)
        return float(np.mean(strength[: len(places)] * np.interp(places + lag, np.arange(len(strength)), strength)))

    assert alike(bar) > max(alike(bar * 3 / 4 * 1.09), alike(bar * 5 / 4 * 0.93), alike(bar * 1.03))


def test_the_seed_decides_and_nothing_else() -> None:
    first = render("dubstep", 6.0, seed=1).samples
    np.testing.assert_array_equal(first, render("dubstep", 6.0, seed=1).samples)
    assert not np.array_equal(first, render("dubstep", 6.0, seed=2).samples)


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="disables the features of x86-64 processors"
)
def test_an_older_processor_renders_the_same_samples() -> None:
    genres = ("uplifting-trance", "jungle-drum-and-bass", "dub-techno")
    here = [hashlib.sha256(render(genre, 8.0, 5).samples.tobytes()).hexdigest() for genre in genres]
    command = [sys.executable, "-c", DIGEST.format(genres=genres)]
    done = subprocess.run(
        command, env=os.environ | OLDER_PROCESSOR, cwd=ROOT, capture_output=True, text=True, check=True, timeout=300
    )
    assert done.stdout.split() == here


@pytest.mark.parametrize("genre", FOUR_ON_THE_FLOOR)
def test_rough_mix_is_the_same_music_in_another_sound(genre: str) -> None:
    finished, rough = render(genre, 12.0, 7), render(genre, 12.0, 7, preset="rough-mix")
    assert rough.truth == finished.truth
    assert loudness(rough.samples) < loudness(finished.samples) - 2
    assert np.abs(rough.samples).max() <= 1
    difference = balance(rough.samples) - balance(finished.samples)
    assert np.abs(difference).max() > 3


def test_unknown_preset_is_refused() -> None:
    with pytest.raises(UserError, match="no preset 'radio': choose from mastered, rough-mix"):
        render("house", 5.0, seed=0, preset="radio")  # type: ignore[arg-type]


def test_tempo_can_be_chosen() -> None:
    assert render("house", 5.0, seed=0, bpm=97.5).truth.bpm == 97.5


@pytest.mark.parametrize(
    ("seconds", "bpm", "message"),
    [
        (0.5, None, "0.5 s cannot"),
        (4000.0, None, "4000 s cannot"),
        (float("nan"), None, "nan s"),
        (5.0, 20.0, "20 BPM"),
    ],
)
def test_what_cannot_be_rendered_is_refused(seconds: float, bpm: float | None, message: str) -> None:
    with pytest.raises(UserError, match=message):
        render("house", seconds, seed=0, bpm=bpm)


def test_sections_cover_the_track(track: Rendering) -> None:
    sections = track.truth.sections
    assert sections[0].start == 0.0
    ends = [section.start + section.seconds for section in sections]
    np.testing.assert_allclose([section.start for section in sections[1:]], ends[:-1])
    assert ends[-1] == pytest.approx(40.0)
