import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from edmlive.training import tables as tables_module
from edmlive.training.datasets import DatasetError, poolable, read_tracks, require_tracks_per_genre
from edmlive.training.descriptors import DESCRIPTORS
from edmlive.training.tables import TableError
from tests.training.tables import save_2016, save_2021, table_of_2016, table_of_2021

NAME = DESCRIPTORS[3]


def test_reads_the_layout_of_2021(tmp_path: Path) -> None:
    table = table_of_2021()
    tracks = read_tracks(save_2021(tmp_path / "a.csv"), DESCRIPTORS)
    assert tracks.names == DESCRIPTORS and len(tracks) == len(table)
    np.testing.assert_allclose(tracks.values, table[list(DESCRIPTORS)].to_numpy(), rtol=1e-12)
    assert tracks.genres.tolist() == table["genre"].tolist()
    assert tracks.artists.tolist() == table["artist"].tolist()


def test_columns_are_found_by_name_wherever_they_stand(tmp_path: Path) -> None:
    table = table_of_2021()
    table[table.columns[::-1]].to_csv(tmp_path / "a.csv", index=False)
    turned = read_tracks(tmp_path / "a.csv", DESCRIPTORS)
    np.testing.assert_array_equal(turned.values, read_tracks(save_2021(tmp_path / "b.csv"), DESCRIPTORS).values)


def test_reads_the_layout_of_2016_with_gaps(tmp_path: Path) -> None:
    table = table_of_2016()
    tracks = read_tracks(save_2016(tmp_path / "a.csv"), DESCRIPTORS, partial=True)
    missing = [name for name in DESCRIPTORS if name not in table]
    assert missing and all(int(name.partition("-")[0]) > 71 for name in missing)
    np.testing.assert_array_equal(np.isnan(tracks.values).all(axis=0), [name in missing for name in DESCRIPTORS])
    assert tracks.genres.tolist() == table["class"].tolist()
    assert len(set(tracks.artists.tolist())) == len(tracks), "where no artist is named, no two tracks share one"


def test_selects_rows(tmp_path: Path) -> None:
    tracks = read_tracks(save_2021(tmp_path / "a.csv"), DESCRIPTORS)
    few = tracks[np.array([5, 2])]
    assert few.genres.tolist() == tracks.genres[[5, 2]].tolist() and len(few) == 2
    np.testing.assert_array_equal(few.values, tracks.values[[5, 2]])


def cell(name: str, row: int, value: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def spoil(table: pd.DataFrame) -> pd.DataFrame:
        table = table.astype({name: object})
        table.loc[row, name] = value
        return table

    return spoil


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda t: t.drop(columns="genre"), "has neither a column 'genre' nor a column 'class'"),
        (lambda t: t.drop(columns=NAME), f"lacks the descriptor column '{NAME}'."),
        (lambda t: t.drop(columns=list(DESCRIPTORS[3:6])), f"lacks the descriptor column '{NAME}' and 2 more."),
        (cell(NAME, 4, "loud"), f"no number in column '{NAME}' in line 6"),
        (cell(NAME, 0, None), f"no number in column '{NAME}' in line 2"),
        (cell(NAME, 7, np.inf), f"no number in column '{NAME}' in line 9"),
        (cell(NAME, 1, 1e300), f"number over 1e+12 in column '{NAME}' in line 3"),
        (cell(NAME, 1, "1_000"), f"no number in column '{NAME}' in line 3"),
        (cell(NAME, 1, "\u0661"), f"no number in column '{NAME}' in line 3"),
        (cell("genre", 3, None), "no genre in line 5"),
        (cell("genre", 3, " \u00a0"), "no genre in line 5"),
        (cell("genre", 3, "a\x1b[2J"), "genre 'a\\x1b[2J'"),
        (cell("genre", 3, "x" * 101), "line 5"),
        (lambda t: t.rename(columns={DESCRIPTORS[4]: NAME}), "lacks"),
        (lambda t: t.assign(Genre=t["genre"]).rename(columns={"Genre": "genre"}), "2 columns 'genre'"),
        (lambda t: t.assign(track="a\nb").pipe(cell(NAME, 4, "loud")), f"column '{NAME}' in line 10"),
    ],
)
def test_refuses_a_wrong_table(tmp_path: Path, spoil: Callable[[pd.DataFrame], pd.DataFrame], complaint: str) -> None:
    path = tmp_path / "wrong.csv"
    spoil(table_of_2021()).to_csv(path, index=False)
    with pytest.raises(TableError) as caught:
        read_tracks(path, DESCRIPTORS)
    assert str(path) in str(caught.value) and complaint in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("column", ["Genre", "CLASS"])
def test_a_header_may_be_in_capitals(tmp_path: Path, column: str) -> None:
    path = tmp_path / "a.csv"
    table = table_of_2021()
    table.rename(columns={"genre": column, NAME: NAME.upper()}).to_csv(path, index=False)
    tracks = read_tracks(path, DESCRIPTORS)
    assert tracks.genres.tolist() == table["genre"].tolist()
    np.testing.assert_allclose(tracks.values[:, DESCRIPTORS.index(NAME)], table[NAME])


@pytest.mark.parametrize("content", [None, b"", b"\x89PNG\r\n\x1a\n\xff\xfe\x00", b'a,b\n"1,2\n'])
def test_refuses_what_is_no_table(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "wrong.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TableError, match=r"cannot be read|neither a column|is empty|malformed"):
        read_tracks(path, DESCRIPTORS)


@pytest.mark.parametrize(
    "form",
    [
        {"sep": ";"},
        {"sep": ";", "decimal": ","},
        {"sep": "\t"},
        {"encoding": "utf-8-sig"},
        {"encoding": "utf-16"},
        {"lineterminator": "\r\n"},
        {"quoting": csv.QUOTE_ALL},
    ],
)
def test_a_table_as_spreadsheets_write_it(tmp_path: Path, form: dict[str, Any]) -> None:
    table_of_2021().assign(track="one, two;\nthree").to_csv(tmp_path / "a.csv", index=False, **form)
    tracks, expected = (read_tracks(path, DESCRIPTORS) for path in (tmp_path / "a.csv", save_2021(tmp_path / "b.csv")))
    np.testing.assert_array_equal(tracks.values, expected.values)
    assert tracks.genres.tolist() == expected.genres.tolist() and tracks.artists.tolist() == expected.artists.tolist()


def test_a_line_that_names_the_separator(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("sep=;\r\nx;genre\r\n1,5;House\r\n2;Breaks\r\nloud;Breaks\r\n", newline="")
    with pytest.raises(TableError, match="in line 5"):
        read_tracks(path, ["x"])


def test_genres_and_artists_as_people_write_them(tmp_path: Path) -> None:
    rows = ["None,", "NA, ", "nan,", "House , E\u0301ric ", "House,\u00c9ric", "Deep  House,\u00c9ric"]
    (tmp_path / "a.csv").write_text("genre,artist,x\n" + "".join(f"{row},1\n" for row in rows), encoding="utf-8")
    tracks = read_tracks(tmp_path / "a.csv", ["x"])
    assert tracks.genres.tolist() == ["None", "NA", "nan", "House", "House", "Deep House"]
    assert len(set(tracks.artists[:3].tolist())) == 3, "nobody is not an artist"
    assert set(tracks.artists[3:].tolist()) == {"\u00c9ric"}


def test_more_genres_than_a_model_can_have(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,genre\n" + "".join(f"1,{i}\n" for i in range(1001)))
    with pytest.raises(TableError, match="1001 genres up to line 1002"):
        read_tracks(tmp_path / "a.csv", ["x"])


def test_an_endless_file_is_no_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables_module, "LARGEST_BYTES", 1 << 20)
    with pytest.raises(TableError, match="larger than 1 MB"):
        read_tracks(Path("/dev/zero"), ["x"])


def test_needs_two_genres_and_enough_tracks_of_each(tmp_path: Path) -> None:
    tracks = read_tracks(save_2021(tmp_path / "a.csv", tracks=5), DESCRIPTORS)
    require_tracks_per_genre(tracks, 5)
    with pytest.raises(DatasetError, match="'Dubstep' has 4 tracks; 5 folds need at least 5"):
        require_tracks_per_genre(tracks[np.arange(len(tracks)) != 7], 5)
    with pytest.raises(DatasetError, match="at least two genres; this one has 1"):
        require_tracks_per_genre(tracks[tracks.genres == "Dubstep"], 5)


def test_pools_what_has_a_namesake(tmp_path: Path) -> None:
    tracks = read_tracks(save_2021(tmp_path / "a.csv"), DESCRIPTORS)
    other = read_tracks(save_2016(tmp_path / "b.csv"), DESCRIPTORS, partial=True)
    pool = poolable(other, tracks)
    assert set(pool.genres.tolist()) == {"Big Room", "Dubstep", "Drum&Bass"}, "renamed, and GlitchHop left out"
    assert len(pool) == 18


def test_pools_no_track_that_is_there_already(tmp_path: Path) -> None:
    tracks = read_tracks(save_2021(tmp_path / "a.csv"), DESCRIPTORS)
    table = table_of_2016()
    table.loc[1] = table.loc[0]  # twice in the pool
    names = list(table.columns[:-1])
    table.loc[[2, 3], names] = (
        table_of_2021().loc[[0, 20], names].to_numpy() * 1.003
    )  # another encoding of known tracks
    table.to_csv(tmp_path / "b.csv")
    pool = poolable(read_tracks(tmp_path / "b.csv", DESCRIPTORS, partial=True), tracks)
    assert len(pool) == 18 - 3


def test_knows_whether_artists_made_several_tracks(tmp_path: Path) -> None:
    assert read_tracks(save_2021(tmp_path / "a.csv"), DESCRIPTORS).artists_known
    assert not read_tracks(save_2016(tmp_path / "b.csv"), DESCRIPTORS, partial=True).artists_known


def test_leaves_out_descriptors_that_the_table_lacks(tmp_path: Path) -> None:
    tracks = read_tracks(save_2016(tmp_path / "b.csv"), DESCRIPTORS, partial=True).described()
    assert tracks.names == tuple(name for name in DESCRIPTORS if int(name.partition("-")[0]) <= 71)
    assert tracks.values.shape == (24, len(tracks.names)) and np.isfinite(tracks.values).all()
    with pytest.raises(DatasetError, match="no column of a descriptor, such as 'mine'"):
        read_tracks(tmp_path / "b.csv", ["mine"], partial=True).described()
