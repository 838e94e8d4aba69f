"""The GPU benchmark: measures what it says where there is one, and says so where there is none."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from benchmarks import gpu


def test_without_a_gpu_it_says_so_and_ends_well() -> None:
    environ = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-m", "benchmarks.gpu", "--quick", "--json"]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, env=environ)

    assert "no GPU is present" in answer.stdout
    said = json.loads(answer.stdout.splitlines()[-1])
    assert said["benchmark"] == "gpu"
    assert said["metrics"] == {"gpu_present": 0}


def test_the_made_up_histories_have_the_size_of_ml_1m() -> None:
    corpus = gpu.made_up(60, 340, 9_900)

    assert (len(corpus.histories), len(corpus.items), corpus.events) == (60, 340, 9_900)
    assert min(map(len, corpus.histories)) >= 5
    seen = corpus.seen()
    assert seen[0] == 0
    assert seen[1] > 5 * np.median(seen[1:])


def test_the_measurement_itself_runs_on_any_device() -> None:
    metrics = gpu.measure(torch.device("cpu"), gpu.made_up(60, 50, 1_200), rows=2)

    assert set(metrics) == {"gpu_present", "float32_tokens_per_s", "bf16_tokens_per_s", "bf16_speedup"}
    assert metrics["float32_tokens_per_s"] > 0
    assert metrics["bf16_speedup"] == pytest.approx(metrics["bf16_tokens_per_s"] / metrics["float32_tokens_per_s"])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_on_a_gpu_both_precisions_are_measured() -> None:
    metrics = gpu.measure(torch.device("cuda"), gpu.made_up(600, 3_416, 60_000))

    assert metrics["bf16_tokens_per_s"] > 0
