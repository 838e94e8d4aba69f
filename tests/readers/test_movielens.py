"""The MovieLens sets, from small copies of each shape and from the real ones where they are at hand."""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from swerve.types import Interaction, Item, User
from tests.readers.helpers import interactions, items, read, source, write

MOVIES = "1::Toy Story (1995)::Animation|Comedy\n2::Matrix, The (1999)::Action\n3::Misérables, Les (1998)::Drama\n"
GENRES = "unknown|0\nAction|1\nComedy|2\n"


def latest(folder: Path) -> Path:
    rows = ["1,Toy Story (1995),Animation|Comedy", '2,"Matrix, The (1999)",Action', "3,Odd,(no genres listed)"]
    write(folder / "movies.csv", "movieId,title,genres\n" + "\n".join(rows) + "\n")
    write(folder / "ratings.csv", "userId,movieId,rating,timestamp\n1,1,4.0,20\n1,2,0.5,10\n")
    write(folder / "tags.csv", "userId,movieId,tag,timestamp\n1,1,Pixar,5\n2,1,pixar,6\n2,1,fun,7\n")
    write(folder / "links.csv", "movieId,imdbId,tmdbId\n1,2,3\n")
    return folder


def test_latest_is_recognised_with_years_articles_and_tags(tmp_path: Path) -> None:
    found = source(latest(tmp_path))

    assert found.form == "movielens-latest"
    assert list(found.events()) == [
        Item(
            id="1", title="Toy Story (1995)", text="pixar, fun", categories=("Animation", "Comedy"),
            fields={"year": 1995}, time=788918400.0,
        ),
        Item(id="2", title="The Matrix (1999)", categories=("Action",), fields={"year": 1999}, time=915148800.0),
        Item(id="3", title="Odd"),
        Interaction(user="1", item="2", action="rate", value=0.5, time=10.0),
        Interaction(user="1", item="1", action="rate", value=4.0, time=20.0),
    ]  # fmt: skip


def test_a_zip_is_read_like_its_folder(tmp_path: Path) -> None:
    folder = latest(tmp_path / "ml")
    with zipfile.ZipFile(tmp_path / "ml.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for file in folder.iterdir():
            archive.write(file, f"ml-latest/{file.name}")

    assert read(tmp_path / "ml.zip") == read(folder)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
def test_1m_and_10m_are_recognised_in_either_encoding(tmp_path: Path, encoding: str) -> None:
    write(tmp_path / "movies.dat", MOVIES.encode(encoding))
    write(tmp_path / "ratings.dat", "1::1::5::978300760\n1::2::3::978302109\n")
    write(tmp_path / "users.dat", "1::F::25::10::01234\n")
    found = source(tmp_path)

    events = list(found.events())

    assert found.form == "movielens-1m"
    assert [item.title for item in items(events)] == ["Toy Story (1995)", "The Matrix (1999)", "Les Misérables (1998)"]
    assert events[3] == User(id="1", fields={"gender": "F", "age": 25, "occupation": 10, "zip": "01234"})
    assert [event.value for event in interactions(events)] == [5.0, 3.0]


def test_100k_is_recognised_with_its_genre_flags(tmp_path: Path) -> None:
    flags = "0|1|1"
    write(
        tmp_path / "u.item", f"1|Café (1995)|02-Jan-1995||http://x|{flags}\n2|Odd|||http://y|1|0|0\n".encode("latin-1")
    )
    write(tmp_path / "u.genre", GENRES)
    write(tmp_path / "u.data", "196\t1\t3\t881250949\n186\t2\t5\t881250000\n")
    write(tmp_path / "u.user", "196|24|M|writer|85711\n")

    events = read(tmp_path)

    assert events[:2] == [
        Item(id="1", title="Café (1995)", categories=("Action", "Comedy"), fields={"year": 1995}, time=789004800.0),
        Item(id="2", title="Odd"),
    ]
    assert [event.user for event in interactions(events)] == ["186", "196"]


def test_broken_movies_are_refused_with_their_line(tmp_path: Path) -> None:
    write(tmp_path / "movies.dat", MOVIES + "broken\n")
    write(tmp_path / "ratings.dat", "1::1::5::978300760\n")

    lines = [line for chunk in source(tmp_path).chunks() for line in chunk.lines if chunk.origin == "movies.dat"]

    assert sorted(lines) == [1, 2, 3, 4]


def test_a_mapping_means_the_file_itself(tmp_path: Path) -> None:
    folder = latest(tmp_path)

    assert len(read(folder / "ratings.csv")) == 2


@pytest.mark.parametrize(
    ("name", "form", "counts"),
    [
        ("ml-latest-small", "movielens-latest", {Item: 9_742, Interaction: 100_836}),
        ("ml-100k", "movielens-100k", {Item: 1_682, User: 943, Interaction: 100_000}),
        ("ml-1m", "movielens-1m", {Item: 3_883, User: 6_040, Interaction: 1_000_209}),
    ],
)
def test_the_real_sets_are_read_whole(
    dataset: Callable[[str], Path], name: str, form: str, counts: dict[type, int]
) -> None:
    found = source(dataset(name))
    seen: Counter[type] = Counter()
    last = 0.0
    for chunk in found.chunks():
        seen.update(map(type, chunk.events))
        for event in chunk.events:
            if isinstance(event, Interaction):
                assert isinstance(event.time, float)
                assert event.time >= last
                last = event.time

    assert found.form == form
    assert found.count == sum(counts.values())
    assert seen == counts
