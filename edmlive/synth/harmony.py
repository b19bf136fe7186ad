"""Scales, chords and where to put them."""

SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "harmonic-minor": (0, 2, 3, 5, 7, 8, 11),
    "pentatonic-minor": (0, 3, 5, 5, 7, 10, 10),
}
"""Semitones above the tonic of seven degrees; a pentatonic scale doubles two of its own."""

CHORDS = {
    "unison": (0,),
    "fifth": (0, 4),
    "triad": (0, 2, 4),
    "sus": (0, 3, 4),
    "seventh": (0, 2, 4, 6),
    "ninth": (0, 2, 4, 6, 8),
}
"""Scale steps above the chord's root."""

KEYS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def degree(scale: tuple[int, ...], steps: int) -> int:
    """Return the semitones above the tonic of a scale degree, counted from 0 and over octaves."""
    return scale[steps % 7] + 12 * (steps // 7)


def near(pitch: float, register: int) -> float:
    """Return the octave of a pitch that lies nearest to a register, within a tritone."""
    return pitch + 12 * round((register - pitch) / 12)
