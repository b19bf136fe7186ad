"""Effects on a voice or a group of voices: distortion, space, movement and wear."""

import math

import numpy as np
from numpy.typing import NDArray

from edmlive.synth.audio import RATE, Samples, gain, length, steady
from edmlive.synth.kernels.delays import delayed, feedback_delay_network, ping_pong
from edmlive.synth.kernels.dynamics import soft_clip
from edmlive.synth.kernels.filters import HIGH, LOW, one_pole, state_variable
from edmlive.synth.kernels.oscillators import SINE, oscillate

_LAGS = np.array([1129, 1361, 1597, 1867, 2153, 2467, 2801, 3191])
"""Lengths in samples of a hall's delay lines, 26 to 72 ms: primes, so that their echoes do not fall together."""
_DIFFUSERS = np.array([157, 211, 409, 563])
_HALL_SECONDS = 2.0


def drive(samples: Samples, amount: float) -> Samples:
    """Overdrive: clip softly, at the power that the sound had.

    Parameters
    ----------
    samples
        Any shape. Full scale is where an `amount` of a third begins to clip.
    amount
        0 (none) to 1 (boosted by 24 dB before it is clipped).
    """
    out = np.array(samples, np.float32, order="C")
    if amount <= 0:
        return out
    before = _power(out)
    soft_clip(out.reshape(-1), gain(36.0 * amount - 12.0))
    out *= np.float32(math.sqrt(before / max(_power(out), 1e-30)))
    return out


def reverb(mono: Samples, seconds: float, brightness_hz: float = 5_000.0, predelay_s: float = 0.0) -> Samples:
    """Return the reverberation of a sound in a room, about as loud as the sound at low frequencies.

    Parameters
    ----------
    mono
        Shape (samples,).
    seconds
        Reverberation time (60 dB) of low frequencies, 0.1...20. Up to 2 s, a shorter one is a smaller room too.
    brightness_hz
        Frequency that rings half as long.
    predelay_s
        Seconds before the room answers.

    Returns
    -------
    ndarray, shape (samples, 2)
        The reverberation without the dry sound.
    """
    size = steady(min(1.0, 0.25 + 0.75 * seconds / _HALL_SECONDS))
    diffusers, lags = (_DIFFUSERS * size).astype(np.int64), (_LAGS * size).astype(np.int64)
    gains = np.array([gain(-60.0 * lag / (seconds * RATE)) for lag in lags])
    poles = np.array([_halving_pole(g, brightness_hz) for g in gains])
    late = np.zeros(len(mono), np.float32)
    silent = min(round(predelay_s * RATE), len(mono))
    late[silent:] = mono[: len(mono) - silent]
    out = feedback_delay_network(late, diffusers, lags, gains, poles)
    # Each side hears four lines that the sound went into, and a power of g² is left after each way through them.
    out *= np.float32(math.sqrt((1.0 - float(np.mean(gains * gains))) / 4.0))
    return out


def delay(mono: Samples, seconds: float, feedback: float, cutoff_hz: float = 5_000.0) -> Samples:
    """Return echoes that alternate between the sides, left first, each duller than the last.

    Parameters
    ----------
    mono
        Shape (samples,).
    seconds
        Time from one echo to the next.
    feedback
        Gain from one echo to the next, 0...0.95.
    cutoff_hz
        Low-pass of each echo.

    Returns
    -------
    ndarray, shape (samples, 2)
        The echoes without the dry sound.
    """
    smoothing = steady(1.0 - math.exp(-2.0 * math.pi * cutoff_hz / RATE))
    return ping_pong(np.ascontiguousarray(mono), length(seconds), feedback, smoothing)


def chorus(mono: Samples, depth: float, hertz: float = 0.6) -> Samples:
    """Widen a sound with two copies whose pitch wavers.

    Parameters
    ----------
    mono
        Shape (samples,).
    depth
        0 (the sound itself in the centre) to 1.
    hertz
        Rate of the wavering, in Hz.

    Returns
    -------
    ndarray, shape (samples, 2)
    """
    dry = np.ascontiguousarray(mono)
    if depth <= 0:
        return np.stack((dry, dry), axis=1)
    centre, swing, share = np.float32(0.012 * RATE), np.float32(0.004 * RATE * depth), np.float32(0.5 * depth)
    sides = [delayed(dry, centre + swing * _sway(len(dry), hertz, phase)) for phase in (0.0, 0.25)]
    return np.stack([dry * (1 - share / 2) + side * share for side in sides], axis=1)


def duck(
    count: int, starts: NDArray[np.int64], depth: float, attack_s: float = 0.005, release_s: float = 0.25
) -> Samples:
    """Return the gain of a sound that is ducked under another: side-chain compression as a curve.

    Parameters
    ----------
    count
        Samples in the curve.
    starts
        Samples at which the other sound starts, 0 or more.
    depth
        0 (none) to 1 (down to silence).
    attack_s, release_s
        Time to the lowest gain, and from there back to 1.

    Returns
    -------
    ndarray, shape (count,)
        Gains, ``1 - depth`` to 1.
    """
    fall, rise = length(attack_s), length(release_s)
    time = np.concatenate((np.arange(fall, 0, -1) / fall, np.arange(rise + 1) / rise))
    dip = (1.0 - depth * (1.0 - time * time * (3.0 - 2.0 * time))).astype(np.float32)
    curve = np.ones(count, np.float32)
    for start in starts:
        part = curve[start : start + len(dip)]
        np.minimum(part, dip[: len(part)], out=part)
    return curve


def vinyl(count: int, rng: np.random.Generator, level_db: float = -45.0) -> Samples:
    """Return the noise of a record: crackle, hiss and the rumble of the motor.

    Parameters
    ----------
    count
        Samples in it.
    rng
        Source of the noise.
    level_db
        RMS in dB relative to full scale.

    Returns
    -------
    ndarray, shape (count, 2)
    """
    clicks = int(8 * count / RATE)
    sides = []
    for _ in range(2):
        hiss = rng.random(count, dtype=np.float32) - np.float32(0.5)
        rumble = 30.0 * hiss
        state_variable(rumble, np.array([35.0]), RATE, 1.0, LOW)
        heights = rng.uniform(-1.0, 1.0, clicks)
        hiss[rng.integers(0, count, clicks)] += 60.0 * heights * heights * heights
        one_pole(hiss, 5_000.0, RATE)
        state_variable(hiss, np.array([400.0]), RATE, 0.7, HIGH)
        sides.append(hiss + rumble)
    out = np.stack(sides, axis=1)
    out *= np.float32(gain(level_db) / math.sqrt(max(_power(out), 1e-30)))
    return out


def tape(samples: Samples, wow: float) -> Samples:
    """Let the speed waver, as on an old record or tape.

    Parameters
    ----------
    samples
        Shape (samples,) or (samples, channels).
    wow
        0 (none) to 1 (about a third of a semitone at 33⅓ turns a minute, and a flutter at 7 Hz).
    """
    if wow <= 0:
        return samples.copy()
    turns, flutter = _sway(len(samples), 33.3 / 60.0, 0.0), _sway(len(samples), 7.1, 0.0)
    lags = np.float32(wow * RATE) * (0.0061 + 0.006 * turns + 0.0001 * flutter)
    channels = [delayed(np.ascontiguousarray(channel), lags) for channel in samples.reshape(len(samples), -1).T]
    return np.stack(channels, axis=1).reshape(samples.shape)


def _sway(samples: int, rate: float, phase: float) -> NDArray[np.float32]:
    return oscillate(SINE, np.full(samples, rate), RATE, phase, 0.5)


def _halving_pole(gain_at_zero: float, brightness: float) -> float:
    # The p with which (1 - p) / (1 - p z⁻¹) is the gain itself at `brightness`: there, each way costs twice the dB.
    g = gain_at_zero * gain_at_zero
    half = 1.0 - g * math.cos(2.0 * math.pi * min(brightness, 0.45 * RATE) / RATE)
    return steady((half - math.sqrt(half * half - (1.0 - g) * (1.0 - g))) / (1.0 - g))


def _power(samples: Samples) -> float:
    return float(np.mean(samples * samples, dtype=np.float64)) if samples.size else 0.0
