"""The accuracy benchmark: ranks by hand, scores as served, counts as served, choices among what was not had."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest

import swerve
from benchmarks import accuracy, parts
from benchmarks.p1 import blend, scoring, speed
from benchmarks.p1.counts import Counts
from benchmarks.p1.training import CURVES, trained
from benchmarks.rivals import ranking
from swerve.learn.config import LearnConfig
from swerve.learn.corpus import Corpus, from_sequences
from swerve.model.config import ModelConfig
from swerve.model.history import History
from swerve.model.recurrent import RecurrentModel
from swerve.rank.features import BUCKETS

TINY = LearnConfig(epochs=1, minutes=1, length=16, rows=4, negatives=16)
MODEL = ModelConfig(size="tiny")


def films(users: int = 60, length: int = 9) -> list[list[str]]:
    """Walks in steps of one around 40 films, from random starts."""
    starts = np.random.default_rng(0).integers(40, size=users)
    return [[str((start + step) % 40) for step in range(length)] for start in starts]


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return from_sequences(films())


# --- ranks ---


def test_the_past_does_not_compete_and_the_unknown_row_never() -> None:
    history = History.of([1, 2, 3, 4])

    assert np.flatnonzero(scoring.others(7, history, 1)).tolist() == [5, 6]
    assert np.flatnonzero(scoring.others(7, history, 2)).tolist() == [4, 5, 6], "the last item is not known yet"


def test_of_equal_scores_the_target_is_the_worst() -> None:
    history = History.of([1, 2])
    scores = np.array([9.0, 9.0, 0.5, 0.5, 0.7, 0.1])

    assert scoring.rank(scores, history, 1) == 3  # behind 4 and, of the same score, 3
    assert scoring.rank(np.zeros(6), history, 1) == 4
    assert scoring.rank(np.array([9.0, 9.0, 1.0, 0.5, 0.7, 0.1]), history, 1) == 1


def test_figures_by_hand() -> None:
    hr, ndcg = scoring.figures([1, 3, 11, 10])

    assert hr == 0.75
    assert ndcg == pytest.approx((1 + 1 / 2 + 1 / np.log2(11)) / 4)


# --- scores ---


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work")


def test_what_serves_scores_as_torch_does(corpus: Corpus, work: Path) -> None:
    found = trained(work, "model", corpus, TINY, MODEL)

    scores = scoring.all_scores(RecurrentModel(found), corpus, 2)

    assert scores.shape == (60, 41)
    assert accuracy.apart(found, corpus) < 1e-4
    with_last = scoring.all_scores(RecurrentModel(found), corpus, 1)
    assert np.abs(scores - with_last).max() > 1e-3, "the last but one was read in only one of them"


def test_a_checkpoint_is_found_again_under_its_settings_only(
    corpus: Corpus, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def made(config: LearnConfig, of: Corpus = corpus) -> bool:
        capsys.readouterr()
        trained(work, "model", of, config, MODEL)
        return "found" not in capsys.readouterr().out

    made(TINY)

    assert not made(TINY)
    assert made(msgspec.structs.replace(TINY, seed=1))
    assert made(msgspec.structs.replace(TINY, learning_rate=1e-3))
    assert made(TINY, from_sequences(films(50)))
    assert not made(TINY)


def test_a_training_leaves_its_facts_and_curves(corpus: Corpus, tmp_path: Path) -> None:
    found = trained(tmp_path, "model", corpus, TINY, MODEL)

    assert found.words.facts["epochs"] == 1
    assert found.words.facts["train_cpu_min"] > 0
    assert 0 <= found.words.facts["validation_ndcg10"] <= found.words.facts["validation_hr10"] <= 1
    (curves,) = (json.loads(path.read_text()) for path in tmp_path.glob(f"*/{CURVES}"))
    assert [row["epoch"] for row in curves] == [1]
    assert found.words.shape.dim == 32


def test_test_figures_are_those_of_the_ranks(corpus: Corpus, work: Path) -> None:
    found = trained(work, "model", corpus, TINY, MODEL)
    model = RecurrentModel(found)
    better = []
    for history in corpus.histories:
        past = history.upto(len(history) - 1)
        scores = model.preference(model.encode([past])[0], 0.0) @ model.table.T + model.bias
        free = [row for row in range(1, 41) if row not in past.items.tolist()]
        better.append(sum(scores[row] >= scores[history.items[-1]] for row in free))  # itself included: the rank

    figures = accuracy.judged(found, corpus)

    assert figures["hr10"] == pytest.approx(np.mean(np.array(better) <= 10))
    assert figures["ndcg10"] == pytest.approx(np.mean([1 / np.log2(1 + at) if at <= 10 else 0 for at in better]))
    assert figures["epochs"] == 1


# --- counts and blend ---


def test_counts_weighted_as_served_are_the_list_that_is_served(corpus: Corpus) -> None:
    sequences = films()
    counts = Counts(sequences, 1, corpus.items)

    with swerve.open(None, preset="media", config={"engine.log_impressions": False}) as engine:
        for user, own in enumerate(sequences):
            engine.observe([swerve.Interaction(user=str(user), item=item, action="complete") for item in own[:-1]])
        for user in (0, 7, 59):
            scores = counts.served[-1] @ counts.of(user)
            free = scoring.others(41, corpus.histories[user].upto(8), 1)
            free[0] = False
            for pick in engine.recommend(str(user), n=5).picks:
                assert scores[1 + corpus.items.index(pick.item)] == pytest.approx(pick.score, rel=1e-5)
                assert free[1 + corpus.items.index(pick.item)]
            assert max(scores[free]) == pytest.approx(engine.recommend(str(user), n=1).picks[0].score, rel=1e-5)


def test_counts_of_an_item_that_nobody_had_yet_are_zero() -> None:
    sequences = [["a", "b", "c"], ["a", "b", "d"], ["b", "a", "new"]]

    values = Counts(sequences, 1, ["new", "a", "b", "c", "d"]).of(0)

    assert not values[:, [0, 1, 4, 5]].any(), "row 0, and what only ends a history"
    assert values[:, [2, 3]].any()


def test_a_choice_is_what_came_next_among_what_had_not(corpus: Corpus) -> None:
    counts = Counts(films(), 2, corpus.items)
    scores = np.tile(np.arange(41, dtype=np.float32), (60, 1))  # the model's column tells the row

    choices = list(blend.choices(counts, scores, corpus, 2, np.random.default_rng(0), sample=20))

    assert len(choices) == 60
    for history, choice in zip(corpus.histories, choices, strict=True):
        own = choice.features[-1].astype(int).tolist()
        assert own[choice.taken] == history.items[-2]
        assert len(set(own)) == 21
        assert not set(own) & set(history.items[:-2].tolist())
        assert 0 not in own


def test_with_no_weight_on_the_counts_the_blend_is_the_model(corpus: Corpus) -> None:
    scores = np.random.default_rng(0).random((60, 41)).astype(np.float32)
    counts = Counts(films(), 1, corpus.items)

    ranks = blend.ranks(counts, scores, corpus, 1, np.tile(np.eye(len(blend.NAMES))[-1], (len(BUCKETS), 1)))

    assert ranks == [scoring.rank(own, history, 1) for own, history in zip(scores, corpus.histories, strict=True)]


# --- speed ---


def test_an_equal_step_holds_as_many_events_as_theirs() -> None:
    config, model = speed.equal_size(from_sequences([[str(n) for n in range(101)]] * 30))

    assert (config.length, config.rows, config.negatives) == (200, 32, 101)  # 64 histories of 100 events
    assert model.kind == "sasrec"


def test_long_histories_count_as_far_as_they_are_read() -> None:
    assert speed.equal_size(from_sequences([[str(n) for n in range(500)]]))[0].rows == 64


def test_speed_is_measured_without_validation(corpus: Corpus) -> None:
    by_clock, by_cpu = speed.tokens_per_s(corpus, TINY, MODEL)

    assert by_clock > 0
    assert by_cpu > 0


def test_a_ratio_is_taken_within_a_turn_and_the_median_over_them() -> None:
    slow_then_fast = np.array([[10.0, 20.0], [20.0, 20.0], [100.0, 20.0]])

    found = speed.compared({"rectools": slow_then_fast, "sasrec": 3 * slow_then_fast, "default": np.full((3, 2), 40.0)})

    assert found["train_speed_ratio"] == found["train_speed_ratio_least"] == found["train_speed_ratio_most"] == 3
    assert (found["train_speed_default_ratio_least"], found["train_speed_default_ratio"]) == (0.4, 2)
    assert found["train_speed_default_cpu_ratio"] == 2
    assert found["train_rectools_tokens_per_s"] == 20


# --- the report ---


def test_figures_over_seeds_are_means_and_the_spread_is_of_accuracies() -> None:
    rows = [{"hr10": 0.2, "ndcg10": 0.1, "epochs": 3.0}, {"hr10": 0.4, "ndcg10": 0.1, "epochs": 5.0}]

    found = accuracy.named("x", rows)

    assert found["x_hr10"] == pytest.approx(0.3)
    assert found["x_hr10_spread"] == pytest.approx(0.1 * 2**0.5)
    assert (found["x_epochs"], found["x_ndcg10_spread"]) == (4.0, 0.0)
    assert set(accuracy.named("x", rows[:1])) == {"x_hr10", "x_ndcg10", "x_epochs"}, "one seed has no spread"


def test_a_part_replaces_its_own_figures_and_no_others(tmp_path: Path) -> None:
    parts.keep("both", "one", {"seeds": 1}, {"a": 1.0, "b": 2.0}, tmp_path)
    parts.keep("both", "two", {"seeds": 3}, {"c": 3.0}, tmp_path)
    path = parts.keep("both", "one", {"seeds": 2}, {"a": 1.123456789}, tmp_path)

    kept = json.loads(path.read_text())

    assert kept["metrics"] == {"c": 3, "a": 1.12346}
    assert kept["settings"] == {"one": {"seeds": 2}, "two": {"seeds": 3}}
    assert kept["parts"]["one"]["metrics"] == ["a"]
    assert set(kept["parts"]["two"]) == {"commit", "date", "machine", "metrics"}
    assert kept["benchmark"] == "both"


def test_parts_measured_at_several_commits_name_them_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for commit, part in (("aaa", "one"), ("bbb", "two"), ("aaa", "three")):
        monkeypatch.setattr("benchmarks.common.commit", lambda told=commit: told)
        path = parts.keep("both", part, {}, {part: 1.0}, tmp_path)

    assert json.loads(path.read_text())["commit"] == "aaa, bbb"


def test_a_rival_gets_a_row_and_the_reason_where_it_has_none(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWERVE_RIVALS", str(tmp_path))
    run = accuracy.Run(films(), corpus, tmp_path, (0,), 1.0, quick=True)

    settings, metrics = accuracy.PARTS["rival_popularity"](run)

    assert metrics == {}
    assert "NOT RUN" in str(settings["note"])
    assert accuracy.speed_part(run) == ({}, {})


def test_parts_are_asked_for_by_name() -> None:
    assert accuracy.chosen("blend,rival_ease", quick=False) == ["blend", "rival_ease"]
    assert accuracy.chosen("all", quick=False) == list(accuracy.PARTS)
    assert accuracy.chosen("rivals", quick=True) == ["rival_popularity", "rival_itemknn"]
    assert len(accuracy.chosen("speed,rivals", quick=False)) == 1 + len(ranking.NAMES)
    with pytest.raises(SystemExit, match="nosuch"):
        accuracy.chosen("model,nosuch", quick=False)
