"""A user model that is trained on what is known before a week, kept fresh each week, and asked as it serves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np
import torch

from swerve.learn.config import LearnConfig
from swerve.learn.corpus import Corpus
from swerve.learn.export import checkpoint_of
from swerve.learn.grow import grown
from swerve.learn.refresh import refresh
from swerve.model.config import Shape
from swerve.model.history import History
from swerve.model.nets.network import Network
from swerve.model.recurrent import RecurrentModel
from swerve.retrieve.merge import Found, strongest
from swerve.retrieve.preference import lift

BATCH = 128
"""Histories asked about at once."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How the network is built and trained; chosen on weeks 1 and 2."""

    dim: int = 64
    blocks: int = 1
    dropout: float = 0.5
    first: int = 14
    """Passes over period 0."""
    weekly: int = 3
    """Passes over a new week and as many old sessions."""
    learning_rate: float = 8e-3
    negatives: int = 1024
    seed: int = 0

    def learning(self, epochs: int) -> LearnConfig:
        """Settings of one training: short sessions, so short rows."""
        return LearnConfig(
            epochs=epochs,
            learning_rate=self.learning_rate,
            weight_decay=0.0,
            minutes=1e6,
            negatives=self.negatives,
            seed=self.seed,
            length=64,
            rows=16,
        )


class Weekly:
    """The network, the items it knows (rows by first appearance, from 1) and the sessions it learned from."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._rows: dict[str, int] = {}
        self._past: list[History] = []
        self._network: Network | None = None
        self._rng = np.random.default_rng(plan.seed)
        self._version = 0
        self._model: RecurrentModel | None = None

    @property
    def items(self) -> list[str]:
        """Item ids of rows 1, 2, …"""
        return list(self._rows)

    @property
    def model(self) -> RecurrentModel:
        """The network as it serves. Raises RuntimeError before the first period."""
        if self._model is None:
            raise RuntimeError("nothing was learned yet")
        return self._model

    def learn(self, period: Iterable[tuple[str, str]]) -> None:
        """Learn from a period that is over: the first anew, later ones from where the network is, beside old sessions.

        As many old sessions as new ones are learned from again, drawn from all before, lest they be forgotten
        (rehearsal; Mi et al. 2020, ADER, RecSys: random ones do nearly as well as chosen ones).
        """
        new = self._histories(period)
        old = self._rng.choice(len(self._past), min(len(new), len(self._past)), replace=False).tolist()
        corpus = Corpus((*new, *(self._past[place] for place in old)), tuple(self._rows), (), repeats=True)
        plan = self._plan
        if self._network is None:
            torch.manual_seed(plan.seed)
            shape = Shape(items=len(self._rows), actions=0, dim=plan.dim, blocks=plan.blocks, inner=2 * plan.dim)
            self._network = Network(shape, dropout=plan.dropout)
            refresh(self._network, corpus, plan.learning(plan.first))
        else:
            self._network = grown(self._network, corpus, dropout=plan.dropout)
            refresh(self._network, corpus, plan.learning(plan.weekly))
        self._past += new
        self._version += 1
        self._model = RecurrentModel(checkpoint_of(self._network, corpus, self._version))

    def history(self, items: Sequence[str]) -> History:
        """Known items as the model reads them, oldest first."""
        return History.of([self._rows[item] for item in items])

    def _histories(self, period: Iterable[tuple[str, str]]) -> list[History]:
        sessions: dict[str, list[int]] = {}
        for session, item in period:
            sessions.setdefault(session, []).append(self._rows.setdefault(item, len(self._rows) + 1))
        return [History.of(rows) for rows in sessions.values() if len(rows) > 1]


def preferences(model: RecurrentModel, histories: Sequence[History], k: int) -> list[Found]:
    """For each history the k rows of greatest lift above chance, and their lifts: ln(p / (1 / items)), > 0."""
    found: list[Found] = [(np.empty(0, np.int32), np.empty(0, np.float32))] * len(histories)
    order = sorted(range(len(histories)), key=lambda place: len(histories[place]))
    for begin in range(0, len(order), BATCH):
        part = order[begin : begin + BATCH]
        states = model.encode([histories[place] for place in part])
        asked = np.stack([model.preference(state, 0.0) for state in states])
        for place, lifts in zip(part, lift(asked @ model.table.T + model.bias), strict=True):
            rows = np.flatnonzero(lifts > 0).astype(np.int32)
            best, scores = strongest(rows, lifts[rows], k)
            found[place] = (best, scores)
    return found
