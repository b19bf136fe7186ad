"""What happens to music between a file and the computer in a DJ booth: pitching, equalising, filtering, levels, noise.

Every handling maps mono samples at `RATE` to such samples, at another length where the speed changes. MP3 and key lock
are FFmpeg's; the rest is simple enough to be written out here, with the filters of the synthesizer.
"""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from edmlive.synth.kernels.filters import HIGH, LOW, state_variable

Samples = NDArray[np.float32]
RATE = 44_100

LOW_EDGE, HIGH_EDGE = 250.0, 2_500.0
"""Where a mixer's three bands meet, in Hz."""
KILL_DB, BOOST_DB = -90.0, 6.0
_BUTTERWORTH = 0.7071
_SWEEP_SECONDS = 16.0
_NOISE_DB = -40.0


@dataclass(frozen=True)
class Company:
    """What else may sound: another track, a voice, and the random numbers of noise.

    Parameters
    ----------
    track, voice
        Mono samples at `RATE`; repeated where they are shorter than the music.
    rng
        Source of noise.
    """

    track: Samples
    voice: Samples
    rng: np.random.Generator


Handling = Callable[[Samples, Company], Samples]


def pitched(samples: Samples, speed: float) -> Samples:
    """Play faster or slower, as a turntable does: tempo and pitch change together."""
    return np.asarray(soxr.resample(samples, RATE * speed, RATE), np.float32)


def key_locked(samples: Samples, speed: float) -> Samples:
    """Change the tempo alone."""
    return ffmpeg(samples, "-af", f"atempo={speed:g}")


def equalised(samples: Samples, low_db: float = 0.0, mid_db: float = 0.0, high_db: float = 0.0) -> Samples:
    """Mix three bands again, split by Linkwitz-Riley filters of 24 dB an octave, as an isolator does."""
    above = _filtered(samples, HIGH, LOW_EDGE)
    bands = (_filtered(samples, LOW, LOW_EDGE), _filtered(above, LOW, HIGH_EDGE), _filtered(above, HIGH, HIGH_EDGE))
    gains = (10 ** (db / 20) for db in (low_db, mid_db, high_db))
    return sum((np.float32(gain) * band for gain, band in zip(gains, bands, strict=True)), np.zeros_like(samples))


def swept(samples: Samples, response: int, start: float, end: float) -> Samples:
    """Move a resonant filter between two frequencies and back, 16 s each way."""
    phase = np.arange(len(samples)) / (RATE * _SWEEP_SECONDS) % 2
    cutoff = start * (end / start) ** np.minimum(phase, 2 - phase)
    out = samples.copy()
    state_variable(out, cutoff, RATE, 1.2, response)
    return out


def amplified(samples: Samples, gain_db: float, *, limited: bool = False) -> Samples:
    """Change the level; beyond full scale it clips, or an FFmpeg limiter keeps it below."""
    louder = samples * np.float32(10 ** (gain_db / 20))
    if limited:
        return ffmpeg(louder, "-af", "alimiter=limit=0.97:attack=3:release=80:level=disabled")
    return np.clip(louder, -1.0, 1.0)


def compressed(samples: Samples, kilobits: int) -> Samples:
    """Encode as MP3, on two channels that are the same, and decode."""
    mp3 = _run(samples, "-f", "mp3", "-ac", "2", "-b:a", f"{kilobits}k", "-")
    return decoded("-i", "-", data=mp3)


def noisy(samples: Samples, noise: Samples) -> Samples:
    """Add noise 40 dB below full scale."""
    return samples + noise * np.float32(10 ** (_NOISE_DB / 20) / np.sqrt(np.mean(noise**2)))


def hiss(length: int, rng: np.random.Generator) -> Samples:
    """Return white noise."""
    return rng.standard_normal(length, np.float32)


def hum(length: int, hertz: float = 50.0) -> Samples:
    """Return the hum of the mains: the fundamental and its odd harmonics, with a weak second."""
    time = np.arange(length) / RATE
    partials = ((1, 1.0), (2, 0.3), (3, 0.5), (5, 0.3), (7, 0.2))
    return np.asarray(sum(a * np.sin(2 * np.pi * hertz * k * time) for k, a in partials), np.float32)


def mixed(samples: Samples, other: Samples, relative_db: float) -> Samples:
    """Add another sound at a level relative to that of the music."""
    fitted = np.resize(other, len(samples))
    level = np.sqrt(np.mean(samples**2) / max(float(np.mean(fitted**2)), 1e-12))
    both = samples + fitted * np.float32(level * 10 ** (relative_db / 20))
    return both / max(1.0, float(np.abs(both).max()))


def _speeds() -> dict[str, Handling]:
    handlings: dict[str, Handling] = {}
    for percent in (-8, -6, -4, -2, 2, 4, 6, 8):
        speed = 1 + percent / 100
        handlings[f"pitch {percent:+d} %"] = lambda x, _, speed=speed: pitched(x, speed)  # type: ignore[misc]
        handlings[f"key lock {percent:+d} %"] = lambda x, _, speed=speed: key_locked(x, speed)  # type: ignore[misc]
    return handlings


HANDLINGS: dict[str, Handling] = {
    "untouched": lambda x, _: x,
    **_speeds(),
    "low killed": lambda x, _: equalised(x, low_db=KILL_DB),
    "mid killed": lambda x, _: equalised(x, mid_db=KILL_DB),
    "high killed": lambda x, _: equalised(x, high_db=KILL_DB),
    "low boosted": lambda x, _: equalised(x, low_db=BOOST_DB),
    "mid boosted": lambda x, _: equalised(x, mid_db=BOOST_DB),
    "high boosted": lambda x, _: equalised(x, high_db=BOOST_DB),
    "high-pass sweep": lambda x, _: swept(x, HIGH, 30.0, 1_500.0),
    "low-pass sweep": lambda x, _: swept(x, LOW, 16_000.0, 300.0),
    "gain +9 dB, limited": lambda x, _: amplified(x, 9.0, limited=True),
    "gain +9 dB, clipped": lambda x, _: amplified(x, 9.0),
    "12 dB of headroom": lambda x, _: amplified(x, -12.0),
    "20 dB of headroom": lambda x, _: amplified(x, -20.0),
    "MP3 at 64 kbit/s": lambda x, _: compressed(x, 64),
    "MP3 at 128 kbit/s": lambda x, _: compressed(x, 128),
    "hiss at -40 dB": lambda x, more: noisy(x, hiss(len(x), more.rng)),
    "hum at -40 dB": lambda x, _: noisy(x, hum(len(x))),
    "second track at -6 dB": lambda x, more: mixed(x, more.track, -6.0),
    "voice over it": lambda x, more: mixed(x, more.voice, 0.0),
}
"""Each handling of the benchmark by its name."""


def random_handling(samples: Samples, company: Company) -> Samples:
    """Handle music as a night does: any of the handlings with random strength, often several at once."""
    rng, out = company.rng, samples
    if rng.random() < 0.15:
        out = mixed(out, company.track, rng.uniform(-14, -3))
    if rng.random() < 0.05:
        out = mixed(out, company.voice, rng.uniform(-10, 3))
    if rng.random() < 0.6:
        speed = 1 + rng.uniform(-0.085, 0.085)
        out = key_locked(out, speed) if rng.random() < 0.4 else pitched(out, speed)
    if rng.random() < 0.5:
        gains = [rng.choice([0.0, rng.uniform(-12, 6), rng.uniform(-45, -12)], p=[0.4, 0.4, 0.2]) for _ in range(3)]
        out = equalised(out, *gains)
    if rng.random() < 0.15:
        low, response = (rng.uniform(200, 3_000), LOW) if rng.random() < 0.5 else (rng.uniform(60, 1_500), HIGH)
        out = swept(out, response, 16_000.0 if response == LOW else 25.0, low)
    if rng.random() < 0.15:
        out = noisy(out, hiss(len(out), rng) if rng.random() < 0.5 else hum(len(out), rng.choice([50.0, 60.0])))
    if rng.random() < 0.15:
        out = compressed(out, int(rng.choice([64, 96, 128])))
    if rng.random() < 0.6:
        out = amplified(out, rng.uniform(-20, 10), limited=rng.random() < 0.5)
    return out


def decoded(*source: str, data: bytes = b"") -> Samples:
    """Return what FFmpeg decodes, mono at `RATE`.

    Parameters
    ----------
    source
        FFmpeg's options for the input, such as ``"-i", "track.ogg"``.
    data
        What it reads from standard input.
    """
    command = ["ffmpeg", "-v", "error", *source, "-f", "f32le", "-ac", "1", "-ar", str(RATE), "-"]
    return np.frombuffer(subprocess.run(command, input=data, capture_output=True, check=True).stdout, np.float32)


def ffmpeg(samples: Samples, *options: str) -> Samples:
    """Return what FFmpeg makes of mono samples at `RATE` with some filter."""
    return np.frombuffer(_run(samples, *options, "-f", "f32le", "-"), np.float32)


def _run(samples: Samples, *options: str) -> bytes:
    command = ["ffmpeg", "-v", "error", "-f", "f32le", "-ar", str(RATE), "-ac", "1", "-i", "-", *options]
    return subprocess.run(command, input=samples.tobytes(), capture_output=True, check=True).stdout


def _filtered(samples: Samples, response: int, hertz: float) -> Samples:
    out = samples.copy()
    for _ in range(2):
        state_variable(out, np.array([hertz]), RATE, _BUTTERWORTH, response)
    return out
