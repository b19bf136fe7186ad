"""The rolling history against a plain list."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edmlive.features.history import History


@given(st.integers(1, 7), st.integers(1, 3), st.lists(st.integers(0, 20), max_size=12))
def test_newest_rows_are_contiguous_and_those_of_a_list(capacity: int, width: int, pushes: list[int]) -> None:
    history = History(capacity, (width,), np.float32)
    rows = np.arange(sum(pushes) * width, dtype=np.float32).reshape(-1, width)
    seen = 0
    for count in pushes:
        history.push(rows[seen : seen + count])
        seen += count
        assert history.count == seen
        for length in range(capacity + 2):
            view = history.newest(length)
            kept = min(length, seen, capacity)
            np.testing.assert_array_equal(view, rows[seen - kept : seen])
            assert view.base is not None and view.flags.c_contiguous
        kept = min(seen, capacity)
        np.testing.assert_array_equal(history.at(np.arange(seen - kept, seen)), rows[seen - kept : seen])
        if kept:
            np.testing.assert_array_equal(
                history.span(seen - kept, seen - kept + 1), rows[seen - kept : seen - kept + 1]
            )


def test_reset_forgets_all() -> None:
    history = History(3)
    history.push(np.ones(4))
    history.reset()
    assert history.count == 0
    assert not len(history.newest(3))
