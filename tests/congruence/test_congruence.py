"""One suite for `Engine` and `Client`: the same verbs, results, types and errors, embedded and remote."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, get_type_hints

import msgspec
import numpy as np
import pytest

import swerve
from swerve.client import Client
from swerve.engine import Engine
from swerve.errors import Conflict, InvalidInput, NotFound, SwerveError
from swerve.types import (
    Ack,
    Explanation,
    Impression,
    Interaction,
    Item,
    Pick,
    Record,
    Rejection,
    Slate,
    User,
    UserView,
)
from tests.congruence.conftest import NOW, Face

ANSWERS = ("observe", "recommend", "rank", "similar", "trending", "item", "user", "explain")
VERBS = (*ANSWERS, "metrics", "status", "events")


def mugs(face: Face, count: int = 8) -> None:
    face.observe([Item(id=f"mug{n}", title=f"mug number {n}", fields={"price": n}) for n in range(count)])


def views(user: str, *items: str) -> list[Interaction]:
    return [Interaction(user=user, item=item, action="view") for item in items]


def world(face: Face) -> None:
    """Eight items, three users who go from 1 to 2 to 3."""
    mugs(face)
    for user in ("ann", "bob", "cyd"):
        face.observe(views(user, "mug1", "mug2", "mug3"))


def ids(picks: tuple[Pick, ...]) -> list[str]:
    return [pick.item for pick in picks]


def refusal(call: Callable[[], object]) -> SwerveError:
    with pytest.raises(SwerveError) as error:
        call()
    return error.value


# --- the shape of the faces -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", VERBS)
def test_both_have_the_verb_with_the_same_parameters(verb: str) -> None:
    ours, theirs = (inspect.signature(getattr(kind, verb)).parameters for kind in (Engine, Client))
    assert list(ours) == list(theirs)
    for name, parameter in ours.items():
        assert parameter.kind is theirs[name].kind, name
        assert parameter.default == theirs[name].default, name


@pytest.mark.parametrize("verb", ANSWERS)
def test_both_promise_the_same_type(verb: str) -> None:
    assert get_type_hints(getattr(Engine, verb))["return"] == get_type_hints(getattr(Client, verb))["return"]


def test_the_package_offers_both() -> None:
    assert swerve.Client is Client
    assert swerve.Engine is Engine


# --- observe --------------------------------------------------------------------------------------------------------


def test_one_event_is_acknowledged(face: Face) -> None:
    ack = face.observe(Item(id="mug"))
    assert ack == Ack(accepted=1, offset=0, durable="fsync")
    assert face.observe(Interaction(user="ann", item="mug", action="view")).offset == 1
    assert face.observe(User(id="ann", fields={"age": 7})).offset == 2


@pytest.mark.parametrize("kind", [list, tuple])
def test_a_sequence_is_taken_and_the_wrong_ones_told_by_place(face: Face, kind: type) -> None:
    events = kind(
        [
            Item(id="mug"),
            Item(id=""),
            Interaction(user="ann", item="mug", action="vieww"),
            Interaction(user="ann", item="mug", action="view"),
            Interaction(user="ann", item="mug", action="view", value=float("nan")),
            Interaction(item="mug", action="view"),
        ]
    )
    ack = face.observe(events)
    assert (ack.accepted, ack.offset) == (2, 1)
    assert all(isinstance(one, Rejection) for one in ack.rejected)
    assert [(one.index, one.code, one.field) for one in ack.rejected] == [
        (1, "empty", "id"),
        (2, "unknown_action", "action"),
        (4, "not_finite", "value"),
        (5, "missing_field", "user"),
    ]


def test_nothing_is_taken_without_complaint(face: Face) -> None:
    assert face.observe([]) == Ack(accepted=0, durable="fsync")


WRONG: list[tuple[Any, str, str]] = [
    (Interaction(user="ann", item="mug", action="vieww"), "unknown_action", "action"),
    (Interaction(user="ann", item="", action="view"), "empty", "item"),
    (Interaction(item="mug", action="view"), "missing_field", "user"),
    (Interaction(user="a\x00n", item="mug", action="view"), "control_character", "user"),
    (Interaction(user="ann", item="mug", action="view", value=float("inf")), "not_finite", "value"),
    (Interaction(user="\ud800", item="mug", action="view"), "invalid_unicode", "user"),
    (Interaction(user="ann", item="mug", action="view", time="yesterday"), "", "time"),
    (Interaction(user="ann", item=7, action="view"), "wrong_type", "item"),  # type: ignore[arg-type]
    (Interaction(user="x" * 257, item="mug", action="view"), "too_long", "user"),
    (Item(id="mug", title="x" * 20_001), "too_long", "title"),
    (Item(id="mug", fields={"price": float("nan")}), "not_finite", ""),
    (Item(id="mug", fields={"price": {"eur": 7}}), "", ""),  # type: ignore[dict-item]
    (Item(id="mug", available="yes"), "wrong_type", "available"),  # type: ignore[arg-type]
    (Impression(slate="s", picks=()), "empty", "picks"),
    (Impression(slate="s", picks=(Pick(item="mug", position=0, score=1.0, propensity=2.0),)), "out_of_range", ""),
    (7, "wrong_type", ""),
    (None, "wrong_type", ""),
]


def test_a_single_wrong_event_raises_and_stores_nothing(face: Face) -> None:
    for event, code, field in WRONG:
        error = refusal(lambda event=event: face.observe(event))  # type: ignore[misc]
        assert isinstance(error, InvalidInput), event
        assert error.code == (code or error.code), event
        assert field in error.field, event
    assert face.status()["offset"] == 0


def test_the_same_code_field_and_words_for_every_wrong_event(both: tuple[Engine, Client]) -> None:
    for event, _, _ in WRONG:
        ours, theirs = (refusal(lambda face=face, event=event: face.observe(event)) for face in both)
        assert type(ours) is type(theirs), event
        assert (ours.code, ours.field, ours.message) == (theirs.code, theirs.field, theirs.message), event


def test_a_string_is_a_sequence_of_things_that_are_no_events(face: Face) -> None:
    assert [(one.index, one.code) for one in face.observe("ab").rejected] == [(0, "wrong_type"), (1, "wrong_type")]


def test_atomic_takes_all_or_nothing(face: Face) -> None:
    error = refusal(lambda: face.observe([Item(id="mug"), Item(id="")], atomic=True))
    assert isinstance(error, InvalidInput)
    assert (error.code, error.field) == ("empty", "id")
    events = [Item(id="mug"), *views("ann", "mug"), Interaction(user="ann", item="mug", action="vieww")]
    late = refusal(lambda: face.observe(events, atomic=True))
    assert late.code == "unknown_action"
    assert face.status()["offset"] == 0
    assert face.observe([Item(id="mug"), Item(id="cup")], atomic=True).accepted == 2


def test_an_event_id_is_taken_once(face: Face) -> None:
    event = Interaction(user="ann", item="mug", action="view", event_id="e1", time=NOW - 5)
    assert face.observe(event).accepted == 1
    assert face.observe(event) == Ack(accepted=0, duplicates=1, durable="fsync")
    error = refusal(lambda: face.observe(msgspec.structs.replace(event, item="cup")))
    assert type(error) is Conflict
    assert (error.code, error.field, error.status) == ("conflict", "event_id", 409)


def test_numpy_numbers_are_numbers(face: Face) -> None:
    face.observe(Item(id="mug", fields={"price": np.float32(2.5), "stock": np.int64(3)}))  # type: ignore[dict-item]
    assert face.item("mug").fields == {"price": 2.5, "stock": 3}


def test_an_act_is_seen_by_the_next_list(face: Face) -> None:
    world(face)
    before = face.recommend("new")
    ack = face.observe(Interaction(user="new", item="mug1", action="view"))
    after = face.recommend("new", after_offset=ack.offset)
    assert after.state_offset == ack.offset > before.state_offset
    assert after.degraded == ()
    assert ids(after.picks) != ids(before.picks)


# --- lists ----------------------------------------------------------------------------------------------------------


def test_a_slate_is_a_slate(face: Face) -> None:
    world(face)
    slate = face.recommend("ann", n=5)
    assert type(slate) is Slate
    assert slate.id == slate.slate != ""
    assert [pick.position for pick in slate.picks] == [0, 1, 2, 3, 4]
    assert all(type(pick) is Pick and type(pick.score) is float for pick in slate.picks)
    assert slate.took_ms > 0


def test_both_answer_the_same(both: tuple[Engine, Client]) -> None:
    for face in both:
        world(face)
    for ask in (
        {"user": "ann"},
        {"user": "ann", "n": 3},
        {"user": "nobody"},
        {"session": "s"},
        {"history": ("mug1",)},
        {"history": ["mug1", "mug2"], "n": 4},
        {"user": "ann", "exclude": ["mug0", "mug3"]},
        {"user": "ann", "filter": "price < 4"},
        {"user": "ann", "explain": True},
        {"user": "ann", "after_offset": 10**9},
        {},
    ):
        ours, theirs = (face.recommend(**ask) for face in both)  # type: ignore[arg-type]
        assert ids(ours.picks) == ids(theirs.picks), ask
        assert [pick.why for pick in ours.picks] == [pick.why for pick in theirs.picks]
        assert [pick.score for pick in ours.picks] == [pick.score for pick in theirs.picks]
        assert (ours.state_offset, ours.model_version, ours.degraded) == (
            theirs.state_offset,
            theirs.model_version,
            theirs.degraded,
        )


def test_rank_similar_and_trending_answer_the_same(both: tuple[Engine, Client]) -> None:
    for face in both:
        world(face)
    ours, theirs = both
    for items in (["mug7", "mug2", "none"], ("mug7",), [], ["none"], ["mug1", "mug1"]):
        assert ids(ours.rank(items, "ann").picks) == ids(theirs.rank(items, "ann").picks)
    assert ours.similar("mug1") == theirs.similar("mug1")
    assert ours.similar("mug1", 2, filter="price > 2") == theirs.similar("mug1", 2, filter="price > 2")
    for window in ("1h", "1d", "7d"):
        assert ours.trending(window=window) == theirs.trending(window=window)
    assert ours.trending(2, filter="price > 2") == theirs.trending(2, filter="price > 2")


def test_rank_orders_what_it_is_given(face: Face) -> None:
    world(face)
    slate = face.rank(("mug5", "mug2"), history=["mug1"])
    assert type(slate) is Slate
    assert sorted(ids(slate.picks)) == ["mug2", "mug5"]


def test_similar_and_trending_are_tuples_of_picks(face: Face) -> None:
    world(face)
    for picks in (face.similar("mug1"), face.trending()):
        assert type(picks) is tuple
        assert {type(pick) for pick in picks} == {Pick}


BAD_ASKS: list[tuple[str, Callable[[Face], object], type[SwerveError]]] = [
    ("n too small", lambda face: face.recommend("ann", n=0), InvalidInput),
    ("n too large", lambda face: face.recommend("ann", n=100_000), InvalidInput),
    ("filter", lambda face: face.recommend("ann", filter="price <"), InvalidInput),
    ("too many excluded", lambda face: face.recommend("ann", exclude=["x"] * 1001), InvalidInput),
    ("too many ranked", lambda face: face.rank(["x"] * 1001, "ann"), InvalidInput),
    ("similar to nothing", lambda face: face.similar("none"), NotFound),
    ("similar n", lambda face: face.similar("mug1", 0), InvalidInput),
    ("window", lambda face: face.trending(window="1y"), InvalidInput),
    ("trending n", lambda face: face.trending(0), InvalidInput),
    ("no such item", lambda face: face.item("none"), NotFound),
    ("no name", lambda face: face.item(""), NotFound),
    ("no such user", lambda face: face.user("none"), NotFound),
    ("no such slate", lambda face: face.explain("none", "mug1"), NotFound),
    ("odd slate", lambda face: face.explain("a/b", "mug1"), NotFound),
]


def test_what_cannot_be_answered_raises(face: Face) -> None:
    world(face)
    for name, ask, kind in BAD_ASKS:
        error = refusal(lambda ask=ask: ask(face))  # type: ignore[misc]
        assert type(error) is kind, name
        assert error.status == kind.status, name


def test_the_same_code_for_what_cannot_be_answered(both: tuple[Engine, Client]) -> None:
    for face in both:
        world(face)
    for name, ask, _ in BAD_ASKS:
        ours, theirs = (refusal(lambda face=face, ask=ask: ask(face)) for face in both)
        assert (type(ours), ours.code) == (type(theirs), theirs.code), name


# --- what is known --------------------------------------------------------------------------------------------------


def test_any_id_works(face: Face) -> None:
    for odd in ("a/b", "a%2Fb", "..", ".", "ä ö", "a?b#c", "猫", "a+b&c=d", ";", "%"):
        face.observe(Item(id=odd, title="odd"))
        face.observe(Interaction(user=odd, item=odd, action="view"))
        assert face.item(odd).id == odd
        assert face.user(odd).user == odd
        slate = face.recommend(odd, n=20)
        assert face.explain(slate.id, odd).item == odd
        assert odd not in ids(face.similar(odd))


def test_an_item_is_what_was_said_of_it(face: Face) -> None:
    item = Item(
        id="mug",
        title="Red mug",
        text="holds tea",
        categories=("mugs", "red"),
        fields={"price": 9.5, "stock": 3, "sale": True, "tags": ["a", "b"], "note": "x"},
        available=False,
        time=NOW - 100,
    )
    face.observe(item)
    assert face.item("mug") == item


def test_a_user_is_what_they_did(face: Face) -> None:
    world(face)
    face.observe(User(id="ann", fields={"age": 7}))
    face.observe(Interaction(user="ann", item="mug5", action="dislike"))
    user = face.user("ann")
    assert type(user) is UserView
    assert [touch.item for touch in user.touches] == ["mug1", "mug2", "mug3"]
    assert [touch.item for touch in user.rejected] == ["mug5"]
    assert user.counters == {"view": 3, "dislike": 1}
    assert user.fields == {"age": 7}
    assert user.touches[0].time == NOW


def test_a_pick_is_explained(face: Face) -> None:
    world(face)
    face.observe(Interaction(user="new", item="mug1", action="view"))
    slate = face.recommend("new", explain=True)
    told = face.explain(slate.id, slate.picks[0].item)
    assert type(told) is Explanation
    assert told.reasons
    assert told.score == slate.picks[0].score


def test_metrics_are_numbers_by_name(face: Face) -> None:
    world(face)
    face.recommend("ann")
    metrics = face.metrics()
    assert metrics['swerve_events_total{outcome="accepted"}'] == 8 + 9
    assert metrics["swerve_items"] == 8
    assert metrics["swerve_lists_total"] == 1
    assert all(isinstance(value, int | float) for value in metrics.values())


def test_metrics_have_the_same_names(both: tuple[Engine, Client]) -> None:
    ours, theirs = (face.metrics() for face in both)
    assert ours.keys() == theirs.keys()


def test_status_says_the_same(both: tuple[Engine, Client]) -> None:
    for face in both:
        mugs(face)
    ours, theirs = (face.status() for face in both)
    assert ours == theirs
    assert ours["ready"] is True
    assert ours["items"] == 8


def test_events_come_back_in_order(face: Face) -> None:
    mugs(face, 3)
    face.observe([Interaction(user="ann", item=f"mug{n % 3}", action="view", event_id=f"e{n}") for n in range(2500)])
    records = list(face.events())
    assert {type(record) for record in records} == {Record}
    assert [record.offset for record in records] == list(range(2503))
    assert records[3].event == Interaction(user="ann", item="mug0", action="view", event_id="e0")
    assert [record.offset for record in face.events(5)] == list(range(5, 2503))
    assert [record.offset for record in face.events(5, 7)] == [5, 6]
    assert list(face.events(9999)) == []


def test_line_separators_in_texts_break_no_line_of_an_export(face: Face) -> None:
    face.observe(Item(id="mug", title="a\u2028b\u0085c\u2029d"))
    (record,) = face.events()
    assert isinstance(record.event, Item)
    assert "\u2028" in record.event.title


def test_slates_are_logged(face: Face) -> None:
    world(face)
    slate = face.recommend("ann")
    face.observe(views("ann", "mug1"))  # waits for what was queued before
    logged = [record.event for record in face.events() if isinstance(record.event, Impression)]
    assert [impression.slate for impression in logged] == [slate.id]
    assert logged[0].picks == slate.picks


def test_closing_twice_is_safe(face: Face) -> None:
    face.close()
    face.close()
