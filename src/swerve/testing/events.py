"""Events to test with: streams like real ones, and bodies that try to break the door.

Everything comes from a seed: the same call gives the same events on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from swerve.types import Event, Impression, Interaction, Item, Pick, User

T = TypeVar("T")
Ranks: TypeAlias = NDArray[np.int64]
_START_S = 1_700_000_000.0
JSON, LINES = "application/json", "application/x-ndjson"


def interactions(
    seed: int, users: int, items: int, n: int, actions: Sequence[str] = ("view", "like", "buy")
) -> Iterator[Interaction]:
    """`n` interactions in time order: popular items, busy users, runs of related items; later actions are rarer.

    Users are `u0`.., items `i0`..; both are drawn from a Zipf law, and about half of a user's items are neighbours (by
    number) of the one before, as a topic would have it. Times are Unix seconds, about one second apart.
    """
    rng = np.random.default_rng(seed)
    who = _zipf(rng, users, n)
    popular = rng.permutation(items)[_zipf(rng, items, n)]
    stays = rng.random(n) < 0.5
    step = rng.integers(1, 6, n)
    act = np.minimum(rng.geometric(0.7, n) - 1, len(actions) - 1)
    times = _START_S + np.cumsum(rng.exponential(1.0, n))
    last: dict[int, int] = {}
    for at in range(n):
        user = int(who[at])
        item = (last[user] + int(step[at])) % items if stays[at] and user in last else int(popular[at])
        last[user] = item
        yield Interaction(user=f"u{user}", item=f"i{item}", action=actions[act[at]], time=float(times[at]))


def _zipf(rng: np.random.Generator, size: int, n: int) -> Ranks:
    """(n,) int64 in 0..size-1, the k-th with a chance in proportion to 1 / (k + 1)."""
    edges = np.cumsum(1.0 / np.arange(1, size + 1))
    found: Ranks = np.searchsorted(edges, rng.random(n) * edges[-1]).astype(np.int64)
    return found


def examples() -> list[Event]:
    """One right event of each kind with every field filled, and one with the fewest."""
    shown = Pick(item="mug", position=0, score=1.5, propensity=0.25, why={"transitions": 1.0})
    return [
        Item(id="mug"),
        Item(
            id="mug", title="Red mug", text="A mug, red.", categories=("kitchen", "red"), event_id="e1",
            fields={"price": 9.5, "stock": 3, "new": True, "brand": "Ånd", "tags": ["a", "b"]},
            available=False, deleted=True, partial=True, time="2026-01-31T12:00:00+01:00",
        ),
        User(id="ann", fields={"age": 33, "city": "Köln"}, time=1.7e9, event_id="e2"),
        Interaction(user="ann", item="mug", action="view"),
        Interaction(
            user="ann", session="s1", item="mug", action="rate", value=4.5, slate="sl1", time=1.7e12, event_id="e3"
        ),
        Impression(slate="sl1", picks=(shown,)),
        Impression(
            slate="sl1", picks=(shown, Pick(item="cup", position=1, score=-1.0)), user="ann", session="s1",
            state_offset=7, model_version=3, variant="a", history=("cup",), time=1.7e9, event_id="e4",
        ),
    ]  # fmt: skip


def fuzz_bodies(seed: int, n: int) -> Iterator[tuple[bytes, str]]:
    """`n` bodies with their media type: right ones (every 50th) and right ones damaged in one to four ways."""
    rng = np.random.default_rng(seed)
    singles = [msgspec.json.encode(event) for event in examples()]
    for at in range(n):
        chosen = [_pick(singles, rng) for _ in range(int(rng.integers(1, 5)))]
        body, media_type = _wrap(chosen, rng)
        if at % 50:
            for _ in range(min(4, int(rng.geometric(0.6)))):
                body = _pick(_DAMAGES, rng)(body, rng)
        yield body, media_type


def _wrap(events: list[bytes], rng: np.random.Generator) -> tuple[bytes, str]:
    shape = int(rng.integers(3))
    if shape == 0:
        return events[0], JSON
    return (b"[" + b",".join(events) + b"]", JSON) if shape == 1 else (b"\n".join(events), LINES)


def _pick(choices: Sequence[T], rng: np.random.Generator) -> T:
    return choices[int(rng.integers(len(choices)))]


def _at(body: bytes, rng: np.random.Generator) -> int:
    return int(rng.integers(len(body) + 1))


def _insert(body: bytes, what: bytes, rng: np.random.Generator) -> bytes:
    at = _at(body, rng)
    return body[:at] + what + body[at:]


def _flip(body: bytes, rng: np.random.Generator) -> bytes:
    if not body:
        return body
    at = int(rng.integers(len(body)))
    return body[:at] + bytes([body[at] ^ (1 << int(rng.integers(8)))]) + body[at + 1 :]


def _cut(body: bytes, rng: np.random.Generator) -> bytes:
    return body[: _at(body, rng)]


def _drop(body: bytes, rng: np.random.Generator) -> bytes:
    first, last = sorted((_at(body, rng), _at(body, rng)))
    return body[:first] + body[min(last, first + 20) :]


def _repeat(body: bytes, rng: np.random.Generator) -> bytes:
    first, last = sorted((_at(body, rng), _at(body, rng)))
    return body[:last] + body[first:last] * int(rng.integers(1, 4)) + body[last:]


_VALUES = (
    b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999", b"1e-999", b"-0.0", b"1.7e308", b"9" * 400, b"9" * 5_000,
    b"-" + b"9" * 30, b"18446744073709551616", b"9223372036854775808", b"0.1e", b"01", b"+1", b".5", b"0x10",
    b"null", b"true", b"{}", b"[]", b'""', b'" "', b'"x"', b"[1]", b'["a",null]', b'{"a":{"b":1}}', b'"\\ud800"',
    b'"\\udc00\\ud800"', b'"\\ud83d\\ude00"', b'"\\u0000"', b'"\\u202e"', b'"\\ufeff"', b'"e\\u0301"', b'"\xff\xfe"',
    b'"\xed\xa0\x80"', b'"\xc0\x80"', b'"\x00"', b'"' + b"a" * 3_000 + b'"', b'"' + b"\\u0301\\u0323" * 200 + b'"',
    b'"9999-12-31T23:59:60Z"', b'"0001-01-01T00:00:00+23:59"', b'"2026-02-30T00:00:00Z"', b'"2026-01-01"', b'"now"',
    b'"2026-01-01T00:00:00.123456789-00:00"', b"[" * 40 + b"]" * 40, b'{"a":' * 40 + b"1" + b"}" * 40,
    b'{"a":' * 2_000, b"[" * 5_000, b"'a'", b"undefined", b'"unterminated', b"{,}", b"[,]", b"// comment",
)  # fmt: skip
_BYTES = (
    b"\xef\xbb\xbf", b"\x00", b"\n", b"\r\n", b"\\", b'"', b"{", b"}", b"[", b"]", b",", b":", b"\xff", b"\xf0\x9f",
    b"\xe2\x80\xa8", b" " * 2_000, b"\n" * 300, b"\x1a", b"\x1f\x8b\x08", b"%00", b"${7*7}", b"' OR 1=1 --",
)  # fmt: skip
_KEYS = (
    b'"type":"item",', b'"type":"interaction",', b'"type":"x",', b'"type":1,', b'"type":null,', b'"id":"a","id":"b",',
    b'"__class__":"os.system",', b'"":1,', b'"item":{"item":1},', b'"fields":{"a":[1,2]},', b'"picks":[{}],',
    b'"history":"abc",', b'"user":[],', b'"time":[],', b'"action":"' + b"v" * 500 + b'",', b'"deleted":"yes",',
)  # fmt: skip


def _swap_value(body: bytes, rng: np.random.Generator) -> bytes:
    """One value replaced by one of another type or a hostile one."""
    start = body.find(b":", _at(body, rng)) + 1  # 0 when there is none: before everything
    ends = [at for at in (body.find(b",", start), body.find(b"}", start)) if at >= 0]
    return body[:start] + _pick(_VALUES, rng) + body[min(ends, default=len(body)) :]


def _add_bytes(body: bytes, rng: np.random.Generator) -> bytes:
    return _insert(body, _pick(_BYTES, rng), rng)


def _add_key(body: bytes, rng: np.random.Generator) -> bytes:
    """A key put in front of an object's others: wrong ones, wrong types, and duplicates."""
    at = body.find(b"{", _at(body, rng) // 2)
    return body[: at + 1] + _pick(_KEYS, rng) + body[at + 1 :]


def _nest(body: bytes, rng: np.random.Generator) -> bytes:
    deep = int(2 ** rng.integers(1, 12))
    return b"[" * deep + body + b"]" * deep if rng.random() < 0.5 else b'{"a":' * deep + body + b"}" * deep


def _many(body: bytes, rng: np.random.Generator) -> bytes:
    return b"[" + b",".join([body[:50] or b"1"] * int(rng.integers(1, 40))) + b"]"


def _noise(body: bytes, rng: np.random.Generator) -> bytes:
    return rng.bytes(int(rng.integers(0, 60)))


_DAMAGES: tuple[Callable[[bytes, np.random.Generator], bytes], ...] = (
    _flip, _flip, _cut, _drop, _repeat, _swap_value, _swap_value, _swap_value, _swap_value, _add_bytes, _add_bytes,
    _add_key, _add_key, _nest, _many, _noise,
)  # fmt: skip
