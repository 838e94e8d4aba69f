"""Ids of slates: unguessable, URL-safe, and a hint where to look."""

from __future__ import annotations

import re
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swerve.respond.ids import new_slate_id, offset_hint


@given(st.integers(0, 2**63 - 1), st.binary(min_size=9, max_size=9))
def test_the_offset_can_be_read_back(offset: int, random: bytes) -> None:
    slate = new_slate_id(offset, lambda n: random[:n])

    assert re.fullmatch(r"[0-9a-f]+-[A-Za-z0-9_-]{12}", slate)
    assert offset_hint(slate) == offset


def test_the_randomness_is_all_used_and_none_is_asked_for_twice() -> None:
    asked: list[int] = []

    def entropy(n: int) -> bytes:
        asked.append(n)
        return b"\xff" * n

    assert new_slate_id(0x1F4, entropy) == "1f4-____________"
    assert asked == [9]
    assert len({new_slate_id(0, secrets.token_bytes) for _ in range(1_000)}) == 1_000


@pytest.mark.parametrize(
    "slate",
    [
        "", "-", "5", "5-", "5-abc", "-abcdefghijkl", "5-abcdefghijklm", "xyz-abcdefghijkl", "A-abcdefghijkl",
        "\uff15-abcdefghijkl", "5-abcdefghijk\n", "5-abcdefghijkl\n", "1" * 17 + "-abcdefghijkl", "5-\xe4bcdefghijkl",
    ],
)  # fmt: skip
def test_an_id_that_is_not_ours_gives_no_hint(slate: str) -> None:
    assert offset_hint(slate) == -1


@given(st.text())
def test_any_text_gives_a_hint_or_none(text: str) -> None:
    assert offset_hint(text) >= -1


def test_a_negative_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="offset"):
        new_slate_id(-1, secrets.token_bytes)
