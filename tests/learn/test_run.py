"""From a corpus to a checkpoint: once, killed on the way, with other data, with content."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from swerve.learn import resume
from swerve.learn.config import LearnConfig
from swerve.learn.progress import Epoch, Progress
from swerve.learn.run import Place, Task, Watch, facts_of, identity_of, train
from swerve.learn.trainer import Trainer
from swerve.model import checkpoint
from swerve.model.checkpoint import Checkpoint
from swerve.model.config import ModelConfig
from swerve.model.recurrent import RecurrentModel
from tests.learn.worlds import ring, shelves

CPU = torch.device("cpu")
TASK = Task(
    corpus=msgspec.structs.replace(ring(users=120), offset=77),
    model=ModelConfig(size="tiny"),
    learn=LearnConfig(epochs=4, every=2, length=16, rows=4, dropout=0.3),
)


class Killed(Exception):
    """Stands for the end of the process."""


class Watching:
    """A watch that remembers, and may be killed before an epoch is told or in the middle of one."""

    def __init__(self, *, after: int = 99, step: int = 10**6) -> None:
        self.rows: list[Epoch] = []
        self.resumed = -1
        self._after, self._step, self._ticks = after, step, count()

    def watch(self) -> Watch:
        return Watch(self._started, self._told, self._at, lambda: next(self._ticks) * 1e-3)

    def _started(self, trainer: Trainer, epochs: int) -> None:
        assert trainer.total >= trainer.steps_per_epoch
        self.resumed = epochs

    def _told(self, row: Epoch) -> None:
        self.rows.append(row)
        if row.epoch == self._after:
            raise Killed

    def _at(self, step: int, steps: int, seconds: float) -> None:
        if step == self._step:
            raise Killed


def trained(folder: Path, task: Task = TASK, watching: Watching | None = None, version: int = 5) -> Checkpoint:
    return train(task, Place(folder, version), CPU, (watching or Watching()).watch())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """A training that nothing came in the way of."""
    return trained(tmp_path_factory.mktemp("whole"))


def same(one: Checkpoint, other: Checkpoint) -> bool:
    return all(np.array_equal(array, other.arrays[name]) for name, array in one.arrays.items())


def test_the_checkpoint_says_where_it_comes_from_and_serves(whole: Checkpoint, tmp_path: Path) -> None:
    assert (whole.version, whole.words.offset, whole.words.items) == (5, 77, TASK.corpus.items)
    facts = whole.words.facts
    assert set(facts) == {"hr10", "ndcg10", "epoch", "epochs", "seconds", "tokens_per_s"}
    assert 0 <= facts["ndcg10"] <= facts["hr10"] <= 1
    assert facts["epoch"] in (2, 4)
    assert facts["epochs"] == 4
    checkpoint.save(tmp_path, whole)
    back = checkpoint.newest(tmp_path)
    assert back is not None
    assert RecurrentModel(back).version == 5


@pytest.mark.parametrize(
    "watching", [Watching(after=2), Watching(step=25), Watching(after=4)], ids=["epoch", "step", "last"]
)
def test_killed_and_started_again_it_ends_in_the_same_weights(
    whole: Checkpoint, tmp_path: Path, watching: Watching
) -> None:
    with pytest.raises(Killed):
        trained(tmp_path, watching=watching)
    again = Watching()
    made = trained(tmp_path, watching=again, version=6)
    assert again.resumed == len(watching.rows) > 0
    assert [row.epoch for row in again.rows] == list(range(again.resumed + 1, 5))
    assert same(whole, made)
    assert made.version == 5, "the version it was begun for"
    assert made.words.facts["ndcg10"] == whole.words.facts["ndcg10"]


@pytest.mark.parametrize(
    "other",
    [
        msgspec.structs.replace(TASK, learn=msgspec.structs.replace(TASK.learn, seed=1)),
        msgspec.structs.replace(TASK, model=ModelConfig(kind="gru4rec", size="tiny")),
        msgspec.structs.replace(TASK, corpus=ring(users=121)),
        msgspec.structs.replace(TASK, encoder="another"),
    ],
    ids=["seed", "kind", "data", "encoder"],
)
def test_a_state_of_another_training_is_not_gone_on_with(tmp_path: Path, other: Task) -> None:
    with pytest.raises(Killed):
        trained(tmp_path, watching=Watching(after=3))
    fresh, watching = tmp_path / "fresh", Watching()
    made = trained(tmp_path, other, watching)
    assert watching.resumed == 0
    assert same(made, trained(fresh, other))
    assert len(list((tmp_path / "snapshots").iterdir())) == 1, "what was there is gone"


def test_a_damaged_state_is_not_gone_on_with(tmp_path: Path, whole: Checkpoint) -> None:
    with pytest.raises(Killed):
        trained(tmp_path, watching=Watching(after=2))
    path = tmp_path / "snapshots" / "2" / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert resume.kept(tmp_path) is None
    assert same(trained(tmp_path), whole)


def test_a_state_that_another_program_wrote_is_none(tmp_path: Path) -> None:
    assert resume.kept(tmp_path) is None
    resume.snapshot.save(tmp_path, 3, {resume.IDENTITY: b'{"identity": 1}'}, 1)
    assert resume.kept(tmp_path) is None
    resume.snapshot.save(tmp_path, 4, {"else": b""}, 1)
    assert resume.kept(tmp_path) is None


def test_identities_tell_trainings_apart() -> None:
    corpus, content = shelves(users=30)
    plain = Task(corpus=corpus)
    one, other = (msgspec.structs.replace(plain, content=given) for given in (content, content * 2))
    every = [identity_of(task) for task in (plain, one, other)]
    assert len({identity.digest for identity in every}) == 3
    again = msgspec.structs.replace(plain, corpus=msgspec.structs.replace(corpus, repeats=True))
    assert identity_of(again).digest != every[0].digest, "where people come back, another loss is minimised"
    assert identity_of(msgspec.structs.replace(plain)) == every[0]
    assert (every[0].shape.content, every[1].shape.content) == (0, 16)


def test_content_and_its_encoder_go_along(tmp_path: Path) -> None:
    corpus, content = shelves(users=60)
    task = Task(corpus=corpus, model=ModelConfig(size="tiny"), learn=TASK.learn, content=content, encoder="world")
    made = trained(tmp_path, task)
    assert made.words.encoder == "world"
    assert np.array_equal(made.arrays["items.content"], content)


def test_a_training_without_a_validation_has_no_facts() -> None:
    with pytest.raises(ValueError, match="with a validation"):
        facts_of(Progress())
