"""One function a route: typed request in, engine verb, answer out. No logic of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import msgspec

from swerve.engine.intake import refusal
from swerve.errors import Overloaded
from swerve.events.parse import parse
from swerve.server.call import NDJSON, TEXT, Answer, Call
from swerve.server.items import parse_items
from swerve.server.problems import MediaTypeUnknown
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
from swerve.types import Event, Item, Record, Rejection

ON_LOOP_BYTES = 1 << 15
"""A larger body is parsed on a thread: milliseconds of parsing would hold up every list."""
EXPORT_RECORDS = 1000
"""Records of one read of an export: short reads never keep the log from cleaning up behind its writer."""
LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl")
BLANK = b"\xef\xbb\xbf \t\r\n"


async def post_events(call: Call) -> Answer:
    """Events: one JSON object, an array, or one JSON object a line."""
    ask = call.query(EventsRequest)
    media = call.media_type()
    if media != "application/json" and media not in LINES:
        raise MediaTypeUnknown("expected application/json or application/x-ndjson", field="content-type")
    limits = call.context.engine.config.events
    body = await call.body(limits.max_body_bytes)
    content_type = call.headers[b"content-type"].decode("latin-1")
    if len(body) <= ON_LOOP_BYTES:
        events = parse(body, content_type, limits)
    else:
        events = await call.in_thread(parse, body, content_type, limits)
    lone = media == "application/json" and body.lstrip(BLANK)[:1] == b"{"
    return await _submit(call, events, atomic=ask.atomic or lone)


async def post_items(call: Call) -> Answer:
    """Items: one JSON object or an array; `type` may be left out."""
    ask = call.query(EventsRequest)
    if call.media_type() != "application/json":
        raise MediaTypeUnknown("expected application/json", field="content-type")
    limits = call.context.engine.config.events
    body = await call.body(limits.max_body_bytes)
    items = await call.in_thread(parse_items, body, limits)
    return await _submit(call, items, atomic=ask.atomic or body.lstrip()[:1] == b"{")


async def delete_item(call: Call) -> Answer:
    """Removes an item from every answer from now on; what users did to it stays in the log."""
    call.query(NoRequest)
    item = call.context.engine.item(call.param("item"))
    return await _submit(call, [Item(id=item.id, deleted=True)], atomic=True)


async def _submit(call: Call, events: Sequence[Event | Rejection], *, atomic: bool) -> Answer:
    # The handler only waits; a client that goes away meanwhile cannot leave an event half taken.
    context = call.context
    future = context.engine.submit(events, atomic=atomic)
    ack = await context.waiters.result(future, context.config.ack_timeout_s)
    if atomic and ack.rejected:
        raise refusal(ack.rejected[0])
    return call.answer(ack)


async def get_recommend(call: Call) -> Answer:
    """A slate for a user, a session or a history."""
    return _recommend(call, call.query(RecommendRequest))


async def post_recommend(call: Call) -> Answer:
    """A slate; as GET, for requests too long for a query string."""
    call.query(NoRequest)
    return _recommend(call, await call.json(RecommendRequest))


def _recommend(call: Call, ask: RecommendRequest) -> Answer:
    # On the event loop: a hop to a thread costs more than the slate.
    slate = call.context.engine.recommend(
        ask.user,
        session=ask.session,
        history=ask.history,
        n=ask.n,
        exclude=ask.exclude,
        filter=ask.filter,
        explain=ask.explain,
        after_offset=ask.after_offset,
    )
    return call.answer(slate)


async def post_rank(call: Call) -> Answer:
    """Given items, best first for a user, a session or a history."""
    call.query(NoRequest)
    ask = await call.json(RankRequest)
    slate = call.context.engine.rank(ask.items, ask.user, session=ask.session, history=ask.history)
    return call.answer(slate)


async def get_similar(call: Call) -> Answer:
    """Items like this one."""
    ask = call.query(SimilarRequest)
    return call.answer(Picks(picks=call.context.engine.similar(call.param("item"), ask.n, filter=ask.filter)))


async def get_trending(call: Call) -> Answer:
    """What is popular now."""
    ask = call.query(TrendingRequest)
    return call.answer(Picks(picks=call.context.engine.trending(ask.n, window=ask.window, filter=ask.filter)))


async def get_item(call: Call) -> Answer:
    """What is known of an item."""
    call.query(NoRequest)
    return call.answer(call.context.engine.item(call.param("item")))


async def get_user(call: Call) -> Answer:
    """What is known of a user, oldest interaction first."""
    call.query(NoRequest)
    return call.answer(call.context.engine.user(call.param("user")))


async def get_explanation(call: Call) -> Answer:
    """Why an item stood in a slate."""
    ask = call.query(ExplainRequest)
    engine = call.context.engine
    return call.answer(await call.in_thread(engine.explain, call.param("slate"), ask.item))


async def get_metrics(call: Call) -> Answer:
    """All metrics in the Prometheus text format."""
    call.query(NoRequest)
    return Answer(call.context.engine.metrics_text() + call.context.metrics.render(), media=TEXT)


async def get_metrics_json(call: Call) -> Answer:
    """All metrics of the engine as one flat object."""
    call.query(NoRequest)
    return call.answer(call.context.engine.metrics())


async def get_status(call: Call) -> Answer:
    """What the engine says of itself."""
    call.query(NoRequest)
    return call.answer(call.context.engine.status())


async def get_events(call: Call) -> Answer:
    """Records of the log, one JSON object a line."""
    return Answer(_export(call, call.query(ExportRequest)), media=NDJSON)


async def _export(call: Call, ask: ExportRequest) -> AsyncIterator[bytes]:
    context = call.context
    if context.exports >= context.config.max_exports:
        raise Overloaded("too many exports at once")
    encode_lines = msgspec.json.Encoder().encode_lines

    def read(start: int, stop: int) -> list[Record]:
        # One whole read on one thread: an iterator handed from thread to thread would drag a connection along.
        return list(context.engine.events(start, stop))

    context.exports += 1
    try:
        head = int(context.engine.metrics()["swerve_log_head"])
        start, stop = ask.start, head if ask.stop is None else min(ask.stop, head)
        while start < stop:
            records = await call.in_thread(read, start, min(start + EXPORT_RECORDS, stop))
            yield encode_lines(records)
            start = records[-1].offset + 1 if records else stop
    finally:
        context.exports -= 1


async def get_openapi(call: Call) -> Answer:
    """This reference as an OpenAPI 3.1 document."""
    call.query(NoRequest)
    return Answer(await call.in_thread(call.context.document))


async def livez(call: Call) -> Answer:
    """The process answers."""
    return call.answer(Health(status="ok"))


async def readyz(call: Call) -> Answer:
    """Whether to send requests here."""
    context = call.context
    if context.failed or not context.engine.status()["ready"]:
        return Answer(context.encode(Health(status="failed")), status=503)
    if context.draining:
        return Answer(context.encode(Health(status="draining")), status=503)
    return call.answer(Health(status="ok"))
