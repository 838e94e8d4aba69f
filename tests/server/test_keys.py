"""S4: keys are strong, stored as digests, found by leak scanners, refused at once when revoked or expired."""

from __future__ import annotations

import concurrent.futures
import os
import re
import stat
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from swerve.errors import ConfigError, InvalidInput, NotFound, Unauthorized
from swerve.server.keys import Keys, Role, well_formed
from tests.server.conftest import Clock
from tests.server.web import only


def refused(keys: Keys, given_key: str) -> bool:
    try:
        keys.role(given_key)
    except Unauthorized:
        return True
    return False


@pytest.mark.parametrize("role", Role)
def test_S4_a_key_opens_with_its_role_and_says_it(keys: Keys, role: Role) -> None:
    made = keys.create(role)
    assert re.fullmatch(rf"swv_{role.value}_[0-9A-Za-z]{{8}}_[0-9A-Za-z]{{43}}_[0-9A-Za-z]{{6}}", made)
    assert keys.role(made) is role


def test_S4_a_leak_scanner_knows_a_key_from_a_typing_error(keys: Keys) -> None:
    made = keys.create(Role.ADMIN)
    assert well_formed(made)
    for place in range(4, len(made)):
        other = "x" if made[place] != "x" else "y"
        assert not well_formed(made[:place] + other + made[place + 1 :])


def test_S4_no_secret_is_on_disk(keys: Keys, tmp_path: Path) -> None:
    made = [keys.create(role, note="till") for role in Role]
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for key in made:
        secret = key.split("_")[3].encode()
        assert secret not in stored
        assert secret[:12] not in stored


def test_S4_only_the_owner_may_read_the_file(keys: Keys, tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        keys.create(Role.SERVE)
    finally:
        os.umask(old)
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name


def test_S4_the_whole_key_counts(keys: Keys) -> None:
    made = keys.create(Role.SERVE)
    _, role, ident, secret, crc = made.split("_")
    stranger = Keys(keys._path.with_name("other.json")).create(Role.SERVE).split("_")[3]
    for wrong in (
        f"swv_admin_{ident}_{secret}_{crc}",
        f"swv_{role}_{ident}_{stranger}_{crc}",
        f"swv_{role}_{ident}_{secret[:-1]}_{crc}",
        f"swv_{role}_{ident}_{secret}_000000",
        f"swv_{role}_{ident}__",
        made + " ",
        made.upper(),
        ident,
    ):
        assert refused(keys, wrong), wrong
    assert not refused(keys, made)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=200))
def test_S4_garbage_is_refused_and_never_breaks_anything(keys: Keys, text: str) -> None:
    if not len(keys):
        keys.create(Role.ADMIN)
    assert refused(keys, text)
    assert refused(keys, f"swv_admin_{only(keys).id}_{text}_000000")


def test_S4_every_reason_is_told_alike(keys: Keys, clock: Clock) -> None:
    known, gone, old = keys.create(Role.SERVE), keys.create(Role.SERVE), keys.create(Role.SERVE, lifetime_s=5)
    keys.revoke(gone.split("_")[2])
    clock.now += 10
    told = set()
    for wrong in (gone, old, known[:-1], "swv_serve_00000000_x_y", "no-key"):
        with pytest.raises(Unauthorized) as error:
            keys.role(wrong)
        told.add((error.value.message, error.value.code))
        assert wrong not in str(error.value)
    assert len(told) == 1


def test_S4_a_revocation_by_another_process_holds_within_a_second(keys: Keys, clock: Clock) -> None:
    made = keys.create(Role.SERVE)
    server = Keys(keys._path, clock=clock)
    assert server.role(made) is Role.SERVE
    keys.revoke(only(keys).id)
    clock.now += 1.0
    assert refused(server, made)


def test_S4_a_key_made_by_another_process_is_known_within_a_second(keys: Keys, clock: Clock) -> None:
    server = Keys(keys._path, clock=clock)
    assert not len(server)
    made = keys.create(Role.SERVE)
    clock.now += 1.0
    assert len(server) == 1
    assert server.role(made) is Role.SERVE


def test_S4_a_clock_that_jumps_back_does_not_keep_a_revoked_key_alive(keys: Keys, clock: Clock) -> None:
    made = keys.create(Role.SERVE)
    server = Keys(keys._path, clock=clock)
    keys.revoke(only(keys).id)
    clock.now -= 3600
    assert refused(server, made)


def test_a_key_expires_on_time(keys: Keys, clock: Clock) -> None:
    made = keys.create(Role.SERVE, lifetime_s=60)
    clock.now += 59.9
    assert not refused(keys, made)
    clock.now += 0.1
    assert refused(keys, made)


@pytest.mark.parametrize("lifetime_s", [-1.0, float("nan"), float("inf")])
def test_a_lifetime_is_a_finite_time(keys: Keys, lifetime_s: float) -> None:
    with pytest.raises(InvalidInput) as error:
        keys.create(Role.SERVE, lifetime_s=lifetime_s)
    assert error.value.field == "lifetime_s"
    assert not len(keys)


def test_revoked_keys_stay_on_the_list_and_keep_their_time(keys: Keys, clock: Clock) -> None:
    keys.create(Role.INGEST, note="collector")
    ident = only(keys).id
    first = keys.revoke(ident).revoked
    clock.now += 100
    assert keys.revoke(ident).revoked == first
    assert only(keys).note == "collector"
    assert len(keys) == 1


def test_an_unknown_key_cannot_be_revoked(keys: Keys) -> None:
    keys.create(Role.SERVE)
    with pytest.raises(NotFound):
        keys.revoke("00000000")


def test_a_damaged_file_is_refused_at_the_start(keys: Keys) -> None:
    keys.create(Role.SERVE)
    whole = keys._path.read_bytes()
    for damaged in (b"", whole[:-10], b"[]", b"{}", whole.replace(b'"pepper": "', b'"pepper": "zz')):
        keys._path.write_bytes(damaged)
        with pytest.raises(ConfigError) as error:
            Keys(keys._path)
        assert error.value.field == "keys"


def test_a_file_of_a_newer_version_is_refused(keys: Keys) -> None:
    keys.create(Role.SERVE)
    keys._path.write_bytes(keys._path.read_bytes().replace(b'"version": 1', b'"version": 2'))
    with pytest.raises(ConfigError, match="newer"):
        Keys(keys._path)


def test_a_file_damaged_while_serving_opens_nothing_until_it_is_repaired(keys: Keys, clock: Clock) -> None:
    made = keys.create(Role.SERVE)
    whole = keys._path.read_bytes()
    keys._path.write_bytes(b"{")
    clock.now += 1
    for _ in range(3):
        with pytest.raises(ConfigError):
            keys.role(made)
    keys._path.write_bytes(whole)
    assert keys.role(made) is Role.SERVE


def test_a_file_that_vanishes_while_serving_locks_instead_of_opening(keys: Keys, clock: Clock) -> None:
    made = keys.create(Role.SERVE)
    keys._path.unlink()
    clock.now += 1
    assert refused(keys, made)
    assert len(keys) == 1


def test_a_failed_write_leaves_the_old_file(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    made = keys.create(Role.SERVE)
    before = keys._path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            keys.create(Role.ADMIN)
    assert keys._path.read_bytes() == before
    assert Keys(keys._path).role(made) is Role.SERVE


def test_many_writers_lose_no_key(keys: Keys) -> None:
    def make(_: int) -> str:
        return Keys(keys._path).create(Role.INGEST)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        made = list(pool.map(make, range(24)))
    known = Keys(keys._path)
    assert len(known) == len(set(made)) == 24
    assert all(known.role(key) is Role.INGEST for key in made)


def test_keys_are_all_different_and_use_the_whole_alphabet(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "keys.json")
    made = [keys.create(Role.SERVE) for _ in range(60)]
    secrets = [key.split("_")[3] for key in made]
    assert len(set(secrets)) == 60
    assert len(set("".join(secrets))) == 62


def test_the_file_holds_no_more_than_it_says(keys: Keys) -> None:
    keys.create(Role.SERVE, note="shop", lifetime_s=60)
    stored = msgspec.json.decode(keys._path.read_bytes())
    assert set(stored) == {"version", "pepper", "keys"}
    assert set(stored["keys"][0]) == {"id", "role", "digest", "created", "expires", "revoked", "note"}
