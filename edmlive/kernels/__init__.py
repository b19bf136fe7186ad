"""Numba kernels: pure functions on arrays, compiled once, called from the audio path."""
