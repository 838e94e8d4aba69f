"""The benchmark of sessions asks what the protocol asks, and each arm knows what it may know and no more."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.sessions import CONTENDERS, NAME, Answer, Arm, Question, World, figures, questions, replay
from benchmarks.weekly import Found, Plan, Weekly, preferences
from swerve.evaluate.splits import incremental
from swerve.rank.features import FEATURES
from swerve.retrieve.preference import lift

NOTHING: Found = (np.empty(0, np.int32), np.empty(0, np.float32))
TINY = Plan(dim=16, first=30, weekly=10, negatives=64, dropout=0.0, learning_rate=0.01)


def walks(begin: int, sessions: int, seed: int, items: int = 30) -> list[tuple[str, str]]:
    """Sessions that walk a ring by steps of one, two at a time, interleaved; ids are decimal."""
    rng = np.random.default_rng(seed)
    clicks = []
    for pair in range(begin, begin + sessions, 2):
        starts = rng.integers(items, size=2)
        for step in range(5):
            clicks += [(str((pair + side) * 7), f"i{(starts[side] + step) % items}") for side in range(2)]
    return clicks


@pytest.fixture(scope="module")
def stream() -> list[list[tuple[str, str]]]:
    return [walks(0, 200, 0), walks(200, 120, 1), walks(400, 120, 2)]


def test_the_questions_are_those_of_the_published_protocol() -> None:
    rng = np.random.default_rng(5)
    periods = [
        [
            (str(7 * session), f"i{item}")
            for session, item in zip(rng.integers(20, size=90) + 100 * n, more, strict=True)
        ]
        for n, more in enumerate(rng.integers(40 + 10 * np.arange(3)[:, None], size=(3, 90)))
    ]
    columns = [(np.array([int(s) for s, _ in period]), np.array([int(i[1:]) for _, i in period])) for period in periods]
    seen: set[str] = set()
    for number, period in enumerate(periods):
        if number:
            judged = list(incremental(columns))[number - 1]
            assert [question.place for question in questions(period, seen, 1)] == judged.targets.tolist()
        seen.update(item for _, item in period)


def test_a_history_is_the_session_so_far_without_unknown_items_and_at_most_fifty() -> None:
    period = [("7", "a"), ("14", "b"), ("7", "new"), ("7", "b"), ("14", "b")] + [("7", "a")] * 60
    asked = questions(period, {"a", "b"}, 1)
    assert [(one.item, one.history) for one in asked[:2]] == [("b", ("a",)), ("b", ("b",))]
    assert len(asked[-1].history) == 50
    assert questions(period, {"a", "b"}, 2) == [one for one in asked if one.place in (4,)]


def test_ranks_count_ties_by_row_and_end_at_twenty() -> None:
    scores = np.array([[1.0, 3.0, 3.0, 2.0]], np.float32)
    rows = np.array([4, 5, 8, 9], np.int32)
    weights = np.ones(1, np.float32)
    assert [Answer(rows, scores, row, 0).rank(weights) for row in (4, 5, 8, 9, 7)] == [4, 1, 2, 3, 0]
    many = np.arange(30, dtype=np.int32)
    assert Answer(many, np.zeros((1, 30), np.float32), 19, 0).rank(weights) == 20
    assert Answer(many, np.zeros((1, 30), np.float32), 20, 0).rank(weights) == 0


def test_online_knows_this_week_and_weekly_does_not() -> None:
    told_before = [(str(7 * session), item) for session in range(30) for item in ("a", "b")]
    this_week = [(str(7 * session), item) for session in range(100, 140) for item in ("a", "c")]
    last = Question(len(this_week), "c", ("a",))
    best = {}
    for online in (False, True):
        world = World(online=online)
        world.learn(0, [*told_before, ("999999", "c"), ("999999", "d")])
        (answer,) = world.week(1, [*this_week, ("6993", "c")], [last], [NOTHING])
        scores = world.preset[answer.bucket] @ answer.features
        transitions = dict(zip(answer.rows.tolist(), answer.features[FEATURES.index("transitions")], strict=True))
        best[online] = transitions.get(answer.target, 0.0), answer.rank(world.preset[answer.bucket])
        assert len(scores) == len(answer.rows)
    assert best[False][0] == 0, "nobody went on from a to c before this week"
    assert best[True][0] > 0


def test_both_have_learned_the_week_when_it_is_over() -> None:
    worlds = [World(online=online) for online in (False, True)]
    period = walks(0, 20, 3)
    for world in worlds:
        world.learn(0, period)
        assert list(world.week(1, walks(50, 20, 4), [], [])) == []
    later = Question(0, "i3", ("i1", "i2"))
    (weekly,), (online,) = (world.week(2, walks(90, 4, 5), [later], [NOTHING]) for world in worlds)
    assert np.array_equal(weekly.rows, online.rows)
    assert np.array_equal(weekly.features, online.features)


def test_the_models_column_is_what_it_was_told_and_adds_candidates() -> None:
    world = World(online=False)
    world.learn(0, [("7", item) for item in ("a", "b", "c")])
    told: Found = (np.array([2, 3], np.int32), np.array([1.5, 0.5], np.float32))
    (answer,) = world.week(1, [("14", "a")], [Question(0, "c", ("a",))], [told])
    column = dict(zip(answer.rows.tolist(), answer.features[-1].tolist(), strict=True))
    assert column[1] == 1.5
    assert column[2] == 0.5
    assert column[0] == 0
    assert NAME not in FEATURES[:4]
    world.check(["a", "b"])
    with pytest.raises(ValueError, match="in one order"):
        world.check(["b", "a"])


def test_lifts_say_how_much_likelier_than_chance() -> None:
    chance = np.array([[0.5, 0.25, 0.125, 0.125]])
    scores = np.pad(np.log(chance).astype(np.float32) + 7, ((0, 0), (1, 0)))  # row 0 is the unknown item
    assert np.allclose(np.exp(lift(scores))[:, 1:], chance * 4, atol=1e-5)


def test_the_network_learns_the_ring_keeps_its_rows_and_is_asked_in_order(stream: list[list[tuple[str, str]]]) -> None:
    network = Weekly(TINY)
    with pytest.raises(RuntimeError):
        _ = network.model
    network.learn(stream[0])
    items = network.items
    network.learn([*stream[1], ("70000", "brand-new"), ("70000", "i4")])
    assert network.items == [*items, "brand-new"]
    histories = [network.history(["i5", "i6"]), network.history(["i1"]), network.history(["i20", "i21", "i22"])]
    found = preferences(network.model, histories, 3)
    best = [network.items[int(rows[scores.argmax()]) - 1] for rows, scores in found]
    assert best == ["i7", "i2", "i23"]
    assert all((scores > 0).all() and len(rows) <= 3 for rows, scores in found)
    alone = [preferences(network.model, [history], 3)[0] for history in histories]
    for together, single in zip(found, alone, strict=True):
        assert sorted(together[0].tolist()) == sorted(single[0].tolist())


def test_all_arms_answer_every_week_and_the_blend_learns_to_trust_the_model(
    stream: list[list[tuple[str, str]]],
) -> None:
    arms = replay(stream, TINY, every=1)
    assert set(arms) == {"weekly", "online"}
    for arm in arms.values():
        assert set(arm.figures) == {"served", "counts", "blend", "model"}
        assert {len(rows) for rows in arm.figures.values()} == {2}
        assert arm.figures["blend"][0] == arm.figures["counts"][0], "before week 1 there is nothing to fit to"
        assert arm.figures["model"][1][1] > 0.8, "the ring is easy"
        assert arm.figures["blend"][1][1] >= arm.figures["counts"][1][1] - 0.05


def test_figures_are_means_over_weeks_and_seeds_with_the_spread_of_what_is_trained() -> None:
    runs = []
    for seed in (0, 1):
        arm = Arm(online=False)
        weeks = [(0.2 + 0.1 * seed, 0.1), (0.4 + 0.1 * seed, 0.3)]
        arm.figures = dict.fromkeys(("served", "counts", "blend", "model"), weeks)
        runs.append({"weekly": arm})
    found = figures(runs)
    assert found["digi_weekly_r20"] == pytest.approx(0.35)
    assert found["digi_weekly_mrr20_model"] == pytest.approx(0.2)
    assert found["digi_weekly_r20_spread"] == pytest.approx(np.std([0.3, 0.4], ddof=1))
    assert "digi_weekly_r20_counts_spread" not in found, "nothing is trained there"
    assert not [name for name in figures(runs[:1]) if name.endswith("_spread")]


def test_a_choice_keeps_the_target_and_the_best_contenders() -> None:
    rows = np.arange(400, dtype=np.int32)
    features = np.stack([rows % 7, rows]).astype(np.float32)
    weights = np.array([0.0, 1.0], np.float32)
    choice = Answer(rows, features, 3, 2).choice(weights)
    assert choice is not None
    assert choice.features[:, choice.taken].tolist() == [3, 3]
    assert sorted(choice.features[1, 1:].tolist()) == list(range(400 - CONTENDERS, 400))
    assert choice.bucket == 2
    assert Answer(rows, features, 999, 2).choice(weights) is None, "retrieval missed it"
    assert Answer(rows[:1], features[:, :1], 0, 2).choice(weights) is None, "nothing else to choose"
