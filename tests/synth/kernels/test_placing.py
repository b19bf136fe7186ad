import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edmlive.synth.kernels.placing import place


@given(st.lists(st.integers(-30, 60), max_size=8), st.integers(0, 20), st.integers(0, 50))
def test_sounds_are_added_where_they_fall_and_cut_off_elsewhere(starts: list[int], long: int, room: int) -> None:
    sound = np.arange(1, long + 1, dtype=np.float32)
    gains = np.linspace(0.5, 2.0, len(starts))
    track = np.zeros(room, np.float32)
    place(track, sound, np.array(starts, np.int64), gains)
    margin = np.zeros(room + 200)
    for start, gain in zip(starts, gains, strict=True):
        margin[100 + start : 100 + start + long] += gain * sound
    np.testing.assert_allclose(track, margin[100 : 100 + room], rtol=1e-6)
