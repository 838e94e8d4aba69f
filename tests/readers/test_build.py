"""Columns to events: whole chunks when they are clean, and exactly the broken lines refused when not."""

from __future__ import annotations

from pathlib import Path

import pytest

from swerve.errors import InvalidInput
from swerve.types import Interaction, Item, User
from tests.readers.helpers import RATINGS, interactions, items, located, read, refused, source, write


def test_ratings_become_the_action_rate(tmp_path: Path) -> None:
    events = read(write(tmp_path / "a.csv", RATINGS))

    assert events == [
        Interaction(user="1", item="30", action="rate", value=3.5, time=964981247.0),
        Interaction(user="2", item="10", action="rate", value=0.5, time=964982224.0),
        Interaction(user="1", item="10", action="rate", value=4.0, time=964982703.0),
    ]


def test_ratings_become_other_actions_by_thresholds(tmp_path: Path) -> None:
    events = interactions(read(write(tmp_path / "a.csv", RATINGS), ratings="2=view,4=like,0=dislike", order="file"))

    assert [(event.action, event.value) for event in events] == [("like", None), ("view", None), ("dislike", None)]


def test_a_missing_rating_is_refused(tmp_path: Path) -> None:
    found = source(write(tmp_path / "a.csv", RATINGS + "5,5,,900000000\n"))

    assert located(found) == [(5, "empty")]


@pytest.mark.parametrize("text", ["like", "x=like", "4=like,=view"])
def test_wrong_thresholds_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidInput):
        source(write(tmp_path / "a.csv", RATINGS), ratings=text)


def test_values_are_scaled(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "user,item,rating\n1,2,10\n1,3,7\n")

    assert [event.value for event in interactions(read(path, scale=0.5))] == [5.0, 3.5]
    assert "ratings up to 10: --scale 0.5" in "\n".join(source(path).describe())
    assert "--scale" not in "\n".join(source(path, scale=0.5).describe())


def test_actions_are_translated_and_others_kept(tmp_path: Path) -> None:
    text = "timestamp,visitorid,event,itemid\n3,a,transaction,1\n2,a,addtocart,1\n1,a,view,1\n"

    events = interactions(read(write(tmp_path / "a.csv", text), actions="transaction=buy,addtocart=cart"))

    assert [event.action for event in events] == ["view", "cart", "buy"]


def test_every_own_target_arrives(tmp_path: Path) -> None:
    text = "u,s,i,a,v,t,l,e\nann,s1,mug,buy,9.5,1600000000,sl1,ev1\n"
    wanted = "user=u,session=s,item=i,action=a,value=v,time=t,slate=l,event_id=e"

    assert read(write(tmp_path / "a.csv", text), map=wanted) == [
        Interaction(
            user="ann", session="s1", item="mug", action="buy", value=9.5, time=1.6e9, slate="sl1", event_id="ev1"
        )
    ]


def test_constants_fill_every_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "i,x\nmug,1\ncup,2\n")

    events = interactions(read(path, map="item=i,user:=ann,action:=like"))

    assert [(event.user, event.item, event.action) for event in events] == [
        ("ann", "mug", "like"),
        ("ann", "cup", "like"),
    ]


@pytest.mark.parametrize("bad", [1, 2, 1_000, 1_999, 2_000, 2_001, 4_999])
def test_exactly_the_broken_line_is_refused(tmp_path: Path, bad: int) -> None:
    lines = [f"u{k},i{k},{'many' if k == bad else 3},{1e9 + k}" for k in range(1, 5_001)]
    found = source(write(tmp_path / "a.csv", "user,item,rating,time\n" + "\n".join(lines)))

    assert located(found) == [(bad + 1, "wrong_type")]
    assert [event.user for event in interactions(list(found.events()))] == [
        f"u{k}" for k in range(1, 5_001) if k != bad
    ]


def test_many_broken_lines_are_all_told(tmp_path: Path) -> None:
    lines = [f"u{k},i{k},3,{'never' if k % 3 == 0 else 1e9 + k}" for k in range(1, 3_001)]
    found = source(write(tmp_path / "a.csv", "user,item,rating,time\n" + "\n".join(lines)), order="file")

    assert located(found) == [(k + 1, "invalid_time") for k in range(3, 3_001, 3)]
    assert len(interactions(list(found.events()))) == 2_000


def test_a_refusal_names_the_field_and_not_the_value(tmp_path: Path) -> None:
    (refusal,) = refused(read(write(tmp_path / "a.csv", RATINGS + "secret,5,canary,900000000\n")))

    assert (refusal.code, refusal.field, refusal.message) == ("wrong_type", "value", "not a number")


def test_items_of_the_same_file_are_told_once_before_they_are_used(tmp_path: Path) -> None:
    text = "user,sku,name,price,groups,t\nann,m,Mug,9.5,a|b,2\nbob,m,Mug,9.5,a|b,1\nann,c,Cup,,,3\n"
    wanted = "user=user,item=sku,time=t,action:=view,item.title=name,item.price=price,item.categories=groups"

    events = read(write(tmp_path / "a.csv", text), map=wanted)

    assert items(events) == [
        Item(id="m", title="Mug", categories=("a", "b"), fields={"price": 9.5}),
        Item(id="c", title="Cup"),
    ]
    assert [type(event).__name__ for event in events] == ["Item", "Interaction", "Interaction", "Item", "Interaction"]


def test_users_of_the_same_file_are_told_once(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "user,item,age\nann,m,30\nann,c,30\nbob,m,\n")

    events = read(path, map="user=user,item=item,action:=view,user.age=age")

    assert [event for event in events if isinstance(event, User)] == [
        User(id="ann", fields={"age": 30}),
        User(id="bob"),
    ]


def test_an_items_file_gives_items_first(tmp_path: Path) -> None:
    described = write(
        tmp_path / "items.csv", "id,title,category,price,in_stock,released\nm,Mug,x|y,9.5,no,2020-01-02\n"
    )

    events = read(write(tmp_path / "a.csv", RATINGS), items=str(described))

    assert events[0] == Item(
        id="m", title="Mug", categories=("x", "y"), fields={"price": 9.5}, available=False, time=1577923200.0
    )
    assert len(events) == 4


def test_an_items_file_may_be_mapped(tmp_path: Path) -> None:
    described = write(tmp_path / "items.tsv", "m\tMug\t9.5\nc\tCup\t3\n")

    events = items(read(write(tmp_path / "a.csv", RATINGS), items=str(described), map_items="id=1,title=2,price=3"))

    assert [(item.id, item.title, item.fields) for item in events] == [
        ("m", "Mug", {"price": 9.5}),
        ("c", "Cup", {"price": 3}),
    ]
