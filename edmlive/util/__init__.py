"""Small tools that know nothing about music."""
