"""A session for other programs: a CSV file with one line per segment, and a CUE sheet with one track per genre."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from edmlive.errors import UserError
from edmlive.realtime.segment import Segment
from edmlive.report.segments import transitions
from edmlive.report.session import Session
from edmlive.util.printable import spreadsheet_text

CSV_HEADER = (
    "start",
    "seconds",
    "audio_time",
    "state",
    "genre",
    "confidence",
    "bpm",
    "level_dbfs",
    "family",
    "family_confidence",
)
CUE_TRACKS = 99
_CUE_FRAMES = 75
_CUE_TYPES = {".mp3": "MP3", ".aif": "AIFF", ".aiff": "AIFF"}


def to_csv(segments: Sequence[Segment]) -> str:
    """Return one line for each segment.

    The columns are the time of day (ISO 8601), the length in seconds, the position in the audio in seconds, the
    state, the genre, its mean confidence (0..1), the median tempo in BPM, the mean level in dBFS, the family and its
    mean confidence (0..1).
    """
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(CSV_HEADER)
    for s in segments:
        start, place = s.start.isoformat(timespec="milliseconds"), (round(s.seconds, 3), round(s.time, 3))
        genre = (_text(s.genre), _share(s.confidence))
        family = (_text(s.family), _share(s.family_confidence))
        rows.writerow((start, *place, s.state, *genre, s.bpm, s.level_dbfs, *family))
    return text.getvalue()


def _text(name: str | None) -> str | None:
    return None if name is None else spreadsheet_text(name)


def _share(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def to_cue(session: Session, segments: Sequence[Segment], recording: Path) -> str:
    """Return a CUE sheet of the recording that ``listen --record`` made in the same run.

    A track starts where another genre was first named, the first one at the very beginning. The format is limited to
    `CUE_TRACKS` tracks; the last then holds the rest.

    Raises
    ------
    UserError
        There are several runs, each with its own recording, or there is no genre at all.
    """
    if len(session.runs) > 1:
        raise UserError(
            f"A CUE sheet describes one recording, but this session was started {len(session.runs)} times: "
            "give the lines of a single run."
        )
    changes = transitions(segments)[:CUE_TRACKS]
    if not changes:
        raise UserError("A CUE sheet needs tracks, but no genre was named in this session.")
    kind = _CUE_TYPES.get(recording.suffix.lower(), "WAVE")
    lines = [f'FILE "{_cue_text(recording.name)}" {kind}']
    for number, change in enumerate(changes, 1):
        frames = round(change.time * _CUE_FRAMES) if number > 1 else 0
        minutes, rest = divmod(frames, 60 * _CUE_FRAMES)
        tempo = f" ({change.bpm:.1f} BPM)" if change.bpm is not None else ""
        lines += [
            f"  TRACK {number:02d} AUDIO",
            f'    TITLE "{_cue_text(change.answer + tempo)}"',
            f"    INDEX 01 {minutes:02d}:{rest // _CUE_FRAMES:02d}:{rest % _CUE_FRAMES:02d}",
        ]
    return "\n".join(lines) + "\n"


def _cue_text(text: str) -> str:
    """Return text without what a quoted string of a CUE sheet cannot hold; the format has no escapes."""
    return "".join(c if c.isprintable() else " " for c in text.replace('"', "'"))
