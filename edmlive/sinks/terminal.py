"""Readings for people: a live panel on a terminal, otherwise a line for each change."""

import textwrap

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from edmlive.realtime.reading import Reading, State
from edmlive.sinks.jsonl import STANDARD_OUTPUT, LineFile
from edmlive.sources.health import Counts, Liveness
from edmlive.util.printable import printable
from edmlive.util.timecode import clock

SHOWN = 5
WIDEST = 100
NOTICE_LINES = 2
_QUIETEST_DBFS = -60.0
_STYLES = {
    State.NO_INPUT: "bold red",
    State.LISTENING: "green",
    State.WARMING_UP: "yellow",
    State.SILENCE: "blue",
    State.UNSURE: "magenta",
    State.UNKNOWN: "bright_black",
}


class TerminalPanel:
    """A panel that is redrawn with each reading.

    Parameters
    ----------
    console
        The terminal.
    title
        What is being listened to, and with what.
    """

    def __init__(self, console: Console, title: str) -> None:
        self._title = printable(title)
        self._console = console
        self._live = Live(console=console, auto_refresh=False, transient=False)
        self._live.start()
        self._live.update(
            Panel(Text("opening...", "yellow"), title=Text(self._title), width=self._width()), refresh=True
        )

    def write(self, reading: Reading) -> None:
        """Draw the reading."""
        self._live.update(panel(reading, self._title, self._width()), refresh=True)

    def close(self) -> None:
        """Leave the last panel on the screen."""
        self._live.stop()

    def _width(self) -> int:
        # The "^C" echoed by a terminal must not wrap, or the last panel is drawn one line too low.
        return min(self._console.width - len("^C^C"), WIDEST)


class TerminalLines:
    """Writes a line to standard output when anything but tempo, level or confidence changes, for a log or a pipe."""

    def __init__(self) -> None:
        self._lines = LineFile(STANDARD_OUTPUT)
        self._last: object = None

    def write(self, reading: Reading) -> None:
        """Write a line if something has changed."""
        playing = reading.truth.genre if reading.truth else None
        now = reading.state, reading.answer, reading.mixing, playing, reading.liveness, reading.notices
        if now != self._last:
            self._last = now
            self._lines.write(line(reading))

    def close(self) -> None:
        """Close standard output."""
        self._lines.close()


def line(reading: Reading) -> str:
    """Return a reading as one line of text."""
    truth = reading.truth
    playing = f"  (playing {truth.genre}, {truth.bpm:.1f} BPM)" if truth else ""
    liveness = f"  ({reading.liveness})" if reading.liveness is not Liveness.HEALTHY else ""
    more = "".join((liveness, playing, *(f"  {notice}" for notice in reading.notices)))
    if reading.genre is None or reading.confidence is None:
        return printable(f"{clock(reading.time):>8}  {reading.state}{more}")
    tempo = "    -" if reading.bpm is None else f"{reading.bpm:5.1f}"
    unsure = "  (unsure)" if reading.state is State.UNSURE else ""
    mixing = "  (mixing)" if reading.mixing else ""
    surer = "" if reading.answer == reading.genre else f"{reading.family} {reading.family_confidence:.0%}, perhaps "
    answer = f"{clock(reading.time):>8}  {surer}{reading.genre}  {reading.confidence:.0%}  {tempo} BPM"
    return printable(f"{answer}{unsure}{mixing}{more}")


def panel(reading: Reading, title: str, width: int = WIDEST) -> Panel:
    """Return a reading as a panel.

    It shows genre and family, tempo, the truth if known, the five likeliest genres with their votes, losses, time,
    level, state and notices. Its height is the same in every state.
    """
    head = Text(
        printable("-" if reading.genre is None else reading.answer), style="bold", no_wrap=True, overflow="ellipsis"
    )
    if reading.family is not None and reading.family != reading.genre:
        head.append(Text(printable(f"  {reading.family} {reading.family_confidence:.0%}"), style="dim"))
    tempo = Text("- BPM" if reading.bpm is None else f"{reading.bpm:.1f} BPM", style="bold cyan")
    first = Table.grid(expand=True)
    first.add_column()
    first.add_column(justify="right")
    first.add_row(head, tempo)
    if reading.truth is not None:
        style = "green" if reading.right else "dim"
        first.add_row(
            Text(printable(f"playing {reading.truth.genre}"), style), Text(f"{reading.truth.bpm:.1f} BPM", style)
        )

    bars = Table.grid(padding=(0, 1), expand=True)
    bars.add_column(no_wrap=True, min_width=24)
    bars.add_column(ratio=1)
    bars.add_column(justify="right", width=5)
    bars.add_column(justify="right", width=8)
    for candidate in reading.top[:SHOWN]:
        count = reading.votes.get(candidate.genre, 0)
        votes = f"{count} vote{'s' if count != 1 else ''}" if count else ""
        bar = ProgressBar(total=1.0, completed=candidate.confidence, complete_style="cyan", finished_style="cyan")
        bars.add_row(Text(printable(candidate.genre)), bar, f"{candidate.confidence:.0%}", Text(votes, style="dim"))
    for _ in range(SHOWN - len(reading.top[:SHOWN])):
        bars.add_row("", "", "", "")

    last = Table.grid(expand=True, padding=(0, 1))
    last.add_column(width=10)
    last.add_column(ratio=1)
    last.add_column(width=11, justify="right")
    last.add_column(width=18, justify="right")
    loudness = max(0.0, 1 - reading.level_dbfs / _QUIETEST_DBFS)
    last.add_row(
        Text(clock(reading.time)),
        ProgressBar(total=1.0, completed=loudness, complete_style="green", finished_style="red"),
        f"{reading.level_dbfs:.1f} dBFS",
        Text(reading.state + (", mixing" if reading.mixing else ""), style=_STYLES[reading.state]),
    )
    losses = Text(_losses(reading.counts), style="dim", no_wrap=True, overflow="ellipsis")
    content: RenderableType = Group(first, Text(), bars, losses, last, *_notice_lines(reading.notices, width - 4))
    return Panel(content, title=Text(title), border_style=_STYLES[reading.state], width=width)


def _losses(counts: Counts) -> str:
    """Describe what was lost, if anything, worst first."""
    losses = (
        (counts.reconnects, "reconnect"),
        (counts.frames_lost, "frame lost"),
        (counts.decisions_skipped, "decision skipped"),
        (counts.readings_dropped, "reading dropped"),
        (counts.overflows, "overflow"),
    )
    return " · ".join(_counted(count, thing) for count, thing in losses if count)


def _counted(count: int, thing: str) -> str:
    noun, _, rest = thing.partition(" ")
    return f"{count} {noun}{'s' if count != 1 else ''} {rest}".rstrip()


def _notice_lines(notices: tuple[str, ...], width: int) -> list[Text]:
    wrapped = textwrap.wrap(printable(" ".join(notices)), max(width, 20), max_lines=NOTICE_LINES, placeholder=" …")
    padded = [*wrapped, *[""] * (NOTICE_LINES - len(wrapped))]
    return [Text(words, style="bold yellow", no_wrap=True, overflow="ellipsis") for words in padded]
