"""The hashing encoder: the same bits everywhere, every script, and close where items share something."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swerve.encode.config import EncodeConfig
from swerve.encode.hashing import HashingEncoder
from swerve.errors import ConfigError
from swerve.testing.encoder import ITEMS, check_encoder
from swerve.types import Floats, Item

# What version 1 gives for the items of the check. When this changes, VERSION has to: stored vectors would not match.
DIGESTS = {64: "2db1505c3a78fd56", 200: "21e7d88432ff2519", 1000: "450cd82e148b727f"}

texts = st.text(max_size=60)
items = st.builds(
    Item,
    id=st.just("x"),
    title=texts,
    text=texts,
    categories=st.lists(texts, max_size=3).map(tuple),
    fields=st.dictionaries(
        texts, st.one_of(texts, st.booleans(), st.floats(), st.lists(texts, max_size=3)), max_size=3
    ),
)


def encode(*items: Item, dim: int = 64) -> Floats:
    return HashingEncoder(dim).encode(items)


def cosine(one: Item, other: Item, dim: int = 2048) -> float:
    left, right = encode(one, other, dim=dim)
    return float(left @ right)


def titled(title: str) -> Item:
    return Item(id="x", title=title)


@pytest.mark.parametrize("dim", [1, 7, 64, 256, 1000])
def test_it_keeps_what_encoders_owe(dim: int) -> None:
    assert check_encoder(lambda: HashingEncoder(dim)) == 9


@pytest.mark.parametrize("remembered", [1, 10, 100])
def test_a_small_memory_changes_nothing_but_speed(remembered: int) -> None:
    small, large = HashingEncoder(remembered=remembered), HashingEncoder()
    for _ in range(3):
        assert np.array_equal(small.encode(ITEMS), large.encode(ITEMS))


def test_a_memory_that_is_full_again_and_again_changes_nothing() -> None:
    small, large = HashingEncoder(remembered=12), HashingEncoder()
    for turn in range(3):
        for n in range(40):
            item = titled(f"mug {n} lamp {n * turn} chair")
            assert np.array_equal(small.encode([item]), large.encode([item]))


@pytest.mark.parametrize("dim", sorted(DIGESTS))
def test_version_1_gives_these_bits(dim: int) -> None:
    assert hashlib.sha256(encode(*ITEMS, dim=dim).astype("<f4").tobytes()).hexdigest()[:16] == DIGESTS[dim]


def test_another_process_gives_the_same_bits() -> None:
    program = (
        "import hashlib; from swerve.encode.hashing import HashingEncoder; from swerve.testing.encoder import ITEMS;"
        "print(hashlib.sha256(HashingEncoder().encode(ITEMS).astype('<f4').tobytes()).hexdigest()[:16])"
    )
    for seed in ("1", "2"):
        answer = subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        )
        assert answer.stdout.strip() == DIGESTS[64]


@given(st.lists(items, max_size=6))
def test_any_item_gives_a_unit_vector_or_nothing(many: list[Item]) -> None:
    vectors = encode(*many)
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    assert np.isfinite(vectors).all()
    assert ((lengths == 0) | (np.abs(lengths - 1) < 1e-6)).all()
    assert vectors.shape == (len(many), 64)
    assert all(np.array_equal(encode(item)[0], vector) for item, vector in zip(many, vectors, strict=True))


def test_what_says_nothing_is_zero() -> None:
    nothing = (Item(id="a"), titled(" … !? "), Item(id="b", fields={"price": 3.0, "new": True, "url": "h" * 65}))
    assert not encode(*nothing).any()


def test_shared_words_bring_items_together() -> None:
    mug, other, lamp = titled("red kitchen mug"), titled("blue kitchen mug"), titled("reading lamp for the desk")
    assert cosine(mug, other) > cosine(mug, lamp) + 0.3


def test_order_case_and_unicode_form_do_not_matter() -> None:
    assert cosine(titled("Kitchen MUG"), titled("mug kitchen")) == pytest.approx(1, abs=1e-6)
    assert cosine(titled("caf\u00e9"), titled("CAFE\u0301")) == pytest.approx(1, abs=1e-6)
    assert cosine(titled("Straße"), titled("STRASSE")) == pytest.approx(1, abs=1e-6)
    assert cosine(titled("\uff2d\uff35\uff27"), titled("mug")) == pytest.approx(1, abs=1e-6)


def test_typos_and_endings_stay_near() -> None:
    for one, other in (
        ("headphones", "headphone"),
        ("refrigerator", "refridgerator"),
        ("Verwandlungen", "Verwandlung"),
    ):
        assert cosine(titled(one), titled(other)) > 0.22
        assert cosine(titled(one), titled("bicycle")) < 0.1


def test_scripts_without_spaces_share_characters() -> None:
    assert cosine(titled("东京大学入学"), titled("东京大学")) > 0.6
    assert cosine(titled("東京タワー"), titled("大阪城公園")) < 0.2


def test_vowel_signs_do_not_break_words() -> None:
    assert cosine(titled("हिन्दी"), titled("हिन्दू")) < cosine(titled("हिन्दी"), titled("हिन्दी समाचार"))


def test_categories_count_beside_the_title() -> None:
    plain = Item(id="a", title="Toy Story", categories=("Animation", "Comedy"))
    same = Item(id="b", title="Ratatouille", categories=("comedy", "animation"))
    other = Item(id="c", title="Alien", categories=("Horror",))
    assert cosine(plain, same) > 0.4
    assert abs(cosine(plain, other)) < 0.3
    # a category is no word of a title
    assert abs(cosine(Item(id="d", categories=("Comedy",)), titled("comedy"))) < 0.3


def test_field_names_and_values_belong_together() -> None:
    hay = Item(id="a", fields={"brand": "Hay"})
    assert cosine(hay, Item(id="b", fields={"brand": "HAY", "price": 5.0})) == pytest.approx(1, abs=1e-6)
    assert cosine(hay, Item(id="b", fields={"brand": ["Hay"]})) == pytest.approx(1, abs=1e-6)
    assert abs(cosine(hay, Item(id="b", fields={"animal": "Hay"}))) < 0.3


def test_a_word_said_often_counts_more_but_not_as_much_more() -> None:
    once, often = titled("mug lamp"), titled("mug mug mug mug mug mug mug mug lamp")
    mug = titled("mug")
    assert cosine(once, mug) < cosine(often, mug) < 0.999


def test_only_so_much_of_a_text_is_read() -> None:
    long, cut = Item(id="a", text="word " * 10 + "tail"), Item(id="a", text="word " * 10)
    encoder = HashingEncoder(text_chars=50)
    assert np.array_equal(*encoder.encode([long, cut]))
    assert not np.array_equal(*HashingEncoder().encode([long, cut]))
    # it gives other vectors, so it has another name
    assert encoder.name != HashingEncoder().name


def test_a_huge_text_needs_little_memory() -> None:
    encoder = HashingEncoder(text_chars=200_000, remembered=100)
    vector = encoder.encode([Item(id="a", text=" ".join(f"word{n}" for n in range(25_000)))])
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)


def test_more_dimensions_tell_more_apart() -> None:
    many = [titled(f"item{n} thing{n * 7} part{n * 13}") for n in range(200)]
    spread = {dim: np.abs(np.triu(encode(*many, dim=dim) @ encode(*many, dim=dim).T, 1)).max() for dim in (16, 64, 512)}
    assert spread[16] > spread[64] > spread[512]


@pytest.mark.parametrize("wrong", [{"dim": 0}, {"dim": 5000}, {"text_chars": 0}, {"remembered": 0}, {"encoder": ""}])
def test_settings_out_of_range_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError) as error:
        EncodeConfig(**wrong)  # type: ignore[arg-type]
    assert error.value.field == f"encode.{next(iter(wrong))}"
