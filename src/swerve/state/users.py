"""All user states of one engine in memory, and the sessions that wait for a user id.

One thread applies; any thread may read. What is held is a function of the records applied, in their order, and of
nothing else: no clock (sessions age by the records' own `received`), no randomness, no set order. The same log
therefore gives the same bytes from `dump`, with or without a snapshot in between.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from swerve.state.config import StateConfig
from swerve.state.dump import Cut, Waiting, deserialize, serialize
from swerve.state.fold import EMPTY, fold
from swerve.state.merge import join
from swerve.types import Interaction, Record, User, UserState


class Users:
    """User states by id, and session states by session id until a record names both."""

    def __init__(self, config: StateConfig) -> None:
        self._config = config
        self._users: dict[str, UserState] = {}
        self._sessions: OrderedDict[str, Waiting] = OrderedDict()
        """Least recently touched first. An OrderedDict: its first entry is found in O(1), a dict's is not."""

    def __len__(self) -> int:
        """Number of users known (sessions not counted)."""
        return len(self._users)

    @property
    def waiting(self) -> int:
        """Number of sessions that no user has claimed yet."""
        return len(self._sessions)

    def apply(self, record: Record) -> UserState:
        """Fold one record; returns the state BEFORE it (after the join, when this record joins a session to a user).

        Records that are about no user (items, impressions) change nothing and return the empty state.
        """
        event = record.event
        if type(event) is Interaction:
            if self._sessions:
                self._expire(record.received)
            if event.user:
                return self._apply_user(event.user, event.session, record)
            return self._apply_session(event.session, record) if event.session else EMPTY
        if type(event) is User:
            return self._apply_user(event.id, "", record)
        return EMPTY

    def state(self, user: str = "", session: str = "") -> UserState:
        """What is known of this user, of this session, or of both together; empty if nothing. Changes nothing."""
        # The session is read before the user: `apply` stores the joined user before it drops the session, so a
        # reader between the two finds the session's interactions at least once, and a second join changes nothing.
        waiting = self._sessions.get(session) if session else None
        before = self._users.get(user, EMPTY) if user else EMPTY
        if waiting is None:
            return before
        return join(before, waiting.state, self._config) if user else waiting.state

    def cut(self) -> Cut:
        """A consistent copy of references (no state is copied). Call it on the thread that applies."""
        return Cut(tuple(self._users.items()), tuple(self._sessions.items()))

    def dump(self) -> dict[str, bytes]:
        """Everything as named parts, byte-equal for the same log. `serialize(cut())` does it in small steps."""
        parts: dict[str, list[bytes]] = {}
        for name, piece in serialize(self.cut()):
            parts.setdefault(name, []).append(piece)
        return {name: b"".join(pieces) for name, pieces in parts.items()}

    def load(self, parts: Mapping[str, bytes]) -> None:
        """Replace everything by what `dump` gave; parts of other rooms are ignored. Raises InvalidInput if damaged."""
        users, sessions = deserialize(parts)
        self._users, self._sessions = users, sessions

    def _apply_user(self, user: str, session: str, record: Record) -> UserState:
        before = self._users.get(user, EMPTY)
        waiting = self._sessions.get(session) if session else None
        if waiting is not None:
            before = join(before, waiting.state, self._config)
        self._users[user] = fold(before, record, self._config)
        if waiting is not None:
            del self._sessions[session]
        return before

    def _apply_session(self, session: str, record: Record) -> UserState:
        waiting = self._sessions.get(session)
        before = EMPTY if waiting is None else waiting.state
        self._sessions[session] = Waiting(fold(before, record, self._config), record.received)
        self._sessions.move_to_end(session)
        if len(self._sessions) > self._config.sessions:
            self._sessions.popitem(last=False)
        return before

    def _expire(self, now: float) -> None:
        """Forget sessions idle for too long. `received` may jump back; the order of the log decides who is first."""
        while self._sessions:
            first = next(iter(self._sessions))
            if now - self._sessions[first].received <= self._config.session_ttl_s:
                return
            del self._sessions[first]
