"""The body of POST /v1/items: items without having to say `type`. Everything else about events is the events room's."""

from __future__ import annotations

import msgspec

from swerve.errors import Malformed, TooLarge
from swerve.events.config import EventsConfig
from swerve.server.problems import invalid
from swerve.types import Item, Rejection

_ONE = msgspec.json.Decoder(Item)
_MANY = msgspec.json.Decoder(list[Item])
_PIECES = msgspec.json.Decoder(list[msgspec.Raw])
_FIELDS = Item.__struct_fields__


def parse_items(body: bytes, limits: EventsConfig) -> list[Item | Rejection]:
    """One item (an object) or many (an array), in order; a wrong one becomes a Rejection in its place.

    Raises Malformed when the body is no JSON, TooLarge (`too_many`) for more than `max_batch` items.
    """
    try:
        if body.lstrip()[:1] == b"{":
            return [_item(body, 0)]
        try:
            items: list[Item | Rejection] = list(_MANY.decode(body))
        except msgspec.ValidationError:
            items = [_item(piece, index) for index, piece in enumerate(_PIECES.decode(body))]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Malformed("expected an item or an array of items, as JSON") from None
    if len(items) > limits.max_batch:
        raise TooLarge(f"expected at most {limits.max_batch} items in one body", code="too_many")
    return items


def _item(piece: bytes | msgspec.Raw, index: int) -> Item | Rejection:
    try:
        return _ONE.decode(piece)
    except msgspec.ValidationError as error:
        refused = invalid(error, _FIELDS)
        return Rejection(index=index, code=refused.code, field=refused.field, message=refused.message)
