"""``edmlive devices``: the input devices."""

from rich.table import Table

from edmlive.cli.common import plain_console, starting
from edmlive.errors import DeviceError


def devices() -> None:
    """List the input devices, for --device."""
    with starting(plain_console(stderr=True), "starting"):
        from edmlive.sources.capture.device import list_devices

    found = list_devices()
    if not found:
        raise DeviceError("No audio input device was found: connect one, then try again.")
    table = Table("Index", "Name", "Channels", "Rate", "Host", "Default", box=None, header_style="bold")
    for device in found:
        mark = "yes" if device.default else ""
        table.add_row(str(device.index), device.name, str(device.channels), f"{device.rate} Hz", device.host, mark)
    plain_console().print(table)
