"""What the converter's own clock says: frames that were lost, and the rate at which they really come."""

import math

LOSS_SECONDS = 0.06
"""Less than this may be the clock's own doubt."""
CONFIRM_SECONDS = 1.0
"""A busy machine stamps single buffers late; frames that are lost stay lost for longer than this."""
HOLE_SECONDS = 0.005
FORGET_SECONDS = 10.0
RATE_SECONDS = 10.0
RATE_TOLERANCE = 0.01


class FrameClock:
    """Compares the times at which buffers were captured with the frames in them.

    Each buffer should begin when the one before ended. Holes add up, and what fills them again is taken off, so that a
    late time stamp is no loss. A rate that is not the claimed one makes many small holes, which are looked past.

    Parameters
    ----------
    rate
        The rate that the device claims, in Hz.

    Attributes
    ----------
    true_rate
        The rate measured over the last `RATE_SECONDS` without a loss, in Hz, where it differs from the claimed one by
        more than `RATE_TOLERANCE`; otherwise 0.
    """

    def __init__(self, rate: int) -> None:
        self.true_rate = 0.0
        self._rate = rate
        self._end: float | None = None
        self._hole = 0.0
        self._doubtful = 0.0
        self._least = math.inf
        self._since = 0.0
        self._frames = 0

    def push(self, frames: int, end: float) -> int:
        """Take a buffer's length and the time in seconds at which its last frame was captured.

        Returns
        -------
        int
            Frames lost before it, or up to `CONFIRM_SECONDS` before.
        """
        length = frames / self._rate
        lost = 0
        if self._end is None:
            self._restart(end - length)
        else:
            hole = end - length - self._end
            if self._hole <= LOSS_SECONDS:
                self._hole *= max(0.0, 1 - length / FORGET_SECONDS)
            if abs(hole) > max(HOLE_SECONDS, length / 2):
                self._hole = max(0.0, self._hole + hole)
            lost = round(self._confirmed(length) * self._rate)
            if lost:
                self._restart(end - length)
        self._end = end
        self._frames += frames
        if end - self._since >= RATE_SECONDS:
            measured = self._frames / (end - self._since)
            self.true_rate = measured if abs(measured / self._rate - 1) > RATE_TOLERANCE else 0.0
            self._restart(end)
        return lost

    def _confirmed(self, length: float) -> float:
        """Return the hole in seconds, once it has stayed open for long enough."""
        if self._hole <= LOSS_SECONDS:
            self._doubtful, self._least = 0.0, math.inf
            return 0.0
        self._doubtful += length
        self._least = min(self._least, self._hole)
        if self._doubtful < CONFIRM_SECONDS:
            return 0.0
        lost = self._least
        self._hole, self._doubtful, self._least = self._hole - lost, 0.0, math.inf
        return lost

    def _restart(self, now: float) -> None:
        self._since, self._frames = now, 0
