"""Writing audio files in any format that FFmpeg writes, whole or not at all."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import av
import numpy as np

from edmlive.errors import UserError
from edmlive.synth.audio import RATE, Samples
from edmlive.util.audio_files import ffmpeg_name

BIT_RATE = 256_000
"""Bits per second of lossy formats; the others ignore it."""
PART = ".part-"
"""Prefix of a file's name until it is whole."""
_LONGEST_PART = 60
"""Characters of the name that are kept, so that a name as long as names may be still finds place for the prefix."""
_CODECS = dict.fromkeys(("ogg", "oga", "opus", "webm"), "libopus")
"""Where FFmpeg's own choice is FLAC in Ogg, which few players expect, or an experimental encoder of Opus."""
_SAMPLE_FORMATS = ("s16", "s16p", "fltp", "flt")


@contextmanager
def new_audio_file(path: Path) -> Iterator[Callable[[Samples], None]]:
    """Open a new file in the format that its suffix names, and yield a function that writes samples to it.

    The file gets its name when it is whole; if anything fails, no file is left.

    Parameters
    ----------
    path
        Name ending in a suffix such as ``.wav``, ``.flac``, ``.mp3``, ``.ogg``, ``.opus`` or ``.m4a``.

    Yields
    ------
    callable
        Takes stereo samples at `RATE`, shape (samples, 2).

    Raises
    ------
    UserError
        The file exists, its suffix names no audio format, or it cannot be written.
    """
    part = path.with_name(f"{PART}{path.name[-_LONGEST_PART:]}")
    try:
        if path.exists():
            raise UserError(f"{path} exists already: choose another name, or move it away.")
        container, stream = _open(part)
        with container:

            def write(samples: Samples) -> None:
                for start in range(0, len(samples), RATE):
                    packed = np.ascontiguousarray(samples[start : start + RATE]).reshape(1, -1)
                    frame = av.AudioFrame.from_ndarray(packed, "flt", "stereo")
                    frame.sample_rate = RATE
                    container.mux(stream.encode(frame))

            yield write
            container.mux(stream.encode(None))
        part.replace(path)
    except (av.FFmpegError, OSError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise UserError(f"{path} cannot be written ({reason}).") from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _open(path: Path) -> tuple[av.container.OutputContainer, av.AudioStream]:
    try:
        container = av.open(ffmpeg_name(path), "w")
        codec = av.Codec(_CODECS.get(container.format.name, container.default_audio_codec), "w")
    except ValueError:
        suffix = f"'{path.suffix}' names no audio format" if path.suffix else "A name without a suffix names no format"
        raise UserError(f"{suffix}: use one such as .wav, .flac, .mp3, .ogg, .opus or .m4a.") from None
    formats = [known.name for known in codec.audio_formats or ()]
    rates = codec.audio_rates or [RATE]
    stream = container.add_stream(
        codec.name,
        rate=RATE if RATE in rates else max(rates),
        layout="stereo",
        format=next((name for name in _SAMPLE_FORMATS if name in formats), None),
        bit_rate=BIT_RATE,
    )
    return container, stream
