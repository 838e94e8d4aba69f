"""Judging: every arm gets the same questions, and figures are what the ranks say."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from swerve.engine.judging import Material, arms, loaded
from swerve.errors import ConfigError, InvalidInput
from swerve.evaluate import judge as judging
from swerve.evaluate.arms import Popular
from swerve.evaluate.cases import Stream, Task, read_stream, set_task
from swerve.evaluate.judge import VALUES, Judged, Questions, Setting, accuracy, judge, lead, questions, variety
from swerve.protocols import Arm
from swerve.testing.arm import check_arm, material
from swerve.types import Floats, Past
from tests.evaluate.test_cases import liked, log

ITEMS = 30


class Oracle:
    """Scores by a function of the past: an arm that fits by its methods alone."""

    def __init__(self, name: str, score: Callable[[Past], Floats]) -> None:
        self.name = name
        self._score = score

    def scores(self, pasts: Sequence[Past]) -> Floats:
        return np.stack([self._score(past) for past in pasts]) if pasts else np.empty((0, ITEMS), np.float32)


def following(past: Past) -> Floats:
    """Everybody goes from item k to item k + 1."""
    return np.eye(ITEMS, dtype=np.float32)[(past.rows[-1] + 1) % ITEMS]


def nothing(past: Past) -> Floats:
    return np.zeros(ITEMS, np.float32)


def walkers(users: int = 8, steps: int = 5) -> tuple[Stream, Task]:
    """Users who go from each item to the next, from different starts; items are named in order."""
    names = [f"i{k}" for k in range(ITEMS)]
    lines = [
        (f"u{u}", names[(3 * u + step) % ITEMS], float(step * users + u)) for u in range(users) for step in range(steps)
    ]
    stream = read_stream(log(liked(*lines), items=names))
    return stream, set_task(stream, "last")


PLAIN = Setting()


def judged(arm: Arm, setting: Setting = PLAIN) -> tuple[Judged, Questions]:
    stream, task = walkers()
    asked = questions(stream, task, setting)
    return judge(arm, stream, task, asked, setting), asked


def test_an_arm_that_knows_is_first_and_one_that_does_not_is_last() -> None:
    knows, _ = judged(Oracle("knows", following))
    blank, _ = judged(Oracle("blank", nothing))

    assert knows.ranks.tolist() == [1] * 8
    assert blank.ranks.tolist() == [ITEMS - 4] * 8, "all tied: the last of the items not yet seen"


def test_seen_items_are_neither_ranked_nor_shown_unless_repeats_are_asked_for() -> None:
    def again(past: Past) -> Floats:
        return np.bincount(past.rows, minlength=ITEMS).astype(np.float32) + following(past) / 2

    without, asked = judged(Oracle("again", again))
    within, _ = judged(Oracle("again", again), Setting(repeats=True))
    stream, _ = walkers()
    seen = {(user, row) for user, row in zip(stream.users.tolist(), stream.rows.tolist(), strict=True)}
    targets = set(zip(asked.users.tolist(), asked.targets.tolist(), strict=True))
    shown = {
        (user, row) for user, line in zip(asked.users.tolist(), without.slates.tolist(), strict=True) for row in line
    }

    assert without.ranks.tolist() == [1] * 8
    assert within.ranks.tolist() == [5] * 8, "four seen items stand before it"
    assert not shown & (seen - targets)


def test_a_question_about_a_seen_item_is_asked_only_with_repeats() -> None:
    stream = read_stream(
        log(liked(*[("a", item, float(k)) for k, item in enumerate("pqrp")], *[("b", i, 1.0) for i in "pqr"]))
    )
    task = set_task(stream, "last")

    assert questions(stream, task, Setting()).repeats == 1
    assert len(questions(stream, task, Setting()).positions) == 1
    assert len(questions(stream, task, Setting(repeats=True)).positions) == 2


def test_an_answer_nobody_may_know_is_asked_and_missed() -> None:
    stream = read_stream(
        log(liked(*[("a", item, float(k)) for k, item in enumerate("pqx")], *[("b", i, 9.0) for i in "qpr"]))
    )
    task = set_task(stream, "last")
    asked = questions(stream, task, Setting())
    best = Oracle("best", lambda past: np.ones(len(stream.items), np.float32))

    assert asked.unknown == 2
    assert judge(best, stream, task, asked, Setting()).ranks.tolist() == [len(stream.items) + 1] * 2


def test_questions_are_drawn_the_same_way_under_a_seed() -> None:
    stream, task = walkers(users=10)
    drawn = questions(stream, task, Setting(most=4))

    assert len(drawn.positions) == 4
    assert drawn.positions.tolist() == questions(stream, task, Setting(most=4)).positions.tolist()
    assert drawn.positions.tolist() != questions(stream, task, Setting(most=4, seed=1)).positions.tolist()


def test_the_size_of_a_batch_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, _ = judged(Oracle("knows", following))
    steps: list[tuple[int, int]] = []
    monkeypatch.setattr(judging, "MATRIX", 3 * ITEMS)
    stream, task = walkers()
    asked = questions(stream, task, Setting())
    cut = judge(Oracle("knows", following), stream, task, asked, Setting(), lambda *step: steps.append(step))

    assert cut.ranks.tolist() == whole.ranks.tolist()
    assert cut.slates.tolist() == whole.slates.tolist()
    assert steps == [(3, 8), (6, 8), (8, 8)]


@pytest.mark.parametrize(
    "score", [lambda past: np.zeros(ITEMS - 1, np.float32), lambda past: np.full(ITEMS, np.nan, np.float32)]
)
def test_an_arm_that_answers_nonsense_is_named(score: Callable[[Past], Floats]) -> None:
    with pytest.raises(InvalidInput, match="broken"):
        judged(Oracle("broken", score))


def test_figures_are_the_means_of_the_metrics() -> None:
    one, asked = judged(Oracle("knows", following))
    stream, task = walkers()
    figures = accuracy(one, asked, seed=0)

    assert list(figures) == list(VALUES)
    assert all((figure.mean, figure.low, figure.high) == (1, 1, 1) for figure in figures.values())
    said = variety(one, asked, stream, task)
    assert 0 < said["coverage@10"] <= 1
    assert said["novelty@10"] > 0
    assert said["rare NDCG@10"] == pytest.approx(1)


def test_the_lead_is_over_every_other_arm() -> None:
    knows, asked = judged(Oracle("knows", following))
    blank, _ = judged(Oracle("blank", nothing))
    found = lead([blank, knows], asked, "HR@10", seed=0)

    assert list(found) == ["blank"]
    assert (found["blank"].mean, found["blank"].low) == (1, 1)


# --- the arms that every project has ---


def test_every_arm_of_ours_keeps_the_contract() -> None:
    made = material()
    names = [arm.name for arm in arms(made, repeats=True)]

    assert names == ["popular", "popular 7d", "own history", "transitions", "blend", "blend, fitted"]
    for place in range(len(names)):
        assert check_arm(lambda given, place=place: arms(given, repeats=True)[place]) == 7


def test_the_served_arms_beat_popularity_on_walkers() -> None:
    made = material()
    asked = questions(made.stream, made.task, Setting())
    scores = {
        arm.name: VALUES["NDCG@10"](judge(arm, made.stream, made.task, asked, Setting()).ranks).mean()
        for arm in arms(made, repeats=False)
    }

    assert scores["transitions"] > scores["popular"] + 0.1
    assert scores["blend, fitted"] > scores["popular"] + 0.1


def test_what_is_asked_was_not_learned() -> None:
    made = material()
    counts = made.derived.counters.popularity.positives

    assert counts.sum() == len(made.task.train) == len(made.stream.rows) - len(made.task.test)


def test_popularity_counts_the_training_part() -> None:
    past = Past(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0), 0.0)

    assert Popular(np.array([2, 0, 2], np.int32), 4).scores([past, past]).tolist() == [[1, 0, 2, 0]] * 2


def of_ones(made: Material) -> Arm:
    return Oracle("ones", lambda past: np.ones(len(made.stream.items), np.float32))


def test_an_arm_of_ones_own_is_found_by_name() -> None:
    assert loaded("tests.evaluate.test_judge:of_ones", material()).name == "ones"
    for name in ("tests.evaluate.test_judge:missing", "no_such_module:x", "no colon", ""):
        with pytest.raises(ConfigError, match="module:factory"):
            loaded(name, material())


@pytest.mark.parametrize(
    ("score", "obligation"),
    [
        (lambda past: np.ones(3, np.float32), "one score an item"),
        (lambda past: np.ones(40), "float32"),
        (lambda past: np.full(40, np.nan, np.float32), "without NaN"),
        (lambda past: np.random.default_rng().random(40).astype(np.float32), "the same scores"),
        (lambda past: (past.rows.fill(0), np.ones(40, np.float32))[1], "left alone"),
    ],
)
def test_the_check_names_what_is_broken(score: Callable[[Past], Floats], obligation: str) -> None:
    with pytest.raises(AssertionError, match=obligation):
        check_arm(lambda given: Oracle("broken", score))


def test_the_check_finds_an_arm_whose_answers_hang_together() -> None:
    class Relative(Oracle):
        def scores(self, pasts: Sequence[Past]) -> Floats:
            return np.full((len(pasts), 40), len(pasts), np.float32)

    with pytest.raises(AssertionError, match="other questions"):
        check_arm(lambda given: Relative("relative", nothing))
