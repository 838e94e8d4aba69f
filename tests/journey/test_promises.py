"""The promises of the README, each through the public face on a real directory."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import swerve
from swerve.errors import ConfigError, Conflict, DirectoryInUse, InvalidInput, NotFound

T0 = 1_700_000_000.0


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = T0

    def __call__(self) -> float:
        return self.now


def film(number: int) -> swerve.Item:
    return swerve.Item(
        id=f"f{number}",
        title=f"Film {number}",
        categories=("comedy" if number % 2 else "drama",),
        fields={"year": 1980 + number},
        time=T0 - number * 86_400,
    )


def play(user: str, number: int, **more: object) -> swerve.Interaction:
    return swerve.Interaction(user=user, item=f"f{number}", action="play", **more)  # type: ignore[arg-type]


def fill(engine: swerve.Engine) -> None:
    engine.observe([film(number) for number in range(40)])
    for user in range(30):
        engine.observe([play(f"u{user}", (user + step) % 40) for step in range(6)])


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[swerve.Engine]:
    with swerve.open(tmp_path / "films", preset="media", clock=Clock()) as opened:
        fill(opened)
        yield opened


def items(slate: swerve.Slate) -> list[str]:
    return [pick.item for pick in slate.picks]


def test_an_acknowledged_event_changes_the_next_recommendation(engine: swerve.Engine) -> None:
    before = engine.recommend("ann")
    ack = engine.observe(play("ann", 10))
    after = engine.recommend("ann")
    assert after.state_offset == ack.offset
    assert items(after) != items(before)
    assert "f11" in items(after)[:3], "people went on from film 10 to film 11"


def test_what_was_seen_is_left_out_and_a_stranger_still_gets_a_list(engine: swerve.Engine) -> None:
    assert len(items(engine.recommend("nobody"))) == 10
    seen = {touch.item for touch in engine.user("u3").touches}
    assert not seen & set(items(engine.recommend("u3", n=20)))


def test_not_interested_acts_on_the_item_and_its_topic_at_once_and_can_be_undone(engine: swerve.Engine) -> None:
    engine.observe(play("ann", 10))
    slate = engine.recommend("ann")
    first, refused = items(slate), slate.picks[0].item
    engine.observe(swerve.Interaction(user="ann", item=refused, action="not_interested"))
    after = engine.recommend("ann")
    assert refused not in items(after)
    scores = {pick.item: pick.score for pick in slate.picks}
    same_topic = [
        pick for pick in after.picks if pick.item in scores and int(pick.item[1:]) % 2 == int(refused[1:]) % 2
    ]
    assert same_topic
    assert all(pick.score < 0.75 * scores[pick.item] for pick in same_topic)
    engine.observe(swerve.Interaction(user="ann", item=refused, action="undo"))
    assert items(engine.recommend("ann")) == first


def test_a_session_is_served_and_joins_its_user_at_login(engine: swerve.Engine) -> None:
    engine.observe(swerve.Interaction(session="s1", item="f10", action="play"))
    anonymous = items(engine.recommend(session="s1"))
    assert anonymous[0] in {"f9", "f11", "f12"}
    assert items(engine.recommend("ann", session="s1")) == anonymous, "joined on the fly"
    engine.observe(swerve.Interaction(user="ann", session="s1", item="f20", action="play"))
    assert [touch.item for touch in engine.user("ann").touches] == ["f10", "f20"]


def test_the_same_event_counts_once_even_after_a_restart(tmp_path: Path) -> None:
    event = play("ann", 1, event_id="e1")
    for _ in range(2):
        with swerve.open(tmp_path, preset="media", clock=Clock()) as engine:
            first = engine.observe(event)
            assert first.accepted + first.duplicates == 1
            assert engine.observe(event).duplicates == 1
            assert len(engine.user("ann").touches) == 1
            with pytest.raises(Conflict):
                engine.observe(play("ann", 2, event_id="e1"))


def test_a_restart_answers_as_before_from_a_snapshot_and_from_the_log_alone(tmp_path: Path) -> None:
    with swerve.open(tmp_path, preset="media", clock=Clock()) as engine:
        fill(engine)
        before = items(engine.recommend("u3"))
        whole = engine._rooms.derived.dump()
    with swerve.open(tmp_path, clock=Clock()) as engine:
        assert engine._rooms.keeper.saved > 0, "from the snapshot"
        assert items(engine.recommend("u3")) == before
        engine.observe(play("u3", 30))
        whole = engine._rooms.derived.dump()
    for snapshot in (tmp_path / "snapshots").iterdir():
        for part in snapshot.iterdir():
            part.unlink()
        snapshot.rmdir()
    with swerve.open(tmp_path, clock=Clock()) as engine:
        assert engine._rooms.derived.dump() == whole, "test_F3: the same log gives the same bytes"


def test_a_snapshot_folded_under_other_settings_is_not_used(tmp_path: Path) -> None:
    with swerve.open(tmp_path, preset="media", clock=Clock()) as engine:
        fill(engine)
    with swerve.open(tmp_path, clock=Clock(), config={"state.touches": 2}) as engine:
        assert any("other settings" in report for report in engine.status()["reports"])
        assert len(engine.user("u3").touches) == 2


def test_old_segments_go_only_when_two_snapshots_hold_them(tmp_path: Path) -> None:
    clock = Clock()
    small = {"log.segment_events": 50, "log.keep_segments": 1, "log.dedupe_window_s": 3600.0}

    def kept() -> int:
        return len(list((tmp_path / "log").glob("*.db")))

    with swerve.open(tmp_path, preset="media", clock=clock, config=small) as engine:
        fill(engine)
        clock.now += 7200
        engine.observe(play("ann", 1))
        before = kept()
        engine.snapshot()
        assert kept() == before, "no snapshot stands behind the first one"
        engine.observe(play("ann", 2))
        engine.snapshot()
        assert kept() < before
        shown = items(engine.recommend("ann"))
    with swerve.open(tmp_path, clock=clock, config=small) as engine:
        assert items(engine.recommend("ann")) == shown
        first = next(engine.events()).offset
        assert first > 0
        assert not engine.status()["reports"]
    shutil.rmtree(tmp_path / "snapshots")
    with swerve.open(tmp_path, clock=clock, config=small) as engine:
        assert [f"begins at offset {first}: " in report for report in engine.status()["reports"]] == [True]


@pytest.mark.parametrize(("preset", "config"), [("shp", {}), ("shop", {"log.segment_evnts": 5}), ("shop", {"log": 7})])
def test_wrong_settings_leave_nothing_behind(tmp_path: Path, preset: str, config: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        swerve.open(tmp_path / "shop", preset=preset, config=config)
    assert not (tmp_path / "shop").exists()


def test_a_second_process_on_the_same_directory_is_refused(tmp_path: Path) -> None:
    with swerve.open(tmp_path), pytest.raises(DirectoryInUse):
        swerve.open(tmp_path)


def test_wrong_input_is_refused_precisely_and_stores_nothing(engine: swerve.Engine) -> None:
    head = engine.status()["offset"]
    with pytest.raises(InvalidInput, match="play"):
        engine.observe(swerve.Interaction(user="ann", item="f1", action="playy"))
    with pytest.raises(InvalidInput):
        engine.observe([play("ann", 1), swerve.Interaction(user="ann", item="", action="play")], atomic=True)
    assert engine.status()["offset"] == head
    ack = engine.observe([play("ann", 1), swerve.Interaction(user="ann", item="", action="play")])
    assert (ack.accepted, [one.index for one in ack.rejected]) == (1, [1])
    for wrong in ({"n": 0}, {"n": 100_000}, {"filter": "price <"}):
        with pytest.raises(InvalidInput):
            engine.recommend("ann", **wrong)  # type: ignore[arg-type]


def test_filters_exclude_and_availability(engine: swerve.Engine) -> None:
    shown = items(engine.recommend("ann", n=5))
    assert shown[0] not in items(engine.recommend("ann", exclude=[shown[0]]))
    only = engine.recommend("ann", n=40, filter='category == "drama" and year >= 2000')
    assert items(only)
    assert all(int(item[1:]) % 2 == 0 and int(item[1:]) >= 20 for item in items(only))
    engine.observe(swerve.Item(id=shown[0], available=False, partial=True))
    assert shown[0] not in items(engine.recommend("ann"))
    assert engine.item(shown[0]).title, "still known"


def test_a_rare_filter_still_fills_the_list_from_the_whole_catalog(engine: swerve.Engine) -> None:
    assert items(engine.recommend("ann", n=3, filter="year == 1999")) == ["f19"]


def test_every_slate_is_logged_as_an_impression_with_what_a_learner_needs(engine: swerve.Engine) -> None:
    engine.observe(play("ann", 10))
    slate = engine.recommend("ann", n=3)
    engine.observe(play("ann", 11))
    shown = [record.event for record in engine.events() if isinstance(record.event, swerve.Impression)]
    logged = next(event for event in shown if event.slate == slate.id)
    assert [pick.item for pick in logged.picks] == items(slate)
    assert (logged.state_offset, logged.model_version, logged.user) == (slate.state_offset, 0, "ann")
    assert all(pick.propensity == 1.0 for pick in logged.picks)


def test_an_explanation_names_the_evidence(engine: swerve.Engine) -> None:
    engine.observe(play("ann", 10))
    slate = engine.recommend("ann", explain=True)
    assert sum(slate.picks[0].why.values()) == pytest.approx(1.0, abs=0.08)
    reasons = engine.explain(slate.id, "f11").reasons
    evidence = next(reason for reason in reasons if reason.item == "f10")
    assert evidence.count > 0
    assert str(evidence.count) in evidence.text
    with pytest.raises(NotFound):
        engine.explain(slate.id, "f999")
    with pytest.raises(NotFound):
        engine.explain("0-aaaaaaaaaaaa", "f11")


def test_an_explanation_is_found_in_the_log_after_a_restart(tmp_path: Path) -> None:
    with swerve.open(tmp_path, preset="media", clock=Clock()) as engine:
        fill(engine)
        engine.observe(play("ann", 10))
        slate = engine.recommend("ann")
    with swerve.open(tmp_path, clock=Clock()) as engine:
        explained = engine.explain(slate.id, slate.picks[0].item)
        assert explained.score == pytest.approx(slate.picks[0].score)
        assert explained.reasons


def test_an_impression_from_elsewhere_can_be_explained_whatever_it_names(engine: swerve.Engine) -> None:
    shown = [swerve.Pick(item=item, position=place, score=1.0) for place, item in enumerate(("f30", "not-there"))]
    engine.observe(swerve.Impression(slate="0-AAAAAAAAAAAA", user="ann", picks=tuple(shown)))
    for pick in shown:
        explained = engine.explain("0-AAAAAAAAAAAA", pick.item)
        assert explained.score == 1.0
        assert bool(explained.reasons) is (pick.item == "f30"), "nothing is known of an item that is not there"


def test_rank_similar_and_trending(engine: swerve.Engine) -> None:
    engine.observe(play("ann", 10))
    ranked = items(engine.rank(["f30", "f11", "missing"], "ann"))
    assert ranked == ["f11", "f30"]
    assert "f10" not in [pick.item for pick in engine.similar("f10", 5)]
    assert len(engine.trending(3, window="1h")) == 3
    with pytest.raises(NotFound):
        engine.similar("missing")
    with pytest.raises(InvalidInput):
        engine.trending(3, window="2y")


def test_a_deleted_item_is_never_recommended_and_its_row_can_stand_for_another(engine: swerve.Engine) -> None:
    engine.observe(play("ann", 10))
    gone = items(engine.recommend("ann"))[0]
    engine.observe(swerve.Item(id=gone, deleted=True))
    with pytest.raises(NotFound):
        engine.item(gone)
    engine.observe([film(number) for number in range(100, 160)])
    assert gone not in items(engine.recommend("ann", n=100))


def test_a_new_item_can_be_recommended_at_once_by_its_content(engine: swerve.Engine) -> None:
    engine.observe(swerve.Item(id="new", title="Film 10 again", categories=("drama",)))
    assert "new" in [pick.item for pick in engine.similar("f10", 40)]


def test_a_fit_goes_live_only_when_it_predicts_better(tmp_path: Path) -> None:
    with swerve.open(tmp_path, preset="media", clock=Clock(), config={"rank.weights": {}}) as engine:
        fill(engine)
        for user in range(60):
            engine.observe([play(f"v{user}", (user * 7 + step) % 40) for step in range(5)])
        fitted = engine.fit()
        assert fitted.better
        assert engine.status()["model_version"] == 1
        assert not engine.fit().better or engine.status()["model_version"] == 2
        version = engine.status()["model_version"]
    with swerve.open(tmp_path, clock=Clock()) as engine:
        assert engine.recommend("v1").model_version == version


def test_F1_no_stale_answer_with_many_threads(engine: swerve.Engine) -> None:
    stale: list[str] = []

    def pairs(name: str) -> None:
        for step in range(60):
            ack = engine.observe(play(name, step % 40))
            slate = engine.recommend(name, n=5)
            if slate.state_offset < ack.offset or f"f{step % 40}" in items(slate):
                stale.append(name)

    threads = [threading.Thread(target=pairs, args=(f"t{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stale == []


def test_F4_a_client_clock_of_any_year_never_reorders_the_log(engine: swerve.Engine) -> None:
    years = [T0 + year * 31_557_600 for year in (-10, 10, -1, 3)]
    offsets = [engine.observe(play("ann", place, time=time)).offset for place, time in enumerate(years)]
    assert offsets == sorted(offsets)
    assert [touch.item for touch in engine.user("ann").touches] == ["f0", "f1", "f2", "f3"]
    assert all(touch.time <= T0 for touch in engine.user("ann").touches)


def test_a_backup_opens_as_a_project_of_its_own(engine: swerve.Engine, tmp_path: Path) -> None:
    engine.observe(play("ann", 10))
    before = items(engine.recommend("ann"))
    copy = engine.backup(tmp_path / "copy")
    with swerve.open(copy, clock=Clock()) as other:
        assert items(other.recommend("ann")) == before
    with pytest.raises(InvalidInput):
        engine.backup(copy)


def test_deleting_an_unknown_item_changes_nothing(engine: swerve.Engine) -> None:
    size = engine.status()["items"]
    engine.observe(swerve.Item(id="never-there", deleted=True))
    assert engine.status()["items"] == size
    assert engine.observe(play("ann", 1)).accepted == 1, "the fold goes on"
