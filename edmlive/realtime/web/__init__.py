"""The web page and its interface: readings for browsers, programs and monitoring."""

from typing import TYPE_CHECKING

from edmlive.errors import SinkError

if TYPE_CHECKING:
    from edmlive.realtime.web.server import WebSink

DEFAULT_ADDRESS = "127.0.0.1:8765"


def web_sink(address: str = DEFAULT_ADDRESS, provider: str = "") -> "WebSink":
    """Return a sink that serves the page.

    Parameters
    ----------
    address
        Where to serve it, as ``HOST:PORT``, such as ``127.0.0.1:8765`` or ``[::1]:8765``.
    provider
        What runs the model, for the metrics.

    Raises
    ------
    SinkError
        The extra ``web`` is not installed, the address makes no sense or cannot be had, or it can be reached from
        other computers and there is no token.
    """
    try:
        from edmlive.realtime.web.server import WebSink
    except ModuleNotFoundError as error:
        raise SinkError(f"--web needs {error.name}, which is not installed: pip install 'edmlive[web]'.") from None
    return WebSink(address, provider)
