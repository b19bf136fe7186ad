"""Can this computer listen? All checks, and those of sound devices and model."""

import os
import re
import shutil
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edmlive.diagnostics import system
from edmlive.diagnostics.checks import Check, Finding, Status, refused
from edmlive.errors import UserError
from edmlive.sources.audio import Source

if TYPE_CHECKING:
    from edmlive.realtime.classifier import Classifier
    from edmlive.realtime.providers import Provider

LISTEN_SECONDS = 2.0

_SILENT_DBFS, _LOUD_DBFS = -60.0, -3.0
_HIGH_LOAD = 0.5
_TRIAL_SECONDS = 12


def all_checks(
    device: str | None = None, model: str | Path | None = None, provider: "Provider" = "auto"
) -> dict[str, Check]:
    """Return every check by its name, the quick ones first, for `run_checks`."""
    return {
        "clock": system.check_clock,
        "shared memory": system.check_shared_memory,
        "compiler cache": system.check_compiler_cache,
        "disk": system.check_disk,
        "processor": system.check_processor,
        "extras": system.check_extras,
        "web page": system.check_web_page,
        "sound cards": check_sound_cards,
        "sound server": check_sound_server,
        "input devices": check_input_devices,
        "input": partial(check_input, device),
        "model": partial(check_model, model, provider),
    }


def check_sound_cards() -> Finding:
    """Check that this user may use the sound cards."""
    cards = sorted(Path("/dev/snd").glob("pcm*c"))
    if not cards:
        if sys.platform != "linux":
            return Finding("sound cards", Status.OK, "not checked on this system")
        remedy = "connect one, or use --input with a file or stream; in a container, pass /dev/snd in"
        return Finding("sound cards", Status.WARNING, "no sound card with an input", remedy)
    closed = [str(card) for card in cards if not os.access(card, os.R_OK | os.W_OK)]
    if closed:
        said = f"no permission to use {', '.join(closed)}"
        return Finding("sound cards", Status.WARNING, said, "sudo usermod -aG audio $USER, then log in again")
    return Finding("sound cards", Status.OK, f"{len(cards)} inputs, all accessible")


def check_sound_server() -> Finding:
    """Check whether PulseAudio or PipeWire answers."""
    if sys.platform != "linux":
        return Finding("sound server", Status.OK, "not checked on this system")
    if shutil.which("pactl") is None:
        said = "pactl is not installed: the true rate and channels behind a sound server are unknown"
        remedy = "if you use PulseAudio or PipeWire: apt install pulseaudio-utils"
        return Finding("sound server", Status.WARNING, said, remedy)
    info = system.output("pactl", "info")
    if info is None:
        remedy = "if one should be running: systemctl --user restart pipewire-pulse, or pulseaudio --start"
        return Finding("sound server", Status.OK, "none answers: sound cards are used directly", remedy)
    name = re.search(r"^Server Name: (.*)$", info, re.MULTILINE)
    source = re.search(r"^Default Source: (.*)$", info, re.MULTILINE)
    said = f"{name[1] if name else 'answers'}, default source {source[1] if source else 'unknown'}"
    return Finding("sound server", Status.OK, said)


def check_input_devices() -> Finding:
    """Check that PortAudio is installed and finds an input."""
    from edmlive.sources.capture.device import list_devices

    try:
        devices = list_devices()
    except UserError as error:
        return refused("input devices", error)
    if not devices:
        remedy = "connect one; in a container, pass /dev/snd or the sound server's socket in"
        return Finding("input devices", Status.FAILURE, "PortAudio finds none", remedy)
    said = ", ".join(f"{device.index} '{device.name}'" for device in devices)
    return Finding("input devices", Status.OK, said)


def check_input(device: str | None = None) -> Finding:
    """Check that a device opens and delivers audio, and how loud it is.

    Parameters
    ----------
    device
        As for `DeviceSource`.
    """
    from edmlive.sources.capture.device import DeviceSource

    try:
        with DeviceSource(device) as source:
            level = _level(source)
            name = f"'{source.name}', {source.rate} Hz, {source.channels} channels"
    except UserError as error:
        return refused("input", error)
    if level is None:
        remedy = "check the cable, check that it is not muted, and restart the sound server"
        return Finding("input", Status.FAILURE, f"{name}: no audio within {LISTEN_SECONDS:.0f} s", remedy)
    if level < _SILENT_DBFS:
        remedy = "play something; if it stays silent, choose another input or channel, and check cable and gain"
        return Finding("input", Status.WARNING, f"{name}: silence ({level:.0f} dBFS)", remedy)
    if level > _LOUD_DBFS:
        return Finding("input", Status.WARNING, f"{name}: {level:.0f} dBFS is too loud", "turn the gain down")
    return Finding("input", Status.OK, f"{name}: {level:.0f} dBFS")


def check_model(model: str | Path | None = None, provider: "Provider" = "auto") -> Finding:
    """Check that the model loads, which provider it runs on, and what listening with it costs."""
    from edmlive.realtime.classifier import DEFAULT_MODEL, Classifier

    try:
        classifier = Classifier(model or DEFAULT_MODEL, provider)
        load = _listening_load(classifier)
    except UserError as error:
        return refused("model", error)
    said = (
        f"{classifier.spec.name} on {classifier.provider}; a decision takes {_decision_seconds(classifier) * 1000:.1f} "
        f"ms, listening {load:.1%} of a core"
    )
    if load > _HIGH_LOAD:
        return Finding("model", Status.WARNING, said, f"use --hop {classifier.spec.vote.hop_seconds * 4:g}")
    if classifier.provider == "cpu" and provider == "auto" and Path("/proc/driver/nvidia/version").exists():
        said += "; there is an NVIDIA GPU, but CUDA did not start"
        remedy = "the CPU is fast enough; to use the GPU: pip install 'onnxruntime-gpu[cuda,cudnn]'"
        return Finding("model", Status.OK, said, remedy)
    return Finding("model", Status.OK, said)


def _level(source: Source) -> float | None:
    """Listen for `LISTEN_SECONDS` and return the RMS level in dBFS, or ``None`` if no audio arrives."""
    values, power = 0, 0.0
    deadline = time.monotonic() + LISTEN_SECONDS
    for block in source:
        values += block.samples.size
        power += float(np.sum(np.square(block.samples, dtype=np.float64)))
        if time.monotonic() > deadline:
            break
    return 10 * float(np.log10(max(power / values, 1e-12))) if values else None


def _listening_load(classifier: "Classifier") -> float:
    """Return the CPU time of listening to a second of noise, in seconds: the share of one core."""
    from edmlive.kernels.tables import SAMPLE_RATE
    from edmlive.realtime.engine import Engine
    from edmlive.sources.audio import AudioBlock

    engine = Engine(classifier, SAMPLE_RATE)
    noise = np.random.default_rng(0).normal(0, 0.1, (_TRIAL_SECONDS * SAMPLE_RATE, 1)).astype(np.float32)
    list(engine.push(AudioBlock(noise[:SAMPLE_RATE], time.monotonic())))  # compiles the kernels on the first run
    started = time.process_time()
    list(engine.push(AudioBlock(noise[SAMPLE_RATE:], time.monotonic())))
    return (time.process_time() - started) / (_TRIAL_SECONDS - 1)


def _decision_seconds(classifier: "Classifier") -> float:
    """Return how long one decision takes by the clock."""
    classifier.probabilities({i.name: np.zeros(i.shape, np.float32) for i in classifier.spec.inputs})
    return sum(classifier.inference.steps[-1])
