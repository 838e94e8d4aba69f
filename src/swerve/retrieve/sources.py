"""The retrievers a project asks, by name: built-ins and a user's own enter by the same door."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence

import msgspec

from swerve.catalog.catalog import Catalog
from swerve.counts.counters import Counters
from swerve.errors import ConfigError
from swerve.model.memory import Memory
from swerve.protocols import Retriever
from swerve.retrieve.config import RetrieveConfig
from swerve.retrieve.content import ContentRetriever
from swerve.retrieve.general import FreshRetriever, PopularRetriever
from swerve.retrieve.neighbours import Neighbours
from swerve.retrieve.onward import OnwardRetriever
from swerve.retrieve.own import OwnHistory
from swerve.retrieve.preference import PreferenceRetriever
from swerve.retrieve.transitions import TransitionRetriever


class Reach(msgspec.Struct, frozen=True):
    """What a retriever may read."""

    counters: Counters
    catalog: Catalog
    neighbours: Neighbours
    config: RetrieveConfig
    memory: Memory | None = None
    """The user model that serves, with its users; None: there is none."""


BUILT_IN: dict[str, Callable[[Reach], Retriever]] = {
    "transitions": lambda reach: TransitionRetriever(reach.counters, reach.neighbours, reach.config),
    "onward": lambda reach: OnwardRetriever(reach.counters, reach.config),
    "own": lambda reach: OwnHistory(reach.config),
    "content": lambda reach: ContentRetriever(reach.neighbours, reach.config),
    "popular": lambda reach: PopularRetriever(reach.counters, reach.config),
    "preference": lambda reach: PreferenceRetriever(reach.memory, reach.catalog),
    "fresh": lambda reach: FreshRetriever(reach.catalog, reach.config),
}


def build(names: Sequence[str], reach: Reach) -> tuple[Retriever, ...]:
    """One retriever a name: a built-in, or `module:factory` taking a Reach. Raises ConfigError for an unknown one."""
    return tuple(_factory(name)(reach) for name in names)


def _factory(name: str) -> Callable[[Reach], Retriever]:
    if name in BUILT_IN:
        return BUILT_IN[name]
    module, _, attribute = name.partition(":")
    if not attribute:
        raise ConfigError(f"unknown source; known: {', '.join(BUILT_IN)} or module:factory", field="retrieve.sources")
    try:
        factory: Callable[[Reach], Retriever] = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"cannot import {name}: {type(error).__name__}", field="retrieve.sources") from error
    return factory
