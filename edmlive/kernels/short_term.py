"""pyAudioAnalysis's short-term features and mid-term statistics, in two steps so that they can stream.

pyAudioAnalysis first subtracts the mean of the whole recording and divides by its peak. In a live stream neither is
known when a frame arrives, so a frame is reduced to sums (`frame_sums`) from which its features follow for any mean and
peak (`short_term_features`); the mean and peak are those of the window that is read. Two features need a mean on
arrival: the zero-crossing rate and the spectral roll-off use that of the audio so far.
"""

import numpy as np
from numpy.typing import NDArray

from edmlive.kernels.jit import kernel
from edmlive.kernels.short_term_tables import (
    BINS,
    CHROMA_BINS,
    CHROMA_CLASSES,
    CHROMA_DC_CLASS,
    CHROMA_DC_WEIGHT,
    CHROMA_WEIGHTS,
    COLUMN_COSINES,
    COLUMN_LANES,
    COLUMN_SINES,
    COLUMNS,
    COSINES,
    EPS,
    FEATURES,
    FILTER_SPANS,
    FILTERS,
    FRAME_LENGTH,
    FREQUENCIES,
    GATHER,
    HALF_COLUMNS,
    ROLLOFF,
    ROW_COSINES,
    ROW_LANES,
    ROW_SINES,
    ROWS,
    SCATTER,
    SUB_BINS,
    SUB_BLOCKS,
    SUB_SAMPLES,
)

FULL_SCALE = 32768.0

# Columns of a frame's sums. The last sub-block of samples, and of bins, is the remainder of the division by ten.
ENERGIES = 0  # of the 11 sub-blocks
TOTALS = ENERGIES + SUB_BLOCKS + 1  # sums of the 11 sub-blocks
LOWEST = TOTALS + SUB_BLOCKS + 1
HIGHEST = LOWEST + 1
FRAME_TOTAL = HIGHEST + 1
CROSSINGS = FRAME_TOTAL + 1  # zero-crossing rate
ROLLOFF_BIN = CROSSINGS + 1
MOMENTS = ROLLOFF_BIN + 1  # sums of magnitude times frequency to the power 0, 1, 2
SPECTRAL_ENERGIES = MOMENTS + 3  # of the 11 sub-blocks of bins
OVERLAP = SPECTRAL_ENERGIES + SUB_BLOCKS + 1  # inner product with the previous frame's spectrum
CEPSTRUM = OVERLAP + 1
CHROMA = CEPSTRUM + 13
SUMS = CHROMA + 12


@kernel(inline=True)
def _fold_rows(frame: NDArray[np.float64], even: NDArray[np.float64], odd: NDArray[np.float64]) -> None:
    """Write the sums and differences of rows a and 38 - a; rows 0 and 19 are their own mirror images."""
    for b in range(COLUMNS):
        even[0, b] = frame[GATHER[0, b]]
        even[ROW_LANES - 1, b] = frame[GATHER[ROW_LANES - 1, b]]
    for a in range(1, ROW_LANES - 1):
        for b in range(COLUMNS):
            u, v = frame[GATHER[a, b]], frame[GATHER[ROWS - a, b]]
            even[a, b] = u + v
            odd[a, b] = u - v


@kernel(inline=True)
def _transform_rows(
    even: NDArray[np.float64],
    odd: NDArray[np.float64],
    k: int,
    real: NDArray[np.float64],
    imag: NDArray[np.float64],
) -> None:
    """Write bin k of the DFT along the rows, one lane for each column."""
    real[:] = 0.0
    imag[:] = 0.0
    for a in range(0, ROW_LANES, 4):
        c0, c1, c2, c3 = ROW_COSINES[k, a], ROW_COSINES[k, a + 1], ROW_COSINES[k, a + 2], ROW_COSINES[k, a + 3]
        s0, s1, s2, s3 = ROW_SINES[k, a], ROW_SINES[k, a + 1], ROW_SINES[k, a + 2], ROW_SINES[k, a + 3]
        for b in range(COLUMN_LANES):
            real[b] += c0 * even[a, b] + c1 * even[a + 1, b] + c2 * even[a + 2, b] + c3 * even[a + 3, b]
            imag[b] -= s0 * odd[a, b] + s1 * odd[a + 1, b] + s2 * odd[a + 2, b] + s3 * odd[a + 3, b]


@kernel(inline=True)
def _fold_columns(values: NDArray[np.float64], k: int, even: NDArray[np.float64], odd: NDArray[np.float64]) -> None:
    """Write the sums and differences of columns b and 29 - b to lane k; column 0 is its own mirror image."""
    even[0, k] = values[0]
    for b in range(1, HALF_COLUMNS):
        even[b, k] = values[b] + values[COLUMNS - b]
        odd[b, k] = values[b] - values[COLUMNS - b]


@kernel(inline=True)
def _transform_columns(
    real_even: NDArray[np.float64],
    real_odd: NDArray[np.float64],
    imag_even: NDArray[np.float64],
    imag_odd: NDArray[np.float64],
    k: int,
    lanes: NDArray[np.float64],
) -> None:
    """Write the four products of which bins k and 29 - k of the DFT along the columns are sums and differences."""
    lanes[:] = 0.0
    for b in range(HALF_COLUMNS):
        cosine, sine = COLUMN_COSINES[k, b], COLUMN_SINES[k, b]
        for a in range(ROW_LANES):
            lanes[0, a] += cosine * real_even[b, a]
            lanes[1, a] += cosine * imag_even[b, a]
            lanes[2, a] += sine * imag_odd[b, a]
            lanes[3, a] += sine * real_odd[b, a]


@kernel(inline=True)
def _write_magnitudes(lanes: NDArray[np.float64], k: int, out: NDArray[np.float64]) -> None:
    """Write the magnitudes of bins k and 29 - k of the columns to their places in the spectrum."""
    mirrored = (COLUMNS - k) % COLUMNS
    for a in range(ROW_LANES):
        real_here, imag_here = lanes[0, a] + lanes[2, a], lanes[1, a] - lanes[3, a]
        real_there, imag_there = lanes[0, a] - lanes[2, a], lanes[1, a] + lanes[3, a]
        out[SCATTER[k, a]] = np.sqrt(real_here * real_here + imag_here * imag_here)
        out[SCATTER[mirrored, a]] = np.sqrt(real_there * real_there + imag_there * imag_there)


@kernel("void(float64[::1], float64[::1])")
def magnitude_spectrum(frame: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """Exact DFT magnitudes of a frame by Good's prime-factor algorithm.

    The DFT of 1102 = 38 * 29 samples is one of 38 along the rows and one of 29 along the columns (Good 1958, "The
    interaction algorithm and practical Fourier analysis"). Both add and subtract mirrored terms first, which halves
    the products. Inner loops run along contiguous lanes, and take four rows at a time: what they add to is then loaded
    and stored a quarter as often.

    Parameters
    ----------
    frame
        Shape (FRAME_LENGTH,).
    out
        Output, shape (BINS + 1,): ``abs(fft(frame))[: BINS + 1]``.
    """
    even, odd = np.zeros((ROW_LANES, COLUMN_LANES)), np.zeros((ROW_LANES, COLUMN_LANES))
    _fold_rows(frame, even, odd)

    # Transposed, so that the second DFT has the row index along its lanes.
    real_even, real_odd = np.zeros((HALF_COLUMNS, ROW_LANES)), np.zeros((HALF_COLUMNS, ROW_LANES))
    imag_even, imag_odd = np.zeros((HALF_COLUMNS, ROW_LANES)), np.zeros((HALF_COLUMNS, ROW_LANES))
    real, imag = np.empty(COLUMN_LANES), np.empty(COLUMN_LANES)
    for k in range(ROW_LANES):
        _transform_rows(even, odd, k, real, imag)
        _fold_columns(real, k, real_even, real_odd)
        _fold_columns(imag, k, imag_even, imag_odd)

    lanes = np.empty((4, ROW_LANES))
    for k in range(HALF_COLUMNS):
        _transform_columns(real_even, real_odd, imag_even, imag_odd, k, lanes)
        _write_magnitudes(lanes, k, out)


@kernel(inline=True)
def _sum_samples(samples: NDArray[np.float64], frame: NDArray[np.float64], sums: NDArray[np.float64]) -> None:
    """Write the samples in 16-bit steps, their extremes, and totals and energies of the sub-blocks."""
    lowest, highest, frame_total = FULL_SCALE, -FULL_SCALE, 0.0
    for j in range(SUB_BLOCKS + 1):
        energy, total = 0.0, 0.0
        for i in range(j * SUB_SAMPLES, min((j + 1) * SUB_SAMPLES, FRAME_LENGTH)):
            x = min(max(np.rint(samples[i] * FULL_SCALE), -FULL_SCALE), FULL_SCALE - 1.0)
            frame[i] = x
            lowest, highest = min(lowest, x), max(highest, x)
            energy += x * x
            total += x
        sums[ENERGIES + j], sums[TOTALS + j] = energy, total
        frame_total += total
    sums[LOWEST], sums[HIGHEST], sums[FRAME_TOTAL] = lowest, highest, frame_total


@kernel(inline=True)
def _sign(x: float) -> int:
    """-1, 0 or 1."""
    return int(x > 0.0) - int(x < 0.0)


@kernel(inline=True)
def _zero_crossing_rate(frame: NDArray[np.float64], level: float) -> float:
    """Share of the samples that lie on the other side of a level than the sample before."""
    steps = 0
    for i in range(1, FRAME_LENGTH):
        steps += abs(_sign(frame[i] - level) - _sign(frame[i - 1] - level))
    return steps / 2.0 / (FRAME_LENGTH - 1)


@kernel(inline=True)
def _sum_spectrum(spectrum: NDArray[np.float64], previous: NDArray[np.float64], sums: NDArray[np.float64]) -> None:
    """Add up the moments and the overlap of a spectrum, and write the energies of its sub-blocks."""
    for j in range(SUB_BLOCKS + 1):
        magnitudes, first, second, energy, overlap = 0.0, 0.0, 0.0, 0.0, 0.0
        for k in range(max(j * SUB_BINS, 1), min((j + 1) * SUB_BINS, BINS)):
            magnitude, frequency = spectrum[k], FREQUENCIES[k]
            magnitudes += magnitude
            first += magnitude * frequency
            second += magnitude * frequency * frequency
            energy += magnitude * magnitude
            overlap += magnitude * previous[k]
        sums[MOMENTS] += magnitudes
        sums[MOMENTS + 1] += first
        sums[MOMENTS + 2] += second
        sums[SPECTRAL_ENERGIES + j] = energy
        sums[OVERLAP] += overlap


@kernel(inline=True)
def _roll_off(spectrum: NDArray[np.float64], below: float, energy: float) -> int:
    """First bin at or below which lies more than `ROLLOFF` of the energy: ``below`` in bin 0, ``energy`` above it."""
    threshold = ROLLOFF * (below + energy)
    k = 0
    while below <= threshold and k < BINS - 1:
        k += 1
        below += spectrum[k] * spectrum[k]
    return k


@kernel(inline=True)
def _sum_cepstrum(spectrum: NDArray[np.float64], sums: NDArray[np.float64]) -> None:
    """Add up the 13 MFCCs."""
    for i in range(len(FILTERS)):
        response = 0.0
        for k in range(FILTER_SPANS[i, 0], FILTER_SPANS[i, 1]):
            response += FILTERS[i, k] * spectrum[k]
        log_response = np.log10(response + EPS)
        for j in range(13):
            sums[CEPSTRUM + j] += log_response * COSINES[i, j]


@kernel(inline=True)
def _sum_chroma(spectrum: NDArray[np.float64], sums: NDArray[np.float64]) -> None:
    """Add up the energies of the 12 pitch classes."""
    for i in range(len(CHROMA_BINS)):
        sums[CHROMA + CHROMA_CLASSES[i]] += CHROMA_WEIGHTS[i] * spectrum[CHROMA_BINS[i]] ** 2


@kernel("void(float64[::1], float64, int64, float64[::1], float64[::1])")
def frame_sums(
    samples: NDArray[np.float64],
    past_total: float,
    past_frames: int,
    spectrum: NDArray[np.float64],
    sums: NDArray[np.float64],
) -> None:
    """Reduce a frame to sums that hold its features for any mean and peak of the recording.

    Parameters
    ----------
    samples
        Shape (FRAME_LENGTH,). Mono samples at 22,050 Hz, nominally in -1...1. They are rounded and clipped to 16 bits
        first, as pyAudioAnalysis reads them: without that its exact silence is not silent, and its peak is exceeded.
    past_total
        Sum of the samples of the frames before this one, in 16-bit steps.
    past_frames
        Number of those frames.
    spectrum
        Shape (BINS + 1,). Magnitudes of the frame before this one (zeros at the start); overwritten with this one's.
    sums
        Output, shape (SUMS,); columns are this module's constants, in 16-bit steps. Spectral sums
        exclude bin 0.
    """
    sums[:] = 0.0
    frame = np.empty(FRAME_LENGTH)
    _sum_samples(samples, frame, sums)
    level = (past_total + sums[FRAME_TOTAL]) / ((past_frames + 1) * FRAME_LENGTH)
    sums[CROSSINGS] = _zero_crossing_rate(frame, level)

    previous = spectrum.copy()
    magnitude_spectrum(frame, spectrum)
    spectrum /= BINS
    if sums[LOWEST] == sums[HIGHEST]:  # the rounding errors of a constant are not a spectrum
        spectrum[1:] = 0.0
    _sum_spectrum(spectrum, previous, sums)
    dc_energy = ((sums[FRAME_TOTAL] - level * FRAME_LENGTH) / BINS) ** 2
    energy = sums[SPECTRAL_ENERGIES : SPECTRAL_ENERGIES + SUB_BLOCKS + 1].sum()
    sums[ROLLOFF_BIN] = _roll_off(spectrum, dc_energy + EPS, energy) / BINS
    _sum_cepstrum(spectrum, sums)
    _sum_chroma(spectrum, sums)


@kernel(inline=True)
def _entropy(energies: NDArray[np.float64], total: float) -> float:
    """Entropy in bits of the shares that sub-blocks have of a total energy."""
    entropy = 0.0
    for energy in energies:
        share = energy / (total + EPS)
        entropy -= share * np.log2(share + EPS)
    return entropy


@kernel(inline=True)
def _energy_and_entropy(
    row: NDArray[np.float64], mean: float, peak: float, energies: NDArray[np.float64]
) -> tuple[float, float]:
    """Energy and energy entropy of a frame; ``energies`` is scratch for those of the sub-blocks."""
    for j in range(SUB_BLOCKS + 1):
        samples = SUB_SAMPLES if j < SUB_BLOCKS else FRAME_LENGTH - SUB_BLOCKS * SUB_SAMPLES
        centred = row[ENERGIES + j] - 2.0 * mean * row[TOTALS + j] + samples * mean * mean
        energies[j] = max(centred, 0.0) / (peak * peak)
    total = energies.sum()
    return total / FRAME_LENGTH, _entropy(energies[:SUB_BLOCKS], total)


@kernel(inline=True)
def _centroid_and_spread(row: NDArray[np.float64], dc: float, peak: float) -> tuple[float, float]:
    """Mean and standard deviation of the frequencies, weighted by magnitude."""
    magnitude = row[MOMENTS] / peak + dc
    first = row[MOMENTS + 1] / peak + dc * FREQUENCIES[0]
    second = row[MOMENTS + 2] / peak + dc * FREQUENCIES[0] * FREQUENCIES[0]
    centroid = first / (magnitude + EPS)
    return centroid, np.sqrt(max(second / (magnitude + EPS) - centroid * centroid, 0.0))


@kernel(inline=True)
def _spectral_energy_and_entropy(
    row: NDArray[np.float64], dc: float, peak: float, energies: NDArray[np.float64]
) -> tuple[float, float]:
    """Energy and entropy of a spectrum; ``energies`` is scratch for those of the sub-blocks."""
    for j in range(SUB_BLOCKS + 1):
        energies[j] = row[SPECTRAL_ENERGIES + j] / (peak * peak)
    energies[0] += dc * dc
    total = energies.sum()
    return total, _entropy(energies[:SUB_BLOCKS], total)


@kernel(inline=True)
def _write_chroma(row: NDArray[np.float64], dc: float, peak: float, energy: float, out: NDArray[np.float64]) -> None:
    """Write the 12 chroma values and their deviation."""
    out[:12] = row[CHROMA:] / (peak * peak)
    out[CHROMA_DC_CLASS] += CHROMA_DC_WEIGHT * dc * dc
    out[:12] /= energy if energy > 0.0 else EPS
    out[12] = out[:12].std()


@kernel("float64[:, ::1](float64[:, ::1])")
def short_term_features(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Short-term features of consecutive frames, taken as the whole recording.

    Parameters
    ----------
    sums
        Shape (frames, SUMS). What `frame_sums` wrote; at least one frame.

    Returns
    -------
    ndarray, shape (frames, FEATURES)
        Zero-crossing rate, energy, energy entropy, spectral centroid, spread, entropy, flux and roll-off, 13 MFCCs,
        12 chroma values, chroma deviation.
    """
    frames = len(sums)
    features = np.empty((frames, FEATURES))
    energies = np.empty(SUB_BLOCKS + 1)
    mean = sums[:, FRAME_TOTAL].sum() / (frames * FRAME_LENGTH)
    peak = max(sums[:, HIGHEST].max() - mean, mean - sums[:, LOWEST].min()) + 1e-10
    last_dc, last_magnitude, last_energy = 0.0, 0.0, 0.0
    for t in range(frames):
        row, out = sums[t], features[t]
        dc = abs(row[FRAME_TOTAL] - mean * FRAME_LENGTH) / (BINS * peak)
        magnitude = row[MOMENTS] / peak + dc + BINS * EPS
        out[0] = row[CROSSINGS]
        out[1], out[2] = _energy_and_entropy(row, mean, peak, energies)
        out[3], out[4] = _centroid_and_spread(row, dc, peak)
        energy, out[5] = _spectral_energy_and_entropy(row, dc, peak, energies)
        out[6] = 0.0
        if t > 0:
            overlap = row[OVERLAP] / (peak * peak) + dc * last_dc
            flux = energy / magnitude**2 + last_energy / last_magnitude**2
            out[6] = max(flux - 2.0 * overlap / (magnitude * last_magnitude), 0.0)
        last_dc, last_magnitude, last_energy = dc, magnitude, energy
        out[7] = row[ROLLOFF_BIN]
        out[8:21] = row[CEPSTRUM:CHROMA]
        if row[LOWEST] < row[HIGHEST]:  # in a constant frame the logarithms are at their floor whatever the gain
            out[8] -= np.sqrt(len(FILTERS)) * np.log10(peak)
        _write_chroma(row, dc, peak, energy, out[21:])
    return features
