"""JSON lines: events as in the HTTP API, or objects with a mapping."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from swerve.errors import InvalidInput
from swerve.readers import jsonl
from swerve.types import Impression, Interaction, Item, Pick, User
from tests.readers.helpers import interactions, located, read, refused, source, write

EVENTS = """\
{"type": "item", "id": "mug", "title": "Red mug", "categories": ["a"], "fields": {"price": 9.5}}
{"type": "user", "id": "ann", "fields": {"age": 30}}

{"type": "interaction", "user": "ann", "item": "mug", "action": "view", "time": 5}
{"user": "ann", "item": "mug", "action": "buy", "value": 9.5}
{"type": "impression", "slate": "s", "picks": [{"item": "mug", "position": 0, "score": 0.5}], "user": "ann"}
"""
REVIEWS = """\
{"rating": 5.0, "title": "Fine", "asin": "B1", "parent_asin": "P1", "user_id": "U1", "timestamp": 1588687728923}
{"rating": 2.0, "title": "Hm", "asin": "B2", "parent_asin": "P2", "user_id": "U2", "timestamp": 1588687728000}
"""


def test_events_are_read_as_they_are_and_keep_their_order(tmp_path: Path) -> None:
    found = source(write(tmp_path / "a.jsonl", EVENTS))

    assert found.form == "events"
    assert list(found.events()) == [
        Item(id="mug", title="Red mug", categories=("a",), fields={"price": 9.5}),
        User(id="ann", fields={"age": 30}),
        Interaction(user="ann", item="mug", action="view", time=5.0),
        Interaction(user="ann", item="mug", action="buy", value=9.5),
        Impression(slate="s", picks=(Pick(item="mug", position=0, score=0.5),), user="ann"),
    ]
    assert [line for chunk in found.chunks() for line in chunk.lines] == [1, 2, 4, 5, 6]


def test_a_broken_event_is_refused_in_the_words_of_the_api(tmp_path: Path) -> None:
    found = source(write(tmp_path / "a.jsonl", EVENTS + '{"type": "item"}\nrubbish\n[1]\n' + EVENTS))

    assert [line for line, _ in located(found)] == [7, 8, 9]
    assert refused(list(found.events()))[0].code == "missing_field"
    assert len(list(found.events())) == 13


def test_objects_are_mapped_like_any_table(tmp_path: Path) -> None:
    found = source(write(tmp_path / "a.jsonl", REVIEWS))

    assert found.form == "jsonl"
    assert [(event.user, event.item, event.action, event.value) for event in interactions(list(found.events()))] == [
        ("U2", "B2", "rate", 2.0),
        ("U1", "B1", "rate", 5.0),
    ]
    assert interactions(list(found.events()))[1].time == pytest.approx(1588687728.923)


def test_a_mapping_is_taken_even_where_events_stand(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"user": "a", "item": "b", "action": "view"}\n')

    (event,) = read(path, map="user=item,item=user,action:=like")

    assert event == Interaction(user="b", item="a", action="like")


def test_objects_may_miss_names_and_lines_may_be_broken(tmp_path: Path) -> None:
    text = '{"user": "a", "sku": "x"}\n{"sku": "y", "user": null}\nrubbish\n{"user": "c"}\n'
    found = source(write(tmp_path / "a.jsonl", text))

    assert [(event.user, event.item) for event in interactions(list(found.events()))] == [
        ("a", "x"),
        ("", "y"),
        ("c", ""),
    ]
    assert located(found) == [(3, "bad_line")]


def test_lists_and_numbers_keep_their_type_in_items(tmp_path: Path) -> None:
    text = '{"sku": 1, "title": "x", "genres": ["a", "b"], "price": 9.5, "tags": ["t"], "big": {"a": 1}}\n'

    (item,) = read(write(tmp_path / "items.jsonl", text))

    assert item == Item(
        id="1", title="x", categories=("a", "b"), fields={"price": 9.5, "tags": ["t"], "big": "{'a': 1}"}
    )


def test_an_array_says_how_to_turn_it_into_lines(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="jq -c"):
        read(write(tmp_path / "a.json", "[" + EVENTS.splitlines()[0] + "]"))


def test_no_objects_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="holds no JSON objects"):
        read(write(tmp_path / "a.jsonl", "{rubbish\n"))


def test_an_endless_line_is_refused_before_it_fills_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl, "_LINE_BYTES", 1_000)
    path = write(tmp_path / "a.jsonl", EVENTS + json.dumps({"type": "item", "id": "x", "text": "y" * 2_000}))

    with pytest.raises(InvalidInput, match="line 7 is longer"):
        read(path)


def test_many_lines_in_many_blocks_arrive_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl, "_BLOCK_BYTES", 3_000)
    lines = [json.dumps({"type": "interaction", "user": f"u{k}", "item": "i", "action": "view"}) for k in range(5_000)]
    found = source(write(tmp_path / "a.jsonl", "\n".join(lines)))

    assert [event.user for event in interactions(list(found.events()))] == [f"u{k}" for k in range(5_000)]
    assert found.count == 5_000
