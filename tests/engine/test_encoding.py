"""A slow encoder holds up the event that brings an item, and no list."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import pytest

import swerve
from swerve.encode.config import EncodeConfig
from swerve.types import Floats, Item

WAIT_S = 20.0


class Slow:
    """An encoder that waits to be let go once it is asked about `slow`."""

    dim, name = 2, "slow-v1"
    asked, go_on = threading.Event(), threading.Event()

    def __init__(self, config: EncodeConfig) -> None:
        self.asked.clear()
        self.go_on.clear()

    def encode(self, items: Sequence[Item]) -> Floats:
        if any(item.title == "slow" for item in items):
            self.asked.set()
            assert self.go_on.wait(WAIT_S)
        vectors = np.zeros((len(items), 2), np.float32)
        vectors[:, 0] = [bool(item.title) for item in items]
        return vectors


@pytest.mark.timeout(60)
def test_lists_are_answered_while_an_item_is_encoded() -> None:
    config = {"encode.encoder": f"{__name__}:Slow"}
    with swerve.open(None, preset="shop", config=config) as engine:
        engine.observe([swerve.Item(id=name, title=name) for name in ("a", "b", "c")])
        engine.observe(swerve.Interaction(user="u", item="a", action="view"))
        before = [pick.item for pick in engine.recommend("u", n=3).picks]
        writer = threading.Thread(target=engine.observe, args=(swerve.Item(id="late", title="slow"),))
        writer.start()
        try:
            assert Slow.asked.wait(WAIT_S)
            assert [pick.item for pick in engine.recommend("u", n=3).picks] == before
            assert writer.is_alive(), "acknowledged once the item can be found"
        finally:
            Slow.go_on.set()
            writer.join(WAIT_S)
        assert "late" in [pick.item for pick in engine.similar("a", n=10)]
