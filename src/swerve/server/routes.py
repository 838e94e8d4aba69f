"""The table of routes: the one place that says what the API is. The app, the reference and the tests read it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

from swerve.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    Malformed,
    NotFound,
    Overloaded,
    StorageFull,
    SwerveError,
    TooLarge,
    Unauthorized,
)
from swerve.server.call import Answer, Call
from swerve.server.handlers import (
    delete_item,
    get_events,
    get_explanation,
    get_item,
    get_metrics,
    get_metrics_json,
    get_openapi,
    get_recommend,
    get_similar,
    get_status,
    get_trending,
    get_user,
    livez,
    post_events,
    post_items,
    post_rank,
    post_recommend,
    readyz,
)
from swerve.server.keys import Role
from swerve.server.problems import BodyTimeout, HeadersTooLarge, HostUnknown, MediaTypeUnknown
from swerve.server.requests import (
    EventsRequest,
    ExplainRequest,
    ExportRequest,
    Health,
    NoRequest,
    Picks,
    RankRequest,
    RecommendRequest,
    SimilarRequest,
    TrendingRequest,
)
from swerve.types import Ack, Event, Explanation, Item, Record, Slate, UserView

Handler: TypeAlias = Callable[[Call], Awaitable[Answer]]
Errors: TypeAlias = tuple[type[SwerveError], ...]

WRITE = frozenset({Role.INGEST, Role.OPERATOR, Role.ADMIN})
SERVE = frozenset({Role.SERVE, Role.OPERATOR, Role.ADMIN})
BROWSE = frozenset({Role.SERVE, Role.ANALYST, Role.OPERATOR, Role.ADMIN})
READ = frozenset({Role.ANALYST, Role.OPERATOR, Role.ADMIN})
ADMIN = frozenset({Role.ADMIN})
ANY = frozenset(Role)

BODY: Errors = (Malformed, BodyTimeout, TooLarge, MediaTypeUnknown)
INTAKE: Errors = (*BODY, InvalidInput, Conflict, Overloaded, StorageFull)
ASKED: Errors = (Malformed, InvalidInput)
FOUND: Errors = (*ASKED, NotFound)
ALWAYS: Errors = (Overloaded, HeadersTooLarge)
"""May answer any request but a probe."""
LOCKED: Errors = (Unauthorized, Forbidden, HostUnknown)
"""May answer any request that needs a role."""


@dataclass(frozen=True, kw_only=True)
class Route:
    """One method of one path, with all that its callers and its tests need to know."""

    method: str
    path: str
    """Parts in braces are parameters, percent-encoded."""
    roles: frozenset[Role] | None
    """Who may ask. None = anybody, even without a key: health probes only."""
    handler: Handler
    """Its docstring is the summary in the reference."""
    query: type[msgspec.Struct] = NoRequest
    body: Any = None
    media: tuple[str, ...] = ("application/json",)
    """Types of the request body; NDJSON holds one value of an array body a line."""
    answer: Any
    """Type of the answer; bytes = text."""
    answer_media: str = "application/json"
    refusals: Errors = ASKED
    """What it may answer besides, beyond what any route may."""

    @property
    def summary(self) -> str:
        """One sentence."""
        return (self.handler.__doc__ or "").strip().partition("\n")[0]

    @property
    def errors(self) -> Errors:
        """Every kind of problem this route may answer, by status."""
        always = () if self.roles is None else (*ALWAYS, *LOCKED)
        return tuple(sorted({*self.refusals, *always}, key=lambda kind: (kind.status, kind.code)))


ROUTES: tuple[Route, ...] = (
    Route(
        method="POST",
        path="/v1/events",
        roles=WRITE,
        handler=post_events,
        query=EventsRequest,
        body=Event | list[Event],
        media=("application/json", "application/x-ndjson"),
        answer=Ack,
        refusals=INTAKE,
    ),
    Route(
        method="GET",
        path="/v1/events",
        roles=ADMIN,
        handler=get_events,
        query=ExportRequest,
        answer=Record,
        answer_media="application/x-ndjson",
    ),
    Route(
        method="GET",
        path="/v1/recommend",
        roles=SERVE,
        handler=get_recommend,
        query=RecommendRequest,
        answer=Slate,
    ),
    Route(
        method="POST",
        path="/v1/recommend",
        roles=SERVE,
        handler=post_recommend,
        body=RecommendRequest,
        answer=Slate,
        refusals=(*BODY, InvalidInput),
    ),
    Route(
        method="POST",
        path="/v1/rank",
        roles=SERVE,
        handler=post_rank,
        body=RankRequest,
        answer=Slate,
        refusals=(*BODY, InvalidInput),
    ),
    Route(
        method="GET",
        path="/v1/similar/{item}",
        roles=BROWSE,
        handler=get_similar,
        query=SimilarRequest,
        answer=Picks,
        refusals=FOUND,
    ),
    Route(
        method="GET",
        path="/v1/trending",
        roles=BROWSE,
        handler=get_trending,
        query=TrendingRequest,
        answer=Picks,
    ),
    Route(
        method="POST",
        path="/v1/items",
        roles=WRITE,
        handler=post_items,
        query=EventsRequest,
        body=Item | list[Item],
        answer=Ack,
        refusals=INTAKE,
    ),
    Route(
        method="GET",
        path="/v1/items/{item}",
        roles=BROWSE,
        handler=get_item,
        answer=Item,
        refusals=FOUND,
    ),
    Route(
        method="DELETE",
        path="/v1/items/{item}",
        roles=WRITE,
        handler=delete_item,
        answer=Ack,
        refusals=(*FOUND, Overloaded, StorageFull),
    ),
    Route(
        method="GET",
        path="/v1/users/{user}",
        roles=READ,
        handler=get_user,
        answer=UserView,
        refusals=FOUND,
    ),
    Route(
        method="GET",
        path="/v1/slates/{slate}/explanation",
        roles=BROWSE,
        handler=get_explanation,
        query=ExplainRequest,
        answer=Explanation,
        refusals=FOUND,
    ),
    Route(
        method="GET",
        path="/v1/metrics",
        roles=READ,
        handler=get_metrics,
        answer=bytes,
        answer_media="text/plain",
    ),
    Route(
        method="GET",
        path="/v1/metrics.json",
        roles=READ,
        handler=get_metrics_json,
        answer=dict[str, float],
    ),
    Route(method="GET", path="/v1/status", roles=READ, handler=get_status, answer=dict[str, Any]),
    Route(method="GET", path="/openapi.json", roles=ANY, handler=get_openapi, answer=dict[str, Any]),
    Route(method="GET", path="/livez", roles=None, handler=livez, answer=Health, refusals=()),
    Route(method="GET", path="/readyz", roles=None, handler=readyz, answer=Health, refusals=()),
)
