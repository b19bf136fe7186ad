"""A labelled corpus: rendered tracks of every subgenre, and a manifest of the truth about each."""

import json
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edmlive.errors import UserError
from edmlive.synth import Preset
from edmlive.synth.files import PART, new_audio_file
from edmlive.synth.mixing import generator
from edmlive.synth.render import render
from edmlive.taxonomy import SUBGENRES
from edmlive.util.processes import live_with_parent

MANIFEST = "manifest.jsonl"

Entry = dict[str, Any]
"""A line of the manifest: path in the corpus, seconds, and the fields of `edmlive.synth.render.Truth`."""


@dataclass(frozen=True)
class Track:
    """A track of a corpus: the path of its file in the corpus's folder, and what it is rendered from."""

    path: str
    genre: str
    seconds: float
    seed: int
    preset: Preset = "mastered"


def tracks(per_genre: int, seconds: float, seed: int, preset: Preset = "mastered") -> list[Track]:
    """List the tracks of a corpus: a first one of every subgenre, then a second one, and so on.

    A larger corpus begins with the tracks of a smaller one.
    """
    return [
        Track(
            f"{genre}/{genre}-{number:04d}.flac",
            genre,
            seconds,
            int(generator(seed, genre, "corpus", str(number)).integers(2**31)),
            preset,
        )
        for number in range(1, per_genre + 1)
        for genre in SUBGENRES
    ]


class Corpus:
    """A folder with a corpus, complete or in progress.

    A track is done when it is in the manifest, to which it is added after its file got its name. So rendering can be
    killed at any time, and resumes where it was.

    Parameters
    ----------
    folder
        A corpus, an empty folder, or one that will be created.

    Raises
    ------
    UserError
        It holds other things, or cannot be written to.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._manifest = folder / MANIFEST
        try:
            if not self._manifest.is_file():
                if folder.is_dir() and any(folder.iterdir()):
                    raise UserError(f"{folder} holds something, but no corpus: name a new or an empty folder.")
                folder.mkdir(parents=True, exist_ok=True)
                self._manifest.touch()
            lines = self._manifest.read_text().splitlines(keepends=True)
            if lines and not lines[-1].endswith("\n"):  # killed while writing it
                lines.pop()
                self._manifest.write_text("".join(lines))
            entries = ({"preset": "mastered"} | json.loads(line) for line in lines)
            self.entries: dict[str, Entry] = {entry["path"]: entry for entry in entries}
        except OSError as error:
            raise self._unwritable(error) from None
        except (ValueError, TypeError, KeyError):
            raise UserError(f"{self._manifest} is damaged: move it away and render the corpus again.") from None

    def missing(self, tracks: list[Track]) -> list[Track]:
        """Return the tracks that have not been rendered yet.

        Raises
        ------
        UserError
            A track is there, but has another length, seed or preset.
        """
        for track in tracks:
            entry = self.entries.get(track.path)
            if entry is not None and (entry["seconds"], entry["seed"], entry["preset"]) != (
                track.seconds,
                track.seed,
                track.preset,
            ):
                raise UserError(
                    f"{self.folder} holds a corpus of another --seed, --seconds or --preset ({entry['seconds']:g} s, "
                    f"{entry['preset']}): repeat those, or name another folder."
                )
        return [track for track in tracks if track.path not in self.entries or not self._file(track).is_file()]

    def render(self, tracks: list[Track], jobs: int) -> Iterator[Entry]:
        """Render tracks in worker processes, and yield the manifest's entry of each when it is done.

        Raises
        ------
        UserError
            A file cannot be written, or a process was killed.
        """
        context = multiprocessing.get_context("spawn")
        try:
            with ProcessPoolExecutor(jobs, context, live_with_parent) as pool, _ending_with(pool, self.folder):
                for done in as_completed([pool.submit(_make, self.folder, track) for track in tracks]):
                    entry = done.result()
                    if entry["path"] not in self.entries:
                        with self._manifest.open("a") as manifest:
                            manifest.write(json.dumps(entry) + "\n")
                    self.entries[entry["path"]] = entry
                    yield entry
        except BrokenProcessPool:
            raise UserError("A rendering process was killed: use fewer --jobs if memory is short.") from None
        except OSError as error:
            raise self._unwritable(error) from None

    def _unwritable(self, error: OSError) -> UserError:
        return UserError(f"{self.folder} cannot hold a corpus ({(error.strerror or str(error)).lower()}).")

    def _file(self, track: Track) -> Path:
        return self.folder / track.path


@contextmanager
def _ending_with(pool: ProcessPoolExecutor, folder: Path) -> Iterator[None]:
    """On an error, kill the processes of a pool and remove the files they were writing."""
    try:
        yield
    except BaseException:
        for process in multiprocessing.active_children():
            process.kill()
        pool.shutdown(cancel_futures=True)
        for part in folder.glob(f"*/{PART}*"):
            part.unlink()
        raise


def _make(folder: Path, track: Track) -> Entry:
    rendering = render(track.genre, track.seconds, track.seed, preset=track.preset)
    path = folder / track.path
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)  # complete, but killed before it stood in the manifest
    with new_audio_file(path) as write:
        write(rendering.samples)
    return {"path": track.path, "seconds": track.seconds, "preset": track.preset, **asdict(rendering.truth)}
