"""Measurements against peers: ``python -m benchmarks.NAME``, from the repository root."""

import os

# Before NumPy or a peer starts a pool of threads: CPU time would count how long its threads wait for one another.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
