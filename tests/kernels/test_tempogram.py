import librosa
import numpy as np
import pytest

from edmlive.kernels import tempogram


def strengths_of(frames):
    """Something like onset strengths: peaks at a tempo and noise, nothing at the start, and a peak at the very end."""
    rng = np.random.default_rng(frames)
    strengths = rng.gamma(1.0, 1.0, frames) + 6.0 * (np.arange(frames) % 20 == 0)
    strengths[:3] = 0.0
    strengths[-1] = 5.0
    return strengths


def row_of(strengths):
    record = np.zeros(1, tempogram.TEMPOGRAM)
    tempogram.prepare(record)
    tempogram.tempograms(strengths, record[0])
    return record["autocorrelation"][0], record["fourier"][0]


def test_a_row_is_librosas_column_191_before():
    strengths = strengths_of(1000)
    autocorrelation = librosa.feature.tempogram(onset_envelope=strengths)
    fourier = np.abs(librosa.feature.fourier_tempogram(onset_envelope=strengths))
    for end in (383, 384, 700, 999):
        row = row_of(strengths[end - 383 : end + 1])
        np.testing.assert_allclose(row[0], autocorrelation[:, end - 191], rtol=0, atol=1e-14)
        np.testing.assert_allclose(row[1], fourier[:, end - 191], rtol=0, atol=1e-12)


def test_zeros_before_the_first_onset_are_librosas_left_edge():
    strengths = strengths_of(1000)
    autocorrelation = librosa.feature.tempogram(onset_envelope=strengths)
    fourier = np.abs(librosa.feature.fourier_tempogram(onset_envelope=strengths))
    for end in (191, 192, 300, 382):
        row = row_of(np.pad(strengths[: end + 1], (383 - end, 0)))
        np.testing.assert_allclose(row[0], autocorrelation[:, end - 191], rtol=0, atol=1e-14)
        np.testing.assert_allclose(row[1], fourier[:, end - 191], rtol=0, atol=1e-12)


# librosa warns that a short file is shorter than its window, and continues.
@pytest.mark.filterwarnings("ignore:n_fft=384 is too large")
@pytest.mark.parametrize("frames", [1, 2, 191, 192, 193, 383, 384, 385, 1000])
def test_centred_is_librosa_with_both_edges(frames):
    strengths = strengths_of(frames)
    autocorrelation, fourier = tempogram.centred(strengths)
    expected = np.abs(librosa.feature.fourier_tempogram(onset_envelope=strengths)).T
    np.testing.assert_allclose(
        autocorrelation, librosa.feature.tempogram(onset_envelope=strengths).T, rtol=0, atol=5e-7
    )
    assert fourier.shape == expected.shape
    assert np.abs(fourier - expected).max() <= 5e-7 * expected.max()


def test_centred_keeps_an_onset_in_the_first_frame():
    """A cut file may start with an onset; librosa then lets its strength fall linearly to the left, too."""
    strengths = strengths_of(500)
    strengths[0] = 3.0
    autocorrelation, _ = tempogram.centred(strengths)
    np.testing.assert_allclose(
        autocorrelation, librosa.feature.tempogram(onset_envelope=strengths).T, rtol=0, atol=5e-7
    )


def test_no_onsets_give_zeros():
    autocorrelation, fourier = row_of(np.zeros(384))
    assert np.all(autocorrelation == 0)
    assert np.all(fourier == 0)


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e6])
def test_autocorrelation_does_not_depend_on_scale(scale):
    strengths = strengths_of(384)
    np.testing.assert_allclose(row_of(scale * strengths)[0], row_of(strengths)[0], rtol=0, atol=1e-13)


def test_centred_refuses_nothing_at_all():
    with pytest.raises(ValueError):
        tempogram.centred(np.zeros(0))


@pytest.mark.parametrize("stride", [1, 4, 7])
def test_trailing_rows_are_the_streams_where_their_windows_end(stride):
    strengths = strengths_of(600)
    autocorrelation, fourier = tempogram.trailing(strengths, stride)
    ends = range(383, 600, stride)
    assert len(autocorrelation) == len(fourier) == len(ends)
    for row, end in enumerate(ends):
        expected = row_of(strengths[end - 383 : end + 1])
        np.testing.assert_array_equal(autocorrelation[row], expected[0].astype(np.float32))
        np.testing.assert_array_equal(fourier[row], expected[1].astype(np.float32))


def test_trailing_needs_a_whole_window():
    with pytest.raises(ValueError):
        tempogram.trailing(np.ones(383))
