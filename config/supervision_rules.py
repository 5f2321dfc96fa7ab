"""Ranges of the policy's section on supervision."""

from typing import Final

from config.policy_rules import Rule, within
from incidents.policy import supervision as s

_COUNT: Final = within(0, 100, "3")
_PERCENT: Final = within(0, 100, "80")

RULES: Final[dict[tuple[type, str], Rule]] = {
    (s.StageRequirement, "observed"): _COUNT,
    (s.StageRequirement, "assisted"): _COUNT,
    (s.StageRequirement, "led"): _COUNT,
    (s.StageRequirement, "drills"): _COUNT,
    (s.StageRequirement, "escalations"): _COUNT,
    (s.StageRequirement, "debriefs"): _COUNT,
    (s.StageRequirement, "completeness"): _PERCENT,
    (s.StageRequirement, "answered"): _PERCENT,
    (s.Supervision, "recertify_after_months"): within(1, 120, "12"),
}
