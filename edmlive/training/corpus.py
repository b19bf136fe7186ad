"""Recordings to train on: a folder for each genre, a folder of recordings, or a manifest."""

import csv
import io
import json
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from edmlive.errors import UserError
from edmlive.util.audio_files import audio_files, is_hidden

MANIFEST_SUFFIXES = (".csv", ".json", ".jsonl")


class CorpusError(UserError):
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
        manifest: CSV with a header, a JSON list, or JSON lines, with ``path`` (relative to the manifest) and, if known,
        ``genre`` and ``artist`` of each recording.

    Raises
    ------
    CorpusError
        No such corpus, a genre without audio, a manifest that is malformed or lists a file twice.
    """
    if corpus.is_dir():
        return _from_folder(corpus)
    if corpus.suffix.lower() not in MANIFEST_SUFFIXES:
        raise CorpusError(f"Corpus {corpus} is neither a folder nor a {', '.join(MANIFEST_SUFFIXES)} manifest.")
    recordings = [_recording(corpus, number, entry) for number, entry in enumerate(_entries(corpus), 1)]
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
    for folder in genres:
        found = audio_files(folder)
        if not found:
            raise CorpusError(f"The genre folder {folder} holds no audio files that can be read: fill it or remove it.")
        recordings += [Recording(path, path.relative_to(corpus).as_posix(), folder.name) for path in found]
    return recordings


def _entries(manifest: Path) -> Iterable[object]:
    try:
        text = manifest.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror or str(error)).lower() if isinstance(error, OSError) else "it is not UTF-8 text"
        raise CorpusError(f"Manifest {manifest} cannot be read: {reason}.") from None
    try:
        if manifest.suffix.lower() == ".csv":
            return list(csv.DictReader(io.StringIO(text, newline="")))
        if manifest.suffix.lower() == ".jsonl":
            return [json.loads(line) for line in text.split("\n") if line.strip()]
        entries = json.loads(text)
    except (ValueError, RecursionError, csv.Error) as error:
        raise CorpusError(f"Manifest {manifest} is malformed: {error}.") from None
    if not isinstance(entries, list):
        raise CorpusError(f"Manifest {manifest} is not a JSON list.")
    return entries


def _recording(manifest: Path, number: int, entry: object) -> Recording:
    fields = entry if isinstance(entry, dict) else {}
    name, genre, artist = (fields.get(key) for key in ("path", "genre", "artist"))
    if not (isinstance(name, str) and name):
        found = f", only {', '.join(map(repr, fields))}" if fields else ""
        raise CorpusError(f"Entry {number} of manifest {manifest} has no 'path'{found}.")
    if not (genre is None or isinstance(genre, str)):
        raise CorpusError(f"Entry {number} of manifest {manifest} has a genre that is not text.")
    genre, artist = (genre or "").strip(), "" if artist is None else str(artist).strip()
    return Recording(manifest.parent / name, name, genre or None, artist)
