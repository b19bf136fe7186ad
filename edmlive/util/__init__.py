"""Small tools that know nothing of music."""
