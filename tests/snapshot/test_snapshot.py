"""Snapshots are whole or not there: killed anywhere, torn anywhere, flipped anywhere, the older one comes back."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swerve import snapshot
from swerve.snapshot import Loaded, load_latest, save

OLD = {"users-0": b"old users", "catalog.items": b"old items"}
NEW = {"users-0": b"new users, more of them", "users-1": bytes(range(256)), "empty": b""}


def pair(directory: Path) -> Path:
    """An older and a newer snapshot, both whole; returns the newer one's folder."""
    save(directory, 10, OLD, keep=2)
    return save(directory, 20, NEW, keep=2)


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in (directory / "snapshots").iterdir())


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    assert save(tmp_path / "shop", 7, NEW, keep=1) == tmp_path / "shop" / "snapshots" / "7"

    assert load_latest(tmp_path / "shop") == Loaded(7, NEW, [])


def test_without_a_snapshot_there_is_nothing_to_load_and_nothing_to_report(tmp_path: Path) -> None:
    assert load_latest(tmp_path) == load_latest(tmp_path / "absent") == Loaded(0, {}, [])


def test_the_newest_is_loaded_by_number_not_by_name(tmp_path: Path) -> None:
    for offset in (9, 10, 100, 11):
        if offset != 11:
            save(tmp_path, offset, {"at": str(offset).encode()}, keep=9)

    assert load_latest(tmp_path).offset == 100


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    for offset in range(5):
        save(tmp_path, offset, OLD, keep=2)

    assert names(tmp_path) == ["3", "4"]


def test_the_same_offset_again_replaces_it(tmp_path: Path) -> None:
    save(tmp_path, 5, OLD, keep=2)
    save(tmp_path, 5, NEW, keep=2)

    assert load_latest(tmp_path) == Loaded(5, NEW, [])
    assert names(tmp_path) == ["5"]


def test_a_leftover_of_a_crash_is_removed_by_the_next_save(tmp_path: Path) -> None:
    pair(tmp_path)
    (tmp_path / "snapshots" / ".tmp-30").mkdir()
    (tmp_path / "snapshots" / ".tmp-30" / "users-0").write_bytes(b"half")
    assert load_latest(tmp_path) == Loaded(20, NEW, [])

    save(tmp_path, 40, NEW, keep=2)

    assert names(tmp_path) == ["20", "40"]


@pytest.mark.parametrize("name", ["", ".hidden", "../escape", "a/b", "manifest.json", "ü", "x" * 200, "a\n"])
def test_a_part_name_that_is_no_plain_file_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="plain part names"):
        save(tmp_path, 1, {name: b""}, keep=1)
    assert load_latest(tmp_path) == Loaded(0, {}, [])


@pytest.mark.parametrize(("offset", "keep"), [(-1, 1), (0, 0)])
def test_a_wrong_offset_or_keep_is_refused(tmp_path: Path, offset: int, keep: int) -> None:
    with pytest.raises(ValueError, match="expected offset"):
        save(tmp_path, offset, OLD, keep=keep)


# --- another history ----------------------------------------------------------------------------------------


def test_a_snapshot_ahead_of_the_log_is_set_aside_for_good(tmp_path: Path) -> None:
    """Given a log restored from a backup, when it has grown past the snapshot again, then it must not come back."""
    pair(tmp_path)

    loaded = load_latest(tmp_path, head=15)

    assert loaded == Loaded(10, OLD, ["snapshot 20 is ahead of the log, which ends at 15: set aside"])
    assert load_latest(tmp_path, head=99) == Loaded(10, OLD, [])


def test_a_snapshot_at_the_heads_offset_is_not_ahead(tmp_path: Path) -> None:
    pair(tmp_path)
    assert load_latest(tmp_path, head=20) == Loaded(20, NEW, [])


def test_saving_behind_a_snapshot_removes_it_and_keeps_what_was_saved(tmp_path: Path) -> None:
    pair(tmp_path)
    save(tmp_path, 12, NEW, keep=1)

    assert names(tmp_path) == ["12"]


# --- damage -------------------------------------------------------------------------------------------------

FILES = ("users-0", "users-1", "empty", "manifest.json")


@pytest.mark.parametrize("name", FILES)
def test_D4_a_missing_file_is_reported_and_the_older_snapshot_loads(tmp_path: Path, name: str) -> None:
    (pair(tmp_path) / name).unlink()

    offset, parts, reports = load_latest(tmp_path)

    assert (offset, parts) == (10, OLD)
    assert reports == [f"snapshot 20 is damaged: {name} cannot be read (No such file or directory)"]


@pytest.mark.parametrize("name", ["users-0", "users-1", "manifest.json"])
def test_D4_every_bit_flip_is_found_and_named(tmp_path: Path, name: str) -> None:
    path = pair(tmp_path) / name
    whole = path.read_bytes()
    for at in range(len(whole)):
        for bit in range(8):
            damaged = bytearray(whole)
            damaged[at] ^= 1 << bit
            path.write_bytes(damaged)

            offset, parts, reports = load_latest(tmp_path)

            assert (offset, parts) == (10, OLD), (at, bit)
            assert len(reports) == 1
            assert reports[0].startswith("snapshot 20 ")


@pytest.mark.parametrize("name", ["users-0", "users-1", "manifest.json"])
def test_D4_a_file_torn_anywhere_is_found(tmp_path: Path, name: str) -> None:
    path = pair(tmp_path) / name
    whole = path.read_bytes()
    for torn in [*(whole[:end] for end in range(len(whole))), whole + b"\0", whole + whole, bytes(len(whole))]:
        path.write_bytes(torn)
        offset, parts, reports = load_latest(tmp_path)
        assert (offset, parts, len(reports)) == (10, OLD, 1), torn


def test_D4_files_that_changed_places_are_found(tmp_path: Path) -> None:
    folder = pair(tmp_path)
    one, other = (folder / "users-0").read_bytes(), (folder / "users-1").read_bytes()
    (folder / "users-0").write_bytes(other)
    (folder / "users-1").write_bytes(one)

    assert load_latest(tmp_path).offset == 10


def test_D4_a_snapshot_under_another_offsets_name_is_found(tmp_path: Path) -> None:
    """Its parts are whole, but folding from 30 on would skip ten records."""
    folder = pair(tmp_path)
    folder.rename(folder.with_name("30"))

    offset, _, reports = load_latest(tmp_path)

    assert offset == 10
    assert reports == ["snapshot 30 is damaged: manifest.json says offset 20"]


def test_when_every_snapshot_is_damaged_each_is_reported(tmp_path: Path) -> None:
    pair(tmp_path)
    for offset in (10, 20):
        (tmp_path / "snapshots" / str(offset) / "users-0").write_bytes(b"x")

    loaded = load_latest(tmp_path)

    assert (loaded.offset, loaded.parts) == (0, {})
    assert loaded.reports == [
        "snapshot 20 is damaged: users-0 has 1 of 23 bytes",
        "snapshot 10 is damaged: users-0 has 1 of 9 bytes",
    ]


def test_a_damaged_snapshot_stays_on_disk(tmp_path: Path) -> None:
    (pair(tmp_path) / "users-0").write_bytes(b"x")
    load_latest(tmp_path, head=100)

    assert names(tmp_path) == ["10", "20"]


def test_a_file_where_a_snapshot_should_be_is_reported(tmp_path: Path) -> None:
    pair(tmp_path)
    (tmp_path / "snapshots" / "30").write_bytes(b"")
    (tmp_path / "snapshots" / "notes.txt").write_bytes(b"not ours")

    offset, _, reports = load_latest(tmp_path)

    assert (offset, len(reports)) == (20, 1)


# --- formats ------------------------------------------------------------------------------------------------


def rewrite(folder: Path, **changes: Any) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}, indent=2))


def test_D9_a_newer_format_is_refused_by_number_whatever_else_it_says(tmp_path: Path) -> None:
    rewrite(pair(tmp_path), format=2, parts=["another", "layout"], sealed=True)

    offset, parts, reports = load_latest(tmp_path)

    assert (offset, parts) == (10, OLD)
    assert reports == ["snapshot 20 has format 2, this program reads up to 1: use a newer one"]


@pytest.mark.parametrize("changes", [{"format": 0}, {"format": "1"}, {"parts": {"../escape": {}}}, {"more": 1}])
def test_a_manifest_that_cannot_be_ours_is_damage(tmp_path: Path, changes: dict[str, Any]) -> None:
    rewrite(pair(tmp_path), **changes)

    offset, _, reports = load_latest(tmp_path)

    assert offset == 10
    assert reports[0].startswith("snapshot 20 is damaged: manifest.json")


def test_a_manifest_cannot_reach_outside_its_folder(tmp_path: Path) -> None:
    folder = pair(tmp_path)
    (tmp_path / "secret").write_bytes(b"")
    listed = json.loads((folder / "manifest.json").read_text())["parts"]
    rewrite(folder, parts={"../../secret": listed["empty"]})

    assert load_latest(tmp_path).offset == 10


# --- crashes ------------------------------------------------------------------------------------------------


def killed_at_line(directory: Path, line: int) -> bool:
    """Save in a child that dies before the `line`-th line of ours or shutil's runs; False = it ran to the end."""
    child = os.fork()
    if child == 0:
        left = [line]

        def trace(frame: FrameType, event: str, argument: object) -> Any:
            if frame.f_code.co_filename not in {snapshot.__file__, shutil.__file__}:
                return None
            if event == "line":
                left[0] -= 1
                if left[0] < 0:
                    os._exit(9)
            return trace

        try:
            sys.settrace(trace)
            save(directory, 20, NEW, keep=1)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_D1_killed_at_any_line_the_old_or_the_new_snapshot_loads(tmp_path: Path) -> None:
    line, seen = 0, set()
    while True:
        directory = tmp_path / str(line)
        save(directory, 10, OLD, keep=2)
        killed = killed_at_line(directory, line)

        loaded = load_latest(directory)
        assert loaded in (Loaded(10, OLD, []), Loaded(20, NEW, [])), line
        seen.add(loaded.offset)
        for name in names(directory):
            folder = directory / "snapshots" / name
            files = {path.name for path in folder.iterdir()}
            assert name.startswith(".tmp-") or files - {"manifest.json"} in (OLD.keys(), NEW.keys()), "no half of one"

        save(directory, 30, NEW, keep=1)
        assert names(directory) == ["30"], "the next save cleans up after the crash"
        shutil.rmtree(directory)
        if not killed:
            break
        line += 1
    assert line > 100
    assert seen == {10, 20}


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_D1_killed_while_the_same_offset_is_replaced_an_older_one_loads(tmp_path: Path) -> None:
    for line in range(0, 250, 7):
        directory = tmp_path / str(line)
        save(directory, 10, OLD, keep=2)
        save(directory, 20, NEW, keep=2)
        killed_at_line(directory, line)
        assert load_latest(directory) in (Loaded(10, OLD, []), Loaded(20, NEW, [])), line


def test_D2_everything_is_synced_before_it_is_renamed_and_the_rename_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order of system calls that a power cut must not be able to undo."""
    calls: list[str] = []
    real_fsync, real_rename = os.fsync, os.rename

    def fsync(descriptor: int) -> None:
        calls.append(f"sync {Path(os.readlink(f'/proc/self/fd/{descriptor}')).name}")
        real_fsync(descriptor)

    def rename(source: Path, target: Path) -> None:
        calls.append(f"rename {target.name}")
        real_rename(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "rename", rename)
    save(tmp_path, 7, {"one": b"1", "two": b"2"}, keep=1)

    folder = ["sync one", "sync two", "sync manifest.json", "sync .tmp-7"]
    assert calls == [f"sync {tmp_path.name}", *folder, "rename 7", "sync snapshots"]


def test_D6_when_the_disk_refuses_the_older_snapshot_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, 10, OLD, keep=1)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            save(tmp_path, 20, NEW, keep=1)
    assert load_latest(tmp_path) == Loaded(10, OLD, [])

    save(tmp_path, 20, NEW, keep=1)
    assert names(tmp_path) == ["20"]


plain_names = st.from_regex(r"\A[A-Za-z0-9_][A-Za-z0-9._-]{0,20}\Z").filter(lambda name: name != "manifest.json")


@given(st.dictionaries(plain_names, st.binary(max_size=200), max_size=5), st.integers(0, 2**62))
@settings(max_examples=25)
def test_any_parts_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, parts: dict[str, bytes], offset: int
) -> None:
    directory = tmp_path_factory.mktemp("any")
    save(directory, offset, parts, keep=1)

    assert load_latest(directory) == Loaded(offset, parts, [])
