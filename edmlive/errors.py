"""What goes wrong for reasons the user can mend: one sentence naming the thing and the way out."""


class UserError(Exception):
    """Base of all errors whose message is meant for the user as it stands.

    Examples
    --------
    >>> import edmlive
    >>> try:
    ...     classifier = edmlive.Classifier("missing.onnx")
    ... except edmlive.UserError as error:
    ...     print(error)
    Model missing.onnx cannot be read (no such file or directory): ...
    """


class UsageError(UserError):
    """Arguments contradict each other; on the command line, exit code 2."""


class SourceError(UserError):
    """Audio cannot be opened, read or decoded.

    Examples
    --------
    >>> import edmlive
    >>> genres = {}
    >>> for name in ("track.flac", "missing.flac"):
    ...     try:
    ...         genres[name] = edmlive.classify(name).genre
    ...     except edmlive.SourceError:
    ...         genres[name] = "unreadable"
    >>> genres
    {'track.flac': 'Dubstep', 'missing.flac': 'unreadable'}
    """


class DeviceError(SourceError):
    """A sound device is unknown, ambiguous, refuses to open, or has gone."""


class ModelError(UserError):
    """A model file is missing, untrusted, or does not fit its spec."""


class SinkError(UserError):
    """Readings can no longer be written where they should go."""


class SinkInterruptedError(SinkError):
    """A reading cannot be written for the time being, as on a full disk; a later one may be."""
