"""Where a setting comes from: defaults < preset < file < environment < arguments, and what is said of a wrong one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from swerve.config import PRESETS, Config, Loaded, load, remember_preset, show
from swerve.errors import ConfigError
from swerve.events.config import ActionConfig, EventsConfig


def settings(
    directory: Path | None = None,
    preset: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Loaded:
    return load(directory, preset, overrides or {}, environ or {})


def refused(*args: Any, **kwargs: Any) -> ConfigError:
    with pytest.raises(ConfigError) as error:
        settings(*args, **kwargs)
    return error.value


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A project directory with a file of settings."""
    (tmp_path / "swerve.toml").write_text('preset = "shop"\n[events]\nmax_batch = 7\nmax_depth = 8\n')
    return tmp_path


# --- precedence ---------------------------------------------------------------------------------------------


def test_nothing_said_is_the_default() -> None:
    loaded = settings()

    assert loaded.config == Config()
    assert loaded.preset == ""
    assert set(loaded.origins.values()) == {"default"}


def test_an_empty_directory_has_the_defaults(tmp_path: Path) -> None:
    assert settings(tmp_path).config == Config()
    assert settings(tmp_path / "absent").config == Config()


def test_each_place_overrides_the_ones_before(shop: Path) -> None:
    # Given a preset, a file, a variable and an argument that all say something of the same settings.
    preset = shop / "mine.toml"
    preset.write_text("[events]\nmax_body_bytes = 1\nmax_batch = 1\nmax_depth = 5\nmax_fields = 1\nmax_picks = 1\n")
    (shop / "swerve.toml").write_text("[events]\nmax_batch = 2\nmax_depth = 6\nmax_fields = 2\nmax_picks = 2\n")
    environ = {"SWERVE_EVENTS__MAX_DEPTH": "7", "SWERVE_EVENTS__MAX_FIELDS": "3", "SWERVE_EVENTS__MAX_PICKS": "3"}
    overrides = {"events.max_fields": 4, "events": {"max_picks": 4}}

    # When they are laid over each other.
    loaded = settings(shop, str(preset), overrides, environ)

    # Then the last one counts, and each value knows its place.
    events, origins = loaded.config.events, loaded.origins
    assert (events.max_body_bytes, events.max_batch, events.max_depth) == (1, 2, 7)
    assert (events.max_fields, events.max_picks, events.max_categories) == (4, 4, 32)
    assert origins["events.max_body_bytes"] == f"preset {preset}"
    assert origins["events.max_batch"] == str(shop / "swerve.toml")
    assert origins["events.max_depth"] == "SWERVE_EVENTS__MAX_DEPTH"
    assert origins["events.max_fields"] == origins["events.max_picks"] == "argument"
    assert origins["events.max_categories"] == "default"


def test_every_setting_has_an_origin() -> None:
    loaded = settings(preset="media")

    for room, part in msgspec.structs.asdict(loaded.config).items():
        for name, value in msgspec.structs.asdict(part).items():
            if isinstance(value, dict):
                assert all(f"{room}.{name}.{key}" in "\n".join(loaded.origins) for key in value)
            elif isinstance(value, msgspec.Struct):
                assert all(f"{room}.{name}.{key}" in loaded.origins for key in msgspec.structs.asdict(value))
            else:
                assert f"{room}.{name}" in loaded.origins


def test_arguments_may_be_nested_dotted_or_structs() -> None:
    by_dots = settings(overrides={"events.max_batch": 5})
    nested = settings(overrides={"events": {"max_batch": 5}})
    whole = settings(overrides={"events": EventsConfig(max_batch=5)})

    assert by_dots.config == nested.config == whole.config
    assert by_dots.origins["events.max_batch"] == nested.origins["events.max_batch"] == "argument"


def test_later_arguments_win() -> None:
    assert settings(overrides={"events": {"max_batch": 5}, "events.max_batch": 6}).config.events.max_batch == 6


# --- tables with free names: a preset's stands for itself, the others add -----------------------------------


def test_a_preset_brings_its_own_actions_instead_of_the_general_ones() -> None:
    assert "buy" not in settings(preset="news").config.events.actions
    assert "rate" in settings().config.events.actions


def test_a_file_adds_an_action_and_changes_another(shop: Path) -> None:
    (shop / "swerve.toml").write_text(
        'preset = "shop"\n[events.actions.wishlist]\ngain = 2.5\n[events.actions.buy]\ngain = 9.0\n'
    )

    loaded = settings(shop)

    actions = loaded.config.events.actions
    assert actions["wishlist"] == ActionConfig(gain=2.5)
    assert actions["buy"] == ActionConfig(gain=9.0, consumes=True)
    assert "view" in actions
    assert loaded.origins["events.actions.buy.gain"] == str(shop / "swerve.toml")
    assert loaded.origins["events.actions.buy.consumes"] == "preset shop"
    assert loaded.origins["events.actions.wishlist.undo"] == "default"


def test_a_preset_file_may_have_no_actions_at_all(tmp_path: Path) -> None:
    path = tmp_path / "quiet.toml"
    path.write_text("[events]\nactions = {}\n")

    assert settings(preset=str(path)).config.events.actions == {}


# --- presets ------------------------------------------------------------------------------------------------


def test_the_directory_remembers_its_preset(shop: Path) -> None:
    assert settings(shop).preset == "shop"
    assert "cart" in settings(shop).config.events.actions


def test_a_preset_that_is_named_outright_counts_more_than_the_remembered_one(shop: Path) -> None:
    assert settings(shop, "news").preset == "news"


def test_an_unknown_preset_names_the_nearest() -> None:
    error = refused(preset="shopp")

    assert "did you mean shop?" in error.message
    assert error.field == "preset"


def test_a_preset_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    assert "cannot be read" in refused(preset=str(tmp_path / "mine.toml")).message


def test_a_preset_beside_the_settings_is_found_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[events]\nmax_batch = 3\n")
    (tmp_path / "swerve.toml").write_text('preset = "mine.toml"\n')

    assert settings(tmp_path).config.events.max_batch == 3


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_of_ours_loads_alone(preset: str) -> None:
    assert settings(preset=preset).preset == preset


def test_remembering_makes_the_file_and_keeps_what_is_in_it(tmp_path: Path) -> None:
    remember_preset(tmp_path, "media")
    assert settings(tmp_path).preset == "media"

    (tmp_path / "swerve.toml").write_text("# mine\n[events]\nmax_batch = 3\n")
    remember_preset(tmp_path, "news")

    assert settings(tmp_path).preset == "news"
    assert settings(tmp_path).config.events.max_batch == 3
    assert "# mine" in (tmp_path / "swerve.toml").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["swerve.toml"]


def test_remembering_twice_changes_nothing(tmp_path: Path) -> None:
    remember_preset(tmp_path, "media")
    before = (tmp_path / "swerve.toml").read_bytes()

    remember_preset(tmp_path, "media")

    assert (tmp_path / "swerve.toml").read_bytes() == before


def test_another_preset_than_the_remembered_one_is_refused(shop: Path) -> None:
    with pytest.raises(ConfigError) as error:
        remember_preset(shop, "news")

    assert str(shop / "swerve.toml") in error.value.message
    assert settings(shop).preset == "shop"


def test_a_preset_that_does_not_exist_is_not_remembered(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        remember_preset(tmp_path, "shopp")

    assert not (tmp_path / "swerve.toml").exists()


def test_a_preset_file_is_remembered_from_wherever_it_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / 'my "own".toml').write_text("[events]\nmax_batch = 3\n")
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(tmp_path)

    remember_preset(project, 'my "own".toml')
    monkeypatch.chdir("/")

    assert settings(project).config.events.max_batch == 3


# --- wrong settings -----------------------------------------------------------------------------------------


def test_an_unknown_name_in_the_file_names_the_nearest_and_the_file(shop: Path) -> None:
    (shop / "swerve.toml").write_text("[events]\nmax_bach = 7\n")

    error = refused(shop)

    assert "did you mean events.max_batch?" in error.message
    assert str(shop / "swerve.toml") in error.message
    assert error.field == "events.max_bach"


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("evnts.max_batch", "did you mean events?"),
        ("events.actions.buy.gian", "did you mean events.actions.buy.gain?"),
        ("zzz", "known: events, log"),
        ("", "known: events, log"),
    ],
)
def test_an_unknown_name_anywhere_is_refused(name: str, part: str) -> None:
    error = refused(overrides={name: 1})

    assert part in error.message
    assert "argument" in error.message


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("events.max_batch", "many", "expected int"),
        ("events.max_batch", 0, "expected int >= 1"),
        ("events.max_batch", 1.5, "expected int"),
        ("events.max_batch", None, "expected int"),
        ("events.max_batch", True, "expected int"),
        ("events.max_gain", float("nan"), "expected float >= 0"),
        ("events.actions.buy.gain", "much", "expected float"),
        ("events.actions.buy", 5, "expected a table"),
        ("events.actions", "buy", "expected a table"),
        ("events", 5, "expected a table"),
        ("events", None, "expected a table"),
        ("log.durability", "sometimes", "expected one of 'fsync', 'os'"),
    ],
)
def test_a_value_of_the_wrong_type_says_where_and_what_is_expected(name: str, value: object, part: str) -> None:
    error = refused(overrides={name: value})

    assert error.message.startswith(f"{name} (argument): {part}")
    assert error.field == name
    assert "many" not in error.message
    assert "sometimes" not in error.message


def test_what_a_room_checks_itself_says_where_the_value_came_from(shop: Path) -> None:
    (shop / "swerve.toml").write_text("[log]\nsegment_events = 0\n")

    error = refused(shop)

    assert error.message.startswith(f"log.segment_events ({shop / 'swerve.toml'}): ")
    assert error.field == "log.segment_events"


@pytest.mark.parametrize("text", ["[events", "x = ", "\x00", "events = 1\n[events]\n"])
def test_a_file_that_is_no_toml_says_so(tmp_path: Path, text: str) -> None:
    (tmp_path / "swerve.toml").write_text(text)

    error = refused(tmp_path)

    assert str(tmp_path / "swerve.toml") in error.message


def test_a_file_that_is_no_text_says_so(tmp_path: Path) -> None:
    (tmp_path / "swerve.toml").write_bytes(b"\xff\xfe")

    assert "not TOML" in refused(tmp_path).message


def test_a_preset_must_be_a_name(tmp_path: Path) -> None:
    (tmp_path / "swerve.toml").write_text("preset = 5\n")

    assert refused(tmp_path).field == "preset"


# --- environment --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "path", "value"),
    [
        ("SWERVE_EVENTS__MAX_BATCH", "5", ("events", "max_batch"), 5),
        ("SWERVE_EVENTS__MAX_GAIN", "2", ("events", "max_gain"), 2.0),
        ("SWERVE_EVENTS__MAX_GAIN", "2.5", ("events", "max_gain"), 2.5),
        ("SWERVE_LOG__DURABILITY", "os", ("log", "durability"), "os"),
        ("SWERVE_SERVER__ACCESS_LOG", "true", ("server", "access_log"), True),
        ("SWERVE_SERVER__ACCESS_LOG", "0", ("server", "access_log"), False),
        ("SWERVE_SERVER__HOST", "::", ("server", "host"), "::"),
        ("SWERVE_SERVER__HOST", "[::1]", ("server", "host"), "[::1]"),
        ("SWERVE_SERVER__ALLOWED_HOSTS", '["a","b"]', ("server", "allowed_hosts"), ("a", "b")),
    ],
)
def test_variables_are_read_as_what_the_setting_wants(
    name: str, text: str, path: tuple[str, str], value: object
) -> None:
    loaded = settings(environ={name: text})

    assert getattr(getattr(loaded.config, path[0]), path[1]) == value
    assert loaded.origins[".".join(path)] == name


def test_a_variable_reaches_into_tables() -> None:
    environ = {"SWERVE_EVENTS__ACTIONS__BUY__GAIN": "7", "SWERVE_EVENTS__ACTIONS__WISH__CONSUMES": "true"}

    actions = settings(environ=environ).config.events.actions

    assert actions["buy"].gain == 7.0
    assert actions["wish"].consumes


@pytest.mark.parametrize("name", ["SWERVE_DATA", "SWERVE_KEY", "HOME", "OTHER_EVENTS__MAX_BATCH"])
def test_other_variables_are_left_alone(name: str) -> None:
    assert settings(environ={name: "x"}).config == Config()


@pytest.mark.parametrize(
    ("name", "text", "part"),
    [
        ("SWERVE_EVENTS__MAX_BACH", "5", "did you mean events.max_batch?"),
        ("SWERVE_EVENTS__MAX_BATCH", "five", "expected int"),
        ("SWERVE_EVENTS__MAX_BATCH", "0", "expected int >= 1"),
        ("SWERVE_EVENTS__MAX_BATCH", "[5]", "expected int"),
        ("SWERVE_EVENTS__MAX_BATCH", "[5", "expected int"),
        ("SWERVE_EVENTS__MAX_BATCH__X", "5", "expected int"),
    ],
)
def test_a_wrong_variable_is_named(name: str, text: str, part: str) -> None:
    error = refused(environ={name: text})

    assert name in error.message
    assert part in error.message


# --- showing ------------------------------------------------------------------------------------------------


def test_show_is_toml_that_gives_the_same_settings_again(shop: Path, tmp_path: Path) -> None:
    before = settings(shop, overrides={"events.max_gain": 5.5})
    other = tmp_path / "other"
    other.mkdir()
    (other / "swerve.toml").write_text(show(before))

    assert settings(other).config == before.config
    assert settings(other).preset == "shop"


def test_show_says_where_each_value_came_from(shop: Path) -> None:
    lines = show(settings(shop, environ={"SWERVE_EVENTS__MAX_GAIN": "2"})).splitlines()

    def origin(start: str) -> str:
        (line,) = (line for line in lines if line.startswith(start))
        return line.split("#")[1].strip()

    assert lines[0] == 'preset = "shop"'
    assert origin("max_batch = 7") == str(shop / "swerve.toml")
    assert origin("max_gain = 2.0") == "SWERVE_EVENTS__MAX_GAIN"
    assert origin("actions.buy.gain = 4.0") == "preset shop"
    assert origin("max_picks = 1000") == "default"
