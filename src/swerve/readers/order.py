"""Lines of a table in the order of their times, in bounded memory.

A user's history must be told in the order it happened, and most files are sorted by user or by item instead. Runs
of lines are sorted in memory, spilled to one temporary file and merged a block at a time, so memory does not grow
with the file: it holds one run, then one block of each run. Works on raw columns, before events are made: these
are cheaper to sort, to spill and for the garbage collector.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from operator import itemgetter
from typing import Any, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from swerve.readers.columns import Columns
from swerve.readers.source import CHUNK

RUN = 200_000
"""Lines sorted in memory at once, about 50 MB for a few columns."""
_BLOCK = 500
Keys: TypeAlias = NDArray[np.float64]


@dataclass
class _Run:
    """Lines in order. `numbers` are their places in the file: equal times keep file order."""

    keys: Keys
    numbers: NDArray[np.int64]
    lines: Sequence[int]
    data: Sequence[Sequence[object]]

    def part(self, start: int, stop: int) -> _Run:
        columns = [column[start:stop] for column in self.data]
        return _Run(self.keys[start:stop], self.numbers[start:stop], self.lines[start:stop], columns)

    def taken(self, order: NDArray[np.intp]) -> _Run:
        columns = [_taken(column, order) for column in self.data]
        return _Run(self.keys[order], self.numbers[order], _taken(self.lines, order), columns)


class _Block(msgspec.Struct, frozen=True, array_like=True):
    keys: bytes
    numbers: bytes
    lines: list[int]
    data: list[list[Any]]


def by_time(blocks: Iterable[Columns], keys: Callable[[Columns], Keys], run: int = RUN) -> Iterator[Columns]:
    """The same lines, least key first; equal keys keep their order. Broken lines come first, as they are met.

    Needs temporary disk space of about the file's size when there are more than `run` lines; raises OSError when
    there is none. Values come back as msgpack tells them: times of a database may have become ISO text.
    """
    with tempfile.TemporaryFile(prefix="swerve-order-") as spill:
        runs: list[Iterator[_Run]] = []
        waiting: list[_Run] = []
        number = held = 0
        for block in blocks:
            if block.broken:
                yield Columns([[] for _ in block.data], [], block.broken)
            n = len(block.lines)
            waiting.append(_Run(keys(block), np.arange(number, number + n), block.lines, block.data))
            number, held = number + n, held + n
            if held >= run:
                runs.append(_unspill(spill.fileno(), _spill(spill.fileno(), _sorted(waiting))))
                waiting, held = [], 0
        if held:
            runs.append(_blocks_of(_sorted(waiting)))
        waiting = []
        for merged in _merge(runs):
            yield Columns(merged.data, list(merged.lines))


def _sorted(runs: Sequence[_Run]) -> _Run:
    """Several runs as one sorted run."""
    lines = list(chain.from_iterable(run.lines for run in runs))
    data = [list(chain.from_iterable(column)) for column in zip(*(run.data for run in runs), strict=True)]
    whole = _Run(np.concatenate([run.keys for run in runs]), np.concatenate([run.numbers for run in runs]), lines, data)
    return whole.taken(np.lexsort((whole.numbers, whole.keys)))


def _taken(values: Sequence[Any], order: NDArray[np.intp]) -> Sequence[Any]:
    """values[order] for a list; `itemgetter` does it without a step of Python for each value."""
    return list(itemgetter(*order.tolist())(values)) if len(order) > 1 else [values[k] for k in order.tolist()]


def _blocks_of(run: _Run, size: int = CHUNK) -> Iterator[_Run]:
    for start in range(0, len(run.lines), size):
        yield run.part(start, start + size)


def _spill(fd: int, run: _Run) -> list[tuple[int, int]]:
    """Append a sorted run to the file; (position, length) of each of its blocks."""
    encoder = msgspec.msgpack.Encoder()
    at = os.lseek(fd, 0, os.SEEK_END)
    blocks: list[tuple[int, int]] = []
    for part in _blocks_of(run, _BLOCK):
        data = [list(column) for column in part.data]
        written = encoder.encode(_Block(part.keys.tobytes(), part.numbers.tobytes(), list(part.lines), data))
        view = memoryview(written)
        while view:  # a write may be partial
            view = view[os.write(fd, view) :]
        blocks.append((at, len(written)))
        at += len(written)
    return blocks


def _unspill(fd: int, blocks: Sequence[tuple[int, int]]) -> Iterator[_Run]:
    decoder = msgspec.msgpack.Decoder(_Block)
    for at, length in blocks:
        block = decoder.decode(os.pread(fd, length, at))
        yield _Run(np.frombuffer(block.keys), np.frombuffer(block.numbers, np.int64), block.lines, block.data)


def _merge(runs: Sequence[Iterator[_Run]]) -> Iterator[_Run]:
    """One sorted stream of sorted ones. Everything up to the first block that ends is safe to give away."""
    heads = [(run, next(run)) for run in runs]
    while len(heads) > 1:
        last_key, last_number = min((head.keys[-1], head.numbers[-1]) for _, head in heads)
        ready: list[_Run] = []
        kept: list[tuple[Iterator[_Run], _Run]] = []
        for run, head in heads:
            cut = _upto(head, last_key, last_number)
            if cut:
                ready.append(head.part(0, cut))
            rest = head.part(cut, len(head.lines)) if cut < len(head.lines) else next(run, None)
            if rest is not None:
                kept.append((run, rest))
        yield _sorted(ready)
        heads = kept
    for run, head in heads:
        yield head
        yield from run


def _upto(run: _Run, key: float, number: int) -> int:
    """How many lines come before or at (key, number)."""
    left, right = np.searchsorted(run.keys, key, "left"), np.searchsorted(run.keys, key, "right")
    return int(left + np.searchsorted(run.numbers[left:right], number, "right"))


def is_ordered(times: Sequence[float]) -> bool:
    """True when times never go back."""
    return all(a <= b for a, b in pairwise(times))
