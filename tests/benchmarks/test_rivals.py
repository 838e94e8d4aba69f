"""Rivals are asked in a process of their own, judged by hand-checked figures, and named when they cannot run."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import ratings
from benchmarks.rivals import of_tensorrec, place, ranking
from benchmarks.rivals.histories import Histories, top
from benchmarks.rivals.of_tensorrec import Adam
from benchmarks.rivals.worker import MODULES


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment that has no more than ours: enough for the rivals that are plain NumPy."""
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    monkeypatch.setenv("SWERVE_RIVALS", str(tmp_path))
    return tmp_path


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWERVE_RIVALS", str(tmp_path / "nothing"))


def camps(users: int = 80, length: int = 8) -> list[list[int]]:
    """Even users watch the 12 even films of 24, odd ones the odd, in random order."""
    rng = np.random.default_rng(0)
    return [(2 * rng.permutation(12)[:length] + user % 2).tolist() for user in range(users)]


def question(histories: list[list[int]], n_items: int) -> dict[str, np.ndarray]:
    return {name: np.asarray(value) for name, value in ranking.question(histories, 5.0, 0, n_items).items()}


# --- judging ---


def test_a_target_counts_by_its_place_in_the_list() -> None:
    lists = np.array([[7, 1, 2], [1, 7, 2], [1, 2, 3]])

    hr, ndcg = ranking.judged(lists, np.array([7, 7, 7]))

    assert hr == pytest.approx(2 / 3)
    assert ndcg == pytest.approx((1 + 1 / math.log2(3)) / 3)


def test_the_last_item_is_the_target_and_nobody_is_shown_it(here: Path) -> None:
    sequences = [[0, 1, 2], [0, 3], [0, 1, 4]] + [[5, 2]] * 3  # 0, 1, 3, 4: the histories; popular: 5, 0, 1

    row = ranking.run(["popularity"], sequences, 5.0)[0]

    # Lists without what was seen: 5 2 ..., 5 1 2 ..., 5 2 3 ..., 0 1 2 ... (equal counts: the lower row first).
    ndcg = (1 / math.log2(3) + 1 / math.log2(5) + 1 / math.log2(5) + 3 / math.log2(4)) / 6
    assert row["hr10"] == 1
    assert row["ndcg10"] == pytest.approx(ndcg)
    assert row["seconds"] > 0
    assert row["cpu_s"] > 0
    assert row["rss_mib"] > 5


def test_lists_leave_out_what_was_seen_and_prefer_the_lower_of_equals() -> None:
    histories = Histories(question([[0, 2], [11], [1]], 12))

    found = top(histories, lambda users: np.ones((len(users), 12)))["top"]

    assert found[0].tolist() == [1, 3, 4, 5, 6, 7, 8, 9, 10, 11]
    assert found[1].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert found[2].tolist() == [0, 2, 3, 4, 5, 6, 7, 8, 9, 10]


def test_a_list_ends_where_there_is_nothing_left() -> None:
    found = top(Histories(question([[0, 1]], 4)), lambda users: np.array([[9.0, 9, 1, 2]]))["top"]

    assert found.tolist() == [[3, 2] + [-1] * 8]


def test_histories_know_their_places() -> None:
    histories = Histories(question([[4, 5, 6], [7, 8]], 9))

    assert histories.users.tolist() == [0, 0, 0, 1, 1]
    assert histories.places.tolist() == [0, 1, 2, 0, 1]
    assert (histories.n_users, histories.n_items) == (2, 9)


# --- a process of its own ---


def test_the_reimplemented_rival_learns(here: Path) -> None:
    sequences = camps()
    even, odd = (
        answer[user % 2 :: 2] % 2
        for answer in [place.ask("tensorrec", question(sequences, 24), 60.0)["top"][:, :4]]
        for user in (0, 1)
    )

    assert even.mean() < 0.25  # four films of their own camp are left to everybody
    assert odd.mean() > 0.75


def test_its_gradients_are_those_of_the_published_loss() -> None:
    histories = Histories(question([[0, 3], [1, 2, 4], [5]], 6))
    rng = np.random.default_rng(1)
    users, items = (Adam(rng.standard_normal((size, 4))) for size in (3, 6))
    bias = Adam(rng.standard_normal(6))
    drawn = np.random.default_rng(2).choice(6, 1, replace=False)

    def loss() -> float:
        x = users.values @ items.values.T + bias.values
        margins = [
            np.maximum(0, 1 - x[user, liked] + x[user, drawn]).sum()
            for user, liked in zip(histories.users, histories.items, strict=True)
        ]
        return float(np.mean(np.log1p(6 * np.array(margins))))

    of_tensorrec.add_gradients(histories, slice(0, 3), users, items, bias, np.random.default_rng(2))

    for part in (users, items, bias):
        for place_ in np.ndindex(part.values.shape):
            part.values[place_] += 1e-5
            above = loss()
            part.values[place_] -= 2e-5
            slope = (above - loss()) / 2e-5
            part.values[place_] += 1e-5
            assert part.gradient[place_] == pytest.approx(slope, abs=1e-5)


def test_the_answer_says_how_long_and_with_what(here: Path) -> None:
    answer = place.ask("tensorrec", question(camps(10), 24) | {"budget_s": np.array(0.0)}, 60.0)

    assert "0 epochs" in str(answer["note"])
    assert answer["seconds"] >= 0


def test_without_the_environment_a_row_says_what_to_type(nowhere: None) -> None:
    row = ranking.run(["ease"], [[0, 1], [1, 0]], 1.0)[0]

    assert math.isnan(row["hr10"])
    assert row["note"].startswith("NOT RUN")
    assert "benchmarks.rivals.place" in row["note"]


def test_a_rival_that_breaks_gives_its_reason(here: Path) -> None:
    with pytest.raises(place.RivalFailed, match="no_such_rival"):
        place.ask("no_such_rival", question([[0, 1]], 2), 60.0)


def test_a_rival_that_takes_too_long_is_ended(here: Path) -> None:
    with pytest.raises(place.RivalFailed, match="not done after"):
        place.ask("tensorrec", question(camps(), 24) | {"budget_s": np.array(60.0)}, 0.05)


def test_every_rival_has_its_module_and_every_name_its_rival() -> None:
    folder = Path(place.__file__).parent

    for name, module in MODULES.items():
        assert f"def {name}(" in (folder / f"{module}.py").read_text(), name
    assert set(ranking.NAMES) <= set(MODULES)
    assert set(ratings.RIVALS) <= set(MODULES)


SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("rectools_sasrec", "rectools_hstu", "recbole_sasrec")]


@pytest.mark.parametrize("name", ["itemknn_last10", "ease", "ials", "bpr", "lightfm_warp", *SLOW])
def test_a_rival_beats_chance_in_its_own_environment(name: str) -> None:
    if place.python() is None:
        pytest.skip(f"no environment for the rivals: {place.HOW}")
    sequences = camps(200, 9)

    answer = place.ask(name, question(sequences, 24) | {"budget_s": np.array(30.0)}, 200.0)

    own = answer["top"][:, :3] % 2 == np.arange(200)[:, None] % 2  # 3 of the 15 unseen films: chance is 0.2
    assert own.mean() > 0.5
