"""What one version of the user model remembers of the users who asked lately. A cache: the touches are the truth.

Keyed by the offset of a user's oldest remembered touch, which no other user shares: so it needs no user ids, finds a
session again under the user it was joined to, and forgets by itself when the oldest touches leave the user state. What
is found counts only if the touches it was made from are still the beginning of the user's; an undo makes it anew.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from swerve.model.checkpoint import Words, rows_of
from swerve.protocols import UserModel
from swerve.types import History, Touch

Touches = tuple[Touch, ...]
STEPS = 16
"""More new events than this are cheaper read in one go."""
TOGETHER = 32
"""Users encoded together when a version is prepared."""


class Remembered(NamedTuple):
    """One user's state, and what it was made from."""

    touches: Touches
    events: int
    """Touches that the model could read."""
    state: Any


class Memory:
    """A model with its words and its users' states. Safe to use from several threads."""

    def __init__(self, model: UserModel[Any], words: Words, users: int) -> None:
        """`users`: how many are remembered; the one who asked longest ago goes first."""
        self.model = model
        self.words = words
        self.items = rows_of(words.items)
        """Row of each item id that the model knows."""
        self._actions = rows_of(words.actions)
        self._users = users
        self._known: OrderedDict[int, Remembered] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._known)

    def empty(self) -> Memory:
        """The same version, remembering nobody."""
        return Memory(self.model, self.words, self._users)

    def of(self, touches: Touches) -> Remembered:
        """What the user with these touches is to the model, by a step for each new one where that is possible."""
        key = touches[0].offset if touches else -1
        with self._lock:
            known = self._known.get(key)
        found = self._continued(known, touches) or self._encoded([touches])[0]
        if key >= 0:  # a history that came with the request belongs to nobody
            self._keep(key, found)
        return found

    def prepare(self, many: Iterable[Touches]) -> None:
        """Encode users before they ask, many at once; the first is remembered longest."""
        waiting = [touches for touches in many if touches and touches[0].offset >= 0][: self._users][::-1]
        for begin in range(0, len(waiting), TOGETHER):
            part = waiting[begin : begin + TOGETHER]
            for touches, found in zip(part, self._encoded(part), strict=True):
                self._keep(touches[0].offset, found)

    def recent(self) -> list[Touches]:
        """The touches of those remembered, who asked last first: whom a new version should know at once."""
        with self._lock:
            return [found.touches for found in reversed(self._known.values())]

    def _continued(self, known: Remembered | None, touches: Touches) -> Remembered | None:
        if known is None or touches[: len(known.touches)] != known.touches:  # compares identities first: quick
            return None
        fresh = touches[len(known.touches) :]
        if len(fresh) > STEPS:
            return None
        state, events = known.state, known.events
        for touch in fresh:
            if self._readable(touch):
                row, action = self.items[touch.item], self._actions.get(touch.action, 0)
                state, events = self.model.step(state, row, action, touch.time), events + 1
        return Remembered(touches, events, state)

    def _encoded(self, many: Sequence[Touches]) -> list[Remembered]:
        histories = [self._history(touches) for touches in many]
        parts = zip(many, histories, self.model.encode(histories), strict=True)
        return [Remembered(touches, len(history), state) for touches, history, state in parts]

    def _history(self, touches: Touches) -> History:
        read = [touch for touch in touches if self._readable(touch)]
        return History.of(
            [self.items[touch.item] for touch in read],
            [self._actions.get(touch.action, 0) for touch in read],
            [touch.time for touch in read],
        )

    def _readable(self, touch: Touch) -> bool:
        """As in training: what was liked, of items that are known. An unknown one would only be noise."""
        return touch.gain > 0 and touch.item in self.items

    def _keep(self, key: int, found: Remembered) -> None:
        with self._lock:
            self._known[key] = found
            self._known.move_to_end(key)
            if len(self._known) > self._users:
                self._known.popitem(last=False)
