"""The computer that figures were measured on; they mean nothing without it."""

import os
import platform
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True)
class Machine:
    """A computer and the software that determines the speed of edmlive.

    Parameters
    ----------
    processor
        Its name, as far as the system reports it.
    cores
        Cores that this process may use.
    gpu
        Name and driver version of each NVIDIA GPU; empty without one.
    system
        Operating system and its version.
    versions
        Versions of edmlive, Python and the numerical packages, by name.
    """

    processor: str
    cores: int
    gpu: str
    system: str
    versions: dict[str, str]


def this_machine() -> Machine:
    """Describe this computer."""
    import onnxruntime  # version() would need the distribution's name, which differs for GPUs

    return Machine(
        _processor(),
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        _gpu(),
        f"{platform.system()} {platform.release()}",
        {
            "edmlive": version("edmlive"),
            "Python": platform.python_version(),
            "ONNX Runtime": onnxruntime.__version__,
            "Numba": version("numba"),
            "NumPy": version("numpy"),
        },
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()


def _gpu() -> str:
    command = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        output = subprocess.run(command, capture_output=True, timeout=10, check=True, text=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
    return "; ".join(line.strip() for line in output.splitlines())
