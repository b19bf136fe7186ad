"""CPU time of one hop (23.2 ms) of the front end: mel spectrum, onset strength and both tempograms, in float64.

It is called from Python every 512 samples, as live, and compared with four others on the same noise with a pulse in it:

- librosa has no streaming: to answer at every hop it computes the last 13.6 s anew, the 4.6 s of a chunk and the 8.9 s
  that its first tempogram looks back on.
- NumPy and SciPy by hand: each hop computed once, with SciPy's FFTs and a sparse mel matrix: what a careful user would
  write.
- Essentia, in float32 as it only can, and without the onset strength, which it is given.
- FFTW alone: the three transforms and nothing else, planned with FFTW_MEASURE. What calling it costs (three transforms
  of two points) is taken off, so this is not a program, but a floor.

Install the peers with ``pip install --group peers``; what is missing is left out. Figures are medians on one thread.
"""

from collections.abc import Callable, Sequence
from typing import Any

import librosa
import numpy as np
import scipy.fft
import scipy.sparse
from numpy.typing import NDArray

from benchmarks.table import Row, options, show
from edmlive.diagnostics.stopwatch import cpu_seconds
from edmlive.kernels import stream
from edmlive.kernels.tables import HOP_LENGTH, N_FFT, N_MELS, SAMPLE_RATE, TEMPOGRAM_LENGTH, window

Samples = NDArray[np.floating[Any]]
Features = NDArray[np.floating[Any]]
HISTORY = round(13.6 * SAMPLE_RATE)
UNIT = "us CPU per hop"


def music(hops: int) -> NDArray[np.float64]:
    """Noise with a pulse, shape (hops, 512)."""
    rng = np.random.default_rng(0)
    at = np.arange(hops * HOP_LENGTH) / SAMPLE_RATE
    pulse = 0.5 * np.sin(2 * np.pi * 55 * at) * np.exp(-20 * (at % 0.46875))
    return np.asarray(pulse + 0.05 * rng.standard_normal(at.size)).reshape(hops, HOP_LENGTH)


class ByHand:
    """The front end in NumPy and SciPy."""

    def __init__(self) -> None:
        self._filters = scipy.sparse.csr_array(librosa.filters.mel(sr=SAMPLE_RATE, n_fft=N_FFT).astype(np.float64))
        self._samples = np.zeros(N_FFT)
        self._window = window("hann", N_FFT)
        self._tempogram_window = window("hann", TEMPOGRAM_LENGTH)
        self._levels = np.full((4, N_MELS), -100.0)
        self._strengths = np.zeros(TEMPOGRAM_LENGTH)

    def push(self, hop: Samples) -> tuple[Features, ...]:
        """Features of the frame that the hop completes."""
        self._samples[:-HOP_LENGTH] = self._samples[HOP_LENGTH:]
        self._samples[-HOP_LENGTH:] = hop
        spectrum = scipy.fft.rfft(self._samples * self._window)
        mel = self._filters @ (spectrum.real**2 + spectrum.imag**2)
        self._levels[:-1] = self._levels[1:]
        self._levels[-1] = 10.0 * np.log10(np.maximum(mel, 1e-10))
        self._strengths[:-1] = self._strengths[1:]
        self._strengths[-1] = np.maximum(self._levels[1] - self._levels[0], 0.0).mean()
        padded = scipy.fft.rfft(self._strengths * self._tempogram_window, 2 * TEMPOGRAM_LENGTH)
        power = padded.real**2 + padded.imag**2
        lags = scipy.fft.irfft(power)[:TEMPOGRAM_LENGTH]
        return mel, self._strengths[-1:], lags / max(lags[0], np.finfo(float).tiny), np.sqrt(power[::2])


class WithEssentia:
    """The same by Essentia's algorithms; onset strengths come from outside."""

    def __init__(self) -> None:
        import essentia.standard as es

        raw = {"normalized": False, "zeroPhase": False, "symmetric": False, "type": "hann"}
        self._window = es.Windowing(size=N_FFT, **raw)
        self._spectrum = es.Spectrum(size=N_FFT)
        self._bands = es.MelBands(
            numberBands=N_MELS,
            inputSize=N_FFT // 2 + 1,
            highFrequencyBound=SAMPLE_RATE / 2,
            sampleRate=SAMPLE_RATE,
            warpingFormula="slaneyMel",
            weighting="linear",
            normalize="unit_tri",
        )
        self._tempogram_window = es.Windowing(size=TEMPOGRAM_LENGTH, **raw)
        self._autocorrelation = es.AutoCorrelation()
        self._fourier = es.Spectrum(size=TEMPOGRAM_LENGTH)
        self._samples = np.zeros(N_FFT, np.float32)
        self._strengths = np.zeros(TEMPOGRAM_LENGTH, np.float32)

    def push(self, hop: NDArray[np.float32], strength: np.float32) -> tuple[Features, ...]:
        """Features of the frame that the hop completes."""
        self._samples[:-HOP_LENGTH] = self._samples[HOP_LENGTH:]
        self._samples[-HOP_LENGTH:] = hop
        mel = self._bands(self._spectrum(self._window(self._samples)))
        self._strengths[:-1] = self._strengths[1:]
        self._strengths[-1] = strength
        windowed = self._tempogram_window(self._strengths)
        lags = self._autocorrelation(windowed)
        return mel, self._strengths[-1:], lags / max(lags[0], np.finfo(np.float32).tiny), self._fourier(windowed)


def with_librosa(samples: Samples) -> tuple[Features, ...]:
    """Features of all frames; the tempograms' columns are labelled with the middle of their windows."""
    mel = librosa.feature.melspectrogram(y=samples, sr=SAMPLE_RATE)
    strengths = librosa.onset.onset_strength(S=librosa.power_to_db(mel, top_db=None), sr=SAMPLE_RATE)
    tempogram = librosa.feature.tempogram(onset_envelope=strengths, sr=SAMPLE_RATE)
    return mel, strengths, tempogram, np.abs(librosa.feature.fourier_tempogram(onset_envelope=strengths))


def transforms(hops: int) -> dict[str, Callable[[], None]]:
    """FFTW on the lengths that a hop needs, and as many calls that do almost nothing."""
    import pyfftw

    def planned(length: int, inverse: bool = False) -> Any:
        real = pyfftw.zeros_aligned(length, "float64")
        spectrum = pyfftw.zeros_aligned(length // 2 + 1, "complex128")
        ends, way = ((spectrum, real), "FFTW_BACKWARD") if inverse else ((real, spectrum), "FFTW_FORWARD")
        plan = pyfftw.FFTW(*ends, direction=way, flags=("FFTW_MEASURE",))
        real[:] = np.random.default_rng(length).standard_normal(length)
        spectrum[:] = np.fft.rfft(real)
        plan.execute()
        expected = np.fft.irfft(spectrum) * length if inverse else np.fft.rfft(real)
        np.testing.assert_allclose(real if inverse else spectrum, expected, atol=1e-9)
        return plan

    def run(plans: tuple[Any, ...]) -> None:
        first, second, third = (plan.execute for plan in plans)
        for _ in range(hops):
            first()
            second()
            third()

    work = planned(N_FFT), planned(2 * TEMPOGRAM_LENGTH), planned(2 * TEMPOGRAM_LENGTH, inverse=True)
    calls = planned(2), planned(2), planned(2, inverse=True)
    return {"FFTW": lambda: run(work), "calls": lambda: run(calls)}


def check_alike(hops: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return our rows after checking that the others agree; otherwise their times would mean nothing."""
    rows = np.empty((len(hops), stream.FRAME_SIZE), np.float32)
    written = stream.push(hops.ravel(), stream.allocate(), rows)
    frame = rows[written - 1]
    by_hand = ByHand()
    for hop in hops:
        last = by_hand.push(hop)
    np.testing.assert_allclose(frame, np.concatenate(last), rtol=1e-3, atol=1e-3)
    mel, strengths, tempogram, fourier = with_librosa(hops.ravel())
    column = written - 1 - (TEMPOGRAM_LENGTH // 2 - 1)
    np.testing.assert_allclose(frame[stream.MEL], mel[:, written - 1], rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(frame[stream.ONSET], strengths[written - 1], atol=1e-3)
    np.testing.assert_allclose(frame[stream.AUTOCORRELATION], tempogram[:, column], atol=1e-3)
    np.testing.assert_allclose(frame[stream.FOURIER], fourier[:, column], atol=1e-3)
    return rows[:written]


def essentia_hops(hops: NDArray[np.float32], rows: NDArray[np.float32]) -> Callable[[], object]:
    """Return Essentia's work on hops, after checking that it gives our rows."""
    strengths = np.append(np.float32(0.0), rows[:, stream.ONSET])  # the first hop completes no frame

    def run() -> Sequence[Features]:
        essentia = WithEssentia()
        for hop, strength in zip(hops, strengths, strict=True):
            last = essentia.push(hop, strength)
        return last

    columns: tuple[Any, ...] = stream.MEL, [stream.ONSET], stream.AUTOCORRELATION, stream.FOURIER
    for theirs, ours in zip(run(), (rows[-1, of] for of in columns), strict=True):
        assert np.abs(theirs - ours).max() <= 2e-3 * np.abs(ours).max()
    return run


def main() -> None:
    """Measure and print."""
    chosen = options(__doc__)
    count = 600 if chosen.quick else 2_000
    hops = music(count)
    rows = check_alike(hops[:600])
    blocks = hops.astype(np.float32)
    one, many = np.empty((1, stream.FRAME_SIZE), np.float32), np.empty((count, stream.FRAME_SIZE), np.float32)
    state, floored, by_hand = stream.allocate(), stream.allocate(top_db=80.0), ByHand()

    def each(push: Callable[[Any], object], blocks: NDArray[Any]) -> Callable[[], None]:
        def run() -> None:
            for block in blocks:
                push(block)

        return run

    contenders: dict[str, Callable[[], object]] = {
        "pushes": each(lambda block: stream.push(block, state, one), blocks),
        "top_db": each(lambda block: stream.push(block, floored, one), blocks),
        "block": lambda: stream.push(blocks.ravel(), state, many),
        "librosa": lambda: with_librosa(hops.ravel()[:HISTORY]),
        "by hand": each(by_hand.push, hops[:600]),
    }
    shares = {"pushes": count, "top_db": count, "block": count, "librosa": 1, "by hand": 600}
    try:
        contenders["Essentia"] = essentia_hops(blocks[:600], rows)
        shares["Essentia"] = 600
    except ImportError:
        print("Essentia is not installed (pip install --group peers)")
    try:
        contenders |= transforms(count)
        shares |= {"FFTW": count, "calls": count}
    except ImportError:
        print("pyFFTW is not installed (pip install --group peers)")
    seconds = cpu_seconds(contenders, 3 if chosen.quick else 15)
    cost = {name: 1e6 * value / shares[name] for name, value in seconds.items()}
    if "FFTW" in cost:
        cost["FFTW"] -= cost.pop("calls")
    pushes, top_db, block = (cost.pop(name) for name in ("pushes", "top_db", "block"))
    names = {"librosa": "librosa, the last 13.6 s", "by hand": "NumPy and SciPy by hand", "FFTW": "FFTW alone"}
    table = [Row("front end, pushes of 512 samples", names.get(name, name), pushes, cost[name], UNIT) for name in cost]
    table.append(Row("front end, pushes of 512 samples, top_db=80", "", top_db, None, UNIT))
    table.append(Row(f"front end, {count} hops in one push", "", block, None, UNIT))
    show(table, chosen)


if __name__ == "__main__":
    main()
