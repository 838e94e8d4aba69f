"""What may be shown: every rule alone, together, and the reason of each item left out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swerve.catalog.catalog import Catalog
from swerve.errors import InvalidInput
from swerve.respond.config import RespondConfig
from swerve.respond.filters import Conditions, Filters, Kept
from swerve.types import Item, UserState
from tests.respond.catalogs import DAY_S, NOW, catalog_of, rows_of, state_of, touch

ITEMS = (
    Item(id="mug", categories=("kitchen",), fields={"price": 9.5}, time=NOW - 10 * DAY_S),
    Item(id="cup", categories=("kitchen", "gifts"), fields={"price": 12}, time=NOW - DAY_S),
    Item(id="bow", categories=("gifts",), fields={"price": 50}, time=NOW - DAY_S),
    Item(id="gone", categories=("gifts",), available=False, time=NOW),
    Item(id="bare", time=NOW),
)
CATALOG = catalog_of(*ITEMS)
CONSUMING = frozenset({"buy"})


def keep(state: UserState | None = None, *, hide: str = "none", catalog: Catalog = CATALOG, **asked: object) -> Kept:
    config = RespondConfig(hide_seen=hide)  # type: ignore[arg-type]
    filters = Filters(catalog, config, CONSUMING)
    return filters.keep(rows_of(catalog), state or UserState(), Conditions(**asked), NOW)  # type: ignore[arg-type]


def left(kept: Kept) -> list[str]:
    return [CATALOG.ids[row] for row in np.flatnonzero(kept.mask)]


def test_without_rules_everything_available_is_left() -> None:
    assert left(keep()) == ["mug", "cup", "bow", "bare"]


def test_excluded_items_are_out_and_unknown_ones_are_nobodys_business() -> None:
    assert left(keep(exclude=("cup", "never heard of"))) == ["mug", "bow", "bare"]


@pytest.mark.parametrize(
    ("hide", "expected"),
    [
        ("none", ["mug", "cup", "bow", "bare"]),
        ("consumed", ["mug", "bow", "bare"]),
        ("all", ["bare"]),
    ],
)
def test_seen_items_are_hidden_by_preset(hide: str, expected: list[str]) -> None:
    state = state_of(touch("mug"), touch("cup", action="buy"), older=("bow", "forgotten item"))

    assert left(keep(state, hide=hide)) == expected


def test_rejected_items_are_out_unless_the_settings_say_otherwise() -> None:
    state = state_of(touch("bow", -1.0))
    shown = Filters(CATALOG, RespondConfig(hide_rejected=False), CONSUMING)

    assert left(keep(state)) == ["mug", "cup", "bare"]
    assert shown.keep(rows_of(CATALOG), state, Conditions(), NOW).mask[2]


@pytest.mark.parametrize(
    ("categories", "expected"),
    [
        (("kitchen",), ["mug", "cup"]),
        (("gifts",), ["cup", "bow"]),
        (("kitchen", "gifts"), ["mug", "cup", "bow"]),
        (("kitchen", "unknown"), ["mug", "cup"]),
        (("unknown",), []),
    ],
)
def test_categories_keep_what_has_one_of_them(categories: tuple[str, ...], expected: list[str]) -> None:
    assert left(keep(categories=categories)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("price < 20", ["mug", "cup"]),
        ("price > 10 and category == 'gifts'", ["cup", "bow"]),
        ("age_d < 2", ["cup", "bow", "bare"]),
        ("age_h >= 240", ["mug"]),
        ("id != 'mug'", ["cup", "bow", "bare"]),
        ("available", ["mug", "cup", "bow", "bare"]),
        ("not available", []),
    ],
)
def test_a_filter_expression_reads_items_and_columns(text: str, expected: list[str]) -> None:
    assert left(keep(filter=text)) == expected


def test_all_rules_together() -> None:
    state = state_of(touch("mug", action="buy"), touch("bow", -1.0))
    kept = keep(state, hide="consumed", exclude=("bare",), filter="price < 100", categories=("kitchen", "gifts"))

    assert left(kept) == ["cup"]


def test_why_names_the_first_reason_and_none_for_what_is_left() -> None:
    state = state_of(touch("mug", action="buy"), touch("bow", -1.0))
    kept = keep(state, hide="consumed", exclude=("bow",), filter="price < 100")

    assert [kept.why(index) for index in range(5)] == ["seen", "", "excluded", "unavailable", "filter"]


def test_rows_may_come_in_any_order_and_number() -> None:
    filters = Filters(CATALOG, RespondConfig(), CONSUMING)
    rows = np.array([4, 0, 3], dtype=np.int32)

    assert filters.keep(rows, UserState(), Conditions(exclude=("mug",)), NOW).mask.tolist() == [True, False, False]
    assert filters.keep(rows[:0], UserState(), Conditions(filter="price < 1"), NOW).mask.tolist() == []


def test_of_items_only_what_the_filter_names_is_read_and_only_where_it_matters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[tuple[str, str | int]] = []
    get, fields_of = Catalog.get, Catalog.fields_of
    monkeypatch.setattr(Catalog, "get", lambda self, item: read.append(("item", item)) or get(self, item))
    monkeypatch.setattr(Catalog, "fields_of", lambda self, row: read.append(("fields", row)) or fields_of(self, row))

    keep(filter="age_d < 2 and id != 'x' and available")
    assert read == []

    keep(exclude=("mug", "bow"), filter="price < 20")
    assert read == [("fields", 1), ("fields", 4)]

    read.clear()
    keep(exclude=("mug", "bow"), filter="category == 'gifts'")
    assert read == [("item", "cup"), ("item", "bare")]


def test_too_many_exclusions_are_refused() -> None:
    filters = Filters(CATALOG, RespondConfig(max_exclude=2), CONSUMING)
    filters.check(Conditions(exclude=("a", "b")))
    with pytest.raises(InvalidInput) as caught:
        filters.check(Conditions(exclude=("a", "b", "c")))
    assert (caught.value.code, caught.value.field) == ("too_many", "exclude")


def test_the_filters_bounds_come_from_the_settings() -> None:
    filters = Filters(CATALOG, RespondConfig(max_filter_chars=12, max_filter_depth=1), CONSUMING)
    assert filters.check(Conditions()) is None
    assert filters.check(Conditions(filter="(price < 1)")) is not None
    for text in ("((price < 1))", "((true))"):
        with pytest.raises(InvalidInput, match="expected"):
            filters.check(Conditions(filter=text))


item_ids = st.sampled_from(["mug", "cup", "bow", "gone", "bare", "unknown"])


@given(
    st.lists(st.tuples(item_ids, st.sampled_from([-1.0, 0.0, 1.0]), st.sampled_from(["view", "buy"])), max_size=8),
    st.sampled_from(["none", "consumed", "all"]),
    st.frozensets(item_ids),
    st.frozensets(item_ids),
)
def test_the_mask_is_what_the_rules_say_item_by_item(
    acts: list[tuple[str, float, str]], hide: str, older: frozenset[str], exclude: frozenset[str]
) -> None:
    state = state_of(*(touch(item, gain, action=action) for item, gain, action in acts), older=tuple(sorted(older)))
    kept = keep(state, hide=hide, exclude=tuple(sorted(exclude)))

    rejected = {item for item, gain, _ in acts if gain < 0}
    touched = {item for item, gain, _ in acts if gain >= 0}
    bought = {item for item, gain, action in acts if gain >= 0 and action == "buy"}
    seen = {"none": set(), "consumed": bought, "all": touched | older}[hide]
    assert set(left(kept)) == {"mug", "cup", "bow", "bare"} - rejected - seen - exclude
    assert [kept.why(index) == "" for index in range(5)] == kept.mask.tolist()
