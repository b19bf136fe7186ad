"""Where audio comes from: sound devices, files and streams, raw PCM, and the demo set."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from edmlive.errors import SourceError
from edmlive.sources.audio import Source

if TYPE_CHECKING:
    from edmlive.sources.supervisor import OnLoss

DEMO = "demo"


def open_source(
    location: str | Path | None = None,
    *,
    device: str | None = None,
    channels: tuple[int, ...] | None = None,
    on_loss: "OnLoss" = "wait",
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
    on_loss
        What to do when a device or a stream is lost: ``wait`` for it, or ``exit`` with a `SourceError`.

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
        from edmlive.sources.capture.device import DeviceSource

        return DeviceSource(device, channels, on_loss)
    seed = demo_seed(location)
    if seed is not None:
        from edmlive.sources.demo import DemoSource

        return DemoSource(seed)
    if is_stream(location):
        from edmlive.sources.stream import StreamSource

        return StreamSource(str(location), channels, on_loss)
    from edmlive.sources.file import FileSource

    return FileSource(location, channels)


def is_stream(location: str | Path) -> bool:
    """Tell whether this is the URL of something on the network."""
    return "://" in str(location) and not str(location).startswith("file:")


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
