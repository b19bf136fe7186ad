import numpy as np

from edmlive.synth.kernels.cymbals import square_cluster

RATE = 44_100


def test_a_wave_alone_is_a_square_of_its_frequency_and_phase():
    samples = square_cluster(RATE, np.array([100.0]), np.array([0.25]), RATE)
    phases = 0.25 + np.arange(RATE) * 100 / RATE
    expected = np.where(phases % 1 < 0.5, 1.0, -1.0)
    assert np.mean(samples != expected) < 0.003  # the accumulated phase may round the other way where the wave turns


def test_the_cluster_is_the_mean_of_its_waves():
    hertz, phases = np.array([205.3, 304.4, 522.7]), np.array([0.0, 0.3, 0.9])
    alone = [square_cluster(5000, hertz[i : i + 1], phases[i : i + 1], RATE) for i in range(3)]
    np.testing.assert_allclose(square_cluster(5000, hertz, phases, RATE), np.mean(alone, axis=0), atol=1e-6)
