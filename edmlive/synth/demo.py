"""The demo set: an endless DJ set through all subgenres, whose truth is known at every moment."""

import threading
from collections.abc import Iterator

import numpy as np

from edmlive.synth.audio import RATE, Samples
from edmlive.synth.deck import Turn, bar_samples, play
from edmlive.synth.recipe import recipe
from edmlive.taxonomy import SUBGENRES

PITCH_RANGE = 0.06
"""Largest deviation of a deck's speed from the track's own, as on most turntables for DJs."""
OPENING = "liquid-drum-and-bass"
"""The subgenre that a set begins with: music that the default model names within seconds."""
OPENING_BARS = (16, 32, 64)
"""Lengths of its tracks of that subgenre. The first is rendered in a second or so, and each of the next ones while the
one before it plays; together they take as long as a track of full length."""
TRACK_SECONDS = (150.0, 240.0)
FADE_BARS = (8, 16)
LONGEST_FADE_SECONDS = 32.0
GLIDE_SECONDS = 15.0
"""Seconds that a track takes from the speed of the fade to its own."""
PHRASE_BARS = 8
KNEE, CEILING = 0.8, 0.98
"""Level at which the mixer's output begins to saturate, and the one that it never reaches."""
_TEMPOS_TRIED = 16
_QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)


class DemoSet:
    """An endless set; the same seed gives the same samples, however they are split into blocks.

    It begins with short tracks of `OPENING`, so that it sounds at once. Each lap goes through all subgenres in a new
    order. While a track plays, the next one is rendered in a thread; two or three tracks are in memory at any time.

    Parameters
    ----------
    seed
        Seed of everything that is drawn.
    """

    def __init__(self, seed: int = 0) -> None:
        self._turns = turns(seed)
        self._position = 0
        self._decks = [_Deck(next(self._turns))]
        self._coming: _Deck | None = None

    def read(self, count: int) -> Samples:
        """Return the next samples, shape (count, 2), once the track that plays is rendered."""
        start, stop = self._position, self._position + count
        self._decks = [deck for deck in self._decks if deck.turn.end > start]
        mix = np.zeros((count, 2), np.float32)
        while self._next().turn.start < stop:
            self._decks.append(self._next())
            self._coming = None
        for deck in self._decks:
            deck.add_to(mix, start)
        self._position = stop
        return _limited(mix)

    @property
    def position(self) -> int:
        """Samples read so far."""
        return self._position

    @property
    def playing(self) -> Turn:
        """The track at the last sample that was read; in a cross-fade the louder of the two."""
        last = max(0, self._position - 1)
        return [deck.turn for deck in self._decks if deck.turn.leading <= last][-1]

    def _next(self) -> "_Deck":
        # Started only when the previous deck is rendered, so that one is rendered at a time.
        if self._coming is None:
            self._decks[-1].wait()
            self._coming = _Deck(next(self._turns))
        return self._coming


class _Deck:
    """A turn whose audio is rendered in the background."""

    def __init__(self, turn: Turn) -> None:
        self.turn = turn
        self._played: Samples | None = None
        self._error: Exception | None = None
        # A daemon, so that the end of a session does not wait for the next track.
        self._thread = threading.Thread(target=self._play, name=f"deck-{turn.genre}", daemon=True)
        self._thread.start()

    def _play(self) -> None:
        try:
            self._played = play(self.turn)
        except Exception as error:
            self._error = error

    def wait(self) -> Samples:
        self._thread.join()
        if self._error is not None:
            raise self._error
        assert self._played is not None
        return self._played

    def add_to(self, mix: Samples, start: int) -> None:
        """Add its samples to a block that begins at a sample of the set."""
        first = max(start, self.turn.start)
        last = min(start + len(mix), self.turn.end)
        mix[first - start : last - start] += self.wait()[first - self.turn.start : last - self.turn.start]


def turns(seed: int, opening: str = OPENING) -> Iterator[Turn]:
    """Plan a set that begins with a subgenre: yield its turns, endlessly, without rendering them."""
    rng = np.random.default_rng(seed)
    walk = _walk(rng, opening)
    openings = iter(OPENING_BARS)
    genre, bpm, speed = next(walk)
    start, fade_in = 0, 0
    for next_genre, next_bpm, next_speed in walk:
        bar = bar_samples(bpm)
        bars = PHRASE_BARS * round(rng.uniform(*TRACK_SECONDS) * RATE / bar / PHRASE_BARS)
        fade_bars = [bars for bars in FADE_BARS if bars * bar <= LONGEST_FADE_SECONDS * RATE]
        fade_out_bars = 0 if next_speed is None else fade_bars[rng.integers(len(fade_bars))]
        if short := next(openings, None):
            bars, fade_out_bars = short, min(fade_out_bars, PHRASE_BARS)
        glide = round(GLIDE_SECONDS * RATE) if fade_in else 0
        seed = int(rng.integers(2**31))
        turn = Turn(genre, bpm, bars, seed, start, speed or 1.0, fade_in, glide, fade_out_bars)
        yield turn
        start, fade_in = turn.exit, turn.end - turn.exit
        genre, bpm, speed = next_genre, next_bpm, next_speed


def _walk(rng: np.random.Generator, opening: str) -> Iterator[tuple[str, float, float | None]]:
    """Yield subgenres, their tempos, and the speeds that match them to the previous track, or `None` for a cut."""
    genre, bpm = opening, _tempos(opening, rng)[0]
    yield genre, bpm, None
    for _ in OPENING_BARS[1:]:
        yield genre, bpm, 1.0
    left = [other for other in SUBGENRES if other != genre]
    while True:
        left = left or list(SUBGENRES)
        others = [other for other in left if other != genre]
        genre, bpm, speed = _following([others[k] for k in rng.permutation(len(others))], bpm, rng)
        left.remove(genre)
        yield genre, bpm, speed


def _following(genres: list[str], present: float, rng: np.random.Generator) -> tuple[str, float, float | None]:
    """Choose the first subgenre with a tempo that the present one, its double or its half can be matched to."""
    for genre in genres:
        for bpm in _tempos(genre, rng):
            for speed in (present / bpm, 2 * present / bpm, present / 2 / bpm):
                if abs(speed - 1) <= PITCH_RANGE:
                    return genre, bpm, speed
    return genres[0], _tempos(genres[0], rng)[0], None


def _tempos(genre: str, rng: np.random.Generator) -> list[float]:
    """Draw typical tempos of a subgenre, in whole BPM."""
    return [float(round(bpm)) for bpm in np.interp(rng.random(_TEMPOS_TRIED), _QUANTILES, recipe(genre).tempo)]


def _limited(mix: Samples) -> Samples:
    """Saturate smoothly above the knee, to stay below `CEILING`."""
    over = np.maximum(np.abs(mix) - KNEE, 0.0)
    room = CEILING - KNEE
    return np.clip(mix, -KNEE, KNEE) + np.copysign(room * over / (over + room), mix)
