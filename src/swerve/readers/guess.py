"""Column names people use, and what they most likely mean.

A guess is always shown before it is used; `--map` replaces it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_NAMES = {
    "user": "user userid uid usr customer customerid client clientid member memberid visitor visitorid reviewer "
    "reviewerid shopper account accountid author person",
    "session": "session sessionid sid visit visitid",
    "item": "item itemid iid movie movieid product productid sku asin parentasin stockcode article articleid video "
    "videoid song songid track trackid artist artistid book bookid isbn isbn13 news newsid post postid game gameid "
    "recipe recipeid offer offerid",
    "action": "action event eventtype eventname actiontype behavior behaviour behaviortype interactiontype",
    "value": "rating value score stars overall grade weight",
    "time": "timestamp timestampms timems unixtime unixreviewtime eventtime datetime time ts createdat created "
    "invoicedate reviewtime date t",
    "event_id": "eventid eventuuid uuid",
    "item.title": "title name productname itemname movietitle articletitle label headline",
    "item.text": "text description abstract summary body plot overview content",
    "item.categories": "categories category genres genre topics topic cat categoryid",
    "item.time": "published publishedtime publishtime publishedat releasedate released releasetime",
    "item.available": "available instock isavailable",
}
"""For each target the names it goes by, likelier ones first: `timestamp` says more than `date`."""
_TARGETS = {name: (target, rank) for target, names in _NAMES.items() for rank, name in enumerate(names.split())}
_RATINGS = frozenset({"rating", "score", "stars", "overall", "grade"})


def target_of(name: str) -> str:
    """What a column of this name most likely holds: `user`, `item`, `item.title`, …; empty = no idea."""
    return _TARGETS.get(_plain(name), ("", 0))[0]


def likeliest(names: Iterable[str]) -> dict[str, str]:
    """Target -> the column that most likely holds it, in the columns' order; of equally likely ones the first."""
    known = [(rank, place, target, name) for place, name in enumerate(names) for target, rank in _meaning(name)]
    best = {target: (place, name) for _, place, target, name in sorted(known, reverse=True)}
    return {target: name for target, (_, name) in sorted(best.items(), key=lambda pair: pair[1])}


def _meaning(name: str) -> list[tuple[str, int]]:
    found = _TARGETS.get(_plain(name))
    return [] if found is None else [found]


def is_rating(name: str) -> bool:
    """True for a column name that means stars rather than an amount or a duration."""
    return _plain(name) in _RATINGS


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
