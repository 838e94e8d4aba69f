"""Many items fit: memory and speed of the catalog, measured in a process of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import os, sys
from swerve.catalog.catalog import Catalog
from swerve.catalog.config import CatalogConfig
from swerve.types import Item, Record

def rss_bytes():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

def said(n):
    names = (f"cat{n % 50}", f"brand{n % 900}", f"kind{n % 7}")
    fields = {"price": n / 7, "brand": f"brand{n % 900}", "stock": n}
    item = Item(id=f"item-{n}", title=f"Red kitchen mug number {n}, large", categories=names, fields=fields)
    return Record(event=item, received=n, time=1e9 + n, offset=n)

count = int(sys.argv[1])
catalog, before = Catalog(CatalogConfig()), rss_bytes()
for start in range(0, count, 10_000):
    records = [said(n) for n in range(start, start + 10_000)]
    for record in records:
        catalog.apply(record)
print(rss_bytes() - before)
"""


def measured(count: int) -> int:
    """Bytes of a catalog with so many items."""
    answer = subprocess.run([sys.executable, "-c", PROGRAM, str(count)], capture_output=True, text=True, check=True)
    return int(answer.stdout)


needs_proc = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")


@needs_proc
def test_a_hundred_thousand_items_need_less_than_60_MB() -> None:
    size_bytes = measured(100_000)
    assert size_bytes < 60e6


@needs_proc
@pytest.mark.slow
def test_a_million_items_need_less_than_500_MB() -> None:
    size_bytes = measured(1_000_000)
    assert size_bytes < 500e6
