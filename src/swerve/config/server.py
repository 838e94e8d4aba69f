"""Settings of the HTTP server: where it listens and what it refuses. Here because the server stands above the tree."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

Positive = Annotated[float, Meta(gt=0)]
Count = Annotated[int, Meta(ge=1)]


class ServerConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the server listens, what it refuses, and how long it waits."""

    host: str = "127.0.0.1"
    """Address to bind. Any address but a loopback one needs at least one key."""
    port: Annotated[int, Meta(ge=0, le=65535)] = 8080
    """Port to bind; 0 picks a free one."""
    allowed_hosts: tuple[str, ...] = ()
    """Further `Host` names accepted on a loopback bind (without port), e.g. the name a reverse proxy sends."""
    max_header_bytes: Annotated[int, Meta(ge=1024, le=1 << 20)] = 16384
    """Request line and headers of one request may not be larger (431)."""
    max_body_bytes: Annotated[int, Meta(ge=1024, le=1 << 30)] = 1 << 18
    """Body of a request other than events may not be larger (413); events have their own limit."""
    header_timeout_s: Positive = 10.0
    """A request's headers must arrive within this time, or the connection is closed."""
    body_timeout_s: Positive = 20.0
    """A request's body must arrive within this time (408)."""
    write_timeout_s: Positive = 20.0
    """A client that does not read its answer for this long is cut off."""
    keep_alive_s: Count = 75
    """An idle connection is closed after this time."""
    ack_timeout_s: Positive = 30.0
    """An event not on disk after this time is answered 503; it may still be stored, so retry with its `event_id`."""
    max_connections: Count = 2000
    """Open connections; one more is answered 503 and closed."""
    max_in_flight: Count = 512
    """Requests being answered at once; one more is answered 503."""
    max_queue_ms: Positive = 250.0
    """A request that waited longer than this for its turn is answered 503 before any work is done for it."""
    max_exports: Count = 2
    """Exports running at once; one more is answered 503."""
    retry_after_s: Count = 1
    """What `Retry-After` says with a 503, 429 or 507."""
    grace_s: Annotated[float, Meta(ge=0)] = 0.0
    """After SIGTERM: keep accepting this long while `/readyz` already says no, for balancers that poll."""
    drain_s: Count = 20
    """After SIGTERM: finish running requests within this time."""
    stall_ms: Positive = 250.0
    """An event loop that stands still this long writes all stacks to stderr and counts a stall."""
    access_log: bool = False
    """Log one line a request (method, path, status); paths hold item and user ids."""
