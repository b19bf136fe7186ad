"""Where audio comes from: sound devices, files and streams, raw PCM, and the demo set."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from edmlive.errors import SourceError, UsageError
from edmlive.sources.audio import Source
from edmlive.util.playlists import file_url_path, is_url

if TYPE_CHECKING:
    from edmlive.sources.supervisor import OnLoss

STANDARD_INPUT = "-"
DEMO = "demo"
PCM_RATE, PCM_CHANNELS, PCM_FORMAT = 44_100, 2, "s16le"


def open_source(
    location: str | Path | None = None,
    *,
    device: str | None = None,
    channels: tuple[int, ...] | None = None,
    on_loss: "OnLoss" = "wait",
    pace: bool = False,
    rate: int | None = None,
    sample_format: str | None = None,
) -> Source:
    """Open an input device, a file, a URL, raw PCM on standard input, or the demo set.

    Parameters
    ----------
    location
        Path or URL of anything PyAV opens; ``-`` for standard input, raw PCM unless it is recognised as an audio
        file; ``demo`` or ``demo:SEED`` for the DJ set that edmlive renders itself; ``None`` for an input device.
    device
        Name, part of a name, or index of an input device; ``None`` for the default one.
    channels
        Channel numbers to keep, counted from 1; ``None`` for the first two of a device and all of a file or stream.
        For raw PCM a single number: how many channels are interleaved, by default 2.
    on_loss
        When a device or stream is lost, ``wait`` until it is back, or ``exit`` with a `SourceError`.
    pace
        Yield the blocks of a file or the demo set no faster than they would be heard.
    rate
        Of raw PCM, in Hz; 44,100 by default.
    sample_format
        Of raw PCM: ``u8``, ``s16le`` (the default), ``s24le``, ``s32le``, ``f32le`` or ``f64le``.

    Returns
    -------
    Source
        Iterate over it in a ``with`` statement.

    Raises
    ------
    UsageError
        These arguments contradict each other.
    SourceError
        The input cannot be opened.

    Examples
    --------
    >>> import edmlive
    >>> with edmlive.open_source("demo:7") as source:
    ...     block = next(iter(source))
    >>> source.rate, block.samples.shape
    (44100, (4410, 2))
    """
    name = None if location is None else str(location)
    seed = None if name is None else demo_seed(name)
    if name is not None and device is not None:
        raise UsageError(f"Listen to the device '{device}' or to '{name}', not to both.")
    if name != STANDARD_INPUT and not (rate is None and sample_format is None):
        raise UsageError("Rate and sample format describe raw PCM: give them only with '-' as the input.")
    if name == STANDARD_INPUT and channels is not None and len(channels) != 1:
        raise UsageError("For raw PCM, channels is how many are interleaved: give one number, such as 2.")
    if seed is not None and channels is not None:
        raise UsageError("The demo set has no channels to choose from: leave channels out.")
    # Imported one by one: the command starts, and the capture process runs, without PyAV and kernels.
    if name is None:
        from edmlive.sources.capture.device import DeviceSource

        return DeviceSource(device, channels, on_loss)
    if name == STANDARD_INPUT:
        from edmlive.sources.pcm import PcmSource, standard_input
        from edmlive.sources.pipe import PipeReader, holds_audio_file

        count = PCM_CHANNELS if channels is None else channels[0]
        pipe = PipeReader(standard_input(), "standard input")
        pcm = PcmSource(pipe, PCM_RATE if rate is None else rate, count, sample_format or PCM_FORMAT)
        if not holds_audio_file(pipe):
            return pcm
        from edmlive.sources.file import FileSource

        return FileSource(pipe)
    if seed is not None:
        from edmlive.sources.demo import DemoSource

        return DemoSource(seed, pace=pace)
    if isinstance(location, str) and is_stream(location):
        from edmlive.sources.stream import StreamSource

        return StreamSource(location, channels, on_loss)
    from edmlive.sources.file import FileSource

    return FileSource(location if isinstance(location, Path) else name, channels, pace=pace)


def is_stream(location: str | Path) -> bool:
    """Return whether this is the URL of something on the network. A `Path` never is."""
    return isinstance(location, str) and is_url(location) and not _is_file_url(location)


def local_path(location: str | Path) -> Path:
    """Return the path of a local file that is given as a path or as a ``file://`` URL."""
    return Path(file_url_path(location) if isinstance(location, str) and _is_file_url(location) else location)


def _is_file_url(location: str) -> bool:
    return location.lower().startswith("file://")


def demo_seed(location: str | Path) -> int | None:
    """Return the seed in ``demo:SEED``, 0 for ``demo``, and ``None`` for any other location.

    Raises
    ------
    SourceError
        The seed is not a whole number.
    """
    name, _, seed = str(location).partition(":")
    if name != DEMO:
        return None
    if seed and not re.fullmatch("[0-9]{1,18}", seed):
        raise SourceError(f"'{location}' is not a demo set: give it a whole number, such as {DEMO}:7.")
    return int(seed or 0)
