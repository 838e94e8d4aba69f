"""The rivals' end of the line: `python -m benchmarks.rivals.worker NAME QUESTION.npz ANSWER.npz`.

Runs in the rivals' environment, where swerve is not installed. Time is that of fitting and answering, without
importing and reading, by the clock and as work of all cores; memory is the highest of the whole process.
"""

from __future__ import annotations

import importlib
import os
import sys
import time

import numpy as np

from benchmarks.common import rss_mb

MODULES = {
    "popularity": "counting",
    "itemknn": "counting",
    "itemknn_last10": "counting",
    "ease": "counting",
    "ease_last20": "counting",
    "ials": "of_implicit",
    "bpr": "of_implicit",
    "lightfm_warp": "of_lightfm",
    "lightfm_bpr": "of_lightfm",
    "rectools_sasrec": "of_rectools",
    "rectools_bert4rec": "of_rectools",
    "rectools_hstu": "of_rectools",
    "rectools_sasrec_speed": "of_rectools",
    "recbole_sasrec": "of_recbole",
    "tensorrec": "of_tensorrec",
    "surprise_svd": "of_surprise",
    "surprise_svdpp": "of_surprise",
    "surprise_knn_baseline": "of_surprise",
}
"""Every rival and the module that holds it: a function of the same name, arrays -> (arrays, note)."""


def main(name: str, question: str, answer: str) -> None:
    """Answer one question."""
    rival = getattr(importlib.import_module(f"benchmarks.rivals.{MODULES[name]}"), name)
    with np.load(question) as arrays:
        given = dict(arrays)
    start, busy = time.perf_counter(), time.process_time()
    found, note = rival(given)
    seconds, cpu_s = time.perf_counter() - start, time.process_time() - busy
    rss_mib = rss_mb(os.getpid(), peak=True)  # not getrusage: that starts at what the parent had
    np.savez(answer, seconds=seconds, cpu_s=cpu_s, rss_mib=rss_mib, note=note, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
