"""A device's time stamps on the computer's monotonic clock, though the device's clock drifts and steps."""

import math
from collections import deque

WINDOW_SECONDS = 20.0
"""Long enough to hold a callback that came on time; 500 ppm of drift make an error of 10 ms in it."""
STEP_SECONDS = 0.03
"""A callback that is later than this is late, or the clock was set back. Half of what a time stamp may be wrong by."""
CONFIRM_SECONDS = 0.5
"""A busy machine delays single callbacks; a clock that was set back delays all of them for longer than this."""


class DeviceClock:
    """Converts time stamps of buffers to the monotonic clock.

    A callback reads the device's clock and the monotonic clock one after the other, so that

        monotonic - device = offset + delay,

    where the delay is never negative and mostly far below a millisecond, and the offset drifts slowly and may step
    (a time of day that is set, a counter that wraps around). The estimate of the offset is therefore the least
    difference of the last `WINDOW_SECONDS`. From this follow

    - *set forward*: the difference falls, and becomes the least one at once;
    - *set back*: the difference rises. It is taken for delay until it has stayed over the estimate by more than
      `STEP_SECONDS` for `CONFIRM_SECONDS`; then the window starts anew. Until then time stamps are not believed, and
      each buffer is taken to follow the one before.
    """

    def __init__(self) -> None:
        self._least: deque[tuple[float, float]] = deque()
        """Time and difference of the candidates for the least one, both increasing: the first is the least now."""
        self._suspects: list[tuple[float, float]] = []
        self._end = -math.inf

    def convert(self, now: float, device_now: float, begin: float, length: float) -> float:
        """Return when a buffer ended.

        Parameters
        ----------
        now
            The monotonic clock.
        device_now
            The device's clock, read just before.
        begin
            When the first frame of the buffer was captured, on the device's clock.
        length
            Of the buffer.

        Returns
        -------
        float
            On the monotonic clock, like all of them in seconds; `now` at most.
        """
        believed = self._learn(now, now - device_now)
        end = begin + self._least[0][1] + length if believed else self._end + length
        self._end = min(end, now)  # a server's time stamps may run ahead, but nothing arrives before it is captured
        return self._end

    def _learn(self, now: float, difference: float) -> bool:
        """Take a difference of the clocks; return whether it agrees with the estimate."""
        while len(self._least) > 1 and now - self._least[0][0] > WINDOW_SECONDS:
            self._least.popleft()
        if self._least and difference > self._least[0][1] + STEP_SECONDS:
            if not self._suspect(now, difference):
                return False
            self._least.clear()
        self._suspects.clear()
        while self._least and self._least[-1][1] >= difference:
            self._least.pop()
        self._least.append((now, difference))
        return True

    def _suspect(self, now: float, difference: float) -> bool:
        """Take a difference that is too large; return whether the clock was set back."""
        level = min((least for _, least in self._suspects), default=math.inf)
        if difference < level - STEP_SECONDS:
            self._suspects.clear()
        elif difference > level + STEP_SECONDS:  # late even then, or set back once more
            if now - self._suspects[-1][0] < CONFIRM_SECONDS:
                return False
            self._suspects.clear()
        self._suspects.append((now, difference))
        return now - self._suspects[0][0] >= CONFIRM_SECONDS
