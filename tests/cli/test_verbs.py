"""Each verb of the command line, on real projects; errors are one line and an exit status."""

from __future__ import annotations

import json
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from swerve.cli import VERBS, main, status_of
from swerve.cli.exporting import dated
from swerve.engine import open_engine
from swerve.errors import ConfigError, InvalidInput, LogDamaged, LogFailed, NotFound
from swerve.server import Background, ServerConfig
from swerve.server.keys import Keys, well_formed
from swerve.testing.events import interactions
from swerve.types import Interaction, Item
from tests.cli.shops import csv_file, derived, impressions, lines, opened, stored, swerve
from tests.quality.tree import ROOT

MUGS = [Item(id=f"m{k}", title=f"Mug number {k}", categories=("mugs",), fields={"price": float(k)}) for k in range(20)]


def run(*words: object) -> Result:
    """A verb in this process."""
    return CliRunner().invoke(main, list(map(str, words)))


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A closed project with mugs and some views."""
    directory = tmp_path / "shop"
    with opened(directory) as engine:
        engine.observe(MUGS)
        engine.observe(
            [Interaction(user=f"u{k % 4}", item=f"m{(k * 3 + k // 7) % 20}", action="view") for k in range(60)]
        )
    return directory


# --- all verbs ----------------------------------------------------------------------------------------------


def test_every_verb_loads_and_says_what_the_list_says() -> None:
    for verb, (_, words) in VERBS.items():
        command = main.get_command(None, verb)  # type: ignore[arg-type]
        assert command is not None
        assert command.name == verb
        assert main.commands[verb].short_help == words
        assert run(verb, "--help").exit_code == 0


def test_every_verb_has_its_section_in_the_docs_with_every_option() -> None:
    page = (ROOT / "docs" / "cli.md").read_text()
    sections = dict(re.findall(r"^## swerve (\w+)\n(.*?)(?=^## |\Z)", page, re.M | re.S))

    assert list(sections) == list(VERBS)
    for verb in VERBS:
        command = main.get_command(None, verb)  # type: ignore[arg-type]
        commands = [command, *getattr(command, "commands", {}).values()]
        options = {word for one in commands for option in one.params for word in option.opts if word.startswith("--")}
        missing = [option for option in sorted(options) if not re.search(rf"`[^`]*{option}\b[^`]*`", sections[verb])]
        assert not missing, verb


def test_help_loads_no_verb_and_is_quick() -> None:
    code = (
        "import sys; from swerve.cli import main; main(['--help'], standalone_mode=False); print(sorted(sys.modules))"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime

    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    loaded = set(re.findall(r"'([\w.]+)'", answer.stdout.splitlines()[-1]))
    assert "swerve.cli" in loaded
    assert not loaded & {"swerve.engine", "swerve.server", "swerve.readers", "sqlite3", "uvicorn", "duckdb"}
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 1.0  # 0.2 on a machine of its own


def test_an_import_stopped_by_hand_says_so_and_goes_on(tmp_path: Path) -> None:
    file = csv_file(tmp_path / "a.csv", lines(40_000))
    command = [sys.executable, "-m", "swerve.cli", "import", str(tmp_path / "shop"), str(file), "--preset", "shop"]
    with subprocess.Popen([*command, "--batch", "100"], stdout=-1, stderr=-1, text=True) as process:
        while not list(tmp_path.glob("shop/imports/*.json")):
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, words = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "the same command goes on from here" in words
    assert "Traceback" not in words
    assert "rows were there from an earlier run" in run(*command[3:]).output
    with opened(tmp_path / "shop") as engine:
        assert stored(engine) == lines(40_000)


def test_an_unknown_verb_or_option_is_a_usage_error(shop: Path) -> None:
    assert run("serv").exit_code == 2
    assert run("recommend", shop, "--nn", 3).exit_code == 2
    assert "Traceback" not in run("recommend", shop, "--nn", 3).output


@pytest.mark.parametrize("verb", ["recommend", "export", "train", "doctor"])
def test_a_mistyped_directory_does_not_become_a_project(tmp_path: Path, verb: str) -> None:
    result = run(verb, tmp_path / "shpo")

    assert result.exit_code == 2
    assert "no project at" in result.output
    assert not (tmp_path / "shpo").exists()


def test_a_wrong_source_does_not_make_a_project(tmp_path: Path) -> None:
    result = run("import", tmp_path / "shop", tmp_path / "nothing.csv", "--preset", "shop")

    assert result.exit_code == 1
    assert "does not exist" in result.output
    assert not (tmp_path / "shop").exists()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ConfigError("x"), 2),
        (InvalidInput("x"), 2),
        (LogDamaged("x", segment="s", first=0, last=1), 3),
        (LogFailed("x"), 1),
        (NotFound("x"), 1),
    ],
)
def test_exit_statuses(error: Exception, status: int) -> None:
    assert status_of(error) == status  # type: ignore[arg-type]


def test_a_project_in_use_is_refused_in_one_line(shop: Path) -> None:
    with opened(shop):
        answer = swerve("recommend", shop, "u1")

    assert answer.returncode == 1
    assert answer.stderr.startswith("Error: ")
    assert "is open in the process" in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_a_wrong_setting_is_a_usage_error(shop: Path) -> None:
    (shop / "swerve.toml").write_text('preset = "shop"\n[log]\nsegment_evnts = 5\n')

    result = run("recommend", shop, "u1")

    assert result.exit_code == 2
    assert "segment_events" in result.output


def test_an_error_of_the_operating_system_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    result = run("import", tmp_path / "file" / "shop", csv_file(tmp_path / "a.csv", lines(3)), "--preset", "shop")

    assert result.exit_code == 1
    assert "Error: " in result.output
    assert "Traceback" not in result.output


# --- import and export --------------------------------------------------------------------------------------


def test_import_shows_what_it_guessed_and_what_became_of_it(tmp_path: Path) -> None:
    file = csv_file(tmp_path / "a.csv", [*lines(50), "broken", "u,i,vieww,1600000000"])

    answer = swerve("import", tmp_path / "shop", file, "--preset", "shop", "--rejects", tmp_path / "no.jsonl")

    assert answer.returncode == 0
    assert "columns guessed by name: user=user, item=item, action=action, time=time" in answer.stderr
    assert "50 events accepted" in answer.stdout
    assert "2 rows refused" in answer.stdout
    assert "a.csv, line 52" in answer.stdout
    assert "a.csv, line 53" in answer.stdout
    assert [json.loads(line)["line"] for line in (tmp_path / "no.jsonl").read_text().splitlines()] == [52, 53]
    assert "\x1b" not in answer.stdout + answer.stderr


def test_import_twice_says_that_there_is_nothing_to_do(tmp_path: Path) -> None:
    file = csv_file(tmp_path / "a.csv", lines(50))
    run("import", tmp_path / "shop", file, "--preset", "shop")

    again = run("import", tmp_path / "shop", file)
    forced = run("import", tmp_path / "shop", file, "--again")

    assert "nothing to do" in again.output
    assert "50 events accepted" in forced.output


def test_import_warns_when_a_file_of_that_name_was_another_one(tmp_path: Path) -> None:
    run("import", tmp_path / "shop", csv_file(tmp_path / "a.csv", lines(50)), "--preset", "shop")

    result = run("import", tmp_path / "shop", csv_file(tmp_path / "a.csv", lines(60)))

    assert "will be there twice" in result.output


def test_import_takes_every_option(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("ann|mug|purchase|01/02/2020 10:00|10\n")
    (tmp_path / "items.csv").write_text("id,title,price\nmug,Red mug,9.5\n")

    words = [
        "--preset",
        "shop",
        "--map",
        "user=1,item=2,action=3,time=4,value=5",
        "--actions",
        "purchase=buy",
        "--scale",
        "0.5",
        "--map-items",
        "id=id,title=title,price=price",
        "--delimiter",
        "pipe",
        "--no-header",
        "--encoding",
        "utf-8",
        "--order",
        "file",
        "--batch",
        "1",
        "--idempotent",
    ]
    result = run(
        "import", tmp_path / "shop", tmp_path / "a.txt", *words,
        "--items", tmp_path / "items.csv", "--time-format", "%d/%m/%Y %H:%M",
    )  # fmt: skip

    assert result.exit_code == 0, result.output
    with opened(tmp_path / "shop") as engine:
        assert stored(engine) == ["ann,mug,buy,1580551200"]
        assert engine.item("mug").fields == {"price": 9.5}
        (record,) = list(engine.events(1))
        assert record.event.value == 5.0  # type: ignore[union-attr]


def test_ratings_take_the_words_of_the_preset(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("userId,movieId,rating,timestamp\n1,1,5,10\n1,2,3,11\n1,3,1,12\n")

    run("import", tmp_path / "shop", tmp_path / "r.csv", "--preset", "shop")
    run("import", tmp_path / "films", tmp_path / "r.csv", "--preset", "media")

    with opened(tmp_path / "shop") as engine:
        assert [line.split(",")[2] for line in stored(engine)] == ["favourite", "view", "not_interested"]
    with open_engine(tmp_path / "films") as engine:
        assert [line.split(",")[2] for line in stored(engine)] == ["rate"] * 3


def test_a_dry_run_changes_nothing(tmp_path: Path) -> None:
    result = run("import", tmp_path / "shop", csv_file(tmp_path / "a.csv", lines(50)), "--dry-run")

    assert result.exit_code == 0
    assert '"type":"interaction"' in result.output
    assert not (tmp_path / "shop").exists()


def test_a_reader_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from swerve.types import Interaction\n"
        "def read(path):\n"
        "    for line in open(path).read().split():\n"
        "        yield Interaction(user='u', item=line, action='view', time=1.6e9)\n"
    )
    (tmp_path / "data.txt").write_text("a b c")

    answer = swerve("import", tmp_path / "shop", "data.txt", "--preset", "shop", "--reader", "mine:read", cwd=tmp_path)

    assert "3 events accepted" in answer.stdout, answer.stderr


@pytest.mark.parametrize("reader", ["nowhere:read", "json", "json:nothing"])
def test_a_reader_that_is_none_is_refused(tmp_path: Path, reader: str) -> None:
    result = run("import", tmp_path / "shop", "x", "--preset", "shop", "--reader", reader)

    assert result.exit_code == 2


@pytest.mark.parametrize(
    ("text", "words", "says"),
    [
        ("1,2\n3,4\n", [], "--map user=1,item=2"),
        ("user,item\na,b\n", ["--map", "usr=user"], "did you mean user"),
        ("user,item\na,b\n", ["--map", "user=usr,item=item,action:=view"], "did you mean user"),
        ("user,item\na,b\n", ["--ratings", "x"], "pairs like"),
    ],
)
def test_import_explains_what_it_cannot_read(tmp_path: Path, text: str, words: list[str], says: str) -> None:
    (tmp_path / "a.csv").write_text(text)

    result = run("import", tmp_path / "shop", tmp_path / "a.csv", "--preset", "shop", *words)

    assert result.exit_code == 2
    assert says in result.output
    assert not (tmp_path / "shop").exists()


def test_F3_an_export_is_read_back_into_the_same_states_and_counts(shop: Path, tmp_path: Path) -> None:
    with opened(shop) as engine:
        slate = engine.recommend("u1")
        engine.observe(Interaction(user="u1", item=slate.picks[0].item, action="buy", slate=slate.id, event_id="b1"))
        engine.observe(Item(id="m1", partial=True, title="Renamed"))
        engine.observe(Item(id="m2", deleted=True))
    exported = tmp_path / "log.jsonl"

    assert swerve("export", shop, exported).returncode == 0
    result = run("import", tmp_path / "copy", exported, "--preset", "shop")

    assert result.exit_code == 0, result.output
    assert "refused" not in result.output
    with opened(shop) as before, opened(tmp_path / "copy") as after:
        assert derived(after) == derived(before)
        assert len(list(impressions(after))) == len(list(impressions(before))) > 0
        with_time = [msgspec.structs.replace(dated(record), event_id="") for record in before.events()]  # type: ignore[type-var]
        assert [msgspec.structs.replace(dated(record), event_id="") for record in after.events()] == with_time  # type: ignore[type-var]


def test_export_writes_to_stdout_by_default_and_may_leave_slates_out(shop: Path) -> None:
    with opened(shop) as engine:
        engine.recommend("u1")

    everything = swerve("export", shop).stdout.splitlines()
    events = swerve("export", shop, "--no-impressions", "--start", 5, "--stop", 81).stdout.splitlines()

    assert len(everything) == 81
    assert [json.loads(line)["type"] for line in everything].count("impression") == 1
    assert len(events) == 75


def test_a_reader_of_our_words_who_goes_away_is_no_error(shop: Path) -> None:
    with opened(shop) as engine:
        engine.observe([Item(id=f"long{k}", text="x" * 5_000) for k in range(200)])
    command = f"{sys.executable} -m swerve.cli export {shop} | head -c 10"

    answer = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)

    assert "Error" not in answer.stderr
    assert "Traceback" not in answer.stderr


# --- asking -------------------------------------------------------------------------------------------------


def test_recommend_shows_titles_and_why(shop: Path) -> None:
    answer = swerve("recommend", shop, "u1", "-n", 5)

    rows = answer.stdout.splitlines()
    assert answer.returncode == 0
    assert len(rows) == 6
    assert all("Mug number" in row for row in rows[:5])
    assert rows[5].startswith("slate ")
    assert all(len(row) <= 80 for row in rows[:5])


def test_recommend_as_json_with_filter_and_history(shop: Path) -> None:
    result = run("recommend", shop, "--history", "m1, m2", "--filter", "price < 10", "-n", 3, "--json")

    slate = json.loads(result.output)
    assert len(slate["picks"]) == 3
    assert all(int(pick["item"][1:]) < 10 for pick in slate["picks"])


def test_explain_names_reasons_and_offsets(shop: Path) -> None:
    slate = json.loads(run("recommend", shop, "u1", "--json").output)

    result = run("explain", shop, slate["slate"], slate["picks"][0]["item"])
    as_json = json.loads(run("explain", shop, slate["slate"], slate["picks"][0]["item"], "--json").output)

    assert "Mug number" in result.output
    assert "%" in result.output
    assert as_json["item"] == slate["picks"][0]["item"]


def test_an_unknown_slate_is_not_found(shop: Path) -> None:
    result = run("explain", shop, "nothing", "m1")

    assert result.exit_code == 1
    assert "no such slate" in result.output


def test_a_server_can_be_asked_by_its_address(shop: Path) -> None:
    with opened(shop) as engine, Background(engine, Keys(shop / "keys.json"), ServerConfig(port=0)) as url:
        remote = json.loads(run("recommend", url, "u1", "--json").output)
        here = engine.recommend("u1")

        assert [pick["item"] for pick in remote["picks"]] == [pick.item for pick in here.picks]
        assert "Mug number" in run("explain", url, remote["slate"], remote["picks"][0]["item"]).output


# --- keeping ------------------------------------------------------------------------------------------------


def test_doctor_says_that_a_sound_log_is_sound(shop: Path) -> None:
    result = run("doctor", shop)

    assert (result.exit_code, result.output) == (0, "every acknowledged record can be read\n")


def damaged(shop: Path) -> None:
    """Break some bytes in the middle of the log."""
    (path,) = (shop / "log").glob("*.db")
    data = bytearray(path.read_bytes())
    at = data.find(b"Mug number 7")
    data[at : at + 4] = b"Jug "
    path.write_bytes(bytes(data))


def test_D4_damage_ends_with_3_is_explained_and_mended_without_deleting(shop: Path) -> None:
    damaged(shop)

    refused, examined = swerve("recommend", shop, "u1"), run("doctor", shop)

    assert refused.returncode == 3
    assert refused.stderr.startswith("Error: ")
    assert examined.exit_code == 3
    assert "offsets 7 to 7" in examined.output
    assert "--repair" in examined.output

    mended = run("doctor", shop, "--repair")

    assert mended.exit_code == 0
    assert "nothing was deleted" in mended.output
    assert list((shop / "log" / "quarantine").iterdir())
    assert run("doctor", shop).exit_code == 0
    assert run("recommend", shop, "u1").exit_code == 0


def test_D8_a_backup_is_restored_to_the_same_project(shop: Path, tmp_path: Path) -> None:
    made = run("backup", shop, "--to", tmp_path / "copy")
    restored = run("restore", tmp_path / "copy", tmp_path / "new")

    assert made.exit_code == restored.exit_code == 0, made.output + restored.output
    with opened(shop) as before, opened(tmp_path / "new") as after:
        assert list(after.events()) == list(before.events())
        assert derived(after) == derived(before)


def test_restore_touches_nothing_that_is_there(shop: Path, tmp_path: Path) -> None:
    run("backup", shop, "--to", tmp_path / "copy")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "precious").write_text("x")

    result = run("restore", tmp_path / "copy", tmp_path / "taken")

    assert result.exit_code == 2
    assert "is not empty" in result.output
    assert [path.name for path in (tmp_path / "taken").iterdir()] == ["precious"]
    (tmp_path / "empty").mkdir()
    assert run("restore", tmp_path / "copy", tmp_path / "empty").exit_code == 0


def test_restore_refuses_a_damaged_backup_and_leaves_nothing_behind(shop: Path, tmp_path: Path) -> None:
    run("backup", shop, "--to", tmp_path / "copy")
    damaged(tmp_path / "copy")

    result = run("restore", tmp_path / "copy", tmp_path / "new")

    assert result.exit_code == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "shop"]


def test_what_is_no_backup_is_refused(tmp_path: Path) -> None:
    assert run("restore", tmp_path, tmp_path / "new").exit_code == 2


# --- settings, keys, training -------------------------------------------------------------------------------


def test_config_shows_values_with_their_origin(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWERVE_EVENTS__MAX_BATCH", "77")

    here, defaults = run("config", shop).output, run("config", "--preset", "news").output

    assert re.search(r"max_batch = 77 +# SWERVE_EVENTS__MAX_BATCH", here)
    assert 'preset = "shop"' in here
    assert "# preset news" in defaults


def test_version_names_what_it_stands_on() -> None:
    output = run("version").output

    assert re.search(r"^swerve +\d+\.\d+\.\d+$", output, re.M)
    assert re.search(r"^sqlite +3\.", output, re.M)


def test_keys_are_made_listed_and_revoked(shop: Path) -> None:
    made = swerve("key", "create", shop, "--role", "serve", "--note", "web", "--days", 30)
    key = made.stdout.strip()
    ident = key.split("_")[2]

    assert well_formed(key)
    assert "shown only now" in made.stderr
    listed = run("key", "list", shop).output
    assert ident in listed
    assert "web" in listed
    assert "until 20" in listed
    assert key.split("_")[3] not in listed
    assert run("key", "revoke", shop, ident).exit_code == 0
    assert "revoked 20" in run("key", "list", shop).output
    assert run("key", "revoke", shop, "nothing1").exit_code == 1


def test_a_project_without_keys_says_so(shop: Path) -> None:
    assert "no keys" in run("key", "list", shop).output


def test_train_says_what_it_found(tmp_path: Path) -> None:
    with opened(tmp_path / "shop") as engine:
        engine.observe([Item(id=f"i{k}", title=f"thing {k}") for k in range(60)])
        engine.observe(list(interactions(1, 30, 60, 3_000, ("view", "cart", "buy"))))

    result = run("train", tmp_path / "shop", "--newest", 1_000, "--seed", 1)

    assert result.exit_code == 0, result.output
    assert re.search(r"learned from \d+ choices", result.output)
    assert "is live" in result.output or "stay" in result.output


def test_train_with_too_little_says_so(tmp_path: Path) -> None:
    with opened(tmp_path / "shop") as engine:
        engine.observe(MUGS)

    result = run("train", tmp_path / "shop")

    assert result.exit_code == 2
    assert "expected at least" in result.output
