"""All rules on single values: those of the policy itself and those of its larger sections."""

from typing import Final

from config import (
    escalation_rules,
    guidance_rules,
    policy_rules,
    proposal_rules,
    scenario_rules,
    shadowing_rules,
    supervision_rules,
)
from config.policy_rules import Rule

RULES: Final[dict[tuple[type, str], Rule]] = {
    **policy_rules.RULES,
    **escalation_rules.RULES,
    **supervision_rules.RULES,
    **shadowing_rules.RULES,
    **proposal_rules.RULES,
    **guidance_rules.RULES,
    **scenario_rules.RULES,
}
