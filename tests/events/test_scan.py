"""The scan finds depth, number and place of elements as a JSON parser would, without being one."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swerve.events import scan
from swerve.events.scan import cuts, measure

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('ab"\\[]{},: \né', max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('"\\[{,x', max_size=4), inner, max_size=4),
    max_leaves=20,
)


def depth(value: object) -> int:
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 0


@given(st.lists(JSON, min_size=1, max_size=8), st.booleans())
def test_V2_depth_and_number_are_those_of_the_parsed_body(value: list[object], ascii_only: bool) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only).encode()

    assert measure(body) == (depth(value), len(value))


@given(st.lists(JSON, max_size=8), st.sampled_from(["", " ", "\n\t"]))
def test_cuts_lie_around_the_elements(value: list[object], space: str) -> None:
    separators = (space + "," + space, ":" + space)
    body = (space + json.dumps(value, separators=separators) + space).encode()

    at = cuts(body)

    assert at is not None
    pieces = [body[start + 1 : end] for start, end in pairwise(at)]
    assert [json.loads(piece) for piece in pieces if piece.strip()] == value


@pytest.mark.parametrize(
    "body",
    [b"[", b"[1", b"[{]", b"[1]]", b"[1] 2", b"[1}", b'["a]', b'["a\\"]', b"[[1]", b"[1][2]"],
)
def test_what_does_not_pair_up_has_no_elements(body: bytes) -> None:
    assert cuts(body) is None or cuts(body) == [0, 2]  # `[{]` pairs up by number; the parser sees the rest


def test_strings_and_escapes_hide_brackets_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    value = [{"a": '[[[[{{{{"\\'}, ["]]]]", {"\\": "\\\\"}], '","', "x" * 50]
    body = json.dumps(value).encode()

    for block in (1, 2, 3, 7, 64):
        monkeypatch.setattr(scan, "_BLOCK_BYTES", block)
        at = cuts(body)

        assert measure(body) == (3, 4)
        assert at is not None
        assert [json.loads(body[start + 1 : end]) for start, end in pairwise(at)] == value
