"""Recordings to train on: a folder for each genre, a folder of recordings, or a manifest."""

import json
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from edmlive.training.tables import TableError, read_table, read_text, refuse_labels, tidy
from edmlive.util.audio_files import audio_files, is_hidden

MANIFEST_SUFFIXES = (".csv", ".json", ".jsonl")


class CorpusError(TableError):
    """A corpus cannot be read or trained on."""


@dataclass(frozen=True)
class Recording:
    """One audio file, with its genre if known.

    Parameters
    ----------
    path
        The file.
    name
        The file relative to its corpus, which identifies it from then on.
    genre
        Its genre; ``None`` if not known.
    artist
        Its artist; empty if not known.
    """

    path: Path
    name: str
    genre: str | None
    artist: str = ""


def read_corpus(corpus: Path) -> list[Recording]:
    """List the recordings of a corpus, without opening them.

    Parameters
    ----------
    corpus
        A folder with a folder of audio files for each genre, audio files beside these being of no known genre; or a
        manifest: a table (see `read_table`), a JSON list, or JSON lines, with ``path`` (relative to the manifest) and,
        if known, ``genre`` and ``artist`` of each recording.

    Raises
    ------
    TableError
        No such corpus, a genre without audio, a genre that no model can have, a manifest that is malformed or lists a
        file twice.
    """
    if corpus.is_dir():
        return _from_folder(corpus)
    if corpus.suffix.lower() not in MANIFEST_SUFFIXES:
        raise CorpusError(f"Corpus {corpus} is neither a folder nor a {', '.join(MANIFEST_SUFFIXES)} manifest.")
    entries = _entries(corpus)
    recordings = [_recording(corpus, place, entry) for place, entry in entries]
    places = (place for place, _ in entries)
    refuse_labels((of.genre, f"{at} of {corpus}") for of, at in zip(recordings, places, strict=True) if of.genre)
    if not recordings:
        raise CorpusError(f"Manifest {corpus} lists no recordings.")
    file, count = Counter(os.path.normpath(recording.path.absolute()) for recording in recordings).most_common(1)[0]
    if count > 1:
        raise CorpusError(f"Manifest {corpus} lists {file} {count} times.")
    return recordings


def _from_folder(corpus: Path) -> list[Recording]:
    try:
        genres = sorted(folder for folder in corpus.iterdir() if folder.is_dir() and not is_hidden(folder.name))
        everything = audio_files(corpus)
    except OSError as error:
        raise CorpusError(f"Corpus {corpus} would be incomplete: {error}. Make it readable, or move it away.") from None
    loose = [path for path in everything if path.parent == corpus]
    if not genres and not loose:
        raise CorpusError(f"Corpus {corpus} holds neither audio files nor folders of them, one for each genre.")
    recordings = [Recording(path, path.name, None) for path in loose]
    refuse_labels((tidy(folder.name), f"the name of a folder of {corpus}") for folder in genres)
    for folder in genres:
        found = audio_files(folder)
        if not found:
            raise CorpusError(f"The genre folder {folder} holds no audio files that can be read: fill it or remove it.")
        recordings += [Recording(path, path.relative_to(corpus).as_posix(), tidy(folder.name)) for path in found]
    return recordings


def _entries(manifest: Path) -> list[tuple[str, object]]:
    """Return the entries of a manifest, each with the place where it stands."""
    if manifest.suffix.lower() == ".csv":
        table = read_table(manifest)
        columns = {column: table.texts(column) for column in ("path", "genre", "artist") if column in table}
        if "path" not in table:
            raise CorpusError(f"Manifest {manifest} has no column 'path', only {_few(table.columns)}.")
        rows = zip(*columns.values(), strict=True)
        return [(f"line {n}", dict(zip(columns, row, strict=True))) for n, row in zip(table.lines, rows, strict=True)]
    text = read_text(manifest)
    try:
        if manifest.suffix.lower() == ".jsonl":
            lines = enumerate(text.split("\n"), 1)
            return [(f"line {number}", json.loads(line)) for number, line in lines if line.strip()]
        entries = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CorpusError(f"Manifest {manifest} is malformed: {error}.") from None
    if not isinstance(entries, list):
        raise CorpusError(f"Manifest {manifest} is not a JSON list.")
    return [(f"entry {number}", entry) for number, entry in enumerate(entries, 1)]


def _recording(manifest: Path, place: str, entry: object) -> Recording:
    fields = {key.casefold(): value for key, value in entry.items()} | entry if isinstance(entry, dict) else {}
    name, genre, artist = (fields.get(key) for key in ("path", "genre", "artist"))
    if not (isinstance(name, str) and name):
        found = f", only {_few(fields)}" if fields else ""
        raise CorpusError(f"Manifest {manifest} has no 'path' in {place}{found}.")
    if not (genre is None or isinstance(genre, str)):
        raise CorpusError(f"Manifest {manifest} has a genre that is not text in {place}.")
    if isinstance(artist, list | dict):
        raise CorpusError(f"Manifest {manifest} has an artist that is not text in {place}.")
    return Recording(
        manifest.parent / name, name, tidy(genre or "") or None, tidy("" if artist is None else str(artist))
    )


def _few(names: Iterable[str]) -> str:
    """Return untrusted names as a message may show them."""
    shown = ", ".join(ascii(name[:100]) for name in names)
    return shown if len(shown) < 300 else f"{shown[:300]}..."
