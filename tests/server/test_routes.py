"""What each route answers when all is well, and how it is told apart from the others."""

from __future__ import annotations

from urllib.parse import quote

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.routing import Mount

from swerve.engine import Engine
from swerve.types import Ack, Explanation, Impression, Interaction, Item, Record, Slate, UserView
from tests.server.web import JSON, LINES, Web

ODD_IDS = ["a/b", "a%2Fb", "ä ö", "a?b#c", "..", ".", "a+b&c=d", "猫", "a\\b", ";", "%", "a b"]


def view(item: str = "mug1", user: str = "ann", **more: object) -> dict[str, object]:
    return {"user": user, "item": item, "action": "view", **more}


def test_one_event_is_acked_where_the_next_request_reads(web: Web) -> None:
    reply = web.post("/v1/events", view(user="new"))
    ack = msgspec.convert(reply.json, Ack)
    assert (reply.status, ack.accepted, ack.rejected, ack.durable) == (200, 1, (), "memory")
    slate = web.get(f"/v1/recommend?user=new&after_offset={ack.offset}").json
    assert slate["state_offset"] == ack.offset
    assert slate["degraded"] == []


def test_an_array_and_lines_are_the_same(web: Web, engine: Engine) -> None:
    events = [view(), {"type": "item", "id": "cup"}, {"type": "user", "id": "cyd", "fields": {"age": 7}}]
    assert web.post("/v1/events", events).json["accepted"] == 3
    lines = b"\n".join(map(msgspec.json.encode, events))
    assert web.ask("POST", "/v1/events", [lines], LINES).json["accepted"] == 3
    first, second = (list(engine.events())[start:stop] for start, stop in ((-6, -3), (-3, None)))
    assert [record.event for record in first] == [record.event for record in second]


def test_the_wrong_ones_of_an_array_are_told_and_the_others_taken(web: Web) -> None:
    reply = web.post("/v1/events", [view(), view(action="vieww"), {"x": 1}, view()])
    assert reply.status == 200
    assert reply.json["accepted"] == 2
    assert [(one["index"], one["code"]) for one in reply.json["rejected"]] == [
        (1, "unknown_action"),
        (2, "missing_type"),
    ]
    assert all(one["message"] for one in reply.json["rejected"])


def test_atomic_takes_all_or_nothing(web: Web, engine: Engine) -> None:
    head = engine.status()["offset"]
    reply = web.post("/v1/events?atomic=true", [view(), view(action="vieww")])
    assert (reply.status, reply.code) == (422, "unknown_action")
    assert engine.status()["offset"] == head
    assert web.post("/v1/events?atomic=true", [view(), view()]).json["accepted"] == 2


def test_an_event_id_makes_sending_again_harmless_and_another_content_a_conflict(web: Web) -> None:
    event = view(event_id="e1", time=1.0)
    assert web.post("/v1/events", event).json["accepted"] == 1
    again = web.post("/v1/events", event)
    assert (again.status, again.json["accepted"], again.json["duplicates"]) == (200, 0, 1)
    other = web.post("/v1/events", {**event, "item": "mug2"})
    assert (other.status, other.code, other.json["field"]) == (409, "conflict", "event_id")
    assert other.json["type"] == "urn:swerve:error:conflict"


def test_an_array_of_one_is_an_array(web: Web) -> None:
    reply = web.post("/v1/events", [view(action="vieww")])
    assert (reply.status, reply.json["accepted"], len(reply.json["rejected"])) == (200, 0, 1)


def test_a_large_body_takes_the_other_way_to_the_same_end(web: Web) -> None:
    events = [view(f"mug{n % 8}") for n in range(3000)] + [view(action="vieww")]
    reply = web.post("/v1/events", events)
    assert reply.json["accepted"] == 3000
    assert reply.json["rejected"][0]["index"] == 3000


def test_a_byte_order_mark_and_spaces_make_no_array_of_an_object(web: Web) -> None:
    body = b"\xef\xbb\xbf \n" + msgspec.json.encode(view(action="vieww"))
    assert web.ask("POST", "/v1/events", [body], JSON).status == 422


def test_get_and_post_recommend_agree(web: Web) -> None:
    web.post("/v1/items", {"id": "cup", "categories": ["cups"]})
    wish = 'category == "mugs"'
    asked = web.get(f"/v1/recommend?user=ann&n=20&exclude=mug4&exclude=mug5&filter={quote(wish)}")
    posted = web.post("/v1/recommend", {"user": "ann", "n": 20, "exclude": ["mug4", "mug5"], "filter": wish})
    items = [pick["item"] for pick in asked.json["picks"]]
    assert items == [pick["item"] for pick in posted.json["picks"]]
    assert set(items) == {"mug0", "mug1", "mug2", "mug3", "mug6", "mug7"}


def test_recommend_answers_a_slate_of_the_length_asked_for(web: Web) -> None:
    for n in (1, 5, 8):
        slate = msgspec.convert(web.get(f"/v1/recommend?n={n}").json, Slate)
        assert len(slate.picks) == n
        assert [pick.position for pick in slate.picks] == list(range(n))


@pytest.mark.parametrize("who", ["user=ann", "session=s1", "history=mug1&history=mug2", "user=nobody", ""])
def test_recommend_welcomes_anybody(web: Web, who: str) -> None:
    assert web.get(f"/v1/recommend?{who}").json["picks"]


def test_explain_fills_the_reasons(web: Web) -> None:
    plain = web.get("/v1/recommend?user=ann").json["picks"]
    told = web.get("/v1/recommend?user=ann&explain=true").json["picks"]
    assert not any("why" in pick for pick in plain)
    assert any(pick.get("why") for pick in told)


def test_after_offset_of_the_future_is_said_to_be_degraded(web: Web) -> None:
    assert web.get("/v1/recommend?user=ann&after_offset=999999").json["degraded"] == ["after_offset"]


def test_rank_orders_what_it_was_given(web: Web) -> None:
    reply = web.post("/v1/rank", {"items": ["mug6", "mug1", "none"], "user": "ann"})
    assert {pick["item"] for pick in reply.json["picks"]} == {"mug6", "mug1"}


def test_similar_and_trending_answer_picks(web: Web) -> None:
    similar = web.get("/v1/similar/mug1?n=3").json["picks"]
    assert "mug1" not in [pick["item"] for pick in similar]
    for window in ("1h", "1d", "7d"):
        trending = web.get(f"/v1/trending?n=2&window={window}").json["picks"]
        assert {pick["item"] for pick in trending} <= {"mug1", "mug2", "mug3"}
        assert trending


def test_items_come_and_go(web: Web) -> None:
    assert web.post("/v1/items", {"id": "cup", "title": "Tea cup", "fields": {"price": 3}}).json["accepted"] == 1
    item = msgspec.convert(web.get("/v1/items/cup").json, Item)
    assert (item.title, item.fields) == ("Tea cup", {"price": 3})
    gone = web.ask("DELETE", "/v1/items/cup")
    assert (gone.status, gone.json["accepted"]) == (200, 1)
    assert web.get("/v1/items/cup").status == 404
    assert web.ask("DELETE", "/v1/items/cup").status == 404
    assert "cup" not in [pick["item"] for pick in web.get("/v1/recommend?n=20").json["picks"]]


def test_items_may_say_their_type_and_the_wrong_ones_are_told(web: Web) -> None:
    reply = web.post("/v1/items", [{"id": "a", "type": "item"}, {"id": 7}, {"id": "b"}, {}, 7])
    assert reply.json["accepted"] == 2
    assert [(one["index"], one["code"], one["field"]) for one in reply.json["rejected"]] == [
        (1, "wrong_type", "id"),
        (3, "missing_field", "id"),
        (4, "wrong_type", ""),
    ]


@pytest.mark.parametrize("odd", ODD_IDS)
def test_any_id_can_stand_in_a_path(web: Web, odd: str) -> None:
    assert web.post("/v1/items", {"id": odd, "title": "odd"}).status == 200
    assert web.post("/v1/events", view(odd, user=odd)).status == 200
    part = quote(odd, safe="")
    assert web.get(f"/v1/items/{part}").json["id"] == odd
    assert web.get(f"/v1/users/{part}").json["user"] == odd
    assert web.get(f"/v1/similar/{part}").status == 200
    slate = web.get(f"/v1/recommend?user={part}&n=20").json["slate"]
    assert web.get(f"/v1/slates/{slate}/explanation?item={part}").json["item"] == odd
    assert web.ask("DELETE", f"/v1/items/{part}").status == 200


def test_a_user_can_be_looked_at(web: Web) -> None:
    user = msgspec.convert(web.get("/v1/users/ann").json, UserView)
    assert [touch.item for touch in user.touches] == ["mug1", "mug2", "mug3"]
    assert user.counters == {"view": 3}


def test_a_pick_is_explained(web: Web) -> None:
    slate = web.get("/v1/recommend?user=ann").json
    item = slate["picks"][0]["item"]
    told = msgspec.convert(web.get(f"/v1/slates/{slate['slate']}/explanation?item={item}").json, Explanation)
    assert (told.slate, told.item) == (slate["slate"], item)


def test_metrics_are_readable_by_prometheus_and_cover_engine_and_server(web: Web) -> None:
    web.get("/v1/trending")
    web.get("/v1/recommend?n=0")
    reply = web.get("/v1/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in text_string_to_metric_families(reply.body.decode())}
    assert {"swerve_events", "swerve_log_head", "swerve_http_requests", "swerve_loop_lag_seconds"} <= families.keys()
    counted = {
        (sample.labels["route"], sample.labels["status"]): sample.value
        for sample in families["swerve_http_requests"].samples
        if sample.name.endswith("_total")
    }
    assert counted["/v1/trending", "200"] == 1
    assert counted["/v1/recommend", "422"] == 1


def test_no_id_becomes_a_metric_label(web: Web) -> None:
    web.get("/v1/users/ann")
    web.get("/v1/items/mug7")
    web.get("/nonsense/mug7")
    assert b"mug7" not in web.get("/v1/metrics").body
    assert b"ann" not in web.get("/v1/metrics").body


def test_metrics_json_and_status_are_what_the_engine_says(web: Web, engine: Engine) -> None:
    assert web.get("/v1/metrics.json").json == engine.metrics()
    assert web.get("/v1/status").json == engine.status()


@pytest.mark.parametrize(("query", "start", "stop"), [("", 0, None), ("?start=3", 3, None), ("?start=2&stop=5", 2, 5)])
def test_the_export_is_the_log(web: Web, engine: Engine, query: str, start: int, stop: int | None) -> None:
    engine.observe([Interaction(user="ann", item="mug1", action="view") for _ in range(2500)])
    reply = web.get("/v1/events" + query)
    assert reply.headers["content-type"] == "application/x-ndjson"
    records = [msgspec.json.decode(line, type=Record) for line in reply.body.splitlines()]
    assert records == list(engine.events(start, stop))


@pytest.mark.parametrize("query", ["?start=999999", "?start=5&stop=5", "?start=5&stop=2"])
def test_an_export_of_nothing_is_empty(web: Web, query: str) -> None:
    reply = web.get("/v1/events" + query)
    assert (reply.status, reply.body) == (200, b"")


def test_a_logged_slate_is_in_the_export(web: Web, engine: Engine) -> None:
    slate = web.get("/v1/recommend?user=ann").json["slate"]
    engine.observe(Interaction(user="bob", item="mug1", action="view"))  # waits for what was queued before it
    assert slate in [record.event.slate for record in engine.events() if isinstance(record.event, Impression)]


def test_probes_answer(web: Web) -> None:
    for path in ("/livez", "/readyz"):
        assert web.get(path).json == {"status": "ok"}
        assert web.ask("HEAD", path).status == 200


def test_readyz_says_no_while_draining_and_when_the_log_failed(web: Web) -> None:
    web.context.draining = True
    assert (web.get("/readyz").status, web.get("/readyz").json) == (503, {"status": "draining"})
    assert web.get("/livez").status == 200
    web.context.failed = True
    assert web.get("/readyz").json == {"status": "failed"}


def test_readyz_says_no_once_the_engine_is_closed(web: Web, engine: Engine) -> None:
    engine.close()
    assert web.get("/readyz").json == {"status": "failed"}


def test_the_app_can_be_mounted_below_a_path(web: Web) -> None:
    inner = web.app
    web.app = Starlette(routes=[Mount("/shop", app=inner)])
    assert web.get("/shop/v1/trending").status == 200
    assert web.get("/shop/v1/items/mug1").json["id"] == "mug1"
    web.post("/shop/v1/items", {"id": "a/b"})
    assert web.get("/shop/v1/items/a%2Fb").json["id"] == "a/b"
    assert web.get("/shop/nothing").code == "route_unknown"
