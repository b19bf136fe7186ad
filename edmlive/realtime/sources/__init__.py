"""Where audio comes from: sound devices, files and streams, raw PCM, and the demo set."""

import re
from pathlib import Path

from edmlive.errors import SourceError
from edmlive.realtime.audio import Source

DEMO = "demo"


def open_source(
    location: str | Path | None = None, *, device: str | None = None, channels: tuple[int, ...] | None = None
) -> Source:
    """Open a file, URL or stream, the demo set, or else an input device.

    Parameters
    ----------
    location
        Path or URL of anything PyAV opens; ``demo`` or ``demo:SEED`` for the set that edmlive renders itself;
        ``None`` for a device.
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
    seed = demo_seed(location)
    if seed is not None:
        from edmlive.realtime.sources.demo import DemoSource

        return DemoSource(seed)
    from edmlive.realtime.sources.file import FileSource

    return FileSource(location, channels)


def demo_seed(location: str | Path) -> int | None:
    """Return the seed in ``demo:SEED``, 0 for ``demo``, or ``None`` where something else is meant.

    Raises
    ------
    SourceError
        The seed is no number.
    """
    name, _, seed = str(location).partition(":")
    if name != DEMO:
        return None
    if seed and not re.fullmatch("[0-9]{1,18}", seed):
        raise SourceError(f"'{location}' names no demo set: give a whole number, such as {DEMO}:7.")
    return int(seed or 0)
