"""Delimited files: what separates, what is a header, which line is broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from swerve.errors import InvalidInput
from swerve.readers.delimited import read_delimited
from swerve.readers.files import File
from tests.readers.helpers import RATINGS, interactions, located, read, refused, source, write

ROWS = [("u1", "a b", "3"), ("u2", "c", "4"), ("u1", "d", "5")]


def table(path: Path, text: str, **options: object):  # type: ignore[no-untyped-def]
    return read_delimited(File(write(path, text)), **options)  # type: ignore[arg-type]


def rows(found) -> list[tuple[object, ...]]:  # type: ignore[no-untyped-def]
    return [row for columns in found.read() for row in zip(*columns.data, strict=True)]


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|", "::"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_delimiter_is_found_out(tmp_path: Path, delimiter: str, end: str) -> None:
    text = end.join(delimiter.join(row) for row in ROWS) + end

    found = table(tmp_path / "a", text)

    assert found.names == ("1", "2", "3")
    assert not found.header
    assert rows(found) == ROWS


def test_blanks_separate_only_when_nothing_else_does(tmp_path: Path) -> None:
    assert rows(table(tmp_path / "a", "1 10\n1 11\n2 10\n")) == [("1", "10"), ("1", "11"), ("2", "10")]
    assert table(tmp_path / "b", "when,what\n2020-01-01 10:00,x\n2020-01-02 11:00,y\n").names == ("when", "what")


def test_the_delimiter_can_be_given_by_name(tmp_path: Path) -> None:
    assert rows(table(tmp_path / "a", "a,b\tc,d\ne,f\tg,h\n", delimiter="tab")) == [("a,b", "c,d"), ("e,f", "g,h")]


def test_a_wrong_delimiter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="does not separate"):
        table(tmp_path / "a", RATINGS, delimiter="|")


def test_one_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no delimiter"):
        table(tmp_path / "a", "one\ntwo\nthree\n")


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("userId,movieId,rating\n1,2,3\n", True),
        ("alpha,beta\nx,1\ny,2\n", True),
        ("user,item\nann,mug\nbob,cup\n", True),
        ("ann,mug\nbob,cup\n", False),
        ("1,2,3\n4,5,6\n", False),
        ("user,user\n1,2\n", False),
        (",userId,itemId\n0,1,2\n", True),
    ],
)
def test_a_header_is_found_out(tmp_path: Path, text: str, header: bool) -> None:
    assert table(tmp_path / "a", text).header is header


@pytest.mark.parametrize("header", [True, False])
def test_a_header_can_be_given(tmp_path: Path, header: bool) -> None:
    found = table(tmp_path / "a", "ann,mug\nbob,cup\n", header=header)

    assert found.names == (("ann", "mug") if header else ("1", "2"))
    assert len(rows(found)) == (1 if header else 2)


def test_quotes_are_read_in_csv_and_letters_in_tsv(tmp_path: Path) -> None:
    quoted = table(tmp_path / "a.csv", 'id,title\n1,"Mug, ""red"""\n2,"two\nlines"\n')
    tabbed = table(tmp_path / "a.tsv", 'id\ttitle\n1\t"Great" mug\n2\tcup\n')

    assert rows(quoted) == [("1", 'Mug, "red"'), ("2", "two\nlines")]
    assert rows(tabbed) == [("1", '"Great" mug'), ("2", "cup")]


def test_a_tsv_that_does_quote_is_read_with_quotes(tmp_path: Path) -> None:
    assert rows(table(tmp_path / "a.tsv", 'id\ttitle\n1\t"a\tb"\n2\t"c"\n3\t"d"\n4\t"e"\n')) == [
        ("1", "a\tb"),
        ("2", "c"),
        ("3", "d"),
        ("4", "e"),
    ]


def test_lines_are_those_of_the_file_even_with_line_ends_inside_cells(tmp_path: Path) -> None:
    found = table(tmp_path / "a.csv", 'id,title\n1,"two\nlines"\n\n2,b\n3,"x\n\ny"\n4,c\n')

    assert [line for columns in found.read() for line in columns.lines] == [2, 5, 6, 9]


def test_ragged_lines_are_refused_alone(tmp_path: Path) -> None:
    found = source(write(tmp_path / "a.csv", RATINGS + "4,5\n5,10,3.0,964982999\n6,1,2,3,4\n"))

    assert located(found) == [(5, "bad_line"), (7, "bad_line")]
    assert [event.user for event in interactions(list(found.events()))] == ["1", "2", "1", "5"]
    assert refused(list(found.events()))[0].message == "has 2 columns, expected 4"


def test_an_unclosed_quote_loses_only_what_it_swallowed(tmp_path: Path) -> None:
    swallowed = "9,9,9.0,900000000\n" * 10_000
    path = write(tmp_path / "a.csv", RATINGS + '7,"open,1.0,5\n' + swallowed)

    events = read(path)

    assert [event.code for event in refused(events)][:1] == ["bad_line"]
    assert {event.user for event in interactions(events)} >= {"1", "2"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_unicode_needs_no_option(tmp_path: Path, encoding: str) -> None:
    text = "user,item,action\nänne,tasse,view\nžluť,hrnek,view\n"

    events = interactions(read(write(tmp_path / "a.csv", text.encode(encoding))))

    assert [(event.user, event.item) for event in events] == [("änne", "tasse"), ("žluť", "hrnek")]


def test_another_encoding_is_refused_with_the_line_and_read_when_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "user,item,action\nann,mug,view\nrené,mug,view\n".encode("latin-1"))

    with pytest.raises(InvalidInput, match=r"not utf-8 \(line 3\).*--encoding latin-1"):
        read(path)
    assert [event.user for event in interactions(read(path, encoding="latin-1"))] == ["ann", "rené"]


def test_another_encoding_far_down_is_refused_too(tmp_path: Path) -> None:
    body = "user,item,action\n" + "ann,mug,view\n" * 40_000
    path = write(tmp_path / "a.csv", body.encode() + "rené,mug,view\n".encode("latin-1"))

    with pytest.raises(InvalidInput, match="name its encoding"):
        read(path)


def test_an_unknown_encoding_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="unknown encoding"):
        read(write(tmp_path / "a.csv", RATINGS), encoding="klingon")


def test_recbole_atomic_files_are_read_as_they_are(tmp_path: Path) -> None:
    text = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n196\t242\t3\t881250949\n"

    (event,) = interactions(read(write(tmp_path / "ml-100k.inter", text)))

    assert (event.user, event.item, event.value, event.time) == ("196", "242", 3.0, 881250949.0)


def test_many_blocks_give_every_line_once(tmp_path: Path) -> None:
    n = 7_003
    path = write(tmp_path / "a.csv", "user,item,action\n" + "".join(f"u{k},i,view\n" for k in range(n)))
    found = source(path)

    assert [event.user for event in interactions(list(found.events()))] == [f"u{k}" for k in range(n)]
    assert [line for chunk in found.chunks() for line in chunk.lines] == list(range(2, n + 2))
    assert found.count == n
