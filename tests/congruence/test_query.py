"""What retrieval sees of a history: most recent first, unknown items left out, no age below zero."""

from __future__ import annotations

import swerve


def test_a_query_holds_the_known_items_most_recent_first_with_their_ages() -> None:
    now = 1_000_000.0
    with swerve.open(None, preset="shop", clock=lambda: now) as engine:
        engine.observe([swerve.Item(id=name) for name in "abc"])
        for back, name in ((300.0, "a"), (200.0, "b"), (100.0, "c")):
            engine.observe(swerve.Interaction(user="u", item=name, action="view", time=now - back))
        engine.observe(swerve.Item(id="b", deleted=True))
        derived = engine._rooms.derived
        state = derived.users.state("u")

        query = derived.query(state, now, 10, 50)
        earlier = derived.query(state, now - 250.0, 10, 50)

        assert [derived.catalog.ids[row] for row in query.history] == ["c", "a"]
        assert query.ages.tolist() == [100.0, 300.0]
        assert earlier.ages.tolist() == [0.0, 50.0]
        empty = derived.query(derived.users.state("nobody"), now, 10, 50)
        assert (len(empty.history), len(empty.ages)) == (0, 0)
