"""Numba kernels for analysis: pure functions on arrays, compiled once and called from the audio path."""
