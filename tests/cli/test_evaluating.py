"""`swerve evaluate` on a real project: figures on the screen, as JSON, as a page; the project stays as it was."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from swerve.cli import main
from swerve.model import checkpoint
from swerve.model.config import ModelConfig, Shape
from swerve.types import Interaction, Item
from tests.cli.shops import derived, opened


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["evaluate", *map(str, words)])


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A closed project in which everybody goes from each thing to the next."""
    directory = tmp_path / "shop"
    with opened(directory) as engine:
        engine.observe([Item(id=f"i{k}", title=f"thing {k}") for k in range(40)])
        engine.observe(
            [
                Interaction(user=f"u{user}", item=f"i{(user * 3 + step) % 40}", action="view", time=1e9 + 100 * step)
                for step in range(10)
                for user in range(25)
            ]
        )
    return directory


def test_the_table_names_every_arm_and_the_one_ahead(shop: Path) -> None:
    result = run(shop)

    assert result.exit_code == 0, result.output
    for words in ("popular", "transitions", "blend, fitted", "NDCG@10", "coverage@10", "25 questions", "is ahead in"):
        assert words in result.output


@pytest.mark.parametrize("protocol", ["last", "time"])
def test_the_json_holds_every_figure_and_transitions_win_where_order_is_all(shop: Path, protocol: str) -> None:
    file = shop.parent / "figures.json"
    assert run(shop, "--protocol", protocol, "--json", file, "--seed", 3).exit_code == 0

    outcome = json.loads(file.read_text())
    arms = outcome["arms"]
    assert outcome["settings"]["ties"] == "pessimistic"
    assert arms["transitions"]["NDCG@10"]["mean"] > 0.9
    assert arms["transitions"]["NDCG@10"]["mean"] > arms["popular"]["NDCG@10"]["mean"] + 0.4
    assert outcome["lead"]["NDCG@10"]["popular"]["low"] > 0
    assert outcome["counts"]["training"] + outcome["counts"]["questions"] == outcome["counts"]["interactions"] == 250


def test_the_same_seed_gives_the_same_bytes(shop: Path) -> None:
    first, again = shop.parent / "a.json", shop.parent / "b.json"
    for file in (first, again):
        assert run(shop, "--json", file, "--most", 12).exit_code == 0

    assert first.read_bytes() == again.read_bytes()
    assert json.loads(first.read_text())["counts"]["questions"] == 12


def test_the_page_says_the_same(shop: Path) -> None:
    file = shop.parent / "figures.html"
    assert run(shop, "--html", file).exit_code == 0

    assert "Evaluation of shop" in file.read_text()
    assert "blend, fitted" in file.read_text()


def test_the_project_is_not_changed(shop: Path) -> None:
    with opened(shop) as engine:
        before = derived(engine)
    assert run(shop).exit_code == 0

    with opened(shop) as engine:
        assert derived(engine) == before
        assert engine.status()["model_version"] == 0


def test_repeats_bring_the_users_own_history_as_a_control(shop: Path) -> None:
    assert "own history" not in run(shop).output
    result = run(shop, "--repeats", "--query-time")

    assert "own history" in result.output
    assert "seen items ranked too; time of the question told" in result.output


def test_an_arm_of_ones_own_stands_beside_ours(shop: Path) -> None:
    result = run(shop, "--arm", "tests.evaluate.test_judge:of_ones")

    assert result.exit_code == 0, result.output
    assert "ones" in result.output


def test_without_fitting_there_is_no_fitted_blend(shop: Path) -> None:
    assert "blend, fitted" not in run(shop, "--newest", 0).output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--arm", "nowhere:thing"], "module:factory"),
        (["--protocol", "random"], "--protocol"),
        (["--test", "2"], "--test"),
    ],
)
def test_what_cannot_be_done_is_a_usage_error(shop: Path, words: list[str], said: str) -> None:
    result = run(shop, *words)

    assert result.exit_code == 2
    assert said in result.output


def test_a_project_with_too_little_in_it_says_what_it_needs(tmp_path: Path) -> None:
    with opened(tmp_path / "shop") as engine:
        engine.observe(Interaction(user="ann", item="mug", action="view"))
    result = run(tmp_path / "shop")

    assert result.exit_code == 2
    assert "three positive interactions" in result.output
    assert run(tmp_path / "nowhere").exit_code == 2


def model_of(shop: Path, shape: Shape) -> Path:
    """Put a user model of this shape into the project. Its arrays are empty: whoever reads its weights fails."""
    words = checkpoint.Words(shape=shape, items=(), actions=())
    return checkpoint.save(shop, checkpoint.Checkpoint(version=1, words=words, arrays={}))


def figures(shop: Path, *words: object) -> dict[str, dict[str, dict[str, float]]]:
    file = shop.parent / "figures.json"
    result = run(shop, *words, "--json", file)
    assert result.exit_code == 0, result.output
    arms: dict[str, dict[str, dict[str, float]]] = json.loads(file.read_text())["arms"]
    return arms


@pytest.mark.parametrize("protocol", ["last", "time"])
def test_a_user_model_is_trained_and_judged_alone_and_in_the_blend(shop: Path, protocol: str) -> None:
    result = run(shop, "--model", "recurrent", "--protocol", protocol, "--minutes", 0.05)

    assert result.exit_code == 0, result.output
    assert "user model: recurrent, small, ids only; trained for this judgement" in result.output
    assert "blend with user model" not in result.output, "25 choices are too few to fit to"
    assert [line for line in result.output.splitlines() if line.strip().startswith("user model  ")]


def test_with_enough_choices_the_blend_takes_the_model_in(tmp_path: Path) -> None:
    directory = tmp_path / "wide"
    with opened(directory) as engine:
        engine.observe(
            [
                Interaction(user=f"u{user}", item=f"i{(user * 3 + step) % 40}", action="view", time=1e9 + 100 * step)
                for step in range(6)
                for user in range(60)
            ]
        )
    arms = figures(directory, "--model", "recurrent", "--minutes", 0.05)

    assert arms["blend with user model"]["NDCG@10"]["mean"] > 0.9
    assert {"user model", "transitions", "blend, fitted"} <= set(arms)


def test_a_project_with_a_user_model_gets_one_like_it_and_never_its_weights(shop: Path) -> None:
    assert "user model" not in figures(shop)
    model_of(shop, ModelConfig(kind="sasrec", size="tiny").shape(items=3, actions=1, content=0))
    result = run(shop, "--minutes", 0.05)

    assert result.exit_code == 0, result.output
    assert "user model: sasrec, tiny" in result.output
    assert "user model" not in figures(shop, "--model", "none")


def test_a_user_model_of_no_known_size_is_named_as_such(shop: Path) -> None:
    model_of(shop, Shape(items=3, actions=1, dim=48))
    result = run(shop)

    assert result.exit_code == 2
    assert "name a kind instead" in result.output


def test_the_same_seed_trains_the_same_model(shop: Path) -> None:
    first, again = (figures(shop, "--model", "recurrent", "--seed", 1) for _ in range(2))

    assert first == again


def test_without_torch_the_line_to_type_is_said(shop: Path) -> None:
    words = f"import sys; sys.modules['torch'] = None; from swerve.cli import main; main(['evaluate', {str(shop)!r}"
    plain, asked = (
        subprocess.run([sys.executable, "-c", words + rest], capture_output=True, text=True, check=False)
        for rest in ("])", ", '--model', 'recurrent'])")
    )

    assert plain.returncode == 0, "nobody else needs it"
    assert asked.returncode != 0
    assert 'pip install "swerve[torch]"' in asked.stderr
    assert "Traceback" not in asked.stderr
