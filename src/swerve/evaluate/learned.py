"""A user model as an arm: trained on what came before the questions, asked as every other arm.

A model that was trained on a whole log has seen the answers that a judgement asks for, whatever it is then shown. So
the model is made here: first on the training part without its validation, which says when to stop; then it goes on over
all of the training part, so that it knows the newest events too.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from swerve.errors import InvalidInput
from swerve.evaluate.cases import Stream, Task
from swerve.evaluate.judge import Setting, judge, questions
from swerve.evaluate.metrics import hit_rate, ndcg
from swerve.evaluate.splits import Histories
from swerve.learn.config import LearnConfig
from swerve.learn.corpus import LEAST_USERS, Corpus
from swerve.learn.progress import Epoch
from swerve.learn.ranking import scores_of
from swerve.learn.refresh import refresh
from swerve.learn.trainer import Trainer
from swerve.model.config import ModelConfig
from swerve.model.history import History
from swerve.model.nets.network import Network
from swerve.types import Floats, Past, Whole

BATCH = 128
"""Histories read at once."""
FURTHER = 1
"""Epochs over all of the training part, once validation is over."""
GENTLY = 0.25
"""Share of the learning rate in them: at the full rate good weights are unsettled more than taught."""
VALIDATED = 5_000
"""Questions of a validation at most."""


class Learned:
    """A trained network over the known items of a judgement; `-inf` for the others."""

    def __init__(self, name: str, network: Network, known: NDArray[np.bool_], *, items_only: bool = False) -> None:
        """`known` (items,): row k of the network's tables is the k-th known item, from 1 on."""
        self.name = name
        self._items_only = items_only
        self.network = network
        self._at = np.flatnonzero(known)
        self._rows = _rows(known)
        self._device = next(network.parameters()).device

    def scores(self, pasts: Sequence[Past]) -> Floats:
        """(q, items) float32: preference . embedding + bias, for the moment of each question."""
        scores = np.full((len(pasts), len(self._rows)), -np.inf, np.float32)
        order = np.argsort([len(past.rows) for past in pasts], kind="stable")
        self.network.eval()
        with torch.no_grad():
            table = self.network.items.table()
            for start in range(0, len(order), BATCH):
                chosen = order[start : start + BATCH]
                histories = [self._history(pasts[place]) for place in chosen]
                moments = np.array([0.0 if self._items_only else pasts[place].now for place in chosen])
                found = scores_of(self.network, table, histories, moments, self._device).numpy()
                scores[np.ix_(chosen, self._at)] = found[:, 1:]
        return scores

    def _history(self, past: Past) -> History:
        if self._items_only:
            return History.of(self._rows[past.rows].tolist())
        whole = past.whole or Whole(past.rows, past.actions, past.times, np.ones(len(past.rows)))
        actions = action_rows(whole.actions, whole.gains, self.network.shape.actions // 2)
        return History(self._rows[whole.rows], actions, whole.times)


class Lesson(msgspec.Struct, frozen=True, kw_only=True):
    """What a model is to be made of, and how."""

    stream: Stream
    task: Task
    setting: Setting
    """How the questions will be asked; validation asks in the same way."""
    model: ModelConfig
    learn: LearnConfig
    items_only: bool = False
    """Whether the model reads liked items in their order and nothing else, as SASRec's authors have it."""
    device: torch.device = torch.device("cpu")


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """The same model twice."""

    before: Learned
    """Knows nothing of the validation: for whatever is tuned there."""
    after: Learned
    """Knows all of the training part: the arm."""
    curves: list[Epoch]
    """Of `before`."""


def corpus_of(
    stream: Stream, positions: NDArray[np.int64], known: NDArray[np.bool_], *, items_only: bool = False
) -> Corpus:
    """The interactions at these positions, by user; those that are not liked are read, but never predicted.

    Raises InvalidInput when there is too little to learn from.
    """
    rows, named = _rows(known), stream.actions_named
    liked = stream.gains > 0
    read = positions[liked[positions]] if items_only else positions
    histories = []
    for places in Histories(stream.users[read]).sequences():
        own = read[places]
        if np.count_nonzero(liked[own]) < 2:
            continue
        if items_only:
            histories.append(History.of(rows[stream.rows[own]].tolist()))
        else:
            actions = action_rows(stream.actions[own], stream.gains[own], len(named))
            histories.append(History(rows[stream.rows[own]], actions, stream.times[own]))
    if len(histories) < LEAST_USERS:
        words = f"expected at least {LEAST_USERS} users with two liked items before the questions"
        raise InvalidInput(f"{words}, found {len(histories)}", field="log")
    items = tuple(stream.items[row] for row in np.flatnonzero(known).tolist())
    unliked = tuple(f"not {name}" for name in named)
    return Corpus(tuple(histories), items, (*named, *unliked), refused=tuple(range(len(named) + 1, 2 * len(named) + 1)))


def action_rows(actions: NDArray[np.int32], gains: NDArray[np.float64], named: int) -> NDArray[np.int32]:
    """Rows of the model's actions, (n,) int32: what was not liked (gain <= 0) is another action than what was."""
    return (actions + 1 + named * (gains <= 0)).astype(np.int32)


def train(name: str, lesson: Lesson, told: Callable[[Epoch], None] = lambda epoch: None) -> Made:
    """Make an arm of this name. `told` gets each epoch's row. Raises InvalidInput when there is too little to learn.

    Early stop by NDCG@10 of the validation's questions under full ranking.
    """
    stream, task = lesson.stream, lesson.task
    if not len(task.validation):
        raise InvalidInput("expected interactions to validate on", field="log")
    first = np.setdiff1d(task.train, task.validation)
    asked = msgspec.structs.replace(task, train=first, test=task.validation)
    setting = msgspec.structs.replace(lesson.setting, most=min(lesson.setting.most, VALIDATED))
    paper = questions(stream, asked, setting)

    def arm(network: Network) -> Learned:
        return Learned(name, network, task.known, items_only=lesson.items_only)

    def good(network: Network) -> tuple[float, float]:
        ranks = judge(arm(network), stream, asked, paper, setting).ranks
        return float(hit_rate(ranks, 10).mean()), float(ndcg(ranks, 10).mean())

    validated = Trainer(_network(lesson), _corpus(lesson, first), lesson.learn, lesson.device, good)
    validated.run(told, lambda *_: None, time.monotonic)
    further = copy.deepcopy(validated.network)
    rate = GENTLY * lesson.learn.learning_rate
    on = msgspec.structs.replace(lesson.learn, epochs=FURTHER, learning_rate=rate)
    refresh(further, _corpus(lesson, task.train), on, told)
    return Made(before=arm(validated.network), after=arm(further), curves=validated.progress.curves)


def _network(lesson: Lesson) -> Network:
    torch.manual_seed(lesson.learn.seed)
    known, actions = int(lesson.task.known.sum()), 2 * len(lesson.stream.actions_named)
    return Network(lesson.model.shape(items=known, actions=actions, content=0), dropout=lesson.learn.dropout)


def _corpus(lesson: Lesson, positions: NDArray[np.int64]) -> Corpus:
    corpus = corpus_of(lesson.stream, positions, lesson.task.known, items_only=lesson.items_only)
    return msgspec.structs.replace(corpus, repeats=lesson.setting.repeats)


def _rows(known: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Row in the network's tables of each item of the judgement, 0 where it is not known: (items,) int32."""
    return np.where(known, np.cumsum(known), 0).astype(np.int32)
