"""Mastering: gives a mix the tonal balance, density and loudness of a finished track."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edmlive.synth.audio import RATE, Samples, gain, steady
from edmlive.synth.effects import drive, reverb
from edmlive.synth.kernels.dynamics import follow, limit
from edmlive.synth.kernels.filters import HIGH, state_variable
from edmlive.synth.kernels.multiband import band_powers, compress_bands
from edmlive.synth.loudness import loudness

BALANCE_HERTZ = (40, 80, 160, 250, 400, 630, 1000, 1600, 2500, 4000, 6300, 10000)
"""Centres of the bands of a tonal balance, in Hz. Bands meet at the geometric mean of their centres."""

CEILING_DB = -0.5
"""Peak of a master, in dB relative to full scale."""
MOST_LIMITING_DB = 15.0
"""Most that the limiter takes from recurring peaks, even if the target loudness is not reached."""
_TOLERANCE_LU = 0.4
_TOLERANCE_DB = 0.7
_FLOOR_DB = 70.0
_MOST_EQUALISING_DB = 15.0
_CROSSOVERS = (140.0, 2500.0)
_MOST_UPWARD_DB = 18.0
_RUMBLE_HERTZ = 27.0
"""Below this there is no music, only what uses up the limiter's headroom."""
_FRAME = RATE // 20
_TAPS, _TAP_STEPS, _BLOCK = 4096, 2.0**26, 16384

Spectrum = NDArray[np.complexfloating]
Levels = NDArray[np.float64]
"""Levels in dB, one of each band: shape (12,), or (frames, 12)."""


@dataclass(frozen=True)
class Master:
    """Settings of a mastering."""

    loudness: float
    """Integrated loudness in LUFS, -20...-5."""
    balance: tuple[float, ...]
    """Tonal balance: level of each band of `BALANCE_HERTZ` in dB, as `balance` measures it. Only its shape counts."""
    density: float = 0.4
    """Multiband compression, upward as well as downward, 0...1: fills the gaps between the strokes."""
    glue: float = 2.0
    """Gain reduction of the bus compressor in loud passages in dB, 0...8."""
    punch: float = 0.01
    """Attack of the bus compressor in seconds, 0.001...0.05: what comes before it stays as it was."""
    saturation: float = 0.2
    """Soft clipping, 0...1."""
    width: float = 1.0
    """Gain of the difference between the channels, 0 (mono) to 1.5."""
    room: float = 0.0
    """Reverberation of a small room on the whole mix, 0...1."""


def master(mix: Samples, settings: Master) -> Samples:
    """Master a mix.

    Parameters
    ----------
    mix
        Shape (samples, 2), at any level.
    settings
        Targets. Equalisation, before the other stages and once more after them, is limited to 15 dB in a band, and
        loudness to where the limiter would take more than 15 dB from recurring peaks.

    Returns
    -------
    ndarray, shape (samples, 2)
        Magnitudes up to -0.5 dB relative to full scale. A silent mix stays silent.
    """
    target = np.array(settings.balance) - np.mean(settings.balance)
    placed = _placed(mix, settings.width, settings.room)
    _densified(placed, settings.density)
    shaped = equalised(placed, _gains_towards(target, _levels(placed)))
    shaped = _saturated(_glued(shaped, settings.glue, settings.punch), settings.saturation)
    mastered = _limited(shaped, settings.loudness)
    # Gains that move with time shift all bands nearly alike, but saturation adds harmonics.
    levels = _levels(mastered)
    if np.abs(_mean(levels) - target).max() > _TOLERANCE_DB:
        mastered = _limited(equalised(shaped, _gains_towards(target, levels)), settings.loudness)
    return mastered


def balance(mix: Samples) -> Levels:
    """Measure the tonal balance of a piece.

    The mono mix is cut into frames of 50 ms with a Hann window. A band's level in a frame is its mean magnitude in dB,
    not below -70 dB relative to the highest level of any frame and band. White noise is flat. The mean of levels, and
    not the level of the mean, is what the mean of cepstral coefficients measures, and a static filter moves it as far
    as its gain is.

    Parameters
    ----------
    mix
        Shape (samples, 2) at `RATE`.

    Returns
    -------
    ndarray, shape (12,)
        Mean level of each band of `BALANCE_HERTZ` in dB less the mean of all bands; zeros if `mix` is silent.
    """
    return _mean(_levels(mix))


def _levels(mix: Samples) -> Levels:
    mono = mix[:, 0] + mix[:, 1]
    frames = max(1, len(mono) // _FRAME)
    mono = np.pad(mono, (0, max(0, frames * _FRAME - len(mono))))[: frames * _FRAME].reshape(frames, _FRAME)
    spectrum = np.fft.rfft(mono * _WINDOW)
    magnitudes = np.sqrt(spectrum.real * spectrum.real + spectrum.imag * spectrum.imag)
    sums = np.add.reduceat(magnitudes, _EDGES, axis=1)[:, :-1].astype(np.float64)
    return np.asarray(20.0 * np.log10(np.maximum(sums / np.diff(_EDGES), 1e-9)))


def _mean(levels: Levels) -> Levels:
    mean = np.maximum(levels, levels.max() - _FLOOR_DB).mean(axis=0)
    return np.asarray(mean - mean.mean())


def _gains_towards(target: Levels, levels: Levels) -> Levels:
    gains = np.zeros(len(BALANCE_HERTZ))
    # Neighbouring bands share what lies between their centres, and no gain moves a frame at the floor: go step by step.
    for _ in range(20):
        gains += target - _mean(levels + (_SPREAD * gains).sum(axis=1))
        gains = np.clip(gains - gains.mean(), -_MOST_EQUALISING_DB, _MOST_EQUALISING_DB)
    return np.round(gains, 3)


def equalised(mix: Samples, gains: Levels) -> Samples:
    """Filter with a minimum-phase equaliser, which has no pre-echo.

    Parameters
    ----------
    mix
        Shape (samples, 2).
    gains
        Gain in dB at each of `BALANCE_HERTZ`, shape (12,); straight lines over the logarithm of frequency between, and
        level beyond.

    Returns
    -------
    ndarray, shape (samples, 2)
    """
    response = np.fft.fft(_minimum_phase(gains), _BLOCK)
    # The two channels are the parts of one complex signal, which a filter of real taps keeps apart.
    stereo = np.ascontiguousarray(mix).view(np.complex64)[:, 0]
    hop = _BLOCK - _TAPS
    out = np.zeros(len(stereo) + _BLOCK, np.complex64)
    for start in range(0, len(stereo), hop):
        out[start : start + _BLOCK] += np.fft.ifft(_product(np.fft.fft(stereo[start : start + hop], _BLOCK), response))
    return out[: len(stereo), np.newaxis].view(np.float32)


def _minimum_phase(gains: Levels) -> Samples:
    # Folding the cepstrum onto positive time: Oppenheim and Schafer, Discrete-time signal processing, 1989, chapter 12.
    size = 2 * _BLOCK
    hertz = np.fft.rfftfreq(size, 1.0 / RATE)
    cepstrum = np.fft.irfft(_interpolated(hertz, gains) * (math.log(10.0) / 20.0))
    cepstrum[1 : size // 2] *= 2.0
    cepstrum[size // 2 + 1 :] = 0.0
    taps = np.fft.irfft(np.exp(np.fft.rfft(cepstrum)))[:_TAPS]
    taps[_TAPS // 2 :] *= 0.5 + 0.5 * np.cos(np.pi * np.arange(_TAPS // 2) / (_TAPS // 2))
    # To an even grid: rounding to single precision would leave differences in the last bits of small taps.
    return (np.round(taps * _TAP_STEPS) / _TAP_STEPS).astype(np.float32)


def _interpolated(hertz: NDArray[np.floating], gains: Levels) -> Levels:
    return np.asarray(np.interp(np.log(np.maximum(hertz, 1.0)), np.log(BALANCE_HERTZ), gains))


def _product(a: Spectrum, b: Spectrum) -> Spectrum:
    # NumPy's own fuses multiplications with additions on some processors, and rounds differently on others.
    out = np.empty_like(a)
    out.real = a.real * b.real - a.imag * b.imag
    out.imag = a.real * b.imag + a.imag * b.real
    return out


def _placed(mix: Samples, width: float, room: float) -> Samples:
    middle, side = 0.5 * (mix[:, 0] + mix[:, 1]), np.float32(0.5 * width) * (mix[:, 0] - mix[:, 1])
    for channel in (middle, side):
        for _ in range(2):
            state_variable(channel, np.array([_RUMBLE_HERTZ]), RATE, 0.7, HIGH)
    out = np.stack((middle + side, middle - side), axis=1)
    if room > 0:
        out += np.float32(0.5 * room) * reverb(middle, 0.6, 4_000.0, 0.008)
    return out


def _densified(mix: Samples, depth: float) -> None:
    powers = band_powers(mix, *_CROSSOVERS, RATE)
    if powers.max() > 0:
        compress_bands(mix, *_CROSSOVERS, RATE, powers, _share(0.003), _share(0.03), gain(_MOST_UPWARD_DB), depth)


def _glued(mix: Samples, reduction: float, attack: float) -> Samples:
    # Ratio 2 : 1, whose gain is a square root, with its threshold as far under loud passages as takes the reduction.
    power = follow(mix, _share(attack), _share(0.15))
    threshold = np.float32(_loud(power[:: RATE // 100], 0.8) * gain(-4.0 * reduction))
    gains = np.sqrt(np.sqrt(np.minimum(threshold / power, np.float32(1.0))))
    return np.asarray(mix * gains[:, np.newaxis])


def _saturated(mix: Samples, amount: float) -> Samples:
    return drive(mix * np.float32(1.0 / _recurring_peak(mix)), amount)


def _limited(mix: Samples, target: float) -> Samples:
    ceiling, attack, release = gain(CEILING_DB), _share(0.002), _share(0.1)
    most = MOST_LIMITING_DB + CEILING_DB - 20.0 * math.log10(_recurring_peak(mix))
    level, boost, slope = loudness(mix), 0.0, 1.0
    for _ in range(4):
        needed = (target - level) / slope if level > -math.inf else 0.0
        change = min(needed, most - boost)
        boost += change
        loud = limit(mix, gain(boost), ceiling, attack, release)
        before, level = level, loudness(loud)
        if level == -math.inf or abs(target - level) < _TOLERANCE_LU or change < needed:
            break
        # Of each further dB, the limiter takes its share.
        slope = min(max((level - before) / change, 0.3), 1.0)
    return loud


def _recurring_peak(mix: Samples) -> float:
    # Drum hits recur; the one frame in a hundred that is higher is a coincidence.
    frame = RATE // 100
    frames = max(1, len(mix) // frame)
    peaks = np.maximum(np.abs(mix[:, 0]), np.abs(mix[:, 1]))[: frames * frame]
    return _loud(peaks.reshape(frames, -1).max(axis=1), 0.99)


def _loud(levels: NDArray[np.float32], share: float) -> float:
    """Return a quantile of the levels of the passages that are not silent, or 1 for silence."""
    audible = levels[levels > 0.001 * levels.max()]
    return steady(float(np.quantile(audible, share))) if levels.max() > 1e-9 else 1.0


def _share(seconds: float) -> float:
    return steady(1.0 - math.exp(-1.0 / (seconds * RATE)))


def _edges() -> NDArray[np.intp]:
    centres = np.array([20.0, *BALANCE_HERTZ, BALANCE_HERTZ[-1] ** 2 / BALANCE_HERTZ[-2]])
    return np.asarray(np.ceil(np.sqrt(centres[:-1] * centres[1:]) * _FRAME / RATE), np.intp)


def _spread() -> Levels:
    hertz = np.arange(_EDGES[-1] + 1) * (RATE / _FRAME)
    curves = np.array([_interpolated(hertz, unit) for unit in np.eye(len(BALANCE_HERTZ))])
    curves[:, 1:-1] = (curves[:, :-2] + 4.0 * curves[:, 1:-1] + curves[:, 2:]) / 6.0  # what the Hann window leaks
    return np.asarray((np.add.reduceat(curves, _EDGES, axis=1)[:, :-1] / np.diff(_EDGES)).T)


_EDGES = _edges()
"""First bin of each band, and the first above them all."""
_SPREAD = _spread()
"""How far each band's level follows the gain at each band's centre, shape (12, 12)."""
_WINDOW = np.hanning(_FRAME).astype(np.float32)
