"""One event in all arms: same candidates, filters, controls, weights, what is shown; and a slow oracle."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np
import pytest

from swerve.evaluate.prq.outcome import Outcome, Project, Settings
from swerve.evaluate.prq.panel import REPEAT, Panel
from swerve.evaluate.prq.places import DAY_S, Place, measure
from swerve.evaluate.prq.views import AGES, Looked, arms_of, delay_name, rank
from swerve.rank.blend import Blend
from swerve.rank.features import BUCKETS, FEATURES
from swerve.retrieve.merge import gather, only
from swerve.types import Floats, Interaction, Item, Record, Touch, UserState
from tests.evaluate.logs import T0, Click, hr, project, records, replayed, told_by_the_session

NOW = T0 + 3600.0


def table(**columns: float) -> Floats:
    """One weight for each named feature, 0 for the others, whatever the history's length."""
    made = np.zeros((len(BUCKETS), len(FEATURES)), np.float32)
    for name, size in columns.items():
        made[:, FEATURES.index(name)] = size
    return made


TRANSITIONS = table(transitions=1.0, popular_7d=0.001)


def clicks(*paths: str) -> list[Click]:
    """One user a path, one item a letter, a second apart."""
    return [
        (T0 + user * 60.0 + at, f"u{user}", "", item) for user, path in enumerate(paths) for at, item in enumerate(path)
    ]


def made(paths: Sequence[str], blends: dict[str, Floats] | None = None, **settings: object) -> tuple[Project, Panel]:
    """A project that has folded these paths, and its panel with counters that learn online only."""
    one = project(**settings)
    one.derived.apply(records(clicks(*paths)))
    live = one.derived.counters
    arms = [arm for arm in arms_of([]) if arm.pace == "online"]
    serving = {"online": one.serve("online", live)}
    return one, Panel(
        one.derived, one.rules, {"online": live}, serving, arms, blends or dict.fromkeys(AGES, TRANSITIONS)
    )


def asked(path: str, opened: int = -1, ages_s: Sequence[float] = (), rejected: str = "") -> Looked:
    """Somebody with this history, each touch a second old (or so old), asking at NOW."""
    ages = ages_s or [1.0] * len(path)
    touches = tuple(
        Touch(item, "view", 1.0, NOW - age, at) for at, (item, age) in enumerate(zip(path, ages, strict=True))
    )
    no = tuple(Touch(item, "hide", -1.0, NOW - 1.0, 100 + at) for at, item in enumerate(rejected))
    return Looked(UserState(touches=touches, rejected=no), Place(0, 0.0, 1, opened), NOW)


def ranks(panel: Panel, one: Project, item: str, looked: Looked) -> dict[str, int]:
    found = panel.ranks(one.derived.catalog.row(item), looked).ranks
    return dict(zip(panel.names, found.tolist(), strict=True))


def test_the_follower_that_most_went_on_to_is_first() -> None:
    one, panel = made(["ab"] * 3 + ["ac"] * 2 + ["de"])

    assert ranks(panel, one, "b", asked("a"))["live+online"] == 1
    assert ranks(panel, one, "c", asked("a"))["live+online"] == 2
    assert ranks(panel, one, "e", asked("d"))["live+online"] == 1


def test_each_age_sees_its_own_part_of_the_state() -> None:
    one, panel = made(["ab"] * 5 + ["cd"] * 5)
    looked = asked("ac", opened=0, ages_s=[2 * DAY_S, 1.0])

    found = ranks(panel, one, "d", looked)
    assert found["live+online"] == 1
    assert found["day+online"] > 2  # knows a, and that b follows
    assert ranks(panel, one, "b", looked)["day+online"] == 1
    assert ranks(panel, one, "b", looked)["session+online"] == 1


def test_what_is_hidden_takes_no_place_and_cannot_be_asked_for() -> None:
    paths = ["ab"] * 5 + ["ac"] * 2
    one, panel = made(paths, respond__hide_seen="all")
    looked = asked("ba")

    assert panel.hides(one.derived.catalog.row("b"), looked)
    assert not panel.hides(one.derived.catalog.row("c"), looked)
    assert ranks(panel, one, "c", looked)["live+online"] == 1  # b, which more went on to, is seen already
    one, panel = made(paths)
    assert ranks(panel, one, "c", asked("ba"))["live+online"] == 2


def test_a_rejected_topic_turns_its_items_down_only_for_a_state_that_knows_of_it() -> None:
    one, panel = made(["ab"] * 5 + ["ac"] * 4, respond__hide_rejected=False)
    for offset, (item, topic) in enumerate([("b", "red"), ("x", "red"), ("c", "blue")]):
        said = Item(id=item, categories=(topic,))
        one.derived.apply([Record(event=said, received=NOW, time=T0, offset=1000 + offset)])
    looked = asked("a", opened=0, ages_s=[2 * DAY_S], rejected="x")

    found = ranks(panel, one, "b", looked)
    assert found["live+online"] == 2
    assert found["day+online"] == 1  # what was rejected a second ago is not known a day later


def test_an_item_that_nobody_knows_is_no_candidate() -> None:
    _, panel = made(["ab"] * 3)

    found = panel.ranks(-1, asked("a"))
    assert not found.reached
    assert not found.ranks.any()


def test_every_arm_ranks_the_candidates_of_all() -> None:
    # The stale state knows nothing of c: d comes in through the live one, and scores by what popularity it has.
    one, panel = made(["ab"] * 5 + ["cd"] * 5, retrieve__sources=("transitions",))
    looked = asked("ac", opened=0, ages_s=[2 * DAY_S, 1.0])

    found = panel.ranks(one.derived.catalog.row("d"), looked)
    assert found.reached
    assert (found.ranks[: len(AGES)] > 0).all()


def test_the_last_items_followers_are_a_control_that_reads_one_item_only() -> None:
    one, panel = made(["axb"] * 5 + ["yc"] * 3, counts__window=5)

    assert ranks(panel, one, "c", asked("ay"))["last item, online"] == 1
    assert ranks(panel, one, "b", asked("ay"))["last item, online"] == 0
    assert ranks(panel, one, "b", asked("ya"))["last item, online"] == 2  # after x: the nearer follower


def test_the_repeat_control_names_the_latest_own_item_first() -> None:
    one, panel = made(["abc"] * 3)

    assert ranks(panel, one, "b", asked("ab"))[REPEAT] == 1
    assert ranks(panel, one, "a", asked("ab"))[REPEAT] == 2
    assert ranks(panel, one, "c", asked("ab"))[REPEAT] == 0


def test_popularity_is_a_control_that_knows_no_user() -> None:
    one, panel = made(["a"] * 5 + ["b"] * 3 + ["c"])

    for window in ("1h", "1d", "7d"):
        assert [ranks(panel, one, item, asked("c"))[f"popular {window}"] for item in "abc"] == [1, 2, 3]


def test_controls_repeat_even_where_the_product_does_not() -> None:
    one, panel = made(["abc"] * 3, retrieve__repeat=False, retrieve__sources=("transitions",))

    assert ranks(panel, one, "b", asked("ab"))[REPEAT] == 1


def test_each_age_is_ranked_by_weights_of_its_own() -> None:
    blends = {"live": TRANSITIONS, "session": TRANSITIONS, "day": table(popular_7d=1.0)}
    one, panel = made(["ab"] * 3 + ["z"] * 9, blends)
    looked = asked("aq", opened=0, ages_s=[2 * DAY_S, 1.0])

    found = ranks(panel, one, "b", looked)
    assert found["day+online"] == 2 + 1  # z and, as popular as b, a
    assert found["session+online"] == 1


def test_a_state_that_knows_all_there_is_is_served_like_the_live_one() -> None:
    blends = {"live": TRANSITIONS, "session": table(popular_7d=1.0), "day": table(popular_7d=1.0)}
    one, panel = made(["ab"] * 3 + ["z"] * 9, blends)

    found = ranks(panel, one, "b", asked("a", ages_s=[2 * DAY_S]))
    assert found["day+online"] == found["session+online"] == found["live+online"] == 1


def test_what_stood_in_the_first_ten_is_shown_once_and_only_that() -> None:
    followers = "bcdefghijklmno"
    one, panel = made([f"a{item}" * 1 for item in followers for _ in range(2)] + ["ab"] * 3)
    for _ in range(2):
        panel.ranks(one.derived.catalog.row("b"), asked("a"))

    shown = dict(zip(panel.names, panel.shown, strict=True))
    assert shown["live+online"].sum() == 10
    assert shown["live+online"][one.derived.catalog.row("b")]
    assert shown[REPEAT].sum() == 1  # one item was known: no list is filled up with items nothing speaks for


def test_a_choice_has_the_features_of_each_age_that_differs() -> None:
    one, panel = made(["ab"] * 5 + ["cd"] * 5)
    rng = np.random.default_rng(0)
    d = one.derived.catalog.row("d")

    choices = panel.choices(d, asked("ac", opened=0, ages_s=[2 * DAY_S, 1.0]), rng)
    assert set(choices) == set(AGES)
    at = FEATURES.index("transitions")
    assert choices["live"].features[at, 0] > 0
    assert choices["day"].features[at, 0] == 0
    assert (choices["live"].taken, choices["live"].bucket, choices["day"].bucket) == (0, 2, 1)
    assert set(panel.choices(d, asked("c", ages_s=[2 * DAY_S]), rng)) == {"live"}
    assert panel.choices(-1, asked("c"), rng) == {}


def test_a_fit_looks_at_a_part_of_many_candidates() -> None:
    one, panel = made([f"a{chr(200 + at)}" for at in range(400)], retrieve__popular=500)

    choice = panel.choices(one.derived.catalog.row(chr(200)), asked("a"), np.random.default_rng(0))["live"]
    assert choice.features.shape == (len(FEATURES), 201)


# --- a slow oracle: for one event, fold from nothing exactly what the arm may know ---


SMALL: dict[str, object] = {"retrieve__onward_lags": 0}


def small_world() -> list[Record]:
    """Sessions over 80 items: few enough that each is a candidate always."""
    rng = np.random.default_rng(3)
    made: list[Click] = []
    for number in range(260):
        a, b = rng.integers(0, 20, 2)
        items = (f"a{a}", f"b{b}", f"f{b}", f"g{a}")
        pauses = rng.choice([5.0, 300.0, 900.0], 3)
        times = T0 + number * 5_000 + np.concatenate([[0.0], np.cumsum(pauses)])
        made += [(float(time), f"u{number % 15}", f"s{number}", item) for time, item in zip(times, items, strict=True)]
    return records(made)


def known_then(log: list[Record], at: int, arm: str, start: float) -> tuple[list[Record], int]:
    """The records that the arm's counters know at event `at`, and how many of the log its state does."""
    now = log[at].time
    last = {
        "frozen": start,
        "nightly": max(math.floor(now / DAY_S) * DAY_S, start),
        "online": math.inf,
        delay_name(600.0): now - 600.0 + 1e-9,
    }
    age, _, pace = arm.partition("+")
    counted = [record for record in log[:at] if record.time < max(last[pace or arm], start)]
    mine = [place for place in range(at) if log[place].event.user == log[at].event.user]  # type: ignore[union-attr]
    if age == "day":
        mine = [place for place in mine if log[place].time <= now - DAY_S]
    elif age == "session":
        session = log[at].event.session  # type: ignore[union-attr]
        opened = [place for place in mine if log[place].event.session == session][:1]  # type: ignore[union-attr]
        mine = [place for place in mine if not opened or place <= opened[0]]
    elif arm == delay_name(600.0):
        mine = [place for place in mine if log[place].time <= now - 600.0]
    return counted, len(mine)


def oracle(log: list[Record], at: int, arm: str, start: float) -> int:
    counted, known = known_then(log, at, arm, start)
    one = project(**SMALL)
    one.derived.apply(counted)
    event = log[at].event
    assert isinstance(event, Interaction)
    mine = [record for record in log[:at] if record.event.user == event.user][:known]  # type: ignore[union-attr]
    touches = tuple(
        Touch(record.event.item, "view", 1.0, record.time, record.offset)  # type: ignore[union-attr]
        for record in mine
    )
    query = one.derived.query(UserState(touches=touches), log[at].time, 1, 300)
    served = one.serve("alone", one.derived.counters)
    rows = np.arange(one.derived.catalog.size, dtype=np.int32)
    seen = only(gather(query, served.retrievers), rows)
    scores = Blend(served.features, one.blend, 0).score(query, seen)
    row = one.derived.catalog.row(event.item)
    return rank(scores, row) if row >= 0 else 0


@pytest.fixture(scope="module")
def small() -> tuple[list[Record], Outcome]:
    log = small_world()
    return log, replayed(log, Settings(every=1, tuned=False, delays=(600.0,)), **SMALL)


@pytest.mark.parametrize(
    "arm", ["live+online", "live+nightly", "live+frozen", "session+online", "day+nightly", "day+frozen", "delay 600 s"]
)
def test_an_arm_knows_what_a_fold_from_nothing_of_its_knowledge_knows(
    small: tuple[list[Record], Outcome], arm: str
) -> None:
    log, outcome = small
    start = measure(log, 0.6).start
    first = next(at for at, record in enumerate(log) if record.time >= start)
    found = outcome.judged.ranks[:, outcome.arms.index(arm)]

    for at in range(first, len(log), 37):
        assert found[at - first] == oracle(log, at, arm, start), (at, log[at])


# --- what is kept of an event besides its ranks ---


def test_an_item_is_as_old_as_its_first_sign_of_life() -> None:
    log = records(told_by_the_session([30.0], sessions=200))
    told = Record(event=Item(id="b7", title="told of late"), received=T0, time=log[-1].time)
    log = [msgspec.structs.replace(record, offset=at) for at, record in enumerate([told, *log])]
    outcome = replayed(log, Settings(every=1, tuned=False, delays=()))

    start = measure(log, 0.6).start
    judged = [record for record in log[1:] if record.time >= start]
    born: dict[str, float] = {}
    for record in log[1:]:
        born.setdefault(record.event.item, record.time)  # type: ignore[union-attr]
    ages = [record.time - born[record.event.item] for record in judged]  # type: ignore[union-attr]
    assert outcome.judged.item_age_s == pytest.approx(np.array(ages))
    assert max(ages[at] for at, record in enumerate(judged) if record.event.item == "b7") > DAY_S  # type: ignore[union-attr]


def test_repeats_popularity_and_users_are_those_before_the_event() -> None:
    log = records(told_by_the_session([30.0], sessions=200))
    outcome = replayed(log, Settings(every=1, tuned=False, delays=()))
    start = measure(log, 0.6).start
    seen: dict[tuple[str, str], int] = {}
    liked: dict[str, int] = {}
    repeat, popularity, users = [], [], []
    for record in log:
        event = record.event
        assert isinstance(event, Interaction)
        if record.time >= start:
            repeat.append((event.user, event.item) in seen)
            popularity.append(liked.get(event.item, 0))
            users.append(event.user)
        seen[event.user, event.item] = 1
        liked[event.item] = liked.get(event.item, 0) + 1

    assert outcome.judged.repeat.tolist() == repeat
    assert outcome.judged.popularity.tolist() == popularity
    assert [outcome.judged.person.tolist().index(person) for person in outcome.judged.person] == [
        users.index(user) for user in users
    ]
    assert (outcome.judged.person_age_s > 0).all()
    assert hr(outcome, "live+online") > 0
