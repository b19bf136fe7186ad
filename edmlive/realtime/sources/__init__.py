"""Where audio comes from: sound devices, files and streams, raw PCM."""

from pathlib import Path

from edmlive.realtime.audio import Source


def open_source(
    location: str | Path | None = None, *, device: str | None = None, channels: tuple[int, ...] | None = None
) -> Source:
    """Open a file, URL or stream, or else an input device.

    Parameters
    ----------
    location
        Path or URL of anything PyAV opens; ``None`` for a device.
    device
        Name, part of a name, or index of an input device; ``None`` for the default one.
    channels
        Channel numbers from 1 to listen to; ``None`` for all of a file, the first two of a device.

    Returns
    -------
    Source
        To be used in a ``with`` statement.

    Raises
    ------
    SourceError
        It cannot be opened.
    """
    if location is None:
        from edmlive.realtime.sources.device import DeviceSource

        return DeviceSource(device, channels)
    from edmlive.realtime.sources.file import FileSource

    return FileSource(location, channels)
