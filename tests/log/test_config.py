"""Settings out of range are named, and the defaults keep the promises."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from swerve.errors import ConfigError
from swerve.log import LogConfig


def test_by_default_an_ack_survives_a_power_cut_and_ids_a_week() -> None:
    config = LogConfig()

    assert config.durability == "fsync"
    assert config.dedupe_window_s >= 7 * 86_400
    assert (config.keep_segments, config.keep_days) == (0, 0), "nothing is dropped unless asked for"
    assert config.max_wait_ms == 0, "a lone event does not wait for company"


@pytest.mark.parametrize(
    "settings",
    [
        {"segment_events": 0},
        {"max_group": 0},
        {"queue_events": 0},
        {"queue_bytes": -1},
        {"keep_days": -1.0},
        {"keep_segments": -1},
        {"dedupe_window_s": float("nan")},
        {"max_wait_ms": -0.5},
    ],
)
def test_a_value_out_of_range_is_refused_by_name(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        LogConfig(**settings)

    assert caught.value.field == f"log.{next(iter(settings))}"


@pytest.mark.parametrize("settings", [{"durability": "maybe"}, {"verify": "none"}, {"backend": "tape"}, {"sync": True}])
def test_an_unknown_value_or_name_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(settings, LogConfig)
