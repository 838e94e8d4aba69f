"""Everything that ranks, as one value: the blend, the user model and the sources bound to it. Swapped whole."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from swerve.config import Config
from swerve.derived import Derived
from swerve.engine.models import newest_blend
from swerve.model import checkpoint
from swerve.model.checkpoint import Checkpoint
from swerve.model.loading import user_model
from swerve.model.memory import Memory
from swerve.protocols import Retriever
from swerve.rank.blend import Blend, from_config
from swerve.rank.features import Features
from swerve.retrieve.merge import Found, ask, merge
from swerve.retrieve.preference import PreferenceRetriever
from swerve.retrieve.sources import Reach, build
from swerve.types import Candidates, Floats, Query


class Live(msgspec.Struct, frozen=True):
    """One version of what ranks. A request takes it once and answers from it alone."""

    blend: Blend
    memory: Memory | None
    """The user model and its users; None as long as none was trained."""
    counting: tuple[Retriever, ...]
    """Sources that read the counters, under their lock."""
    apart: tuple[Retriever, ...]
    """Sources that do not, and take too long to hold it."""

    @property
    def version(self) -> int:
        """The increasing number of what ranks."""
        return self.blend.version

    @property
    def user_model(self) -> int:
        """Version of the user model in it; 0 = none."""
        return self.memory.model.version if self.memory is not None else 0

    @property
    def sources(self) -> tuple[Retriever, ...]:
        """All of them, in the order of the candidates' columns."""
        return (*self.counting, *self.apart)

    def over(self, config: Config, derived: Derived) -> Live:
        """The same version, reading other derived state, with users of its own to remember."""
        memory = None if self.memory is None else self.memory.empty()
        return ranking(config, derived, self.blend.weights, self.version, memory)

    def ahead(self, query: Query) -> list[Found]:
        """What the sources say that need no lock."""
        return ask(query, self.apart)

    def gather(self, query: Query, ahead: Sequence[Found]) -> Candidates:
        """What all sources say; to be called under the counters' lock."""
        return merge([*ask(query, self.counting), *ahead], self.sources)


def ranking(config: Config, derived: Derived, weights: Floats, version: int, memory: Memory | None) -> Live:
    """A version over this derived state. `weights`: of the blend, (buckets, features)."""
    reach = Reach(derived.counters, derived.catalog, derived.neighbours, config.retrieve, memory)
    sources = build(config.retrieve.sources, reach)
    apart = [isinstance(source, PreferenceRetriever) for source in sources]
    return Live(
        Blend(Features(derived.counters, derived.catalog, config.retrieve.fresh_half_life_s), weights, version),
        memory,
        tuple(source for source, alone in zip(sources, apart, strict=True) if not alone),
        tuple(source for source, alone in zip(sources, apart, strict=True) if alone),
    )


def last(config: Config, derived: Derived, directory: Path | None) -> Live:
    """The version that was live last in this directory, else the preset's. Raises ConfigError, MissingExtra."""
    saved = newest_blend(directory)
    if saved is None or directory is None:
        return ranking(config, derived, from_config(config.rank.weights), 0, None)
    trained = checkpoint.load(directory, saved.user_model) if saved.user_model else None
    memory = None if trained is None else remember(config, derived, trained)
    return ranking(config, derived, from_config(saved.weights), saved.version, memory)


def remember(config: Config, derived: Derived, trained: Checkpoint) -> Memory:
    """A trained user model, ready to serve; if it reads content, with rows for items of the catalog it never saw."""
    words, catalog = trained.words, derived.catalog
    if words.shape.content and words.encoder == derived.neighbours.encoder:
        known = set(words.items)
        new = [(name, row) for name, row in catalog.rows.items() if name not in known]
        content = derived.neighbours.vectors_of(np.array([row for _, row in new], np.int32))
        said = content.any(axis=1)
        names = [new[place][0] for place in np.flatnonzero(said).tolist()]
        trained = checkpoint.with_items(trained, names, content[said])
    return Memory(user_model(trained), trained.words, config.model.users)
