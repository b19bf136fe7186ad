import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edmlive.synth.kernels.oscillators import (
    PULSE,
    SAW,
    SINE,
    TRIANGLE,
    glide,
    modulated_sine,
    oscillate,
    sine,
    square_cluster,
)

RATE = 44_100.0


@settings(deadline=None)  # the first call compiles
@given(st.floats(-1e6, 1e6))
def test_sine_is_within_its_tables_error(cycles: float) -> None:
    assert sine(cycles) == pytest.approx(np.sin(2 * np.pi * (cycles % 1.0)), abs=1e-6)


@pytest.mark.parametrize("waveform", [SINE, SAW, PULSE, TRIANGLE])
@pytest.mark.parametrize("hertz", [55.0, 440.0, 3000.0])
def test_fundamental_has_the_requested_frequency(waveform: int, hertz: float) -> None:
    samples = oscillate(waveform, np.full(44_100, hertz), RATE, 0.0, 0.5)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    assert abs(int(spectrum[5:].argmax()) + 5 - hertz) <= 1
    assert np.abs(samples).max() <= 1.05


@pytest.mark.parametrize("waveform", [SAW, PULSE])
def test_aliases_are_well_under_those_of_a_naive_waveform(waveform: int) -> None:
    hertz = 2959.0
    phase = np.arange(44_100) * hertz / RATE % 1.0
    naive = 2 * phase - 1 if waveform == SAW else np.where(phase < 0.5, 1.0, -1.0)
    ours = oscillate(waveform, np.full(44_100, hertz), RATE, 0.0, 0.5)

    def aliases(samples: np.ndarray) -> float:
        power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
        harmonics = np.abs((np.arange(len(power)) + hertz / 2) % hertz - hertz / 2) < 5
        return float(power[~harmonics][:10_000].sum() / power.sum())

    assert aliases(ours) < 0.1 * aliases(naive)


@given(st.floats(0.05, 0.95))
def test_pulse_is_high_for_its_width(width: float) -> None:
    samples = oscillate(PULSE, np.full(44_100, 100.0), RATE, 0.0, width)
    assert (samples > 0).mean() == pytest.approx(width, abs=0.01)


def test_phase_modulation_adds_sidebands() -> None:
    seconds = np.arange(44_100) / RATE
    samples = modulated_sine(1000.0 * seconds, 0.2 * np.sin(2 * np.pi * 100 * seconds))
    spectrum = np.abs(np.fft.rfft(samples))
    assert spectrum[[900, 1000, 1100]].min() > 10 * np.median(spectrum[1300:2000]) + 1e-3


def test_glide_halves_its_distance_as_documented() -> None:
    np.testing.assert_allclose(glide(4, 9.0, 1.0, 0.5), [9.0, 5.0, 3.0, 2.0])


def test_other_types_are_refused_at_once() -> None:
    with pytest.raises(TypeError):
        oscillate(SAW, np.full(10, 100.0, np.float32), RATE, 0.0, 0.5)


def test_a_wave_alone_is_a_square_of_its_frequency_and_phase() -> None:
    samples = square_cluster(44_100, np.array([100.0]), np.array([0.25]), RATE)
    phases = 0.25 + np.arange(44_100) * 100 / RATE
    expected = np.where(phases % 1 < 0.5, 1.0, -1.0)
    assert np.mean(samples != expected) < 0.003  # the accumulated phase may round the other way where the wave turns


def test_the_cluster_is_the_mean_of_its_waves() -> None:
    hertz, phases = np.array([205.3, 304.4, 522.7]), np.array([0.0, 0.3, 0.9])
    alone = [square_cluster(5000, hertz[i : i + 1], phases[i : i + 1], RATE) for i in range(3)]
    np.testing.assert_allclose(square_cluster(5000, hertz, phases, RATE), np.mean(alone, axis=0), atol=1e-6)
