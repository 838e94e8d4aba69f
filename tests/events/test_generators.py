"""The event makers that users get: from a seed, realistic enough to learn from, damaged enough to break things."""

from __future__ import annotations

from collections import Counter

from swerve.errors import InvalidInput
from swerve.events.config import EventsConfig
from swerve.events.door import Door
from swerve.events.parse import parse
from swerve.testing.events import examples, fuzz_bodies, interactions
from swerve.types import Impression, Interaction, Item, User

LIMITS = EventsConfig()


def test_the_same_seed_gives_the_same_events() -> None:
    assert list(interactions(1, 10, 20, 200)) == list(interactions(1, 10, 20, 200))
    assert list(interactions(1, 10, 20, 200)) != list(interactions(2, 10, 20, 200))
    assert list(fuzz_bodies(1, 50)) == list(fuzz_bodies(1, 50)) != list(fuzz_bodies(2, 50))


def test_interactions_are_in_time_order_and_pass_the_door() -> None:
    events = list(interactions(3, users=50, items=100, n=2_000))
    times = [event.time for event in events]

    admitted = Door(LIMITS, lambda: 1.8e9).admit(events)

    assert times == sorted(times)
    assert len(admitted.records) == 2_000


def test_some_items_and_users_are_far_busier_than_others() -> None:
    events = list(interactions(3, users=50, items=100, n=5_000))

    for counts in (Counter(event.user for event in events), Counter(event.item for event in events)):
        busiest = [count for _, count in counts.most_common()]
        assert sum(busiest[:10]) > 3 * sum(busiest[-10:])


def test_there_is_something_to_learn_in_what_follows_what() -> None:
    events = list(interactions(3, users=20, items=1_000, n=5_000))
    last: dict[str, int] = {}
    near = 0
    for event in events:
        item = int(event.item[1:])
        near += event.user in last and (item - last[event.user]) % 1_000 in range(1, 6)
        last[event.user] = item

    assert near > 0.4 * len(events)  # by chance it would be 0.5 %


def test_later_actions_are_rarer() -> None:
    counts = Counter(event.action for event in interactions(3, 50, 100, 5_000, ("view", "like", "buy")))

    assert counts["view"] > counts["like"] > counts["buy"] > 0


def test_there_is_a_right_example_of_each_kind() -> None:
    assert {type(event) for event in examples()} == {Item, User, Interaction, Impression}


def test_every_fiftieth_body_is_right_and_most_others_are_wrong() -> None:
    door = Door(LIMITS, lambda: 1.8e9)
    wrong = 0
    for at, (body, media_type) in enumerate(fuzz_bodies(5, 2_000)):
        try:
            is_wrong = bool(door.admit(parse(body, media_type, LIMITS)).rejected)
        except InvalidInput:
            is_wrong = True
        assert at % 50 or not is_wrong
        wrong += is_wrong

    assert wrong > 1_000
