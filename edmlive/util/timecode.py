"""Times as people read them."""


def clock(seconds: float) -> str:
    """Return ``m:ss`` or ``h:mm:ss`` of a time in seconds."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
