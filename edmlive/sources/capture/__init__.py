"""The sound device: the process that captures it, and the source that reads what was captured."""
