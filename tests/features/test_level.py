"""The gate that distinguishes silence from music."""

from edmlive.features.level import SilenceGate


def levels(gate: SilenceGate, *dbfs: float) -> list[bool]:
    return [gate.push(level, 1.0) for level in dbfs]


def test_silence_begins_after_its_hold_and_ends_at_once() -> None:
    gate = SilenceGate(enter_dbfs=-60, leave_dbfs=-54, hold_seconds=2)
    assert levels(gate, -20, -70, -70, -70, -53, -70) == [False, False, True, True, False, False]


def test_levels_between_the_thresholds_change_nothing() -> None:
    gate = SilenceGate(enter_dbfs=-60, leave_dbfs=-54, hold_seconds=2)
    assert levels(gate, -57, -57, -57, -57) == [False] * 4
    assert levels(gate, -61, -61, -57, -57) == [False, True, True, True]


def test_short_rest_in_the_music_is_not_silence() -> None:
    gate = SilenceGate(enter_dbfs=-60, leave_dbfs=-54, hold_seconds=2)
    assert levels(gate, *([-70, -20] * 10)) == [False] * 20


def test_quiet_means_only_low_levels_since_the_start_or_the_last_silence() -> None:
    gate = SilenceGate(enter_dbfs=-60, leave_dbfs=-54, hold_seconds=2)
    quiet = []
    for level in (-70, -20, -70, -70, -57, -53):
        gate.push(level, 1.0)
        quiet.append(gate.quiet)
    assert quiet == [True, False, False, True, True, False]


def test_scattered_quiet_seconds_are_not_silence() -> None:
    gate = SilenceGate(enter_dbfs=-60, leave_dbfs=-54, hold_seconds=2)
    assert levels(gate, *([-61, -57] * 10)) == [False] * 20
