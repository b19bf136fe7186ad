"""Numba functions that make sound: pure functions on arrays, as in `edmlive.kernels`."""
