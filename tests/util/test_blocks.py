import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edmlive.util.blocks import BlockBuffer


@given(st.integers(1, 7), st.lists(st.integers(0, 20), max_size=12))
def test_pieces_are_the_stream_and_blocks_are_its_consecutive_parts(length: int, pushes: list[int]) -> None:
    stream = np.arange(2 * sum(pushes)).reshape(-1, 2)
    buffer = BlockBuffer(np.zeros((length, 2), stream.dtype))
    heard = [stream[:0]]
    blocks: list[NDArray[np.int64]] = []
    for samples in np.split(stream, np.cumsum(pushes)):
        for piece, block in buffer.push(samples):
            heard.append(piece)
            if block is not None:
                assert sum(map(len, heard)) == length * (len(blocks) + 1)
                blocks.append(block.copy())
    np.testing.assert_array_equal(np.concatenate(heard), stream)
    whole = len(stream) // length
    np.testing.assert_array_equal(np.reshape(blocks, (-1, length, 2)), stream[: whole * length].reshape(-1, length, 2))
    np.testing.assert_array_equal(buffer.partial, stream[whole * length :])
    assert buffer.missing == length - len(buffer.partial)


def test_block_keeps_the_layout_and_dtype_it_was_given() -> None:
    channels_first = np.zeros((2, 3), np.float32)
    pushed = np.arange(6.0).reshape(3, 2)
    ((piece, block),) = BlockBuffer(channels_first.T).push(pushed)
    assert piece is not None and block is not None
    assert block.T.flags.c_contiguous and block.dtype == np.float32
    np.testing.assert_array_equal(channels_first, pushed.T)


def test_clear_discards_the_incomplete_block() -> None:
    buffer = BlockBuffer(np.zeros(3))
    for _, block in buffer.push(np.ones(2)):
        assert block is None
    buffer.clear()
    assert buffer.missing == 3
    ((_, block),) = buffer.push(np.full(3, 2.0))
    np.testing.assert_array_equal(block, [2.0, 2.0, 2.0])
