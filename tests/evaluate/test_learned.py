"""A user model as an arm: what it may learn from, what it reads, and that it learns what there is to learn."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
import torch

from swerve.engine.judging import Material
from swerve.errors import InvalidInput
from swerve.evaluate import learned
from swerve.evaluate.cases import Pasts, Stream, Task, read_stream, set_task
from swerve.evaluate.judge import Setting, judge, questions
from swerve.evaluate.learned import FURTHER, Learned, Lesson, Made, action_rows, corpus_of, train
from swerve.evaluate.metrics import hit_rate
from swerve.learn.config import LearnConfig
from swerve.learn.trainer import Epoch
from swerve.model.config import ModelConfig
from swerve.testing.arm import check_arm
from swerve.types import Interaction, Past, Record

RING = 20
QUICK = LearnConfig(epochs=2, length=16, rows=4, learning_rate=0.01)
SETTING = Setting(query_time=True)


def ring(users: int = 40, steps: int = 12, refuse: bool = False) -> list[Record]:
    """Everybody walks a ring of items; with `refuse`, an item far away is refused between two steps."""
    records = []
    for step in range(steps):
        for user in range(users):
            moment = 1e9 + 3600.0 * step + user
            lines = [(f"i{(user + step) % RING}", "view", 1.0)]
            if refuse:
                lines.append((f"i{(user + step + RING // 2) % RING}", "skip", -0.5))
            for item, action, gain in lines:
                event = Interaction(user=f"u{user}", item=item, action=action)
                records.append(Record(event=event, received=moment, time=moment, gain=gain, offset=len(records)))
    return records


def lesson(records: list[Record], **changes: object) -> Lesson:
    stream = read_stream(records)
    task = set_task(stream, "time", test=0.2)
    model = ModelConfig(size="tiny")
    plain = Lesson(stream=stream, task=task, setting=SETTING, model=model, learn=QUICK)
    return msgspec.structs.replace(plain, **changes)


def made(records: list[Record], **changes: object) -> Made:
    return train("model", lesson(records, **changes))


def score(arm: Learned, of: Lesson) -> float:
    asked = questions(of.stream, of.task, of.setting)
    return float(hit_rate(judge(arm, of.stream, of.task, asked, of.setting).ranks, 1).mean())


@pytest.mark.parametrize("kind", ["recurrent", "sasrec"])
def test_it_learns_the_next_item_where_that_is_all_there_is(kind: str) -> None:
    learn = LearnConfig(epochs=30, every=5, length=16, rows=4, learning_rate=0.01, dropout=0.0)
    given = lesson(ring(), learn=learn, model=msgspec.convert({"kind": kind, "size": "tiny"}, ModelConfig))
    told: list[Epoch] = []
    found = train("model", given, told.append)

    assert score(found.after, given) > 0.9
    assert max(row.ndcg10 or 0 for row in found.curves) > 0.9
    assert [row.epoch for row in told] == [*range(1, len(found.curves) + 1), *range(1, FURTHER + 1)]
    assert told[:-FURTHER] == found.curves
    assert all(row.ndcg10 is None for row in told[-FURTHER:]), "nothing is left to validate on"


def test_where_people_come_back_what_they_had_is_learned_from_too() -> None:
    records = ring()
    weights = []
    for repeats in (False, True):
        setting = msgspec.structs.replace(SETTING, repeats=repeats)
        network = made(records, setting=setting, learn=LearnConfig(epochs=1, length=16, rows=4)).after.network
        weights.append(network.items.id.detach().numpy())
    assert not np.allclose(*weights), "what was had is among the negatives"


def test_the_last_epoch_is_gentle(monkeypatch: pytest.MonkeyPatch) -> None:
    records = ring()
    moved = []
    for share in (learned.GENTLY, 1.0):
        monkeypatch.setattr(learned, "GENTLY", share)
        found = made(records, learn=LearnConfig(epochs=1, length=16, rows=4))
        before, after = (arm.network.items.id.detach().numpy() for arm in (found.before, found.after))
        moved.append(float(np.abs(after - before).mean()))
    assert 0 < moved[0] < 0.5 * moved[1]


def test_nothing_of_the_test_is_learned() -> None:
    """Other answers, the same weights: to the bit."""
    records = ring()
    given = lesson(records)
    asked = set(given.stream.offsets[given.task.test].tolist())
    other = [
        msgspec.structs.replace(one, event=msgspec.structs.replace(one.event, item="i0"))
        if one.offset in asked
        else one
        for one in records
    ]
    one, two = train("model", given), train("model", lesson(other))

    for half in ("before", "after"):
        ours, theirs = getattr(one, half).network.state_dict(), getattr(two, half).network.state_dict()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_the_half_before_knows_nothing_of_the_validation() -> None:
    records = ring()
    given = lesson(records)
    late = set(given.stream.offsets[given.task.validation].tolist())
    other = [
        msgspec.structs.replace(one, event=msgspec.structs.replace(one.event, item="i0")) if one.offset in late else one
        for one in records
    ]
    learn = msgspec.structs.replace(QUICK, epochs=1)  # one validation, at the end: whatever it says, the weights stay
    one, two = train("model", lesson(records, learn=learn)), train("model", lesson(other, learn=learn))
    ours, theirs = one.before.network.state_dict(), two.before.network.state_dict()

    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert not torch.equal(one.after.network.items.id, two.after.network.items.id), "and the other half does"


def test_an_arm_keeps_its_obligations() -> None:
    def factory(material: Material) -> Learned:
        task = material.task
        given = Lesson(
            stream=material.stream, task=task, setting=Setting(), model=ModelConfig(size="tiny"), learn=QUICK
        )
        return train("model", given).after

    assert check_arm(factory) > 0


def test_unknown_items_are_never_recommended() -> None:
    records = ring()
    event = Interaction(user="u0", item="only asked about", action="view")
    records.append(Record(event=event, received=2e9, time=2e9, gain=1.0, offset=len(records)))
    given = lesson(records)
    arm = train("model", given).after
    scores = arm.scores([Pasts(given.stream, query_time=True).of(len(records) - 1)])

    assert (np.isfinite(scores[0]) == given.task.known).all()
    assert scores[0, given.stream.items.index("only asked about")] == -np.inf


def test_what_was_refused_is_read_and_never_predicted() -> None:
    stream, task = _parts(ring(refuse=True))
    corpus = corpus_of(stream, task.train, task.known)
    rows = {name: place for place, name in enumerate(corpus.actions, 1)}
    first = corpus.histories[0]

    assert len(corpus.histories) == 40
    assert corpus.refused == (rows["not view"], rows["not skip"])
    assert first.actions[:4].tolist() == [rows["view"], rows["not skip"]] * 2
    assert [corpus.items[row - 1] for row in first.items[:3]] == ["i0", "i10", "i1"]
    assert first.times[0] == 1e9

    plain = corpus_of(stream, task.train, task.known, items_only=True)
    assert [plain.items[row - 1] for row in plain.histories[0].items[:3]] == ["i0", "i1", "i2"]
    assert not plain.histories[0].times.any()
    assert not plain.histories[0].actions.any()


def test_actions_that_were_not_liked_are_others() -> None:
    assert action_rows(np.array([0, 1, 1], np.int32), np.array([1.0, 0.0, -2.0]), 2).tolist() == [1, 4, 4]


def test_the_arm_reads_what_was_refused_unless_it_reads_items_only() -> None:
    given = lesson(ring(refuse=True))
    arm, plain = train("model", given).after, made(ring(refuse=True), items_only=True).after
    past = Pasts(given.stream, query_time=True).of(int(given.task.test[0]))
    assert past.whole is not None
    blind = Past(past.rows, past.actions, past.times, past.now)
    later = Past(past.rows, past.actions, past.times, past.now + 1e6)

    assert len(past.whole.rows) > len(past.rows)
    assert not np.allclose(arm.scores([past]), arm.scores([blind]))
    assert not np.allclose(arm.scores([blind]), arm.scores([later])), "the moment of the question is read"
    assert np.array_equal(plain.scores([past]), plain.scores([blind]))
    assert np.array_equal(plain.scores([blind]), plain.scores([later]))


def test_too_little_to_learn_from_is_said() -> None:
    with pytest.raises(InvalidInput, match="20 users"):
        made(ring(users=5))
    given = lesson(ring())
    empty = msgspec.structs.replace(given.task, validation=np.empty(0, np.int64))
    with pytest.raises(InvalidInput, match="validate"):
        train("model", msgspec.structs.replace(given, task=empty))


def _parts(records: list[Record]) -> tuple[Stream, Task]:
    stream = read_stream(records)
    return stream, set_task(stream, "time", test=0.2)
