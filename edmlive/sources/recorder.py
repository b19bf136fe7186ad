"""Records the input, sample for sample."""

from contextlib import suppress
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer
from numpy.typing import NDArray

from edmlive.errors import SinkError
from edmlive.util.audio_files import ffmpeg_name

_ERRORS = (av.FFmpegError, OSError, ValueError)
_LAYOUTS = {1: "mono", 2: "stereo"}


class Recorder:
    """Writes a WAV file of 32-bit floats, which is lossless for float32 samples.

    Past 4 GB, three hours of stereo at 48 kHz, the file becomes RF64, which FFmpeg-based programs read.

    Parameters
    ----------
    path
        File to create or overwrite; it must end in ``.wav``.
    rate, channels
        Of the samples to come, in Hz and as a count.

    Raises
    ------
    SinkError
        The file cannot be created, or a later write fails.
    """

    def __init__(self, path: Path, rate: int, channels: int) -> None:
        if path.suffix.lower() != ".wav":
            raise SinkError(f"Recordings are WAV files: give --record a name that ends in .wav, not {path}.")
        self._path, self._rate = path, rate
        self._layout = _LAYOUTS.get(channels, f"{channels} channels")
        self._container: OutputContainer | None = None
        try:
            self._container = av.open(ffmpeg_name(path), "w", format="wav", container_options={"rf64": "auto"})
            self._stream = self._container.add_stream("pcm_f32le", rate=rate, layout=self._layout)
            self._container.start_encoding()  # writes the header, so that a bad path fails now, not after the set
        except _ERRORS as error:
            raise self._failure(error) from None

    def write(self, samples: NDArray[np.float32]) -> None:
        """Append float32 samples, shape (n, channels); after a failure, do nothing."""
        if self._container is None or not len(samples):
            return
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples).reshape(1, -1), "flt", self._layout)
        frame.sample_rate = self._rate
        try:
            self._container.mux(self._stream.encode(frame))
        except _ERRORS as error:
            raise self._failure(error) from None

    def close(self) -> None:
        """Finish the file; after a failure, do nothing."""
        if self._container is None:
            return
        try:
            self._container.mux(self._stream.encode(None))
            self._container.close()
        except _ERRORS as error:
            raise self._failure(error) from None

    def _failure(self, error: Exception) -> SinkError:
        """Close what can be closed, lest PyAV try again when the container is collected."""
        if self._container is not None:
            with suppress(*_ERRORS):
                self._container.close()
            self._container = None
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        return SinkError(f"The recording {self._path} cannot be written ({reason}).")
