"""What the converter's own clock says: frames that were lost, and the rate at which they really come."""

import math

LOSS_SECONDS = 0.06
"""A smaller deficit may be the inaccuracy of the clock itself."""
CONFIRM_SECONDS = 1.0
"""A busy machine stamps single buffers late; a deficit that is a loss lasts longer than this."""
HOLE_SECONDS = 0.005
"""A smaller hole is jitter."""
FORGET_SECONDS = 10.0
RATE_SECONDS = 10.0
RATE_TOLERANCE = 0.01


class FrameClock:
    """Compares the times at which buffers were captured with the frames in them.

    Where nothing is lost, each buffer begins when the one before ended. From this follow

    - the *hole* before a buffer: how much later than that it begins; negative where it begins earlier. One within the
      jitter (`HOLE_SECONDS`, half a buffer) makes no deficit, but it may fill one: time stamps that fall back in one
      large step often rise in many small ones;
    - the *deficit*: the sum of the holes. A late time stamp makes a hole that the next one fills again, an early one a
      negative hole and then a positive one. A deficit of up to `LOSS_SECONDS` fades within `FORGET_SECONDS`, because a
      device that does not run at the rate it claims makes small holes all the time; a negative one within
      `CONFIRM_SECONDS`, or it would hide a loss that comes later;
    - a *loss*: what a deficit over `LOSS_SECONDS` never fell below for `CONFIRM_SECONDS`. It is reported and taken off.

    Parameters
    ----------
    rate
        The rate that the device claims, in Hz.

    Attributes
    ----------
    true_rate
        The rate in Hz, measured over the last `RATE_SECONDS` without a loss, where it differs from the claimed one by
        more than `RATE_TOLERANCE`; otherwise 0.
    """

    def __init__(self, rate: int) -> None:
        self.true_rate = 0.0
        self._rate = rate
        self._end: float | None = None
        self._deficit = self._ceiling = 0.0
        self._deficit_lasted = 0.0
        self._least_deficit = math.inf
        self._measured_from = 0.0
        self._measured_frames = 0

    def push(self, frames: int, end: float) -> int:
        """Take a buffer's length and the time in seconds at which its last frame was captured.

        Returns
        -------
        int
            Frames lost before it, or up to `CONFIRM_SECONDS` earlier.
        """
        length = frames / self._rate
        begin = end - length
        lost = 0
        if self._end is not None:
            self._add_hole(begin - self._end, length)
            lost = round(self._take_loss(length) * self._rate)
        if lost or self._end is None:
            self._measure_from(begin)
        self._end = end
        self._measure_rate(frames, end)
        return lost

    def _add_hole(self, hole: float, length: float) -> None:
        if self._deficit <= LOSS_SECONDS:
            forget = FORGET_SECONDS if self._deficit > 0 else CONFIRM_SECONDS
            left = max(0.0, 1 - length / forget)
            self._deficit *= left
            self._ceiling *= left
        if abs(hole) > max(HOLE_SECONDS, length / 2):
            self._deficit += hole
            self._ceiling = self._deficit
        elif self._deficit > 0:
            self._deficit = max(0.0, min(self._ceiling, self._deficit + hole))

    def _take_loss(self, length: float) -> float:
        """Return the loss in seconds, once the deficit has lasted; until then 0."""
        if self._deficit <= LOSS_SECONDS:
            self._deficit_lasted, self._least_deficit = 0.0, math.inf
            return 0.0
        self._deficit_lasted += length
        self._least_deficit = min(self._least_deficit, self._deficit)
        if self._deficit_lasted < CONFIRM_SECONDS:
            return 0.0
        loss = self._least_deficit
        self._deficit -= loss
        self._ceiling -= loss
        self._deficit_lasted, self._least_deficit = 0.0, math.inf
        return loss

    def _measure_rate(self, frames: int, end: float) -> None:
        self._measured_frames += frames
        seconds = end - self._measured_from
        if seconds >= RATE_SECONDS:
            measured = self._measured_frames / seconds
            self.true_rate = measured if abs(measured / self._rate - 1) > RATE_TOLERANCE else 0.0
            self._measure_from(end)

    def _measure_from(self, begin: float) -> None:
        self._measured_from, self._measured_frames = begin, 0
