"""The engine's verbs on a remote server: the same names, types and errors, over HTTP.

What may be sent twice is sent again when the connection breaks: questions always, events only if every one of them
carries an `event_id`. What the server refused because too much came at once was not stored, and is sent again too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx2
import msgspec

from swerve import errors
from swerve.errors import InvalidInput, NotFound, Overloaded, SwerveError
from swerve.events import shapes
from swerve.events.config import EventsConfig
from swerve.types import (
    Ack,
    Event,
    Explanation,
    Impression,
    Interaction,
    Item,
    Json,
    Pick,
    Record,
    Rejection,
    Slate,
    User,
    UserView,
)

T = TypeVar("T")
Body = tuple[bytes, str]

JSON = "application/json"
KIND = "urn:swerve:error:"
KINDS: dict[str, type[SwerveError]] = {
    KIND + kind.code: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, SwerveError) and kind.__init__ is SwerveError.__init__
}
PAUSE_S, PAUSE_MAX_S = 0.1, 5.0
NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
HUGE = 1 << 40
ANY_SIZE = EventsConfig(
    max_id_chars=HUGE,
    max_event_id_chars=HUGE,
    max_text_chars=HUGE,
    max_fields=HUGE,
    max_field_chars=HUGE,
    max_field_list=HUGE,
    max_categories=HUGE,
)
"""Sizes are the server's to judge; here only what JSON cannot carry is refused."""
CLEANERS: dict[type, Callable[[Any, EventsConfig], Event]] = {
    Item: shapes.item,
    User: shapes.user,
    Interaction: shapes.interaction,
    Impression: shapes.impression,
}


class Unreachable(SwerveError):
    """The server did not answer in time or not at all; what was sent may have been taken all the same."""

    code = "unreachable"
    status = 503


class _Problem(msgspec.Struct, frozen=True):
    type: str
    code: str = ""
    field: str = ""
    detail: str = ""


class _Picks(msgspec.Struct, frozen=True):
    picks: tuple[Pick, ...]


class Client:
    """A connection to `swerve serve`; any number of threads may share it. Close it, or use it as a context manager."""

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        timeout_s: float = 10.0,
        retries: int = 2,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`url` like `http://127.0.0.1:8080`; `timeout_s` for each of connect, write and read."""
        headers = {"authorization": f"Bearer {key}"} if key else {}
        self._http = httpx2.Client(base_url=url, headers=headers, timeout=timeout_s)
        self._retries = retries
        self._sleep = sleep

    def observe(self, events: Event | Sequence[Event], *, atomic: bool = False) -> Ack:
        """Send events; the ack says they are on disk and in the state the next request reads.

        A single wrong event raises InvalidInput or Conflict. Of a sequence the wrong ones come back in `rejected`
        and the right ones are taken as one; with `atomic`, one wrong event raises and nothing is stored.
        """
        if not isinstance(events, Sequence):
            event = _clean(events)
            return self._observe(msgspec.json.encode(event), {}, again=bool(event.event_id))
        good, places, refused = _sorted_out(events)
        if atomic and refused:
            raise InvalidInput(refused[0].message, field=refused[0].field, code=refused[0].code)
        again = all(event.event_id for event in good)
        ack = self._observe(msgspec.json.encode(good), {"atomic": "true"} if atomic else {}, again=again)
        there = [msgspec.structs.replace(one, index=places[one.index]) for one in ack.rejected]
        rejected = sorted((*refused, *there), key=lambda one: one.index)
        return msgspec.structs.replace(ack, rejected=tuple(rejected))

    def _observe(self, body: bytes, params: dict[str, str], *, again: bool) -> Ack:
        return self._ask("POST", "/v1/events", Ack, params=params, body=body, again=again)

    def recommend(
        self,
        user: str = "",
        *,
        session: str = "",
        history: Sequence[str] = (),
        n: int = 10,
        exclude: Sequence[str] = (),
        filter: str = "",
        explain: bool = False,
        after_offset: int = -1,
    ) -> Slate:
        """A slate of `n` items for a user, a session or a history. Raises InvalidInput."""
        ask = {
            "user": user,
            "session": session,
            "history": history,
            "n": n,
            "exclude": exclude,
            "filter": filter,
            "explain": explain,
            "after_offset": after_offset,
        }
        return self._ask("POST", "/v1/recommend", Slate, body=_encode(ask))

    def rank(self, items: Sequence[str], user: str = "", *, session: str = "", history: Sequence[str] = ()) -> Slate:
        """The given items, best first. Raises InvalidInput."""
        ask = {"items": items, "user": user, "session": session, "history": history}
        return self._ask("POST", "/v1/rank", Slate, body=_encode(ask))

    def similar(self, item: str, n: int = 10, *, filter: str = "") -> tuple[Pick, ...]:
        """The `n` items most like `item`. Raises NotFound, InvalidInput."""
        return self._ask("GET", f"/v1/similar/{_part(item)}", _Picks, params={"n": n, "filter": filter}).picks

    def trending(self, n: int = 10, *, window: str = "1d", filter: str = "") -> tuple[Pick, ...]:
        """The `n` most popular items of the last `1h`, `1d` or `7d`. Raises InvalidInput."""
        return self._ask("GET", "/v1/trending", _Picks, params={"n": n, "window": window, "filter": filter}).picks

    def item(self, id: str) -> Item:
        """What is known of an item. Raises NotFound."""
        return self._ask("GET", f"/v1/items/{_part(id)}", Item)

    def user(self, id: str) -> UserView:
        """What is known of a user. Raises NotFound."""
        return self._ask("GET", f"/v1/users/{_part(id)}", UserView)

    def explain(self, slate: str, item: str) -> Explanation:
        """Why an item stood in a slate. Raises NotFound."""
        return self._ask("GET", f"/v1/slates/{_part(slate)}/explanation", Explanation, params={"item": item})

    def metrics(self) -> dict[str, float]:
        """The engine's metrics as one flat dict."""
        return self._ask("GET", "/v1/metrics.json", dict[str, float])

    def status(self) -> Json:
        """What the engine says of itself."""
        return self._ask("GET", "/v1/status", dict[str, Any])

    def events(self, start: int = 0, stop: int | None = None) -> Iterator[Record]:
        """Records of the log with start <= offset < stop, as they arrive."""
        decode = msgspec.json.Decoder(Record).decode
        params = {"start": start} if stop is None else {"start": start, "stop": stop}
        try:
            with self._http.stream("GET", "/v1/events", params=params) as response:
                if response.status_code != 200:
                    response.read()
                    raise _error(response)
                rest = b""
                for piece in response.iter_bytes():
                    *lines, rest = (rest + piece).split(b"\n")
                    yield from map(decode, lines)
        except httpx2.TransportError as error:
            raise Unreachable(f"the export broke off: {type(error).__name__}") from error

    def close(self) -> None:
        """Close the connections; safe to call twice."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(
        self,
        method: str,
        path: str,
        kind: type[T],
        *,
        params: dict[str, Any] | None = None,
        body: bytes | None = None,
        again: bool = True,
    ) -> T:
        headers = {"content-type": JSON} if body is not None else {}
        for attempt in range(self._retries + 1):
            last = attempt == self._retries
            pause_s = PAUSE_S * 2**attempt
            try:
                response = self._http.request(method, path, params=params, content=body, headers=headers)
            except httpx2.TransportError as error:
                if last or not (again or isinstance(error, NEVER_SENT)):
                    raise Unreachable(f"no answer: {type(error).__name__}") from error
            else:
                if response.status_code == 200:
                    return msgspec.json.decode(response.content, type=kind)
                refused = _error(response)
                if last or not _passes(refused, again):
                    raise refused
                pause_s = _retry_after(response, pause_s)
            self._sleep(min(pause_s, PAUSE_MAX_S))
        raise AssertionError("the last attempt returns or raises")


def _passes(error: SwerveError, again: bool) -> bool:
    """Whether trying again may help and can do no harm."""
    if not isinstance(error, Overloaded):
        return False
    return again or error.code != "unconfirmed"


def _retry_after(response: httpx2.Response, otherwise_s: float) -> float:
    said = response.headers.get("retry-after", "")
    return float(said) if said.isdigit() else otherwise_s


def _error(response: httpx2.Response) -> SwerveError:
    """The exception the engine would have raised."""
    try:
        said = msgspec.json.decode(response.content, type=_Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return SwerveError(f"the server answered {response.status_code}", code=f"http_{response.status_code}")
    # Only routes of ours are asked for: an unknown path is an id that no path can say, such as the empty one.
    kind = KINDS.get(said.type, NotFound if response.status_code == 404 else SwerveError)
    code = said.code if said.type in KINDS else kind.code
    error = kind(said.detail, field=said.field, code=code)
    error.status = response.status_code
    return error


def _part(text: str) -> str:
    """An id as one part of a path."""
    if not isinstance(text, str):
        raise InvalidInput("expected a string", code="wrong_type")
    try:
        return "%2E" * len(text) if text in {".", ".."} else quote(text, safe="")
    except UnicodeEncodeError:
        raise InvalidInput("expected whole Unicode characters", code="invalid_unicode") from None


def _encode(ask: dict[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(ask)
    except UnicodeEncodeError:
        raise InvalidInput("expected whole Unicode characters", code="invalid_unicode") from None
    except TypeError:
        raise InvalidInput("expected strings, numbers and lists of them", code="wrong_type") from None


def _clean(event: object) -> Event:
    cleaner = CLEANERS.get(type(event))
    if cleaner is None:
        raise InvalidInput("expected an Item, User, Interaction or Impression", code="wrong_type")
    return cleaner(event, ANY_SIZE)


def _sorted_out(events: Sequence[object]) -> tuple[list[Event], list[int], list[Rejection]]:
    """Events that JSON can carry, their places, and what is wrong with the others."""
    good: list[Event] = []
    places: list[int] = []
    refused: list[Rejection] = []
    for index, event in enumerate(events):
        if isinstance(event, Rejection):
            refused.append(event)
            continue
        try:
            good.append(_clean(event))
            places.append(index)
        except InvalidInput as error:
            refused.append(Rejection(index=index, code=error.code, field=error.field, message=error.message))
    return good, places, refused
