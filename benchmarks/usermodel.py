"""What the user model costs the process that serves: one event into the preference, and a user read again after a swap.

Default size (`small`: d = 64, two blocks), in NumPy, without torch where it is timed. A step is one event and the
preference for a question right after it. `step_flat_ratio`: the same after 100,000 events over after 10. `reencode_ms`:
200 events in one go. `step_parallel_maxdiff`: largest difference of a preference coordinate between walking a history
event by event in NumPy and reading it in one pass in PyTorch, over real histories (ML-1M, P1) where they are present.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch

from benchmarks import common, streams
from swerve.learn.corpus import Corpus, from_sequences
from swerve.learn.export import checkpoint_of
from swerve.model.config import ModelConfig
from swerve.model.nets.batch import padded
from swerve.model.nets.network import Network
from swerve.model.recurrent import RecurrentModel, State
from swerve.retrieve.preference import lift
from swerve.types import History

ITEMS, ACTIONS = 3_416, 4
DAY_S = 86_400.0


def network(items: int) -> Network:
    """The default model; weights as they start, and what starts at zero moved away from it."""
    torch.manual_seed(0)
    made = Network(ModelConfig().shape(items=items, actions=ACTIONS, content=0))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return made.eval()


def history(rng: np.random.Generator, n: int, items: int) -> History:
    """Random events, some hours apart."""
    times = 1.6e9 + np.cumsum(rng.exponential(DAY_S / 4, n))
    return History.of(rng.integers(1, items + 1, n).tolist(), rng.integers(1, ACTIONS + 1, n).tolist(), times.tolist())


def walked(model: RecurrentModel, events: History) -> State:
    """The state after stepping through all events."""
    state = model.start()
    for item, action, at in zip(events.items.tolist(), events.actions.tolist(), events.times.tolist(), strict=True):
        state = model.step(state, item, action, at)
    return state


def times_ms(work: Callable[[int], object], count: int) -> np.ndarray:
    """How long each call took, (count,) ms, after a few that do not count."""
    for number in range(20):
        work(number)
    took = np.empty(count)
    for number in range(count):
        began = time.perf_counter()
        work(number)
        took[number] = (time.perf_counter() - began) * 1e3
    return took


def largest_difference(trained: Network, model: RecurrentModel, corpus: Corpus, users: int) -> float:
    """Between stepping and one pass, over every event of `users` histories of at most 200 events."""
    worst, table = 0.0, trained.items.table()
    for events in corpus.histories[:users]:
        recent = events.last(200)
        batch = padded([recent])
        with torch.no_grad():
            wanted = trained(batch, torch.zeros_like(batch.items), table)[:, 0].numpy()
        state = model.start()
        for place in range(len(recent)):
            at = float(recent.times[place])
            state = model.step(state, int(recent.items[place]), int(recent.actions[place]), at)
            worst = max(worst, float(np.abs(model.preference(state, at) - wanted[place]).max()))
    return worst


def measure(args: argparse.Namespace) -> tuple[dict[str, object], dict[str, float]]:
    """Settings and metrics of one run."""
    rng = np.random.default_rng(0)
    long, calls, users = (5_000, 500, 5) if args.quick else (100_000, 5_000, 100)
    trained = network(ITEMS)
    model = RecurrentModel(checkpoint_of(trained, Corpus((), tuple(map(str, range(ITEMS))), ("a",) * ACTIONS), 1))

    def step_from(state: State) -> np.ndarray:
        def one(number: int) -> object:
            at = state.time + 60.0
            return model.preference(model.step(state, 1 + number % ITEMS, 1, at), at + 1.0)

        return times_ms(one, calls)

    short, far = step_from(walked(model, history(rng, 10, ITEMS))), step_from(walked(model, history(rng, long, ITEMS)))
    recent = history(rng, 200, ITEMS)
    again = times_ms(lambda _: model.encode([recent]), calls // 20)
    many = [history(rng, 200, ITEMS) for _ in range(32)]
    together = times_ms(lambda _: model.encode(many), max(calls // 500, 3)) / len(many)
    big = rng.standard_normal((100_001, 64)).astype(np.float32)
    asked = model.preference(model.start(), 0.0)
    scores = times_ms(lambda _: lift(big @ asked), calls // 20)
    folder = common.dataset("ml-1m-p1")
    corpus = from_sequences(streams.ml1m_p1(folder)) if folder else Corpus((history(rng, 150, ITEMS),), (), ())
    metrics = {
        "step_p50_ms": float(np.percentile(far, 50)),
        "step_p99_ms": float(np.percentile(far, 99)),
        "step_flat_ratio": float(np.median(far) / np.median(short)),
        "reencode_ms": float(np.percentile(again, 50)),
        "reencode_p99_ms": float(np.percentile(again, 99)),
        "reencode_together_ms": float(np.median(together)),
        "score_100k_items_ms": float(np.median(scores)),
        "step_parallel_maxdiff": largest_difference(trained, model, corpus, users),
    }
    shape = model.shape
    settings = {"dim": shape.dim, "blocks": shape.blocks, "past_events": long, "reencoded_events": 200, "calls": calls}
    return {**settings, "histories": "ML-1M P1" if folder else "random"}, metrics


def main() -> None:
    """Measure and report."""
    args = common.arguments(__doc__ or "")
    settings, metrics = measure(args)
    common.report("usermodel", settings, metrics, args)


if __name__ == "__main__":
    main()
