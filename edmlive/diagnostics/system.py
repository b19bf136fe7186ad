"""Checks of the computer: clock, memory, disk, processor, installed extras, network port."""

import importlib.metadata
import os
import re
import shutil
import socket
import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from edmlive.diagnostics.checks import Finding, Status

NIGHT_HOURS = 6.0

_RECORDING_BYTES_PER_HOUR = 48_000 * 2 * 4 * 3600
_LEAST_SHARED_MB = 128
_LARGEST_CLOCK_STEP_SECONDS = 0.02


def check_clock() -> Finding:
    """Check that the wall clock is plausible, runs at the speed of the monotonic clock and is synchronised."""
    wall, monotonic = time.time(), time.monotonic()
    time.sleep(0.2)
    step = abs((time.time() - wall) - (time.monotonic() - monotonic))
    remedy = "set the clock and keep it synchronised: on Debian, 'apt install systemd-timesyncd'"
    if time.time() < Path(__file__).stat().st_mtime:
        return Finding("clock", Status.WARNING, "the clock is behind edmlive's own installation", remedy)
    if step > _LARGEST_CLOCK_STEP_SECONDS:
        said = f"the clock jumped by {step * 1000:.0f} ms during this check"
        return Finding("clock", Status.WARNING, said, "try again in a minute")
    synchronised = output("timedatectl", "show", "--property=NTPSynchronized", "--value")
    if synchronised == "no":
        said = "the clock is not synchronised with a time server: time stamps may be wrong"
        return Finding("clock", Status.WARNING, said, remedy)
    state = "synchronised with a time server" if synchronised == "yes" else "synchronisation unknown"
    return Finding("clock", Status.OK, f"{time.strftime('%Y-%m-%d %H:%M:%S %z')}, {state}")


def check_shared_memory() -> Finding:
    """Check that the ring buffer between the capture process and this one can live in memory."""
    shared = Path("/dev/shm")
    if not shared.is_dir():
        said = f"this system has no {shared}: audio passes through a temporary file"
        return Finding("shared memory", Status.OK, said)
    if not os.access(shared, os.W_OK):
        said = f"{shared} is not writable: audio passes through a temporary file"
        return Finding("shared memory", Status.WARNING, said, f"chmod 1777 {shared}")
    free = shutil.disk_usage(shared).free >> 20
    said = f"{free} MB free in {shared}"
    if free < _LEAST_SHARED_MB:
        remedy = f"give it {_LEAST_SHARED_MB} MB; in a container, with --shm-size"
        return Finding("shared memory", Status.WARNING, said, remedy)
    return Finding("shared memory", Status.OK, said)


def check_compiler_cache() -> Finding:
    """Check that compiled kernels can be kept for the next start."""
    from edmlive.kernels import stream

    compiled: Any = stream.push
    folder = Path(compiled.stats.cache_path)
    if os.access(folder if folder.exists() else folder.parent, os.W_OK):
        return Finding("compiler cache", Status.OK, f"in {folder}")
    said = f"{folder} is not writable: kernels that are not in it are compiled at every start, for half a minute"
    return Finding("compiler cache", Status.WARNING, said, "set NUMBA_CACHE_DIR to a writable folder")


def check_disk() -> Finding:
    """Check that the current folder has room for a night's recording."""
    if not os.access(Path.cwd(), os.W_OK):
        remedy = "start edmlive in a folder that you can write to"
        return Finding("disk", Status.WARNING, "this folder is not writable", remedy)
    hours = shutil.disk_usage(Path.cwd()).free / _RECORDING_BYTES_PER_HOUR
    said = f"room for {hours:.0f} h of --record here (stereo, 48 kHz)"
    if hours < NIGHT_HOURS:
        return Finding("disk", Status.WARNING, said, "free some space, or record to another disk")
    return Finding("disk", Status.OK, said)


def check_processor() -> Finding:
    """Check that other programs leave processor time to listen."""
    cores = os.cpu_count() or 1
    named = f"{cores} core{'s' if cores > 1 else ''}"
    if not hasattr(os, "getloadavg"):
        return Finding("processor", Status.OK, f"{named}; this system does not report its load")
    load = os.getloadavg()[0]
    said = f"load {load:.1f} on {named}"
    if load > cores:
        return Finding("processor", Status.WARNING, f"{said}: overloaded", "close other programs")
    return Finding("processor", Status.OK, said)


def check_extras() -> Finding:
    """Check which optional packages are installed."""
    packages: dict[str, list[str]] = {}
    for requirement in importlib.metadata.requires("edmlive") or []:
        extra = re.search(r"""extra\s*==\s*['"]([^'"]+)""", requirement)
        package = re.match(r"[\w.-]+", requirement)
        if extra and package:
            packages.setdefault(extra[1], []).append(package[0])
    installed = [extra for extra, needed in packages.items() if all(map(_installed, needed))]
    missing = [extra for extra in packages if extra not in installed]
    said = f"installed: {', '.join(installed) or 'none'}; not installed: {', '.join(missing) or 'none'}"
    remedy = f"if you want them: pip install 'edmlive[{','.join(missing)}]'" if missing else ""
    return Finding("extras", Status.OK, said, remedy)


def check_web_page() -> Finding:
    """Check that the default port of the web page is free."""
    from edmlive.sinks.web import DEFAULT_ADDRESS

    host, _, port = DEFAULT_ADDRESS.rpartition(":")
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError:
            said = f"{DEFAULT_ADDRESS} is in use, perhaps by another edmlive"
            return Finding("web page", Status.WARNING, said, f"use --web {host}:{int(port) + 1}")
    return Finding("web page", Status.OK, f"{DEFAULT_ADDRESS} is free")


def output(*command: str) -> str | None:
    """Return what a program prints, or ``None`` if it is missing, fails or takes longer than 3 s."""
    try:
        return subprocess.run(command, capture_output=True, timeout=3, check=True, text=True).stdout.strip()
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


def _installed(package: str) -> bool:
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
