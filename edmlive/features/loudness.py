"""Loudness brought to that of released music, as the audio arrives."""

import numpy as np
from numpy.typing import NDArray

from edmlive.kernels.loudness import STATE, level


class Leveller:
    """Brings a stream to `edmlive.kernels.loudness.TARGET_LUFS`, with a limiter, whatever the gain of the mixer.

    Descriptors that were learnt from released music depend on how far its peaks are above its mean. Music that is not
    mastered yet, and the signal of a mixer with headroom, are brought to the same loudness in the same way: by gain
    into a limiter. Released music stays as it is.

    Examples
    --------
    >>> import numpy as np
    >>> quiet = np.float32(0.01) * np.sin(np.arange(22_050, dtype=np.float32))
    >>> bool(np.abs(Leveller().push(quiet)).max() > 0.3)
    True
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all audio."""
        self._state = np.zeros(1, STATE)

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float64]:
        """Level the newest audio.

        Parameters
        ----------
        samples
            Shape (n,). Mono at 22,050 Hz, finite; any length.

        Returns
        -------
        NDArray[np.float64]
            Shape (n,): at most 0.97 in magnitude, 1.5 ms late.
        """
        levelled = np.empty(len(samples))
        level(np.ascontiguousarray(samples, np.float32), self._state, levelled)
        return levelled
