"""`swerve train --model` on real projects: a version on disk, beside a server, killed, by two processes."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result

from swerve.catalog.catalog import Catalog
from swerve.catalog.config import CatalogConfig
from swerve.cli import main
from swerve.config import Config, load
from swerve.encode.hashing import HashingEncoder
from swerve.engine.learning import material, vectors_of
from swerve.errors import InvalidInput
from swerve.learn.run import Place, Task, Watch, train
from swerve.log import beside
from swerve.log.lock import DirectoryLock
from swerve.model import checkpoint
from swerve.model.checkpoint import Checkpoint
from swerve.testing.events import interactions
from swerve.types import Item, Record
from tests.cli.shops import opened

QUICK = ("--model", "--size", "tiny", "--epochs", 2)
SMALL = {"SWERVE_LEARN__LENGTH": "16", "SWERVE_LEARN__ROWS": "4", "SWERVE_LEARN__EVERY": "2"}
"""Settings that make many small steps of few events."""


def run(*words: object) -> Result:
    """A verb in this process."""
    return CliRunner().invoke(main, list(map(str, words)))


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "swerve.cli", *map(str, words)]


def environ(**more: str) -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "80", **more}


def fill(directory: Path, *, titles: bool = True, events: int = 1_500) -> Path:
    with opened(directory) as engine:
        if titles:
            engine.observe([Item(id=f"i{k}", title=f"thing of kind{k % 7}") for k in range(60)])
        engine.observe(list(interactions(1, 40, 60, events, ("view", "cart", "buy"))))
    return directory


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed project, to be copied."""
    return fill(tmp_path_factory.mktemp("made") / "shop")


@pytest.fixture
def shop(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "shop")
    return tmp_path / "shop"


def newest(directory: Path) -> Checkpoint:
    found = checkpoint.newest(directory)
    assert found is not None
    return found


def test_a_model_is_trained_saved_reported_and_the_blend_fitted_again(shop: Path) -> None:
    result = run("train", shop, *QUICK, "--kind", "gru4rec", "--seed", 3, "--report", shop / "page.html")

    assert result.exit_code == 0, result.output
    assert re.search(r"1,\d{3} likes of 60 items by 40 users and sessions; gru4rec, tiny, content by", result.output)
    assert re.search(r"✓ 2 epochs, [\d,]+ tokens/s", result.output)
    assert re.search(r"user model, version 1: NDCG@10 0\.\d{4}, HR@10 0\.\d{4} on the validation items", result.output)
    assert re.search(r"learned from [\d,]+ choices", result.output), "the blend is fitted after the model"
    found = newest(shop)
    assert (found.version, found.words.shape.kind, found.words.shape.dim) == (1, "gru4rec", 32)
    assert found.words.encoder == "hashing-v1-64"
    assert found.words.offset == 1_560 - 156 == beside.end(shop) - 156, "the newest tenth is for the blend"
    assert re.search(r"version 1 is live|the weights in use stay", result.output)
    assert found.words.actions == ("buy", "cart", "view")
    assert "Version 1: gru4rec, dim 32" in (shop / "page.html").read_text()
    assert not (shop / "training").exists()


def test_each_training_is_the_next_version_and_the_seed_decides(shop: Path) -> None:
    for seed in (1, 1, 2):
        assert run("train", shop, *QUICK, "--no-content", "--seed", seed).exit_code == 0
    folder = shop / checkpoint.FOLDER / "snapshots"
    assert sorted(path.name for path in folder.iterdir()) == ["1", "2", "3"]
    tables = [(folder / name / "arrays.safetensors").read_bytes() for name in ("1", "2", "3")]
    assert tables[0] == tables[1] != tables[2]


def test_the_settings_of_the_project_count_and_options_come_before_them(shop: Path) -> None:
    with (shop / "swerve.toml").open("a") as file:
        file.write(
            '\n[model]\nsize = "tiny"\nkind = "sasrec"\n[learn]\nepochs = 2\npopularity = 0.75\nnegatives = 20\n'
        )

    assert run("train", shop, "--model").exit_code == 0
    assert newest(shop).words.shape.kind == "sasrec"
    assert run("train", shop, "--model", "--kind", "hstu").exit_code == 0
    assert newest(shop).words.shape.kind == "hstu"
    assert newest(shop).words.facts["epochs"] == 2


def test_it_reads_beside_an_engine_that_has_the_project_open(shop: Path) -> None:
    with opened(shop) as engine:
        before = beside.end(shop)
        engine.observe(list(interactions(2, 40, 60, 50, ("view",))))
        result = run("train", shop, *QUICK)
        offset = engine.status()["offset"]

    assert result.exit_code == 0, result.output
    assert newest(shop).words.offset == offset - offset // 10 > before - before // 10
    assert "note: the blend was not fitted again:" in result.output
    assert "is open in the process" in result.output


def test_a_backup_can_be_trained_on(shop: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    assert run("backup", shop, "--to", copy).exit_code == 0
    assert run("train", copy, *QUICK).exit_code == 0
    assert newest(copy).words.offset == beside.end(shop) - beside.end(shop) // 10
    assert checkpoint.newest(shop) is None


def test_one_training_at_a_time(shop: Path) -> None:
    (shop / "training").mkdir()
    lock = DirectoryLock(shop / "training" / "lock")
    result = run("train", shop, *QUICK)
    lock.release()

    assert result.exit_code == 1
    assert "training is open in the process" in result.output
    assert checkpoint.newest(shop) is None


def test_options_of_the_model_need_the_model(shop: Path) -> None:
    for words in (("--size", "tiny"), ("--no-content",), ("--report", shop / "page.html")):
        result = run("train", shop, *words)
        assert result.exit_code == 2
        assert "is for the user model: add --model" in result.output


def test_content_that_is_not_there_is_left_out_or_refused(tmp_path: Path) -> None:
    shop = fill(tmp_path / "shop", titles=False)

    assert run("train", shop, *QUICK).exit_code == 0
    assert (newest(shop).words.encoder, newest(shop).words.shape.content) == ("", 0)
    result = run("train", shop, *QUICK, "--content")
    assert result.exit_code == 2
    assert "no item that was liked has a title" in result.output


def test_too_little_to_learn_from_is_said(tmp_path: Path) -> None:
    shop = fill(tmp_path / "shop", events=20)
    result = run("train", shop, *QUICK)

    assert result.exit_code == 2
    assert "expected at least 20 users or sessions" in result.output
    assert not (shop / "training").exists()


def test_without_torch_the_line_to_type_is_named(shop: Path) -> None:
    code = "import sys; sys.modules['torch'] = None; from swerve.cli import main; main()"
    answer = subprocess.run(
        [sys.executable, "-c", code, "train", str(shop), "--model"], capture_output=True, text=True, check=False
    )

    assert answer.returncode == 1
    assert answer.stderr == 'Error: torch is not installed: pip install "swerve[torch]"\n'


def test_a_training_that_its_minutes_ended_says_what_would_fit(shop: Path) -> None:
    result = run("train", shop, "--model", "--size", "tiny", "--epochs", 500, "--minutes", 0.001)

    assert result.exit_code == 0
    note = r"note: the minutes ended it before the learning rate had fallen; with --epochs (\d+) it would"
    found = re.search(note, result.output)  # how many depends on the machine
    assert found
    assert 1 <= int(found[1]) < 500
    assert 1 <= newest(shop).words.facts["epochs"] < 500


# --- what a training reads ----------------------------------------------------------------------------------


def test_content_is_what_items_said_up_to_the_offset(tmp_path: Path) -> None:
    with opened(tmp_path / "shop") as engine:
        engine.observe([Item(id="a", title="red mug"), Item(id="b", title="blue mug")])
        engine.observe(list(interactions(1, 40, 10, 400, ("view",))))
        engine.observe([Item(id="i0", title="red mug"), Item(id="i1", title="gone"), Item(id="i1", deleted=True)])
    end = beside.end(tmp_path / "shop")
    given = material(tmp_path / "shop", Config(), end)
    encoder = HashingEncoder(64)

    assert given.encoder == encoder.name
    assert given.content is not None
    assert given.content.shape == (len(given.corpus.items) + 1, 64)
    rows = {item: given.content[place + 1] for place, item in enumerate(given.corpus.items)}
    assert np.array_equal(rows["i0"], encoder.encode([Item(id="x", title="red mug")])[0])
    assert not rows["i1"].any(), "what is deleted says nothing"
    assert not given.content[0].any()
    assert material(tmp_path / "shop", Config(), end, content=False).content is None
    assert given.corpus.repeats is Config().retrieve.repeat is True
    once = msgspec.structs.replace(Config(), retrieve=msgspec.structs.replace(Config().retrieve, repeat=False))
    assert not material(tmp_path / "shop", once, end).corpus.repeats
    earlier = material(tmp_path / "shop", Config(), 402)
    assert earlier.content is None, "nothing was said yet of what was liked"
    assert earlier.corpus.offset == 402
    with pytest.raises(InvalidInput, match="no item that was liked"):
        material(tmp_path / "shop", Config(), 402, content=True)


def test_many_items_are_encoded_in_their_order() -> None:
    catalog = Catalog(CatalogConfig())
    names = [f"i{k}" for k in range(2_500)]
    for offset, name in enumerate(names):
        catalog.apply(Record(event=Item(id=name, title=f"word{offset}"), received=0.0, time=0.0, offset=offset))
    vectors = vectors_of([*names, "unheard of"], catalog, HashingEncoder(16))

    assert vectors.shape == (2_502, 16)
    some = HashingEncoder(16).encode([Item(id="x", title="word2400")])[0]
    assert np.array_equal(vectors[2_401], some)
    assert not vectors[-1].any()


# --- interrupted, and by several processes ------------------------------------------------------------------


def interrupted(shop: Path, how: signal.Signals, *words: object) -> tuple[int, str]:
    """Start a training and end it after its second epoch."""
    with subprocess.Popen(
        command("train", shop, *words), stdout=-1, stderr=-1, text=True, env=environ(**SMALL)
    ) as process:
        while not [path for path in shop.glob("training/snapshots/*") if path.name.isdigit() and int(path.name) >= 2]:
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        process.send_signal(how)
        _, said = process.communicate(timeout=60)
    return process.returncode, said


def test_a_training_stopped_by_hand_says_so_and_another_one_starts_anew(shop: Path) -> None:
    status, said = interrupted(shop, signal.SIGINT, "--model", "--size", "tiny", "--epochs", 500)
    assert status == 130
    assert "the same command goes on after the last whole epoch" in said
    assert "Traceback" not in said
    result = run("train", shop, *QUICK)
    assert result.exit_code == 0
    assert "note: an interrupted training was of other data or settings; this one starts anew" in result.output
    assert newest(shop).words.facts["epochs"] == 2


def test_killed_after_the_version_was_saved_it_is_not_made_twice(shop: Path) -> None:
    config = load(shop, None, {"model.size": "tiny", "learn.epochs": 2}, {}).config
    end = beside.end(shop)
    given = material(shop, config, end - end // 10)
    task = Task(
        corpus=given.corpus, model=config.model, learn=config.learn, content=given.content, encoder=given.encoder
    )
    nobody = Watch(lambda trainer, epochs: None, lambda row: None, lambda *at: None, time.perf_counter)
    (shop / "training").mkdir()
    checkpoint.save(shop, train(task, Place(shop / "training", 1), torch.device("cpu"), nobody))
    before = newest(shop)

    result = run("train", shop, *QUICK)

    assert result.exit_code == 0, result.output
    assert "an interrupted training goes on after epoch 2" in result.output
    assert newest(shop).version == before.version == 1
    assert newest(shop).words == before.words
    assert not (shop / "training").exists()


@pytest.mark.slow
def test_killed_for_real_it_ends_in_the_same_weights_though_the_log_grew(shop: Path, tmp_path: Path) -> None:
    words = ("--model", "--size", "tiny", "--epochs", 8)
    shutil.copytree(shop, tmp_path / "whole")
    subprocess.run(command("train", tmp_path / "whole", *words), check=True, capture_output=True, env=environ(**SMALL))

    status, _ = interrupted(shop, signal.SIGKILL, *words)
    assert status == -signal.SIGKILL
    assert checkpoint.newest(shop) is None
    with opened(shop) as engine:
        engine.observe(list(interactions(3, 40, 60, 100, ("view",))))
    answer = subprocess.run(
        command("train", shop, *words), check=False, capture_output=True, text=True, env=environ(**SMALL)
    )

    assert answer.returncode == 0, answer.stderr
    assert "an interrupted training goes on after epoch" in answer.stderr
    one, other = newest(tmp_path / "whole"), newest(shop)
    assert one.words.offset == other.words.offset < beside.end(shop)
    assert one.arrays.keys() == other.arrays.keys()
    for name, array in one.arrays.items():
        assert np.array_equal(array, other.arrays[name]), name


@pytest.mark.slow
def test_torchrun_trains_a_project_with_two_processes_to_the_same_weights(shop: Path, tmp_path: Path) -> None:
    words = ("--model", "--size", "tiny", "--epochs", 2)
    settings = {**SMALL, "SWERVE_LEARN__DROPOUT": "0", "SWERVE_LEARN__HIDE": "0", "SWERVE_LEARN__LEARNING_RATE": "2e-4"}
    shutil.copytree(shop, tmp_path / "alone")
    subprocess.run(
        command("train", tmp_path / "alone", *words), check=True, capture_output=True, env=environ(**settings)
    )

    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "swerve.cli"]
    done = subprocess.run(
        [*torchrun, "train", str(shop), *map(str, words)],
        check=False,
        capture_output=True,
        text=True,
        timeout=280,
        env=environ(**settings),
    )

    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("user model, version 1") == 1, "only the first process tells and writes"
    one, other = newest(tmp_path / "alone"), newest(shop)
    for name, array in one.arrays.items():
        assert np.abs(array - other.arrays[name]).max() <= 1e-5, name
    assert [path.name for path in (shop / checkpoint.FOLDER / "snapshots").iterdir()] == ["1"]
