"""A project as a replay needs it: the rooms that serve, once for each pace at which counters learn."""

from __future__ import annotations

from swerve.counts.counters import Counters
from swerve.engine.face import Engine
from swerve.engine.opening import derive
from swerve.evaluate.prq.outcome import Project
from swerve.evaluate.prq.panel import Rules
from swerve.evaluate.prq.views import Serving
from swerve.rank.blend import from_config
from swerve.rank.features import Features
from swerve.respond.filters import Filters
from swerve.retrieve.sources import Reach, build


def as_served(engine: Engine) -> Project:
    """The project as it is served, over derived state of its own that is still empty.

    The weights are the preset's (or the settings'): those that `swerve train` fitted have seen what is judged here.
    """
    config = engine.config
    derived = derive(config, None)

    def serve(pace: str, counters: Counters) -> Serving:
        reach = Reach(counters, derived.catalog, derived.neighbours, config.retrieve)
        features = Features(counters, derived.catalog, config.retrieve.fresh_half_life_s)
        return Serving(build(config.retrieve.sources, reach), features)

    filters = Filters(derived.catalog, config.respond, config.events.consuming)
    rules = Rules(config.retrieve, config.respond, filters)
    return Project(derived, rules, config.counts, serve, from_config(config.rank.weights))
