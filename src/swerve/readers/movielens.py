"""MovieLens folders and archives: 100k (`u.data`), 1M and 10M (`*.dat`), latest, 20M and later (`*.csv`).

Movies get their year as the time they were published, `Matrix, The (1999)` becomes `The Matrix (1999)`, and the
tags that users gave become the item's text. Ratings become the action `rate`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from swerve.readers.columns import Columns, Table
from swerve.readers.delimited import read_delimited
from swerve.readers.files import File, head_of
from swerve.readers.mapping import resolve
from swerve.readers.parquet import read_parquet
from swerve.readers.parts import ReadOptions, settings_of, table_part
from swerve.readers.source import Chunk, Part
from swerve.types import Event, Item, Rejection

_YEAR = re.compile(r"\((\d{4})\)\s*$")
_ARTICLE = re.compile(r"^(.+), (The|A|An|Le|La|Les|L'|Il|El|Los|Las|Der|Die|Das)((?: \([^)]*\))*)$")
_TAGS = 12
"""Most tags kept of one movie."""
_USER_FIELDS = {
    "1m": "id=1,gender=2,age=3,occupation=4,zip=5",
    "100k": "id=1,age=2,gender=3,occupation=4,zip=5",
}


def movielens(files: Sequence[File], options: ReadOptions) -> tuple[str, tuple[Part, ...]] | None:
    """(format, parts) when the files are one of the MovieLens sets, else None."""
    named = {file.stem: file for file in files}
    if "u.data" in named and "u.item" in named:
        return "movielens-100k", _oldest(named, options)
    if "movies.dat" in named and ("ratings.dat" in named or "ratings.parquet" in named):
        return "movielens-1m", _dat(named, options)
    if "movies.csv" in named and "ratings.csv" in named:
        return "movielens-latest", _csv(named, options)
    return None


def _oldest(named: Mapping[str, File], options: ReadOptions) -> tuple[Part, ...]:
    table = read_delimited(named["u.item"], delimiter="|", header=False, encoding=_encoding(named["u.item"]))
    genres: list[str] = []
    if "u.genre" in named:
        genre_table = read_delimited(named["u.genre"], delimiter="|", header=False)
        genres = [str(name) for columns in genre_table.read() for name in columns.data[0]]

    def movies(columns: Columns) -> list[Event | Rejection]:
        flags = list(zip(*columns.data[5:], strict=True))
        named_flags = [[name for name, flag in zip(genres, row, strict=False) if flag == "1"] for row in flags]
        released = [_day(str(text)) for text in columns.data[2]]
        return [
            _movie(str(id), str(title), groups, "", time)
            for id, title, groups, time in zip(columns.data[0], columns.data[1], named_flags, released, strict=True)
        ]

    ratings = read_delimited(named["u.data"], delimiter="tab", header=False)
    return (
        _items(table, movies),
        *_users(named, "u.user", "|", options),
        _ratings(ratings, "user=1,item=2,value=3,time=4", options),
    )


def _dat(named: Mapping[str, File], options: ReadOptions) -> tuple[Part, ...]:
    table = read_delimited(named["movies.dat"], delimiter="::", header=False, encoding=_encoding(named["movies.dat"]))
    if "ratings.dat" in named:
        ratings, wanted = (
            read_delimited(named["ratings.dat"], delimiter="::", header=False),
            "user=1,item=2,value=3,time=4",
        )
    else:
        ratings, wanted = (
            read_parquet(named["ratings.parquet"]),
            "user=user_id,item=movie_id,value=rating,time=timestamp",
        )
    return (
        _items(table, _with_genres({})),
        *_users(named, "users.dat", "::", options),
        _ratings(ratings, wanted, options),
    )


def _csv(named: Mapping[str, File], options: ReadOptions) -> tuple[Part, ...]:
    table = read_delimited(named["movies.csv"], delimiter=",", header=True)
    tags = _tags(named["tags.csv"]) if "tags.csv" in named else {}
    ratings = read_delimited(named["ratings.csv"], delimiter=",", header=True)
    wanted = "user=userId,item=movieId,value=rating,time=timestamp"
    return (_items(table, _with_genres(tags)), _ratings(ratings, wanted, options))


def _ratings(table: Table, wanted: str, options: ReadOptions) -> Part:
    return table_part(table, resolve(table, wanted), settings_of(options), options.order)


def _users(named: Mapping[str, File], name: str, delimiter: str, options: ReadOptions) -> tuple[Part, ...]:
    if name not in named:
        return ()
    table = read_delimited(named[name], delimiter=delimiter, header=False)
    wanted = _USER_FIELDS["100k" if name == "u.user" else "1m"]
    return (table_part(table, resolve(table, wanted, role="users"), settings_of(options)),)


def _items(table: Table, movies: Callable[[Columns], list[Event | Rejection]]) -> Part:
    def read() -> Iterator[Chunk]:
        for columns in table.read():
            if columns.lines:
                yield Chunk(movies(columns), columns.lines, table.name)
            if columns.broken:
                refused: list[Event | Rejection] = [
                    Rejection(index=k, code="bad_line", field="", message=why)
                    for k, (_, why) in enumerate(columns.broken)
                ]
                yield Chunk(refused, [line for line, _ in columns.broken], table.name)

    return Part(table.name, "items", read, table.count)


def _with_genres(tags: Mapping[str, Mapping[str, None]]) -> Callable[[Columns], list[Event | Rejection]]:
    """Movies of `id, title, genres` columns, with the tags users gave them."""

    def movies(columns: Columns) -> list[Event | Rejection]:
        return [
            _movie(str(id), str(title), str(genres).split("|"), ", ".join(tags.get(str(id), ())))
            for id, title, genres in zip(*columns.data[:3], strict=True)
        ]

    return movies


def _movie(id: str, title: str, genres: Sequence[str], text: str, released: float = 0.0) -> Item:
    year = _YEAR.search(title)
    moved = _ARTICLE.match(title)
    if moved:
        title = f"{moved[2]}{'' if moved[2].endswith(chr(39)) else ' '}{moved[1]}{moved[3]}"
    groups = tuple(genre for genre in genres if genre and genre not in ("(no genres listed)", "unknown"))
    time = released or (_start_of(int(year[1])) if year else 0.0)
    return Item(
        id=id, title=title, text=text, categories=groups, fields={"year": int(year[1])} if year else {}, time=time
    )


def _start_of(year: int) -> float:
    # 1970 starts at 0, which would mean "now": one second later is as true.
    return datetime(year, 1, 1, tzinfo=UTC).timestamp() or 1.0


def _day(text: str) -> float:
    try:
        return datetime.strptime(text, "%d-%b-%Y").replace(tzinfo=UTC).timestamp()
    except ValueError:  # one movie has no date, and its title no year
        return 0.0


def _tags(file: File) -> dict[str, dict[str, None]]:
    """Item -> its first few distinct tags, lower case, in the order they were given."""
    table = read_delimited(file, delimiter=",", header=True)
    found: dict[str, dict[str, None]] = {}
    for columns in table.read():
        for item, tag in zip(columns.data[1], columns.data[2], strict=True):
            tags = found.setdefault(str(item), {})
            if len(tags) < _TAGS:
                tags[str(tag).strip().lower()] = None
    return found


def _encoding(file: File) -> str:
    try:
        head_of(file).decode()
    except UnicodeDecodeError:
        return "latin-1"
    return ""
