"""The sound device: a process of its own that captures it, and the source that reads what it captured."""
