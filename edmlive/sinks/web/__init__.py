"""The web page and its API: readings for browsers, programs and monitoring."""

DEFAULT_ADDRESS = "127.0.0.1:8765"
