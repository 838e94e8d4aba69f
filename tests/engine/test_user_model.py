"""A trained user model goes live with a blend that reads it: for the next list, for the next start, and whole."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

import swerve
from swerve.engine.live import remember
from swerve.errors import ConfigError, InvalidInput
from swerve.learn.config import LearnConfig
from swerve.learn.corpus import from_records
from swerve.learn.export import checkpoint_of
from swerve.learn.trainer import Trainer
from swerve.model import checkpoint
from swerve.model.config import ModelConfig
from swerve.model.nets.network import Network

RING, T0 = 40, 1.7e9
STRIDES = (1, 2, 3, 5)


def walk(rng: np.random.Generator, user: str, length: int) -> list[swerve.Interaction]:
    """Items on a ring, by two strides in turn: the next follows from the order of the last ones, which counts lose."""
    strides = rng.choice(STRIDES, 2, replace=False)
    places = (int(rng.integers(RING)) + np.cumsum(np.resize(strides, length))) % RING
    return [swerve.Interaction(user=user, item=f"i{place}", action="view") for place in places]


def fill(engine: swerve.Engine, users: range, seed: int) -> None:
    rng = np.random.default_rng(seed)
    engine.observe([swerve.Item(id=f"i{n}", title=f"thing {n}") for n in range(RING)])
    for user in users:
        engine.observe(walk(rng, f"u{user}", 14))


def train(directory: Path, engine: swerve.Engine, version: int) -> None:
    corpus = from_records(engine.events())
    torch.manual_seed(0)
    config = LearnConfig(epochs=25, length=32, rows=8, learning_rate=5e-3, every=25)
    shape = ModelConfig(size="tiny").shape(items=len(corpus.items), actions=len(corpus.actions), content=0)
    trainer = Trainer(Network(shape, dropout=0.0), corpus, config, torch.device("cpu"))
    trainer.run(lambda row: None, lambda *_: None, lambda: 0.0)
    checkpoint.save(directory, checkpoint_of(trainer.network, corpus, version))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop whose user model was trained on its first half and is live, with the blend fitted on the second."""
    directory = tmp_path_factory.mktemp("shop") / "project"
    with swerve.open(directory, preset="shop", config={"retrieve.repeat": False}) as engine:
        fill(engine, range(300), 1)
        train(directory, engine, 1)
        fill(engine, range(300, 420), 2)
        fitted = engine.fit()
        assert fitted.better
        assert fitted.user_model == 1
        assert engine.status()["user_model"] == 1
    return directory


def opened(directory: Path) -> swerve.Engine:
    return swerve.open(directory, config={"retrieve.repeat": False})


def items(slate: swerve.Slate) -> list[str]:
    return [pick.item for pick in slate.picks]


def guessed(engine: swerve.Engine, seed: int, users: int = 40) -> float:
    """How often the first item of the list is the one that a walker who is new goes to next."""
    rng, right = np.random.default_rng(seed), 0
    for _ in range(users):
        *past, after = walk(rng, "", 6)
        right += items(engine.recommend(history=[event.item for event in past], n=1)) == [after.item]
    return right / users


def test_it_knows_what_counts_cannot(trained: Path, tmp_path: Path) -> None:
    with swerve.open(tmp_path / "counts", preset="shop", config={"retrieve.repeat": False}) as engine:
        fill(engine, range(300), 1)
        fill(engine, range(300, 420), 2)
        engine.fit()
        counting = guessed(engine, 5)
    with opened(trained) as engine:
        assert guessed(engine, 5) > counting + 0.2


def test_the_next_event_turns_the_next_list(trained: Path) -> None:
    with opened(trained) as engine:
        engine.observe([swerve.Interaction(user="turner", item=f"i{n}", action="view") for n in (3, 5, 10, 12, 17)])
        assert items(engine.recommend("turner", n=3))[0] == "i19"
        engine.observe([swerve.Interaction(user="turner", item=f"i{n}", action="view") for n in (20, 21, 24, 25, 28)])
        assert items(engine.recommend("turner", n=3))[0] == "i29"


def test_the_reason_is_said(trained: Path) -> None:
    with opened(trained) as engine:
        engine.observe([swerve.Interaction(user="asker", item=f"i{n}", action="view") for n in (3, 5, 10, 12, 17)])
        slate = engine.recommend("asker", n=3, explain=True)
        assert slate.picks[0].why["preference"] > 0.2
        reasons = engine.explain(slate.slate, slate.picks[0].item).reasons
        assert "it fits what you have been doing" in [reason.text for reason in reasons]


def test_a_start_serves_the_same_version(trained: Path) -> None:
    with opened(trained) as engine:
        asked = [engine.recommend(f"u{user}", n=10) for user in range(0, 300, 30)]
    with opened(trained) as engine:
        again = [engine.recommend(f"u{user}", n=10) for user in range(0, 300, 30)]
    assert [items(slate) for slate in asked] == [items(slate) for slate in again]
    assert {slate.model_version for slate in (*asked, *again)} == {1}


def test_it_serves_without_torch(trained: Path) -> None:
    program = (
        "import sys, swerve\n"
        f"with swerve.open({str(trained)!r}) as engine:\n"
        "    engine.recommend('u1', n=5)\n"
        "    print(engine.status()['user_model'], 'torch' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["1", "False"]


def test_rank_and_the_explanation_of_an_old_slate_read_it_too(trained: Path) -> None:
    with opened(trained) as engine:
        engine.observe([swerve.Interaction(user="ranker", item=f"i{n}", action="view") for n in (3, 5, 10, 12, 17)])
        slate = engine.rank(["i0", "i19", "i18"], "ranker")
        assert items(slate)[0] == "i19"
        assert "preference" in {reason.source for reason in engine.explain(slate.slate, "i19").reasons}


def test_what_the_model_learned_from_is_not_fitted_to(trained: Path, tmp_path: Path) -> None:
    with swerve.open(tmp_path / "all", preset="shop") as engine:
        fill(engine, range(60), 1)
        train(tmp_path / "all", engine, 1)
        with pytest.raises(InvalidInput, match="expected at least 50 choices"):
            engine.fit()
        assert engine.status()["user_model"] == 0


def test_a_live_model_that_is_gone_or_damaged_is_said_and_not_served_around(trained: Path, tmp_path: Path) -> None:
    with opened(trained) as engine:
        engine.backup(tmp_path / "copy")
    arrays = next((tmp_path / "copy" / "models" / "user").rglob("arrays.safetensors"))
    content = bytearray(arrays.read_bytes())
    content[len(content) // 2] ^= 1
    arrays.write_bytes(bytes(content))
    with pytest.raises(ConfigError, match="version 1: snapshot 1 is damaged"):
        swerve.open(tmp_path / "copy")


def test_a_newer_model_that_did_not_prove_itself_stays_out(trained: Path, tmp_path: Path) -> None:
    with opened(trained) as engine:
        engine.backup(tmp_path / "copy")
    good = checkpoint.load(tmp_path / "copy", 1)
    rng = np.random.default_rng(0)
    arrays = {name: rng.standard_normal(array.shape).astype(np.float32) for name, array in good.arrays.items()}
    checkpoint.save(tmp_path / "copy", msgspec.structs.replace(good, version=2, arrays=arrays))
    with opened(tmp_path / "copy") as engine:
        before = items(engine.recommend("u5", n=10))
        assert not engine.fit().better
        assert engine.status()["user_model"] == 1
        assert items(engine.recommend("u5", n=10)) == before


def test_an_item_the_model_never_saw_comes_in_by_its_content(tmp_path: Path) -> None:
    with swerve.open(tmp_path, preset="shop") as engine:
        fill(engine, range(30), 1)
        derived = engine._rooms.derived
        rows = np.array([derived.catalog.row(f"i{n}") for n in range(RING)], np.int32)
        content = np.vstack([np.zeros((1, 64), np.float32), derived.neighbours.vectors_of(rows)])
        words = ModelConfig(size="tiny").shape(items=RING, actions=1, content=content.shape[1])
        network = Network(words)
        torch.nn.init.normal_(network.items.down.weight)
        network.items.inform(torch.full((RING + 1,), 50.0), torch.from_numpy(content))
        made = checkpoint_of(network, from_records(engine.events()), 1, encoder=derived.neighbours.encoder)
        made = msgspec.structs.replace(
            made, words=msgspec.structs.replace(made.words, items=tuple(f"i{n}" for n in range(RING)))
        )
        engine.observe([swerve.Item(id="twin", title="thing 7"), swerve.Item(id="silent")])
        memory = remember(engine.config, derived, made)
        assert "twin" in memory.items
        assert "silent" not in memory.items, "an item that says nothing has no place"
        other = msgspec.structs.replace(made, words=msgspec.structs.replace(made.words, encoder="another"))
        assert "twin" not in remember(engine.config, derived, other).items, "vectors of another encoder mean nothing"


def test_no_list_mixes_two_versions_while_they_are_swapped(trained: Path, tmp_path: Path) -> None:
    with opened(trained) as engine:
        engine.backup(tmp_path / "copy")
    with opened(tmp_path / "copy") as engine:
        slot = engine._rooms.slot
        one = slot.live
        two = msgspec.structs.replace(
            one,
            blend=type(one.blend)(one.blend.features, np.zeros_like(one.blend.weights), 2),
            memory=None,
            apart=(),
        )
        wanted = {1: items(engine.recommend("u7", n=10))}
        slot.swap(two)
        wanted[2] = items(engine.recommend("u7", n=10))
        assert wanted[1] != wanted[2]
        odd: list[swerve.Slate] = []

        def ask() -> None:
            for _ in range(150):
                slate = engine.recommend("u7", n=10)
                if items(slate) != wanted[slate.model_version]:
                    odd.append(slate)

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        for turn in range(200):
            slot.swap(one if turn % 2 else two)
        for thread in threads:
            thread.join()
        assert not odd
