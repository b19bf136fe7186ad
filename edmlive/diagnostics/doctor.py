"""Whether this computer can listen: each check says what it found and what to do, and none waits for ever."""

import importlib.metadata
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edmlive.errors import UserError
from edmlive.sources.audio import Source

if TYPE_CHECKING:
    from edmlive.realtime.providers import Provider

LISTEN_SECONDS = 2.0
NIGHT_HOURS = 6.0
LONGEST_SECONDS = 60.0
"""How long one check may take; compiling the kernels for the first time takes half of it."""

_SILENT_DBFS = -60.0
_RECORDING_BYTES_PER_HOUR = 48_000 * 2 * 4 * 3600
_BUSY = 0.5
_REHEARSAL_SECONDS = 12


class Status(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Parameters
    ----------
    name
        What was checked.
    status
        A failure keeps edmlive from listening; a warning may matter.
    said
        What is so.
    remedy
        What to do about it; empty where there is nothing to do.
    """

    name: str
    status: Status
    said: str
    remedy: str = ""


Check = Callable[[], Finding]


def checks(device: str | None = None, model: str | Path | None = None, provider: "Provider" = "auto") -> list[Check]:
    """Return every check, the quick ones first; `examine` runs them."""
    return [
        check_clock,
        check_shared_memory,
        check_compiler_cache,
        check_disk,
        check_processor,
        check_extras,
        check_web_page,
        check_sound_cards,
        check_sound_server,
        check_input_devices,
        partial(check_input, device),
        partial(check_model, model, provider),
    ]


def examine(found: Sequence[Check], seconds: float = LONGEST_SECONDS) -> Iterator[Finding]:
    """Run checks one after another and yield what they find.

    A check that fails in an unforeseen way, or takes longer than `seconds`, is a failure itself.
    """
    for check in found:
        findings: list[Finding] = []
        name = _name(check)

        def run(check: Check = check, findings: list[Finding] = findings, name: str = name) -> None:
            try:
                findings.append(check())
            except Exception as error:  # whatever a library or a strange system throws, the other checks go on
                findings.append(Finding(name, Status.FAILURE, f"the check itself failed: {error}", "report this"))

        thread = threading.Thread(target=run, name=f"check-{name}", daemon=True)
        thread.start()
        thread.join(seconds)
        yield (
            findings[0]
            if findings
            else Finding(
                name,
                Status.FAILURE,
                f"no answer within {seconds:.0f} s",
                "restart the computer's sound system, then again",
            )
        )


def check_clock() -> Finding:
    """Whether the computer's clock may be right, runs as fast as the monotonic one, and is kept so."""
    wall, monotonic = time.time(), time.monotonic()
    time.sleep(0.2)
    drift = abs((time.time() - wall) - (time.monotonic() - monotonic))
    remedy = "set the clock, and let it be kept: on Debian, 'apt install systemd-timesyncd'"
    if time.time() < Path(__file__).stat().st_mtime:
        return Finding("clock", Status.WARNING, "the clock is behind edmlive's own installation", remedy)
    if drift > 0.02:
        said = f"the clock was set by {drift * 1000:.0f} ms during this check"
        return Finding("clock", Status.WARNING, said, "look again in a minute")
    synchronised = _output("timedatectl", "show", "--property=NTPSynchronized", "--value")
    if synchronised == "no":
        said = "the clock is not kept by a time server: times in the files may be wrong"
        return Finding("clock", Status.WARNING, said, remedy)
    kept = "kept by a time server" if synchronised == "yes" else "whether a time server keeps it is not known"
    return Finding("clock", Status.OK, f"{time.strftime('%Y-%m-%d %H:%M:%S %z')}, {kept}")


def check_shared_memory() -> Finding:
    """Whether the ring that audio comes through can live in memory."""
    shared = Path("/dev/shm")
    if not shared.is_dir():
        return Finding("shared memory", Status.OK, f"the system has no {shared}: audio passes through a temporary file")
    if not os.access(shared, os.W_OK):
        return Finding(
            *(
                "shared memory",
                Status.WARNING,
                f"{shared} is not writable: audio passes through a file",
            ),
            remedy=f"chmod 1777 {shared}",
        )
    free = shutil.disk_usage(shared).free >> 20
    if free < 128:
        return Finding("shared memory", Status.WARNING, f"{free} MB free in {shared}", "give it 128 MB: --shm-size")
    return Finding("shared memory", Status.OK, f"{free} MB free in {shared}")


def check_compiler_cache() -> Finding:
    """Whether compiled kernels can be kept for the next start."""
    from edmlive.kernels import stream

    compiled: Any = stream.push
    folder = Path(compiled.stats.cache_path)
    if os.access(folder if folder.exists() else folder.parent, os.W_OK):
        return Finding("compiler cache", Status.OK, f"kept in {folder}")
    said = f"{folder} is not writable: what is not there yet is compiled at each start, for half a minute"
    return Finding("compiler cache", Status.WARNING, said, "set NUMBA_CACHE_DIR to a folder of yours")


def check_disk() -> Finding:
    """Whether a night's recording has room in this folder."""
    hours = shutil.disk_usage(Path.cwd()).free / _RECORDING_BYTES_PER_HOUR
    said = f"room for {hours:.0f} h of --record here (stereo at 48 kHz)"
    if not os.access(Path.cwd(), os.W_OK):
        return Finding("disk", Status.WARNING, "this folder is not writable", "start edmlive in a folder of yours")
    if hours < NIGHT_HOURS:
        return Finding("disk", Status.WARNING, said, "free some, or record elsewhere")
    return Finding("disk", Status.OK, said)


def check_processor() -> Finding:
    """Whether other programs leave time to listen."""
    if not hasattr(os, "getloadavg"):
        return Finding("processor", Status.OK, f"{os.cpu_count()} cores; this system does not tell their load")
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    said = f"load {load:.1f} on {cores} core{'s' if cores > 1 else ''}"
    if load > cores:
        return Finding("processor", Status.WARNING, f"{said}: more wants to run than can", "close other programs")
    return Finding("processor", Status.OK, said)


def check_extras() -> Finding:
    """Which optional parts are installed."""
    wanted: dict[str, list[str]] = {}
    for requirement in importlib.metadata.requires("edmlive") or []:
        extra = re.search(r"""extra\s*==\s*['"]([^'"]+)""", requirement)
        package = re.match(r"[\w.-]+", requirement)
        if extra and package:
            wanted.setdefault(extra[1], []).append(package[0])
    here = [extra for extra, packages in wanted.items() if all(map(_installed, packages))]
    missing = [extra for extra in wanted if extra not in here]
    said = f"installed: {', '.join(here) or 'none'}; not installed: {', '.join(missing) or 'none'}"
    return Finding(
        "extras", Status.OK, said, f"if wanted: pip install 'edmlive[{','.join(missing)}]'" if missing else ""
    )


def check_web_page() -> Finding:
    """Whether the web page's usual port is free."""
    from edmlive.sinks.web import DEFAULT_ADDRESS

    host, _, port = DEFAULT_ADDRESS.rpartition(":")
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError:
            said = f"{DEFAULT_ADDRESS} is taken, perhaps by another edmlive"
            return Finding("web page", Status.WARNING, said, f"give --web {host}:{int(port) + 1}")
    return Finding("web page", Status.OK, f"{DEFAULT_ADDRESS} is free")


def check_sound_cards() -> Finding:
    """Whether this user may use the sound cards."""
    cards = sorted(Path("/dev/snd").glob("pcm*c"))
    if not cards:
        where = "no sound card with an input" if sys.platform == "linux" else "not asked on this system"
        return Finding("sound cards", Status.OK, where)
    closed = [card for card in cards if not os.access(card, os.R_OK | os.W_OK)]
    if closed:
        said = f"this user may not use {', '.join(map(str, closed))}"
        return Finding("sound cards", Status.WARNING, said, "sudo usermod -aG audio $USER, then log in again")
    return Finding("sound cards", Status.OK, f"{len(cards)} inputs, all of them usable")


def check_sound_server() -> Finding:
    """Whether PulseAudio or PipeWire answers."""
    if shutil.which("pactl") is None:
        said = "pactl is not installed: the true rate and channels behind a sound server cannot be seen"
        return Finding("sound server", Status.OK, said, "with PulseAudio or PipeWire: apt install pulseaudio-utils")
    told = _output("pactl", "info")
    if told is None:
        return Finding(
            *("sound server", Status.OK, "none answers; sound cards may be used without"),
            remedy="if there should be one: systemctl --user restart pipewire-pulse, or pulseaudio --start",
        )
    name = re.search(r"^Server Name: (.*)$", told, re.MULTILINE)
    source = re.search(r"^Default Source: (.*)$", told, re.MULTILINE)
    said = f"{name[1] if name else 'answers'}, default source {source[1] if source else 'not told'}"
    return Finding("sound server", Status.OK, said)


def check_input_devices() -> Finding:
    """Whether PortAudio is there and sees an input."""
    from edmlive.sources.capture.device import list_devices

    try:
        found = list_devices()
    except UserError as error:
        return _refused("input devices", error)
    if not found:
        remedy = "connect one; in a container, hand /dev/snd or the sound server's socket in"
        return Finding("input devices", Status.FAILURE, "PortAudio sees none", remedy)
    names = ", ".join(f"{device.index} '{device.name}'" for device in found)
    return Finding("input devices", Status.OK, names)


def check_input(device: str | None = None) -> Finding:
    """Whether the device opens and delivers, and how loud.

    Parameters
    ----------
    device
        As for `DeviceSource`.
    """
    from edmlive.sources.capture.device import DeviceSource

    try:
        with DeviceSource(device) as source:
            return _heard(source)
    except UserError as error:
        return _refused("input", error)


def _heard(source: Source) -> Finding:
    """Listen to an open source for `LISTEN_SECONDS`."""
    name = f"'{source.name}', {source.rate} Hz, {source.channels} channels"
    frames, power = 0, 0.0
    deadline = time.monotonic() + LISTEN_SECONDS
    for block in source:
        frames += len(block.samples)
        power += float(np.sum(np.square(block.samples, dtype=np.float64)))
        if time.monotonic() > deadline:
            break
    if frames == 0:
        remedy = "check its cable, that it is not muted, and restart its sound server"
        return Finding("input", Status.FAILURE, f"{name}: no audio within {LISTEN_SECONDS:.0f} s", remedy)
    level = 10 * np.log10(max(power / (frames * source.channels), 1e-12))
    if level < _SILENT_DBFS:
        remedy = "play something; if it stays so, choose another input or channel, and check cable and gain"
        return Finding("input", Status.WARNING, f"{name}: silence ({level:.0f} dBFS)", remedy)
    if level > -3:
        return Finding("input", Status.WARNING, f"{name}: {level:.0f} dBFS is too loud", "turn its gain down")
    return Finding("input", Status.OK, f"{name}: {level:.0f} dBFS")


def check_model(model: str | Path | None = None, provider: "Provider" = "auto") -> Finding:
    """Whether the model loads, on what it truly runs, and what listening with it costs."""
    from edmlive.kernels.tables import SAMPLE_RATE
    from edmlive.realtime.classifier import DEFAULT_MODEL, Classifier
    from edmlive.realtime.engine import Engine
    from edmlive.sources.audio import AudioBlock

    try:
        classifier = Classifier(model or DEFAULT_MODEL, provider)
        engine = Engine(classifier, SAMPLE_RATE)
    except UserError as error:
        return _refused("model", error)
    noise = np.random.default_rng(0).normal(0, 0.1, (_REHEARSAL_SECONDS * SAMPLE_RATE, 1)).astype(np.float32)
    list(engine.push(AudioBlock(noise[:SAMPLE_RATE], time.monotonic())))  # compiles, the very first time
    started = time.process_time()
    list(engine.push(AudioBlock(noise[SAMPLE_RATE:], time.monotonic())))
    load = (time.process_time() - started) / (_REHEARSAL_SECONDS - 1)
    classifier.probabilities({i.name: np.zeros(i.shape, np.float32) for i in classifier.spec.inputs})
    decision = sum(classifier.inference.steps[-1])
    said = (
        f"{classifier.spec.name} on {classifier.provider}; a decision takes {decision * 1000:.1f} ms, "
        f"listening {load:.1%} of a core"
    )
    if load > _BUSY:
        return Finding("model", Status.WARNING, said, f"give --hop {classifier.spec.vote.hop_seconds * 4:g}")
    if classifier.provider == "cpu" and provider == "auto" and Path("/proc/driver/nvidia/version").exists():
        remedy = "CPU is enough; for the GPU: pip install 'onnxruntime-gpu[cuda,cudnn]'"
        return Finding("model", Status.OK, f"{said}; there is an NVIDIA GPU, but CUDA did not start", remedy)
    return Finding("model", Status.OK, said)


def _refused(name: str, error: UserError) -> Finding:
    said, _, remedy = str(error).removesuffix(".").partition(": ")
    return Finding(name, Status.FAILURE, said, remedy)


def _name(check: Check) -> str:
    function = check.func if isinstance(check, partial) else check
    return function.__name__.removeprefix("check_").replace("_", " ")


def _installed(package: str) -> bool:
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _output(*command: str) -> str | None:
    """Return what a program says, or ``None`` if it is missing, fails or takes its time."""
    try:
        return subprocess.run(command, capture_output=True, timeout=3, check=True, text=True).stdout.strip()
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
