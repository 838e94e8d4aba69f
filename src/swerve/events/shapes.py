"""Each kind of event, cleaned field by field. Pure; knows the limits, not actions or clocks.

Structs made in Python are not checked by anybody before they come here, so every field is looked at, type included.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from swerve.errors import InvalidInput
from swerve.events.config import EventsConfig
from swerve.events.normalize import (
    clean_bool,
    clean_fields,
    clean_id,
    clean_int,
    clean_number,
    clean_text,
    clean_time,
    is_plain,
)
from swerve.types import FieldValue, Impression, Interaction, Item, Pick, User

_INF = float("inf")


def is_clean(event: Interaction, config: EventsConfig) -> bool:
    """True when `interaction` would change nothing: nearly always, and asked for every one."""
    longest = config.max_id_chars
    value = event.value
    return (
        is_plain(event.item, longest)
        and type(event.action) is str
        and (event.user == "" or is_plain(event.user, longest))
        and (event.session == "" or is_plain(event.session, longest))
        and (event.slate == "" or is_plain(event.slate, longest))
        and (event.event_id == "" or is_plain(event.event_id, config.max_event_id_chars))
        and (value is None or (type(value) is float and -_INF < value < _INF))
        and type(event.time) in (float, str)
    )


def interaction(event: Interaction, config: EventsConfig) -> Interaction:
    """Ids cleaned, value finite; whether the action is known is not asked here."""
    longest = config.max_id_chars
    return msgspec.structs.replace(
        event,
        item=clean_id(event.item, "item", longest),
        action=clean_id(event.action, "action", longest),
        user=_optional(event.user, "user", longest),
        session=_optional(event.session, "session", longest),
        slate=_optional(event.slate, "slate", longest),
        value=None if event.value is None else clean_number(event.value, "value"),
        time=clean_time(event.time),
        event_id=_optional(event.event_id, "event_id", config.max_event_id_chars),
    )


def item(event: Item, config: EventsConfig) -> Item:
    """An item with clean id, texts, categories (distinct, in order) and fields."""
    categories = _strings(event.categories, "categories", config.max_categories)
    cleaned = (clean_id(name, "categories", config.max_id_chars) for name in categories)
    return msgspec.structs.replace(
        event,
        id=clean_id(event.id, "id", config.max_id_chars),
        title=clean_text(event.title, "title", config.max_text_chars),
        text=clean_text(event.text, "text", config.max_text_chars),
        categories=tuple(dict.fromkeys(cleaned)),
        fields=_fields(event.fields, config),
        available=clean_bool(event.available, "available"),
        deleted=clean_bool(event.deleted, "deleted"),
        partial=clean_bool(event.partial, "partial"),
        time=clean_time(event.time),
        event_id=_optional(event.event_id, "event_id", config.max_event_id_chars),
    )


def user(event: User, config: EventsConfig) -> User:
    """A user with clean id and fields."""
    return msgspec.structs.replace(
        event,
        id=clean_id(event.id, "id", config.max_id_chars),
        fields=_fields(event.fields, config),
        time=clean_time(event.time),
        event_id=_optional(event.event_id, "event_id", config.max_event_id_chars),
    )


def impression(event: Impression, config: EventsConfig) -> Impression:
    """A shown slate: at least one pick, no place and no item twice, finite scores, propensities in (0, 1]."""
    longest = config.max_id_chars
    history = _strings(event.history, "history", config.max_picks)
    return msgspec.structs.replace(
        event,
        slate=clean_id(event.slate, "slate", longest),
        picks=_picks(event.picks, config),
        user=_optional(event.user, "user", longest),
        session=_optional(event.session, "session", longest),
        state_offset=clean_int(event.state_offset, "state_offset", -1),
        model_version=clean_int(event.model_version, "model_version", 0),
        variant=_optional(event.variant, "variant", longest),
        history=tuple(clean_id(name, "history", longest) for name in history),
        time=clean_time(event.time),
        event_id=_optional(event.event_id, "event_id", config.max_event_id_chars),
    )


def _picks(picks: object, config: EventsConfig) -> tuple[Pick, ...]:
    if not isinstance(picks, list | tuple):
        raise InvalidInput("expected an array of picks", field="picks", code="wrong_type")
    if not 1 <= len(picks) <= config.max_picks:
        raise InvalidInput(
            f"expected 1 to {config.max_picks} picks", field="picks", code="too_many" if picks else "empty"
        )
    cleaned = tuple(_pick(pick, f"picks.{at}", config) for at, pick in enumerate(picks))
    if len({pick.position for pick in cleaned}) < len(cleaned):
        raise InvalidInput("expected every position once", field="picks", code="repeated_position")
    if len({pick.item for pick in cleaned}) < len(cleaned):
        raise InvalidInput("expected every item once", field="picks", code="repeated_item")
    return cleaned


def _pick(pick: object, where: str, config: EventsConfig) -> Pick:
    if type(pick) is not Pick:
        raise InvalidInput("expected a pick", field=where, code="wrong_type")
    propensity = clean_number(pick.propensity, f"{where}.propensity")
    if not 0 < propensity <= 1:
        raise InvalidInput(
            "expected a probability above 0 and at most 1", field=f"{where}.propensity", code="out_of_range"
        )
    return msgspec.structs.replace(
        pick,
        item=clean_id(pick.item, f"{where}.item", config.max_id_chars),
        position=clean_int(pick.position, f"{where}.position", 0),
        score=clean_number(pick.score, f"{where}.score"),
        propensity=propensity,
        why=_why(pick.why, f"{where}.why", config),
    )


def _why(why: object, where: str, config: EventsConfig) -> dict[str, float]:
    if not isinstance(why, Mapping):
        raise InvalidInput("expected an object of sources and shares", field=where, code="wrong_type")
    if len(why) > config.max_fields:
        raise InvalidInput(f"expected at most {config.max_fields} sources", field=where, code="too_many")
    return {clean_id(name, where, config.max_id_chars): clean_number(share, where) for name, share in why.items()}


def _fields(fields: object, config: EventsConfig) -> dict[str, FieldValue]:
    limits = (config.max_fields, config.max_id_chars, config.max_field_chars, config.max_field_list)
    return clean_fields(fields, limits)


def _strings(names: object, field: str, most: int) -> list[object] | tuple[object, ...]:
    if not isinstance(names, list | tuple):  # a bare string is a sequence too, of letters
        raise InvalidInput("expected an array of strings", field=field, code="wrong_type")
    if len(names) > most:
        raise InvalidInput(f"expected at most {most} entries", field=field, code="too_many")
    return names


def _optional(text: object, field: str, limit: int) -> str:
    """An id that may be left out by saying ""."""
    return "" if type(text) is str and not text else clean_id(text, field, limit)
