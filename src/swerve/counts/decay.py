"""Exponential decay in whole numbers, so that the same log gives the same bytes however it is cut into batches.

Forward decay (Cormode et al., ICDE 2009): instead of shrinking what was counted before, what is counted now is
written larger, by 2^(t / half-life). Time is cut into epochs of one half-life: inside an epoch the factor lies
in [1, 2), and when the clock enters a later epoch all stored counts are halved once per epoch (a right shift).
Counts are integers, so sums do not depend on their order. The clock is the largest event time seen, so late
events are written smaller and never turn it back.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

UNIT = 1024
"""Fixed-point units of one fresh count of weight 1."""


class Decay:
    """The clock of one family of counters; `half_life_s` <= 0 means that nothing ever decays."""

    def __init__(self, half_life_s: float) -> None:
        self.half_life_s = half_life_s
        self.clock = -np.inf
        """Largest event time seen, Unix seconds."""

    def factor(self, now: float) -> float:
        """How much larger than UNIT one count of weight 1 is written at `now`, >= 1; what readers divide by."""
        if self.half_life_s <= 0 or self.clock == -np.inf:
            return 1.0
        epoch = np.floor(self.clock / self.half_life_s)
        return float(2.0 ** min(max(now, self.clock) / self.half_life_s - epoch, 64.0))

    def spans(self, times: NDArray[np.float64]) -> Iterator[tuple[int, int, int, NDArray[np.float64]]]:
        """Cut a batch where the clock enters a new epoch; advances the clock.

        times: (n,) Unix seconds in log order. Yields (start, stop, halvings due before, factors (stop - start,)).
        """
        if self.half_life_s <= 0:
            yield 0, len(times), 0, np.ones(len(times))
            return
        before = np.floor(self.clock / self.half_life_s)
        latest = max(float(times.max(initial=-np.inf)), self.clock)
        if np.floor(latest / self.half_life_s) == before:  # nearly every batch of a live stream
            self.clock = latest
            yield 0, len(times), 0, np.exp2(times / self.half_life_s - before)
            return
        clock = np.maximum.accumulate(np.maximum(times, self.clock))
        epochs = np.floor(clock / self.half_life_s)
        cuts = np.flatnonzero(np.diff(epochs, prepend=epochs[0])).tolist()
        for start, stop in zip([0, *cuts], [*cuts, len(times)], strict=True):
            epoch = epochs[start]
            halvings = int(min(epoch - before, 63)) if np.isfinite(before) else 0
            yield start, stop, halvings, np.exp2(times[start:stop] / self.half_life_s - epoch)
            before = epoch
        self.clock = float(clock[-1])
