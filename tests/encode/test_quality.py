"""What the hashing encoder is worth on real items: neighbours in it are neighbours for people, far above chance."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from swerve.encode.hashing import HashingEncoder
from swerve.types import Floats, Item, Rows

Find = Callable[[str], Path]
NEIGHBOURS = 10


def neighbours(vectors: Floats, asked: int) -> tuple[Rows, Rows, Floats]:
    """Some places, and the nearest others of each with their cosines."""
    places = np.random.default_rng(0).permutation(len(vectors))[:asked].astype(np.int32)
    cosines = vectors[places] @ vectors.T
    cosines[np.arange(asked), places] = -2
    best = np.argpartition(-cosines, NEIGHBOURS, axis=1)[:, :NEIGHBOURS].astype(np.int32)
    return places, best, np.take_along_axis(cosines, best, axis=1)


def overlap(genres: Sequence[frozenset[str]], pairs: Sequence[tuple[int, int]]) -> float:
    """Mean share of genres that two films have in common."""
    return float(np.mean([len(genres[a] & genres[b]) / len(genres[a] | genres[b]) for a, b in pairs]))


def check_films(films: Sequence[tuple[str, str]]) -> None:
    genres = [frozenset(named.split("|")) for _, named in films]
    named = [Item(id=str(n), title=title, categories=tuple(all_.split("|"))) for n, (title, all_) in enumerate(films)]
    places, best, _ = neighbours(HashingEncoder().encode(named), 500)
    near = overlap(genres, [(place, other) for place, others in zip(places, best, strict=True) for other in others])
    by_chance = np.random.default_rng(1).integers(len(films), size=(5000, 2))
    assert near > 0.8
    assert near > 4 * overlap(genres, by_chance.tolist())


def test_neighbours_of_a_film_share_its_genres(dataset: Find) -> None:
    with (dataset("ml-latest-small") / "movies.csv").open(newline="", encoding="utf-8") as file:
        check_films([(row["title"], row["genres"]) for row in csv.DictReader(file) if row["genres"][0] != "("])


def test_neighbours_of_an_older_film_share_its_genres(dataset: Find) -> None:
    lines = (dataset("ml-1m") / "movies.dat").read_text("latin-1").splitlines()
    check_films([(line.split("::")[1], line.split("::")[2]) for line in lines])


def test_neighbours_of_a_headline_tell_its_section(dataset: Find) -> None:
    with gzip.open(dataset("mind") / "news_small_train_titles.tsv.gz", "rt", encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file]
    sections = np.array([row[1] for row in rows])
    vectors = HashingEncoder().encode([Item(id=row[0], title=row[2]) for row in rows])
    places, best, cosines = neighbours(vectors, 1000)
    right = 0
    for place, others, near in zip(places, best, cosines, strict=True):
        votes: Counter[str] = Counter()
        for other, cosine in zip(others, near, strict=True):
            votes[sections[other]] += cosine
        right += votes.most_common(1)[0][0] == sections[place]
    most = max(Counter(sections).values()) / len(sections)
    assert most < 0.32
    assert right / len(places) > most + 0.15
