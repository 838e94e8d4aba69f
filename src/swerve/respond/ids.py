"""Ids of slates: an offset to find the impression near, and enough randomness that no id can be guessed."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable

_SHAPE = re.compile(r"([0-9a-f]{1,16})-[A-Za-z0-9_-]{12}")


def new_slate_id(offset: int, entropy: Callable[[int], bytes]) -> str:
    """`<hex offset>-<12 URL-safe characters>`, e.g. `1f4-Zk3v_0aQx7-L`.

    `offset`: the log's next offset, >= 0; the slate's impression lands there or a little later. `entropy(9)` gives
    that many random bytes, e.g. `secrets.token_bytes`.
    """
    if offset < 0:
        raise ValueError(f"expected an offset >= 0, got {offset}")
    return f"{offset:x}-{base64.urlsafe_b64encode(entropy(9)).decode('ascii')}"


def offset_hint(slate: str) -> int:
    """Where to start looking for a slate's impression in the log; -1 when the id is not one of ours."""
    match = _SHAPE.fullmatch(slate)
    return int(match[1], 16) if match else -1
