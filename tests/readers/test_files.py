"""The same content gives the same events, however it is packed; what cannot be opened says why."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from swerve.errors import InvalidInput, NotFound
from swerve.readers import files
from swerve.readers.files import File
from tests.readers.helpers import RATINGS, read, source, write

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gz": gzip.compress,
    "xz": lzma.compress,
    "bz2": bz2.compress,
}


@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("suffix", ["", ".csv.gz", ".dat"])
def test_compression_is_known_by_content_not_by_name(tmp_path: Path, packer: str, suffix: str) -> None:
    plain = read(write(tmp_path / "plain.csv", RATINGS))
    packed = read(write(tmp_path / f"packed{suffix}", PACKERS[packer](RATINGS.encode())))

    assert packed == plain
    assert len(packed) == 3


def test_a_zip_with_one_file_is_that_file(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "ratings.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("folder/ratings.csv", RATINGS)
        archive.writestr("__MACOSX/._ratings.csv", "rubbish")

    assert read(tmp_path / "ratings.zip") == read(write(tmp_path / "ratings.csv", RATINGS))


@pytest.mark.parametrize("packer", ["gz", "xz"])
def test_a_damaged_archive_is_refused_by_name(tmp_path: Path, packer: str) -> None:
    packed = PACKERS[packer]((RATINGS * 500).encode())
    path = write(tmp_path / "cut.csv", packed[: len(packed) // 2])

    with pytest.raises(InvalidInput, match=r"cut\.csv cannot be read") as caught:
        read(path)

    assert caught.value.code == "unreadable"


def test_zstd_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="zstd -d"):
        read(write(tmp_path / "a.zst", b"\x28\xb5\x2f\xfd" + b"x" * 100))


def test_a_missing_path_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="does not exist"):
        source(tmp_path / "nothing.csv")


@pytest.mark.parametrize("content", ["", "\n\n  \n"])
def test_an_empty_file_says_so(tmp_path: Path, content: str) -> None:
    with pytest.raises(InvalidInput, match="is empty"):
        read(write(tmp_path / "a.csv", content))


def test_a_folder_of_several_files_asks_which(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", RATINGS)
    write(tmp_path / "b.csv", RATINGS)

    with pytest.raises(InvalidInput, match=r"a\.csv, b\.csv; name one"):
        source(tmp_path)


@pytest.mark.parametrize("packer", ["plain", "gz"])
@pytest.mark.parametrize("ends", ["\n", ""])
def test_lines_are_counted_exactly_when_that_is_cheap(tmp_path: Path, packer: str, ends: str) -> None:
    path = write(tmp_path / "a.csv", PACKERS[packer]((RATINGS * 999).encode().strip() + ends.encode()))

    assert files.count_lines(File(path), []) == 4 * 999


def test_long_files_are_estimated_from_their_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_COUNTED_BYTES", 100)
    path = write(tmp_path / "a.csv", "12345678\n" * 1_000)

    assert files.count_lines(File(path), ["12345678\n"] * 50) == 1_000


def test_the_fingerprint_follows_content_not_name_or_age(tmp_path: Path) -> None:
    first = source(write(tmp_path / "a.csv", RATINGS)).fingerprint
    same = source(write(tmp_path / "b" / "other.csv", RATINGS)).fingerprint
    longer = source(write(tmp_path / "c.csv", RATINGS + "3,1,2.0,5\n")).fingerprint
    changed = source(write(tmp_path / "d.csv", RATINGS.replace("0.5", "1.5"))).fingerprint

    assert first == same
    assert len({first, longer, changed}) == 3


def test_the_fingerprint_follows_how_it_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", RATINGS)
    prints = {
        source(path).fingerprint,
        source(path, scale=2.0).fingerprint,
        source(path, order="file").fingerprint,
        source(path, map="user=userId,item=movieId,action:=view").fingerprint,
    }

    assert len(prints) == 4


def test_a_change_in_the_middle_of_a_large_file_changes_the_fingerprint(tmp_path: Path) -> None:
    body = RATINGS + "7,7,1.0,900000000\n" * 60_000
    path = write(tmp_path / "a.csv", body)
    before = source(path).fingerprint

    middle = len(body) // 2
    write(path, body[:middle] + body[middle:].replace("7,7,1.0", "7,8,1.0"))

    assert source(path).fingerprint != before
