"""Ingest counts only what was taken, and its batches are what the report says."""

from __future__ import annotations

import msgspec
import pytest

import swerve
from benchmarks import ingest, shop


def test_every_other_event_has_an_id_of_its_own() -> None:
    work = ingest.batches(50, 100, 30, "tag")

    assert [len(batch) for batch in work] == [30, 30, 30, 10]
    ids = [event.event_id for batch in work for event in batch]
    assert [bool(name) for name in ids] == [False, True] * 50
    assert len(set(filter(None, ids))) == 50


def test_all_batches_are_taken() -> None:
    with swerve.open(None, preset="shop") as engine:
        shop.fill(engine, 50, 10, 0, 1.7e9)
        accepted = ingest.submit_all(engine, ingest.batches(50, 200, 30, "tag"))
        again = ingest.submit_all(engine, ingest.batches(50, 200, 30, "tag"))

    assert (accepted, again) == (200, 100)


def test_a_refused_event_spoils_the_rate() -> None:
    assert ingest.checked(1000.0, 5, 5) == 1000.0
    with pytest.raises(RuntimeError, match="4 of 5"):
        ingest.checked(1000.0, 4, 5)


def test_bodies_are_arrays_of_events() -> None:
    (request,) = ingest.bodies([[swerve.Interaction(user="u", item="i", action="view")]])

    head, _, body = request.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/events HTTP/1.1")
    assert msgspec.json.decode(body) == [{"type": "interaction", "user": "u", "item": "i", "action": "view"}]


def test_the_shop_is_the_same_for_a_seed() -> None:
    first, second = (list(shop.past(20, 300, 1_000, 1.7e9)) for _ in range(2))

    assert first == second
    times = [event.time for event in first]
    assert times == sorted(times)
    assert all(0 <= int(event.item[1:]) < 1_000 for event in first)


def test_few_items_get_most_of_it() -> None:
    items = [int(event.item[1:]) for event in shop.past(500, 5_000, 2_000, 1.7e9)]

    assert sum(item < 400 for item in items) > len(items) * 0.4
