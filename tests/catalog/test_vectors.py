"""Vectors by row, in memory and in a file that outlives the process."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from swerve.catalog import vectors as module
from swerve.catalog.vectors import Vectors
from swerve.errors import ConfigError, InvalidInput, StorageFull
from swerve.types import Floats, Rows

NAME = "hashing-v1-4"


@contextmanager
def opened(directory: Path | None, dim: int = 4, name: str = NAME) -> Iterator[Vectors]:
    vectors = Vectors(directory, dim, name)
    try:
        yield vectors
    finally:
        vectors.close()


def rows(*numbers: int) -> Rows:
    return np.array(numbers, np.int32)


def numbers(count: int, first: float = 1.0) -> Floats:
    return np.arange(first, first + 4 * count, dtype=np.float32).reshape(count, 4)


@pytest.fixture(params=["memory", "file"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    return tmp_path if request.param == "file" else None


def test_what_was_put_is_got(place: Path | None) -> None:
    with opened(place) as vectors:
        vectors.put(rows(5, 2), numbers(2))
        assert vectors.get(rows(2, 5)).tolist() == numbers(2)[::-1].tolist()
        vectors.put(rows(5), np.zeros((1, 4), np.float32))
        assert not vectors.get(rows(5)).any()


def test_rows_without_a_vector_are_zeros(place: Path | None) -> None:
    with opened(place) as vectors:
        vectors.put(rows(1), numbers(1))
        assert not vectors.get(rows(0, 7, -1, 10**9)).any()
        assert vectors.get(rows(1, 10**9)).tolist() == [*numbers(1).tolist(), [0.0] * 4]
        assert vectors.get(rows()).shape == (0, 4)


def test_it_grows_by_doubling_and_keeps_all(place: Path | None) -> None:
    with opened(place) as vectors:
        capacities = set()
        for row in range(5000):
            vectors.put(rows(row), numbers(1, row))
            capacities.add(vectors.capacity)
        assert sorted(capacities) == [1024, 2048, 4096, 8192]
        assert (vectors.get(np.arange(5000, dtype=np.int32))[:, 0] == np.arange(5000)).all()


def test_a_far_row_makes_room_at_once(place: Path | None) -> None:
    with opened(place) as vectors:
        vectors.put(rows(100_000), numbers(1))
        assert vectors.get(rows(100_000)).tolist() == numbers(1).tolist()


def test_what_is_got_is_a_copy(place: Path | None) -> None:
    with opened(place) as vectors:
        vectors.put(rows(0, 1), numbers(2))
        for asked in (rows(0, 1), rows(0, 10**6)):
            vectors.get(asked)[:] = 9
        assert vectors.get(rows(0, 1)).tolist() == numbers(2).tolist()


@pytest.mark.parametrize(
    ("where", "what"),
    [
        (rows(0), np.full((1, 4), np.nan, np.float32)),
        (rows(0), np.full((1, 4), np.inf, np.float32)),
        (rows(0), numbers(2)),
        (rows(0), numbers(1)[:, :3]),
        (rows(-1), numbers(1)),
    ],
)
def test_wrong_vectors_are_refused_and_nothing_is_put(place: Path | None, where: Rows, what: Floats) -> None:
    with opened(place) as vectors:
        vectors.put(rows(0), numbers(1, 7))
        with pytest.raises(InvalidInput):
            vectors.put(where, what)
        assert vectors.get(rows(0)).tolist() == numbers(1, 7).tolist()


def test_a_file_is_there_again_next_time(tmp_path: Path) -> None:
    with opened(tmp_path) as vectors:
        vectors.put(rows(3000), numbers(1))
        vectors.flush()
    assert [path.name for path in (tmp_path / "vectors").iterdir()] == [f"{NAME}.f32"]
    with opened(tmp_path) as vectors:
        assert vectors.get(rows(3000)).tolist() == numbers(1).tolist()
        vectors.put(rows(9000), numbers(1))
    with opened(tmp_path) as vectors:
        assert vectors.get(rows(3000, 9000)).tolist() == [numbers(1).tolist()[0]] * 2


def test_encoders_have_files_of_their_own(tmp_path: Path) -> None:
    with opened(tmp_path) as one, opened(tmp_path, 8, "bert-v2") as other:
        one.put(rows(0), numbers(1))
        assert not other.get(rows(0)).any()


def test_a_file_of_another_encoder_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path) as vectors:
        vectors.put(rows(0), numbers(1))
    with pytest.raises(ConfigError, match="delete it to encode again"):
        Vectors(tmp_path, 8, NAME)
    path = tmp_path / "vectors" / f"{NAME}.f32"
    path.write_bytes(b"x" + path.read_bytes()[1:])
    with pytest.raises(ConfigError):
        Vectors(tmp_path, 4, NAME)


@pytest.mark.parametrize("left", [b"", bytes(100), bytes(256) + b"left" * 9999])
def test_a_file_that_a_crash_left_unfinished_is_begun_again(tmp_path: Path, left: bytes) -> None:
    (tmp_path / "vectors").mkdir()
    (tmp_path / "vectors" / f"{NAME}.f32").write_bytes(left)
    with opened(tmp_path) as vectors:
        assert not vectors.get(rows(0, 5)).any()
        vectors.put(rows(0), numbers(1))
    with opened(tmp_path) as vectors:
        assert vectors.get(rows(0)).tolist() == numbers(1).tolist()


@pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden", "n" * 201, "a\0b"])
def test_a_name_that_is_no_file_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError):
        Vectors(tmp_path, 4, name)
    assert not (tmp_path / "vectors").exists()


def test_a_vector_has_at_least_one_number() -> None:
    with pytest.raises(ConfigError):
        Vectors(None, 0)


def test_a_full_disk_is_said_before_anything_is_put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mapped page without a block behind it would kill the process, so blocks are reserved before they are used."""

    def full(fd: int, size: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    with opened(tmp_path) as vectors:
        vectors.put(rows(0), numbers(1))
        monkeypatch.setattr(module, "_allocate", full)
        with pytest.raises(StorageFull):
            vectors.put(rows(0, 5000), numbers(2, 50))
        assert vectors.get(rows(0)).tolist() == numbers(1).tolist()
        monkeypatch.undo()
        vectors.put(rows(5000), numbers(1))
        assert vectors.get(rows(5000)).any()


def test_blocks_are_really_there(tmp_path: Path) -> None:
    with opened(tmp_path):
        found = (tmp_path / "vectors" / f"{NAME}.f32").stat()
    assert found.st_size == 256 + 1024 * 16
    assert found.st_blocks * 512 >= found.st_size


def test_blocks_are_written_where_they_cannot_be_reserved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "posix_fallocate")
    with opened(tmp_path) as vectors:
        vectors.put(rows(200_000), numbers(1))
        assert vectors.get(rows(200_000)).tolist() == numbers(1).tolist()
    with opened(tmp_path) as vectors:
        assert vectors.get(rows(200_000)).tolist() == numbers(1).tolist()


def test_a_reader_keeps_its_view_while_the_file_grows(tmp_path: Path) -> None:
    with opened(tmp_path) as vectors:
        vectors.put(rows(0), numbers(1))
        before = vectors._array
        vectors.put(rows(50_000), numbers(1))
        vectors.put(rows(0), numbers(1, 90))
        assert before[0].tolist() == numbers(1, 90).tolist()[0]


def test_closing_twice_is_fine(place: Path | None) -> None:
    vectors = Vectors(place, 4)
    vectors.close()
    vectors.close()


def test_D_vectors_outlive_a_killed_process(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys; from pathlib import Path; import numpy as np;"
        "from swerve.catalog.vectors import Vectors; vectors = Vectors(Path(sys.argv[1]), 4, sys.argv[2]);"
        "vectors.put(np.arange(5000, dtype=np.int32), np.ones((5000, 4), np.float32));"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path), NAME], check=False)
    assert done.returncode == -9
    with opened(tmp_path) as vectors:
        assert vectors.get(np.arange(5000, dtype=np.int32)).all()
