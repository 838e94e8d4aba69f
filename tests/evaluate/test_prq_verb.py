"""`swerve replay` on projects as they are on disk: imported films, and a shop of a few hundred clicks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import swerve
from swerve.cli import main
from swerve.demo.verb import FILMS
from swerve.engine.replaying import as_served
from swerve.evaluate.prq.figures import CONTROLS, LIVE, METRICS, STALE
from swerve.evaluate.prq.outcome import Settings
from swerve.evaluate.prq.replay import replay
from swerve.importing import run_import
from swerve.readers import ReadOptions, detect
from swerve.readers.ratings import usual_ratings
from tests.evaluate.logs import hr, told_by_the_session


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("projects") / "shop"
    with swerve.open(directory, preset="shop") as engine:
        for time, user, session, item in told_by_the_session([30.0], sessions=150):
            engine.observe(swerve.Interaction(user=user, session=session, item=item, action="view", time=time))
    return directory


def sizes(directory: Path) -> dict[str, int]:
    """Segments of the log: names and sizes."""
    return {path.name: path.stat().st_size for path in (directory / "log").iterdir() if path.suffix == ".db"}


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["replay", *map(str, words)])


def test_it_prints_tables_and_writes_every_figure_and_a_page(shop: Path, tmp_path: Path) -> None:
    figures, page = tmp_path / "figures.json", tmp_path / "report.html"
    done = run(shop, "--warm-up", 0.5, "--every", 1, "--json", figures, "--html", page)

    assert done.exit_code == 0, done.output
    assert "Replay of shop" in done.output
    assert "What real time is worth" in done.output
    found = json.loads(figures.read_text())
    assert found["events"] == 300
    assert found["users"] == 35
    assert set(METRICS) <= set(found["arms"][LIVE])
    assert {STALE, *CONTROLS} <= set(found["arms"])
    assert found["arms"][LIVE]["hr10"] > found["arms"][STALE]["hr10"]
    assert [one["delay_s"] for one in found["freshness"]] == [0, 10, 60, 600, 3600, 86400]
    text = page.read_text()
    assert text.startswith("<!doctype html>")
    assert f"{found['arms'][LIVE]['hr20']:.4f}" in text


def test_a_seed_repeats_a_replay_and_the_project_is_left_as_it_was(shop: Path, tmp_path: Path) -> None:
    log = sizes(shop)
    assert log
    for name in ("one", "two"):
        assert run(shop, "--every", 2, "--seed", 5, "--json", tmp_path / name).exit_code == 0

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert sizes(shop) == log
    with swerve.open(shop) as engine:
        assert engine.status()["offset"] == 600
        assert engine.status()["model_version"] == 0


def test_a_pause_ends_a_session_only_where_there_is_no_id(shop: Path, tmp_path: Path) -> None:
    for gap in (0, 1800):
        run(shop, "--every", 2, "--gap", gap, "--json", tmp_path / str(gap))

    assert (tmp_path / "0").read_bytes() == (tmp_path / "1800").read_bytes()


@pytest.mark.parametrize(
    ("words", "said"), [(["--warm-up", "1"], "warm-up"), (["--every", "0"], "every"), (["--gap", "-1"], "gap")]
)
def test_a_wrong_option_is_a_usage_error(shop: Path, words: list[str], said: str) -> None:
    done = run(shop, *words)

    assert done.exit_code == 2
    assert said in done.output


def test_there_must_be_a_project_and_enough_in_it(tmp_path: Path) -> None:
    assert run(tmp_path / "nowhere").exit_code == 2
    with swerve.open(tmp_path / "small", preset="shop") as engine:
        engine.observe(swerve.Interaction(user="u", item="i", action="view", time=1.0))
        engine.observe(swerve.Interaction(user="u", item="j", action="view", time=2.0))
    done = run(tmp_path / "small")

    assert done.exit_code == 2
    assert "at least 50 events" in done.output


def test_films_that_real_people_rated_one_after_the_other(tmp_path: Path) -> None:
    # MovieLens, small: people rate dozens of films at a sitting, so what they rated just now says most.
    with swerve.open(tmp_path / "films", preset="media") as engine:
        source = detect(FILMS, ReadOptions(ratings=usual_ratings(engine.config.events.actions)))
        run_import(engine, source, positions=tmp_path / "imports")
        settings = Settings(warm_up=0.97, judged=800, delays=(600.0,), tuned=False)
        outcome = replay(engine.events, as_served(engine), settings)

    assert 600 <= len(outcome.judged.time) <= 1000
    assert not outcome.judged.repeat.any()
    assert 0.4 < outcome.judged.reached.mean() < 0.95
    assert hr(outcome, "live+online", 20) > 1.5 * hr(outcome, "day+nightly", 20)
    assert hr(outcome, "live+online", 20) > 2 * hr(outcome, "popular 7d", 20)
    assert hr(outcome, "live+online", 20) > hr(outcome, "delay 600 s", 20)
