"""The filter language: what holds for which item, and that nothing but InvalidInput ever comes out of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swerve.errors import InvalidInput
from swerve.respond.expression import ItemView, compile_filter
from swerve.respond.lexer import KEYWORDS, tokens
from swerve.types import Item

MUG = Item(
    id="mug",
    title="Red mug",
    categories=("kitchen", "gifts"),
    fields={
        "price": 9.5,
        "stock": 3,
        "brand": "Acme",
        "sale": True,
        "old": False,
        "tags": ["red", "small"],
        "sizes": [],
        "title": "a field of that name",
        "to-go": "yes",
        "in": 1,
        "größe": 7,
        "two words": "x",
    },
)
VIEW = ItemView(MUG, True, 36 * 3_600.0)


def holds(text: str, view: ItemView = VIEW) -> bool:
    return compile_filter(text).matches(view)


@pytest.mark.parametrize(
    "text",
    [
        'price < 20 and category == "gifts" and not (brand in ["a", "b"])',
        "price == 9.5", "price != 9", "price <= 9.5", "price >= 9.5", "price > -1", "price < 1e3", "20 > price",
        "stock == 3", "stock == 3.0", ".5 < stock", "price > stock",
        "brand == 'Acme'", 'brand > "Abc"', "brand in ['x', \"Acme\"]", "brand not in ['x']", "brand not in []",
        "sale", "sale == true", "sale != false", "not old", "old == false", "true", "sale in [true]",
        "tags == 'red'", "tags != 'blue'", "'small' in tags", "tags in ['blue', 'red']", "'blue' not in tags",
        "sizes != 'xl'", "category in ['kitchen']", "'gifts' in category", "category == 'kitchen'",
        "id == 'mug'", "title == 'Red mug'", "`title` == 'a field of that name'", "to-go == 'yes'",
        "`in` == 1", "größe == 7", "`two words` == 'x'", "available", "available == true",
        "age_h == 36", "age_d == 1.5", "age_d <= 2 and age_h > 24",
        "false or true", "true and true", "false or false or true", "not false and true", "not not true",
        "(((true)))", "true or false and false", "not (true and false)", "not\n\ttrue == false",
        r"'it\'s' != brand", r'"\\" != brand',
    ],
)  # fmt: skip
def test_it_holds(text: str) -> None:
    assert holds(text)


@pytest.mark.parametrize(
    "text",
    [
        "price > 20", "brand == 'acme'", "category == 'Gifts'", "not sale", "old", "false", "brand in []",
        "(true or false) and false", "true and false or false", "not true or false", "title == 'mug'",
        "available == false", "tags == 'r'", "'Ac' in brand", "tags < 'z'", "sizes == 'xl'",
    ],
)  # fmt: skip
def test_it_does_not_hold(text: str) -> None:
    assert not holds(text)


@pytest.mark.parametrize("sign", ["==", "!=", "<", "<=", ">", ">="])
@pytest.mark.parametrize("value", ["1", "'x'", "true"])
def test_a_comparison_with_a_missing_field_is_false_whatever_the_operator(sign: str, value: str) -> None:
    assert not holds(f"colour {sign} {value}")
    assert not holds(f"{value} {sign} colour")
    assert holds(f"not (colour {sign} {value})")


@pytest.mark.parametrize("text", ["colour", "colour in ['red']", "colour not in ['red']", "'red' not in colour"])
def test_a_missing_field_is_in_nothing_and_not_in_nothing(text: str) -> None:
    assert not holds(text)


@pytest.mark.parametrize("text", ["price == '9.5'", "stock < 'x'", "brand < 1", "sale == 1", "sale < 2", "1 == true"])
def test_types_never_mix(text: str) -> None:
    assert not holds(text)


def test_a_name_alone_holds_only_for_a_true_one() -> None:
    assert not holds("stock")
    assert not holds("brand")


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [
        ("", 1, "a name or a value"),
        ("   ", 4, "a name or a value"),
        ("price", 0, ""),
        ("price <", 8, "a name or a value"),
        ("price < 20 and", 15, "a name or a value"),
        ("price < 20 price", 12, "`and`, `or` or the end"),
        ("1 < price < 5", 11, "`and`, `or` or the end"),
        ("(price < 20", 12, "`)`"),
        ("price < 20)", 11, "`and`, `or` or the end"),
        ("brand in 'a'", 10, "a list like [1, 2] or a name"),
        ("brand in [a]", 11, "a name or a value"),
        ("brand in [1 2]", 13, "`,`"),
        ("brand in [1,]", 13, "a name or a value"),
        ("brand in [1", 12, "`,`"),
        ("brand not 'a'", 11, "`in`"),
        ("price = 20", 7, "an operator"),
        ("price < 'abc", 9, "a closing quote"),
        ("`price < 1", 1, "a closing quote"),
        ("20", 3, "a comparison"),
        ("'x' and true", 5, "a comparison"),
        ("price & 1", 7, "an operator"),
        ("and", 1, "a name or a value"),
        ("not", 4, "a name or a value"),
        ("price == not", 10, "a name or a value"),
    ],
)
def test_an_error_says_what_was_expected_and_where(text: str, at: int, expected: str) -> None:
    if not at:
        assert compile_filter(text)
        return
    with pytest.raises(InvalidInput) as caught:
        compile_filter(text)
    error = caught.value
    assert (error.code, error.field, error.status) == ("bad_filter", "filter", 422)
    assert expected in error.message
    assert error.message.endswith(f"at character {at}")


def test_an_error_never_repeats_the_text() -> None:
    with pytest.raises(InvalidInput) as caught:
        compile_filter("card == 4711471147114711 4711471147114711")
    assert "4711" not in caught.value.message


def test_length_and_depth_are_bounded() -> None:
    assert compile_filter("(" * 32 + "true" + ")" * 32).matches(VIEW)
    with pytest.raises(InvalidInput, match="less nesting at character 33"):
        compile_filter("(" * 33 + "true" + ")" * 33)
    with pytest.raises(InvalidInput, match="less nesting"):
        compile_filter("not " * 400 + "true")
    with pytest.raises(InvalidInput, match="at most 2000 characters"):
        compile_filter("a" * 2_001)
    assert compile_filter(" or ".join(["true"] * 250)).matches(VIEW), "a long chain is not deep"
    assert compile_filter(" and ".join(["(not (true))"] * 100)), "depth is given back when a parenthesis closes"


@pytest.mark.parametrize(
    ("text", "item", "fields"),
    [
        ("available and age_d < 3 and age_h > 1 and id != 'x'", False, False),
        ("available and price < 3", False, True),
        ("`available`", False, True),
        ("title == 'x'", True, False),
        ("'x' in category and price < 3", True, True),
    ],
)
def test_a_predicate_says_what_of_an_item_it_reads(text: str, item: bool, fields: bool) -> None:
    predicate = compile_filter(text)

    assert (predicate.needs_item, predicate.needs_fields) == (item, fields)


def test_the_same_text_is_compiled_once_within_a_bound() -> None:
    assert compile_filter("price < 20") is compile_filter("price < 20")
    bound = compile_filter.cache_info().maxsize
    assert bound is not None
    for number in range(bound + 10):
        compile_filter(f"price < {number}")
    assert compile_filter.cache_info().currsize <= bound


words = st.sampled_from(
    [
        *KEYWORDS, "price", "tags", "category", "`two words`", "==", "!=", "<", ">=", "(", ")", "[", "]", ",", "1",
        "-2.5", "'red'", '"', "'", "`", "\\", "=", "&", "1e999", "é", "\0", "\ud800", "5x", "..", "-",
    ]
)  # fmt: skip


@given(st.one_of(st.text(max_size=200), st.lists(words, max_size=30).map(" ".join)))
@settings(max_examples=1_000)
def test_V1_any_text_compiles_and_runs_or_raises_invalid_input(text: str) -> None:
    try:
        predicate = compile_filter(text)
    except InvalidInput as error:
        refused = error
    else:
        assert predicate.matches(VIEW) in (True, False)
        return
    assert (refused.code, refused.field) == ("bad_filter", "filter")


@given(
    st.integers(0, 1_999), st.sampled_from(["(", "not ", "[", "'", '"', "`", "\\", "a-", "a.", "1", "1e", "- ", "\\'"])
)
@settings(max_examples=100)
def test_V1_a_word_repeated_costs_no_more_than_its_length(times: int, word: str) -> None:
    """A tokenizer that backtracks would take seconds here."""
    for text in (word * times, "'" + word * times):
        try:
            compile_filter(text)
        except InvalidInput as error:
            assert error.code == "bad_filter"  # noqa: PT017


conditions = st.recursive(
    st.sampled_from(["price < 20", "true", "false", "sale", "colour == 1", "tags == 'red'", "brand in ['b']"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda parts: f"({' '.join(parts)})"),
        inner.map(lambda one: f"not ({one})"),
    ),
    max_leaves=12,
)


@given(conditions)
def test_logic_is_pythons(text: str) -> None:
    """Same grammar for and / or / not: with the comparisons put in as their values, Python must agree."""
    spelled = text.replace("true", "True").replace("false", "False")
    for leaf in ("price < 20", "sale", "colour == 1", "tags == 'red'", "brand in ['b']"):
        spelled = spelled.replace(leaf, str(holds(leaf)))
    assert holds(text) is eval(spelled)


def test_tokens_know_their_places() -> None:
    assert [(token.kind, token.text, token.at) for token in tokens("a <= 'b' ")] == [
        ("name", "a", 0),
        ("symbol", "<=", 2),
        ("string", "b", 5),
        ("end", "", 9),
    ]
