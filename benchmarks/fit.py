"""Fits the blend that a preset starts with, on real data, and prints it as the preset's TOML.

`python -m benchmarks.fit shop`: DIGINETICA, periods 0 to 2 (the later ones are for reporting). `media`: ML-1M in the
P1 order, without each user's last two items (the validation and the test item).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from itertools import islice, zip_longest

import swerve
from benchmarks import common, streams
from swerve.rank.blend import from_config
from swerve.rank.features import FEATURES


def shop() -> Iterator[swerve.Interaction]:
    """Clicks of the first three periods, a week each."""
    for number, period in enumerate(streams.diginetica(common.required("diginetica"))[:3]):
        for place, (session, item) in enumerate(period):
            time = streams.week(number, place / len(period))
            yield swerve.Interaction(session=session, item=item, action="view", time=time)


def media() -> Iterator[swerve.Item | swerve.Interaction]:
    """Films, then who watched them, everybody's last one last, so that the newest events are of all users."""
    yield from streams.ml1m_p1_items(common.required("ml-1m-p1"))
    users = [
        [swerve.Interaction(user=str(number), item=item, action="complete") for item in items[:-2]]
        for number, items in enumerate(streams.ml1m_p1(common.required("ml-1m-p1")))
    ]
    length = max(map(len, users))
    for column in zip_longest(*([None] * (length - len(user)) + user for user in users)):
        yield from (event for event in column if event is not None)


def observe_all(engine: swerve.Engine, events: Iterable[swerve.Item | swerve.Interaction], size: int = 5_000) -> int:
    """Take everything in batches; returns how many were taken."""
    stream, taken = iter(events), 0
    while batch := list(islice(stream, size)):
        ack = engine.observe(batch)
        assert not ack.rejected, ack.rejected[0]
        taken += ack.accepted
    return taken


def main() -> None:
    """Fit one preset and print its weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("preset", choices=["shop", "media"])
    parser.add_argument("--newest", type=int, default=30_000)
    args = parser.parse_args()
    events = {"shop": shop, "media": media}[args.preset]
    with swerve.open(None, preset=args.preset, config={"engine.log_impressions": False}) as engine:
        observe_all(engine, events())
        fitted = engine.fit(newest=args.newest)
        print(f"# {fitted.examples} choices; log-likelihood {fitted.log_likelihood:.4f}, before {fitted.before:.4f}")
        print("[rank.weights]")
        for name, column in zip(FEATURES, fitted.weights.T.tolist(), strict=True):
            print(f"{name} = [{', '.join(f'{weight:.3f}' for weight in column)}]")
        assert from_config({}).shape == fitted.weights.shape


if __name__ == "__main__":
    main()
