"""Column names people use, and what they most likely mean.

A guess is always shown before it is used; `--map` replaces it.
"""

from __future__ import annotations

import re

_NAMES = {
    "user": "user userid uid usr customer customerid client clientid member memberid visitor visitorid reviewer "
    "reviewerid shopper account accountid author person",
    "session": "session sessionid sid visit visitid",
    "item": "item itemid iid movie movieid product productid sku asin parentasin stockcode article articleid video "
    "videoid song songid track trackid artist artistid book bookid isbn isbn13 news newsid post postid game gameid "
    "recipe recipeid offer offerid",
    "action": "action event eventtype eventname actiontype behavior behaviour behaviortype interactiontype",
    "value": "rating value score stars overall grade weight",
    "time": "time timestamp ts datetime eventtime timems unixtime unixreviewtime createdat created date "
    "timestampms invoicedate reviewtime t",
    "event_id": "eventid eventuuid uuid",
    "item.title": "title name productname itemname movietitle articletitle label headline",
    "item.text": "text description abstract summary body plot overview content",
    "item.categories": "categories category genres genre topics topic cat categoryid",
    "item.time": "published publishedtime publishtime publishedat releasedate released releasetime",
    "item.available": "available instock isavailable",
}
_TARGETS = {name: target for target, names in _NAMES.items() for name in names.split()}
_RATINGS = frozenset({"rating", "score", "stars", "overall", "grade"})


def target_of(name: str) -> str:
    """What a column of this name most likely holds: `user`, `item`, `item.title`, …; empty = no idea."""
    return _TARGETS.get(_plain(name), "")


def is_rating(name: str) -> bool:
    """True for a column name that means stars rather than an amount or a duration."""
    return _plain(name) in _RATINGS


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
