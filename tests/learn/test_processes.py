"""Several processes take the very steps that one would take, and agree on what only one of them can know."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from swerve.errors import ConfigError
from swerve.learn.config import LearnConfig
from swerve.learn.processes import Processes
from tests.learn.test_trainer import CPU, run, trainer

CONFIG = LearnConfig(epochs=2, every=2, length=32, rows=3, dropout=0.0, learning_rate=2e-4)
"""Three rows over two processes: shares of different size."""
WORKER = """
import json, sys, numpy as np
from torch import distributed
distributed.init_process_group("gloo")
from tests.learn.test_processes import CONFIG
from tests.learn.test_trainer import trainer
made = trainer(CONFIG)
own = made.processes
slow = iter(range(0, 10**6, 1 + 5 * own.rank))
made.run(lambda _: None, lambda *_: None, lambda: float(next(slow)) * 1e-3)
np.savez(f"{sys.argv[1]}/{own.rank}.npz", **{n: p.detach().numpy() for n, p in made.network.named_parameters()})
said = {"losses": [row.loss for row in made.progress.curves], "spent": made.progress.spent_s,
        "agreed": own.agreed(10.0 + own.rank), "share": [own.share(3).start, own.share(3).stop]}
open(f"{sys.argv[1]}/{own.rank}.json", "w").write(json.dumps(said))
distributed.destroy_process_group()
"""


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes wrote, started by torchrun."""
    folder = tmp_path_factory.mktemp("together")
    script = folder / "worker.py"
    script.write_text(WORKER)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*torchrun, str(script), str(folder)], capture_output=True, text=True, timeout=250, check=False, env=environ
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return folder


def test_two_processes_end_in_the_weights_of_one(together: Path) -> None:
    first, second = (np.load(together / f"{rank}.npz") for rank in range(2))
    alone = run(trainer(CONFIG))
    for name, parameter in alone.network.named_parameters():
        assert np.array_equal(first[name], second[name]), "the copies stay equal to the bit"
        assert np.abs(first[name] - parameter.detach().numpy()).max() <= 1e-5, name


def test_they_share_rows_losses_and_one_clock(together: Path) -> None:
    first, second = (json.loads((together / f"{rank}.json").read_text()) for rank in range(2))
    assert [first["share"], second["share"]] == [[0, 1], [1, 3]]
    alone = [row.loss for row in run(trainer(CONFIG)).progress.curves]
    assert first["losses"] == second["losses"] == pytest.approx(alone, rel=1e-4)
    assert first["spent"] == second["spent"], "the first one's clock counts, else one would stop and the other wait"
    assert first["agreed"] == second["agreed"] == 10.0


def test_one_process_has_everything() -> None:
    alone = Processes(CPU)
    assert alone.first
    assert alone.share(7) == slice(0, 7)
    assert alone.agreed(0.25) == 0.25
    loss = torch.tensor(3.0)
    assert alone.summed([], loss) is loss


def test_more_processes_than_rows_are_refused() -> None:
    many = Processes(CPU)
    many.count, many.rank = 4, 1
    assert many.share(10) == slice(2, 5)
    with pytest.raises(ConfigError, match="at least the number of processes, 4") as caught:
        many.share(3)
    assert caught.value.field == "learn.rows"
