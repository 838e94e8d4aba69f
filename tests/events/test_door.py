"""Events to records: gains, clocks and repairs; whatever is made in Python passes clean or is told why not."""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swerve.events.config import DAY_S, YEAR_S, ActionConfig, EventsConfig
from swerve.events.door import Admitted, Door
from swerve.testing.events import examples, interactions
from swerve.types import Event, Impression, Interaction, Item, Pick, Record, Rejection, User
from tests.calls import counted_calls

NOW = 1_800_000_000.0
CONFIG = EventsConfig()


def admit(*events: object, config: EventsConfig = CONFIG) -> Admitted:
    return Door(config, lambda: NOW).admit(events)  # type: ignore[arg-type]


def record(event: object, config: EventsConfig = CONFIG) -> Record:
    admitted = admit(event, config=config)
    assert not admitted.rejected, admitted.rejected
    return admitted.records[0]


def refused(event: object, config: EventsConfig = CONFIG) -> tuple[str, str]:
    admitted = admit(event, config=config)
    assert not admitted.records
    return admitted.rejected[0].code, admitted.rejected[0].field


def view(**said: object) -> Interaction:
    return Interaction(**({"user": "ann", "item": "mug", "action": "view"} | said))  # type: ignore[arg-type]


# --- what passes --------------------------------------------------------------------------------------------


def test_a_right_event_passes_as_the_very_same_object() -> None:
    event = view(event_id="e1", slate="s1", session="x", value=2.0, time=NOW - 5)

    got = record(event)

    assert got == Record(event=event, received=NOW, time=NOW - 5, gain=1.0)
    assert got.event is event


def test_every_kind_passes_and_can_be_stored() -> None:
    admitted = admit(*examples())

    assert not admitted.rejected
    assert admitted.indices == tuple(range(len(examples())))
    encoded = msgspec.msgpack.encode(admitted.records)
    assert msgspec.msgpack.decode(encoded, type=tuple[Record, ...]) == admitted.records


def test_records_and_rejections_keep_the_order_and_the_places() -> None:
    parsed = Rejection(index=1, code="malformed", field="", message="not JSON")

    admitted = admit(view(), parsed, view(item="cup"), view(action="stare"), User(id="ann"))

    assert admitted.indices == (0, 2, 4)
    assert [record.event for record in admitted.records] == [view(), view(item="cup"), User(id="ann")]
    assert [(entry.index, entry.code) for entry in admitted.rejected] == [(1, "malformed"), (3, "unknown_action")]


def test_events_that_arrive_together_are_received_together() -> None:
    ticks = iter([1.0, 2.0])
    door = Door(CONFIG, lambda: next(ticks))

    assert {record.received for record in door.admit([view(), view(), User(id="a")]).records} == {1.0}
    assert door.admit([view()]).records[0].received == 2.0


def test_nothing_in_is_nothing_out() -> None:
    assert admit() == Admitted((), (), ())


def test_ids_are_brought_to_one_form_everywhere() -> None:
    loose, tight = "e\u0301", "\u00e9"
    shown = Impression(slate=loose, picks=(Pick(item=loose, position=0, score=1.0),), history=(loose,), user=loose)

    assert record(view(user=loose, item=loose, session=loose, slate=loose, event_id=loose)).event == view(
        user=tight, item=tight, session=tight, slate=tight, event_id=tight
    )
    assert record(Item(id=loose, categories=(loose, tight))).event == Item(id=tight, categories=(tight,))
    assert record(User(id=loose, fields={loose: loose})).event == User(id=tight, fields={tight: tight})
    assert record(shown).event == Impression(
        slate=tight, picks=(Pick(item=tight, position=0, score=1.0),), history=(tight,), user=tight
    )


def test_numpy_values_become_plain_ones() -> None:
    event = view(user=np.str_("ann"), action=np.str_("rate"), value=np.float32(5), time=np.float64(NOW - 1))

    got = record(event)

    assert got.event == view(action="rate", value=5.0, time=NOW - 1)
    assert msgspec.json.encode(got)


@pytest.mark.parametrize(
    "said",
    [{"time": np.float64(NOW - 1)}, {"value": np.float64(1)}, {"action": np.str_("view")}, {"slate": np.str_("s")}],
)
def test_one_numpy_value_among_plain_ones_becomes_plain_too(said: dict[str, object]) -> None:
    assert msgspec.msgpack.encode(record(view(**said)))


EVENTS = st.lists(
    st.builds(
        Interaction,
        user=st.text(max_size=5),
        session=st.text(max_size=3),
        item=st.text(max_size=5),
        action=st.sampled_from(["view", "buy", "rate", "undo", "stare"]),
        value=st.none() | st.floats(),
        time=st.floats() | st.sampled_from(["2026-01-31T12:00:00Z", "now"]) | st.floats(NOW - 1e9, NOW + 1e9),
    )
    | st.builds(Item, id=st.text(max_size=5), title=st.text(max_size=5), time=st.floats(0, NOW * 2)),
    max_size=12,
)


@given(EVENTS)
def test_normalising_twice_is_normalising_once(events: list[Event]) -> None:
    once = admit(*events)
    twice = admit(*(record.event for record in once.records))

    assert twice.records == once.records
    assert not twice.rejected


@given(EVENTS)
def test_F4_order_is_never_changed_and_every_event_has_one_answer(events: list[Event]) -> None:
    admitted = admit(*events)
    rejected = [entry.index for entry in admitted.rejected]

    assert list(admitted.indices) == sorted(admitted.indices)
    assert rejected == sorted(rejected)
    assert sorted([*admitted.indices, *rejected]) == list(range(len(events)))
    for index, got in zip(admitted.indices, admitted.records, strict=True):
        event, before = got.event, events[index]
        assert isinstance(event, Item | Interaction)
        assert type(event) is type(before)
        assert got.time <= got.received == NOW
        assert math.isfinite(got.time)


# --- clocks -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "time_s", "flags"),
    [
        (0.0, NOW, ()),
        (NOW, NOW, ()),
        (NOW - 1, NOW - 1, ()),
        (NOW * 1000 - 5_000, NOW - 5, ()),
        ("2027-01-15T07:59:59Z", NOW - 1, ()),
        ("2027-01-15T08:59:59+01:00", NOW - 1, ()),
        (NOW + 60, NOW, ()),
        (NOW + 61, NOW, ("future_clock",)),
        (NOW + 9 * YEAR_S, NOW, ("future_clock",)),
        (NOW + 11 * YEAR_S, NOW, ("future_clock", "clamped_clock")),
        (NOW - 30 * DAY_S, NOW - 30 * DAY_S, ()),
        (NOW - 30 * DAY_S - 1, NOW - 30 * DAY_S - 1, ("late",)),
        (NOW - 9 * YEAR_S, NOW - 9 * YEAR_S, ("late",)),
        (NOW - 20 * YEAR_S, NOW - 20 * YEAR_S, ("late", "far_past")),
        (-5.0, -5.0, ("late", "far_past")),
    ],
)
def test_F4_past_times_are_kept_and_future_ones_clamped(
    said: float | str, time_s: float, flags: tuple[str, ...]
) -> None:
    got = record(view(time=said))

    assert (got.time, got.flags, got.received) == (time_s, flags, NOW)
    assert isinstance(got.event, Interaction)
    assert got.event.time == said  # the client's own words stay


def test_F4_a_batch_of_shuffled_clocks_keeps_its_order() -> None:
    times = [NOW - 5, NOW + 10 * YEAR_S, NOW - 10 * YEAR_S, NOW, NOW - 5]

    admitted = admit(*(view(item=f"i{at}", time=said) for at, said in enumerate(times)))

    assert [record.event.item for record in admitted.records if isinstance(record.event, Interaction)] == [
        "i0", "i1", "i2", "i3", "i4",
    ]  # fmt: skip


def test_an_old_item_is_no_late_event_but_a_future_one_is_flagged() -> None:
    old = record(Item(id="film", time=NOW - 40 * YEAR_S))

    assert (old.time, old.flags) == (NOW - 40 * YEAR_S, ())
    assert record(Item(id="film", time=NOW + DAY_S)).flags == ("future_clock",)


def test_gain_belongs_to_interactions_only() -> None:
    assert [record(event).gain for event in (Item(id="a"), User(id="a"))] == [0.0, 0.0]


# --- actions and gains --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "gain"), [(None, 0.5), (3.0, 0.5), (5.0, 1.5), (1.0, -0.5), (1e9, 10.0), (-1e300, -10.0)]
)
def test_a_gain_follows_the_value_and_is_bounded(value: float | None, gain: float) -> None:
    assert record(view(action="rate", value=value)).gain == gain


def test_an_action_without_slope_ignores_the_value() -> None:
    assert record(view(value=1e300)).gain == 1.0


def test_undo_has_no_gain_whatever_is_configured() -> None:
    config = EventsConfig(actions={"oops": ActionConfig(gain=5.0, per_value=1.0, undo=True)})

    assert record(view(action="oops", value=3.0), config).gain == 0.0
    assert config.undoing == {"oops"}


def test_V1_an_unknown_action_names_the_nearest_known_one() -> None:
    (entry,) = admit(view(action="Viewed")).rejected

    assert (entry.code, entry.field) == ("unknown_action", "action")
    assert "did you mean `view`?" in entry.message
    assert "Viewed" not in entry.message
    assert all(f"`{name}`" in entry.message for name in CONFIG.actions)


def test_V1_an_action_like_no_other_gets_the_list() -> None:
    (entry,) = admit(view(action="xyzzy" * 1000)).rejected

    assert entry.code == "too_long" or "did you mean" not in entry.message


def test_an_interaction_needs_somebody() -> None:
    assert refused(view(user="")) == ("missing_field", "user")
    assert record(view(user="", session="s1")).gain == 1.0


# --- V1: every wrong field of events made in Python ---------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"item": ""}, ("empty", "item")), ({"item": None}, ("wrong_type", "item")),
        ({"item": 5}, ("wrong_type", "item")),
        ({"item": "a\x00"}, ("control_character", "item")), ({"item": "a" * 257}, ("too_long", "item")),
        ({"user": 5}, ("wrong_type", "user")), ({"user": None}, ("wrong_type", "user")),
        ({"user": " "}, ("empty", "user")),
        ({"session": "\ud800"}, ("invalid_unicode", "session")), ({"slate": "a\n"}, ("control_character", "slate")),
        ({"event_id": "e" * 129}, ("too_long", "event_id")), ({"event_id": 7}, ("wrong_type", "event_id")),
        ({"action": ""}, ("empty", "action")), ({"action": None}, ("wrong_type", "action")),
        ({"action": ["view"]}, ("wrong_type", "action")), ({"value": "5"}, ("wrong_type", "value")),
        ({"value": math.nan}, ("not_finite", "value")), ({"value": True}, ("wrong_type", "value")),
        ({"time": "yesterday"}, ("invalid_time", "time")), ({"time": None}, ("wrong_type", "time")),
        ({"time": math.inf}, ("not_finite", "time")), ({"time": True}, ("wrong_type", "time")),
    ],
)  # fmt: skip
def test_V1_each_wrong_field_of_an_interaction_is_named(said: dict[str, object], expected: tuple[str, str]) -> None:
    if said == {"action": ""}:
        expected = ("unknown_action", "action")  # a plain string: looked up, not found
    assert refused(view(**said)) == expected


PICK = Pick(item="mug", position=0, score=1.0)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (Item(id=""), ("empty", "id")),
        (Item(id="a", title="x" * 20_001), ("too_long", "title")),
        (Item(id="a", text="\ud800"), ("invalid_unicode", "text")),
        (Item(id="a", title=None), ("wrong_type", "title")),  # type: ignore[arg-type]
        (Item(id="a", categories="toys"), ("wrong_type", "categories")),  # type: ignore[arg-type]
        (Item(id="a", categories=("x",) * 33), ("too_many", "categories")),
        (Item(id="a", categories=("",)), ("empty", "categories")),
        (Item(id="a", fields={"x": math.nan}), ("not_finite", "fields.x")),
        (Item(id="a", fields=None), ("wrong_type", "fields")),  # type: ignore[arg-type]
        (Item(id="a", available=1), ("wrong_type", "available")),  # type: ignore[arg-type]
        (Item(id="a", time="soon"), ("invalid_time", "time")),
        (User(id=""), ("empty", "id")),
        (User(id="a", fields={"x": [1]}), ("wrong_type", "fields.x")),  # type: ignore[dict-item]
        (User(id="a", event_id="e\n"), ("control_character", "event_id")),
        (Impression(slate="", picks=(PICK,)), ("empty", "slate")),
        (Impression(slate="s", picks=()), ("empty", "picks")),
        (Impression(slate="s", picks="ab"), ("wrong_type", "picks")),  # type: ignore[arg-type]
        (Impression(slate="s", picks=("mug",)), ("wrong_type", "picks.0")),  # type: ignore[arg-type]
        (Impression(slate="s", picks=(PICK,) * 1_001), ("too_many", "picks")),
        (Impression(slate="s", picks=(PICK, PICK)), ("repeated_position", "picks")),
        (Impression(slate="s", picks=(PICK, Pick(item="mug", position=1, score=1.0))), ("repeated_item", "picks")),
        (Impression(slate="s", picks=(PICK,), state_offset=-2), ("out_of_range", "state_offset")),
        (Impression(slate="s", picks=(PICK,), model_version=-1), ("out_of_range", "model_version")),
        (Impression(slate="s", picks=(PICK,), history=("",)), ("empty", "history")),
        (Impression(slate="s", picks=(PICK,), history=("a",) * 1_001), ("too_many", "history")),
        (Impression(slate="s", picks=(PICK,), variant="\x01"), ("control_character", "variant")),
        ("view", ("wrong_type", "")),
        ({"item": "mug"}, ("wrong_type", "")),
        (None, ("wrong_type", "")),
    ],
)
def test_V1_each_wrong_field_of_the_others_is_named(event: object, expected: tuple[str, str]) -> None:
    assert refused(event) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"item": ""}, ("empty", "picks.1.item")),
        ({"position": -1}, ("out_of_range", "picks.1.position")),
        ({"position": 0.5}, ("wrong_type", "picks.1.position")),
        ({"score": math.nan}, ("not_finite", "picks.1.score")),
        ({"propensity": 0.0}, ("out_of_range", "picks.1.propensity")),
        ({"propensity": 1.001}, ("out_of_range", "picks.1.propensity")),
        ({"why": {"x": math.inf}}, ("not_finite", "picks.1.why")),
        ({"why": []}, ("wrong_type", "picks.1.why")),
        ({"why": {f"s{n}": 0.1 for n in range(65)}}, ("too_many", "picks.1.why")),
    ],
)
def test_V1_each_wrong_field_of_a_pick_is_named(change: dict[str, object], expected: tuple[str, str]) -> None:
    wrong = msgspec.structs.replace(Pick(item="cup", position=1, score=0.5), **change)

    assert refused(Impression(slate="s", picks=(PICK, wrong))) == expected


def test_a_list_where_a_tuple_should_be_is_taken() -> None:
    event = Item(id="a", categories=["x", "y", "x"])  # type: ignore[arg-type]

    assert record(event).event == Item(id="a", categories=("x", "y"))


@pytest.mark.parametrize("make", [lambda e: e, lambda e: msgspec.structs.replace(e, value=4.0, action="rate")])
def test_admitting_an_event_takes_few_calls(make: Callable[[Interaction], Interaction]) -> None:
    events = [make(event) for event in interactions(7, users=200, items=500, n=500, actions=("view", "like", "buy"))]
    door = Door(CONFIG, lambda: NOW)

    with counted_calls() as calls:
        assert len(door.admit(events).records) == 500

    # The cost that does not depend on the machine; how long it takes is for `benchmarks.ingest` to say.
    assert calls.total / 500 < 30
