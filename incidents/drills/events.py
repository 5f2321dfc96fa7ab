"""What happens to drills and stands in no timeline."""

from dataclasses import dataclass
from datetime import datetime

from incidents.engine.plan import FeatureEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioAdvanced(FeatureEvent):
    """A scenario was brought up to date; its next step is due then."""

    next_step_at: datetime
