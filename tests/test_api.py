"""The same from Python: a file in one call, any source as an iterator."""

import doctest
import inspect
from importlib import metadata
from pathlib import Path

import pytest

import edmlive
from edmlive.synth.files import new_audio_file
from edmlive.synth.render import render as render_track
from tests import small_models
from tests.conftest import ROOT, write_audio
from tests.music import render

RATE = 44_100


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_models.save(tmp_path_factory.mktemp("model") / "small.onnx", small_models.spec(), scale=0.5)


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_audio(tmp_path_factory.mktemp("music") / "music.wav", render(8, RATE), RATE, "pcm_f32le", "flt")


def test_file_is_classified_in_one_call(model: Path, music: Path) -> None:
    track = edmlive.classify(music, model)
    assert isinstance(track, edmlive.Track)
    assert track.genre == track.top[0].genre
    assert track.genre in small_models.LABELS
    assert track == edmlive.classify(str(music), edmlive.Classifier(model))


def test_default_model_answers_without_being_named(music: Path) -> None:
    assert edmlive.classify(music).model == edmlive.Classifier().spec.name


def test_source_is_followed_reading_by_reading(model: Path, music: Path) -> None:
    with edmlive.open_source(music) as source:
        readings = edmlive.listen(source, model, hop_seconds=0.5, votes=4)
        first = next(readings)
        rest = list(readings)
    assert isinstance(first, edmlive.Reading)
    assert [reading.time for reading in (first, *rest)] == [0.5 * i for i in range(1, 17)]
    assert sum(rest[-1].votes.values()) == 4


def test_iteration_may_stop_early(model: Path, music: Path) -> None:
    with edmlive.open_source(music) as source:
        for reading in edmlive.listen(source, model):
            if reading.genre is not None:
                break
    assert reading.time < 8


def test_what_goes_wrong_is_one_exception_type_with_one_sentence(model: Path, tmp_path: Path) -> None:
    for attempt in (
        lambda: edmlive.classify(tmp_path / "missing.ogg", model),
        lambda: edmlive.open_source(tmp_path / "missing.ogg"),
        lambda: edmlive.Classifier(tmp_path / "missing.onnx"),
    ):
        with pytest.raises(edmlive.UserError, match=r"missing\.\w+ .*\.$"):
            attempt()


def test_listen_refuses_a_bad_model_when_called(music: Path, tmp_path: Path) -> None:
    with edmlive.open_source(music) as source, pytest.raises(edmlive.UserError, match=r"missing\.onnx"):
        edmlive.listen(source, tmp_path / "missing.onnx")


@pytest.fixture(scope="module")
def folder_of_examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examples")
    with new_audio_file(folder / "track.flac") as write:
        write(render_track("dubstep", 40, seed=0).samples)
    return folder


DOCSTRINGS = {
    "edmlive": edmlive.__doc__,
    **{name: inspect.getdoc(getattr(edmlive, name)) for name in edmlive.__all__ if name != "__version__"},
}


@pytest.mark.parametrize("name", DOCSTRINGS)
def test_example_of_public_name_runs(name: str, folder_of_examples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder_of_examples)
    test = doctest.DocTestParser().get_doctest(DOCSTRINGS[name] or "", {}, name, None, None)
    assert test.examples
    report: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=report.append)
    assert not report, "".join(report)


def test_version_is_that_of_the_installed_package() -> None:
    assert edmlive.__version__ == metadata.version("edmlive")


def test_names_that_do_not_exist_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="dance"):
        _ = edmlive.dance  # type: ignore[attr-defined]


def test_package_declares_that_it_is_typed() -> None:
    assert (ROOT / "edmlive" / "py.typed").is_file()
