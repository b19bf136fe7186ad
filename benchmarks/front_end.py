"""CPU time of one hop (23.2 ms) of the front end, beside librosa and beside NumPy and SciPy written by hand.

Run with ``python benchmarks/front_end.py``. Every contender hears the same noise with a pulse in it, on one thread, in
this one run, and gives mel spectrum, onset strength and both tempograms for each hop. Figures are medians.

librosa has no streaming: to answer at every hop it computes the last 13.6 s anew, the 4.6 s of a chunk and the
8.9 s that its first tempogram looks back on. By hand means each hop computed once, with SciPy's FFTs: what a careful
user would write.
"""

import time

import librosa
import numpy as np
import scipy.fft
import scipy.sparse
from threadpoolctl import threadpool_limits

from edmlive.kernels import stream
from edmlive.kernels.tables import HOP_LENGTH, N_FFT, SAMPLE_RATE, TEMPOGRAM_LENGTH, window

HISTORY = round(13.6 * SAMPLE_RATE)
HOPS = 5_000


def microseconds(work, calls, repetitions, hops_per_call=1):
    """Median over the repetitions of the CPU time of ``work(0) ... work(calls - 1)``, per hop."""
    times = []
    for _ in range(repetitions):
        start = time.process_time_ns()
        for i in range(calls):
            work(i)
        times.append((time.process_time_ns() - start) / 1e3 / calls / hops_per_call)
    return float(np.median(times))


def music(samples):
    rng = np.random.default_rng(0)
    at = np.arange(samples) / SAMPLE_RATE
    return 0.05 * rng.standard_normal(samples) + 0.5 * np.sin(2 * np.pi * 55 * at) * np.exp(-20 * (at % 0.46875))


class ByHand:
    """The same hop in NumPy and SciPy, the mel matrix sparse or dense."""

    def __init__(self, filters):
        self.filters = filters
        self.samples = np.zeros(N_FFT)
        self.window = window("hann", N_FFT)
        self.tempogram_window = window("hann", TEMPOGRAM_LENGTH)
        self.levels = np.full((4, 128), -100.0)
        self.strengths = np.zeros(TEMPOGRAM_LENGTH)

    def push(self, hop):
        """Features of the frame that the hop completes."""
        self.samples[:-HOP_LENGTH] = self.samples[HOP_LENGTH:]
        self.samples[-HOP_LENGTH:] = hop
        spectrum = scipy.fft.rfft(self.samples * self.window)
        mel = self.filters @ (spectrum.real**2 + spectrum.imag**2)
        self.levels[:-1] = self.levels[1:]
        self.levels[-1] = 10.0 * np.log10(np.maximum(mel, 1e-10))
        self.strengths[:-1] = self.strengths[1:]
        self.strengths[-1] = np.maximum(self.levels[1] - self.levels[0], 0.0).mean()
        padded = scipy.fft.rfft(self.strengths * self.tempogram_window, 2 * TEMPOGRAM_LENGTH)
        power = padded.real**2 + padded.imag**2
        lags = scipy.fft.irfft(power)[:TEMPOGRAM_LENGTH]
        return mel, self.strengths[-1], lags / max(lags[0], np.finfo(float).tiny), np.sqrt(power[::2])


def with_librosa(samples):
    mel = librosa.feature.melspectrogram(y=samples, sr=SAMPLE_RATE)
    strengths = librosa.onset.onset_strength(S=librosa.power_to_db(mel, top_db=None), sr=SAMPLE_RATE)
    tempogram = librosa.feature.tempogram(onset_envelope=strengths, sr=SAMPLE_RATE)
    return mel, strengths, tempogram, np.abs(librosa.feature.fourier_tempogram(onset_envelope=strengths))


def check_alike(samples, filters):
    """All three must give the same features, or their times mean nothing."""
    frames = np.empty((samples.size // HOP_LENGTH, stream.FRAME_SIZE), np.float32)
    written = stream.push(samples, stream.allocate(), frames)
    by_hand = ByHand(filters)
    by_hand.samples[N_FFT // 2 + HOP_LENGTH :] = samples[:HOP_LENGTH]
    for hop in samples[HOP_LENGTH:].reshape(-1, HOP_LENGTH)[:written]:
        mel, strength, autocorrelation, fourier = by_hand.push(hop)
    last = np.concatenate([mel, [strength], autocorrelation, fourier])
    np.testing.assert_allclose(frames[written - 1], last, rtol=1e-3, atol=1e-3)
    mel, strengths, tempogram, fourier = with_librosa(samples)
    np.testing.assert_allclose(frames[:written, stream.MEL].T, mel[:, :written], rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(last[128], strengths[written - 1], atol=1e-3)
    np.testing.assert_allclose(last[stream.AUTOCORRELATION], tempogram[:, written - 1 - 191], atol=1e-3)
    np.testing.assert_allclose(last[stream.FOURIER], fourier[:, written - 1 - 191], atol=1e-3)


def main():
    samples = music(HOPS * HOP_LENGTH)
    hops = samples.reshape(HOPS, HOP_LENGTH)
    dense = librosa.filters.mel(sr=SAMPLE_RATE, n_fft=N_FFT).astype(np.float64)
    sparse = scipy.sparse.csr_array(dense)
    check_alike(samples[: HOP_LENGTH * 1000], dense)

    blocks = hops.astype(np.float32)
    one, many = np.empty((1, stream.FRAME_SIZE), np.float32), np.empty((HOPS, stream.FRAME_SIZE), np.float32)
    state, floored = stream.allocate(), stream.allocate(top_db=80.0)
    every_hop = microseconds(lambda i: stream.push(blocks[i], state, one), HOPS, 9)
    with_floor = microseconds(lambda i: stream.push(blocks[i], floored, one), HOPS, 9)
    whole = microseconds(lambda i: stream.push(blocks.ravel(), state, many), 1, 9, HOPS)
    hands = {"dense": ByHand(dense), "sparse": ByHand(sparse)}
    by_hand = {name: microseconds(lambda i, hand=hand: hand.push(hops[i]), 1_000, 9) for name, hand in hands.items()}
    recomputed = microseconds(lambda i: with_librosa(samples[i * HOP_LENGTH :][:HISTORY]), 5, 9)

    best, how = min((value, name) for name, value in by_hand.items())
    print("CPU time per hop of 512 samples, median, one thread")
    print(f"  edmlive, 512 samples a call            {every_hop:10.1f} us")
    print(f"  edmlive, 512 samples, top_db=80        {with_floor:10.1f} us")
    print(f"  edmlive, {HOPS} hops a call              {whole:10.1f} us")
    for name, value in by_hand.items():
        print(f"  NumPy and SciPy by hand, {name + ' mel':<13} {value:10.1f} us")
    print(f"  librosa over the last 13.6 s           {recomputed:10.1f} us")
    print(f"librosa / edmlive (512 samples a call)   {recomputed / every_hop:10.0f}")
    print(f"by hand, {how + ' mel':<10} / edmlive           {best / every_hop:10.1f}")


if __name__ == "__main__":
    with threadpool_limits(limits=1):
        main()
