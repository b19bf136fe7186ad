"""Sounds that are no electronic music, for the state *unknown*: noise, hum, tones, sweeps, clicks, applause, voices.

All are made here, the voices by espeak-ng, so that any number of each kind can be had; mono float32 at `RATE`.
"""

import subprocess
import tempfile
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from research.handlings import RATE, Samples, decoded

SECONDS = 120
_LENGTH = RATE * SECONDS
_TIME = np.arange(_LENGTH) / RATE
VOICES = "en-us en-gb de fr es it pt nl pl sv ru cs tr el hi en-us+f2 de+f3 fr+f4 en-gb+m5 es+f1"
"""Of espeak-ng."""
WORDS = """
the club opens at ten and closes late welcome ladies and gentlemen tonight we have music from every country please leave
your coats on the left there is a bar upstairs thank you for coming drive home safely number seven check one two three
testing the microphone can you hear me at the back monitor louder news weather traffic
"""


def _at(samples: NDArray[np.floating], rng: np.random.Generator, quietest: float, loudest: float) -> Samples:
    peak = 10 ** (rng.uniform(quietest, loudest) / 20)
    return (samples * (peak / max(float(np.abs(samples).max()), 1e-12))).astype(np.float32)


def _coloured(rng: np.random.Generator, slope: float) -> NDArray[np.float64]:
    """Noise whose power falls with frequency to the power of `slope`: 0 white, 1 pink, 2 brown."""
    spectrum = np.fft.rfft(rng.standard_normal(_LENGTH))
    spectrum[1:] *= np.arange(1, len(spectrum)) ** (-slope / 2)
    spectrum[0] = 0.0
    return np.fft.irfft(spectrum, _LENGTH)


def noise(rng: np.random.Generator) -> Samples:
    """Noise of any colour, sometimes in a band or swelling, at any level."""
    slope, sounding = rng.uniform(0, 2), np.ones(_LENGTH)
    out = _coloured(rng, slope)
    if rng.random() < 0.4:
        low = rng.uniform(40, 3_000)
        high = min(low * rng.uniform(1.5, 8), RATE / 2)
        spectrum = np.fft.rfft(out)
        hertz = np.fft.rfftfreq(_LENGTH, 1 / RATE)
        out = np.fft.irfft(np.where((hertz > low) & (hertz < high), spectrum, 0.03 * spectrum), _LENGTH)
    if rng.random() < 0.3:
        sounding = 1 + 0.8 * np.sin(2 * np.pi * rng.uniform(0.05, 2) * _TIME)
    return _at(out * sounding, rng, -50, -1)


def hum(rng: np.random.Generator) -> Samples:
    """Make a line with nothing but the hum of the mains and a little hiss, at any level."""
    hertz = rng.choice([50, 60]) * (1 + 1e-3 * rng.standard_normal())
    fall = rng.uniform(0, 1.2)
    out = np.zeros(_LENGTH)
    for k in (1, 2, 3, 4, 5, 6, 7, 9, 11):
        out += rng.random() ** 1.5 / k**fall * np.sin(2 * np.pi * hertz * k * _TIME + rng.uniform(0, 6))
    hiss = _coloured(rng, rng.uniform(0, 1))
    return _at(out / np.abs(out).max() + 10 ** (rng.uniform(-70, -25) / 20) * hiss / np.abs(hiss).max(), rng, -52, -3)


def tone(rng: np.random.Generator) -> Samples:
    """One to four sines, sometimes interrupted."""
    pitches = np.exp(rng.uniform(np.log(60), np.log(8_000), rng.integers(1, 5)))
    out = sum(np.sin(2 * np.pi * hertz * _TIME) for hertz in pitches)
    if rng.random() < 0.4:
        out = out * (np.sin(2 * np.pi * rng.uniform(0.2, 4) * _TIME) > rng.uniform(-0.8, 0.8))
    return _at(np.asarray(out), rng, -40, -3)


def sweep(rng: np.random.Generator) -> Samples:
    """Make a sine that sweeps, linearly or exponentially, up or down, again and again."""
    phase = _TIME % (length := rng.uniform(5, 130)) / length
    rising = phase if rng.random() < 0.5 else 1 - phase
    exponential = 50 * rng.uniform(20, 300) ** rising
    hertz = exponential if rng.random() < 0.5 else 50 + rng.uniform(2_000, 12_000) * rising
    return _at(np.sin(2 * np.pi * np.cumsum(hertz) / RATE), rng, -30, -3)


def clicks(rng: np.random.Generator) -> Samples:
    """Pulses, bursts or pings at a steady or random rate."""
    rate, length = rng.uniform(0.3, 12), int(rng.integers(5, 800))
    k = np.arange(length)
    click = (
        np.ones(length),
        rng.standard_normal(length) * np.exp(-4 * k / length),
        np.sin(2 * np.pi * rng.uniform(300, 5_000) * k / RATE) * np.exp(-4 * k / length),
    )[rng.integers(3)]
    if rng.random() < 0.35:
        places = np.sort(rng.integers(0, _LENGTH - length, int(rate * SECONDS)))
    else:
        places = np.arange(0, _LENGTH - length, int(RATE / rate))
    out = np.zeros(_LENGTH)
    for place in places:
        out[place : place + length] += click
    return _at(out, rng, -30, -1) + _at(rng.standard_normal(_LENGTH), rng, -90, -50)


def applause(rng: np.random.Generator) -> Samples:
    """From a few hands to a hall full of them."""
    claps = rng.poisson(np.exp(rng.uniform(np.log(30), np.log(3_000))) * SECONDS)
    out = np.zeros(_LENGTH)
    np.add.at(out, rng.integers(0, _LENGTH, claps), rng.uniform(0.2, 1, claps) * rng.choice([-1, 1], claps))
    for seconds, decay in ((0.03, 0.006), (0.6, rng.uniform(0.05, 0.25))):
        tail = np.arange(int(seconds * RATE)) / RATE
        out = _convolved(out, rng.standard_normal(len(tail)) * np.exp(-tail / decay))
    swelling = np.interp(_TIME, np.arange(0, SECONDS + 1, 4), rng.uniform(0.2, 1, SECONDS // 4 + 1))
    return _at(out * swelling, rng, -25, -2)


def spoken(text: str, *options: str) -> Samples:
    """Return a text as espeak-ng says it, with some of its options."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        subprocess.run(["espeak-ng", *options, "-w", file.name, text], check=True)
        return decoded("-i", file.name)


def speech(rng: np.random.Generator) -> Samples:
    """One voice of espeak-ng, in one of many languages, with some noise behind it."""
    text = ". ".join(" ".join(rng.choice(WORDS.split(), 40)) for _ in range(8))
    speed, pitch = str(rng.integers(110, 220)), str(rng.integers(20, 80))
    said = spoken(text, "-v", str(rng.choice(VOICES.split())), "-s", speed, "-p", pitch)
    return _at(np.resize(said, _LENGTH), rng, -25, 0) + _at(_coloured(rng, 1), rng, -90, -40)


def crowd(rng: np.random.Generator) -> Samples:
    """Many voices at once."""
    voices = [np.roll(speech(rng), rng.integers(0, _LENGTH)) for _ in range(rng.integers(4, 10))]
    return _at(np.sum(voices, axis=0), rng, -30, -3) + _at(_coloured(rng, 1), rng, -50, -25)


KINDS: dict[str, Callable[[np.random.Generator], Samples]] = {
    kind.__name__: kind for kind in (noise, hum, tone, sweep, clicks, applause, speech, crowd)
}


def _convolved(samples: NDArray[np.float64], response: NDArray[np.float64]) -> NDArray[np.float64]:
    size = 1 << (len(samples) + len(response) - 1).bit_length()
    return np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(response, size), size)[: len(samples)]
