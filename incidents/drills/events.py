"""Events of drills that are on no timeline."""

from dataclasses import dataclass
from datetime import datetime

from incidents.engine.plan import FeatureEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioAdvanced(FeatureEvent):
    """A scenario was brought up to date; `next_step_at` is when its next step is due."""

    next_step_at: datetime
