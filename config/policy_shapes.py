"""How classes of the policy and of scenarios are written in YAML, where it isn't field by field."""

from typing import Final

from incidents.policy.escalation import (
    EscalationTemplate,
    LadderStep,
    Question,
    Service,
    ServiceLink,
)
from incidents.policy.guidance import Checklist
from incidents.policy.policy import Right, Role, Severity
from incidents.policy.proposals import ActionClass, AnswerWait, CommandClass, SupervisedActions
from incidents.policy.supervision import StageRequirement
from incidents.scenarios.scenario import Check, CheckResult, ScenarioAction, Signal

# Classes that are maps in the file, with the field that the map's key fills …
KEY_FIELDS: Final[dict[type, str]] = {
    Severity: "key",
    Role: "key",
    Service: "key",
    Right: "action",
    EscalationTemplate: "key",
    Question: "key",
    ServiceLink: "title",
    StageRequirement: "stage",
    ActionClass: "key",
    AnswerWait: "severity",
    CommandClass: "command",
    SupervisedActions: "stage",
    Checklist: "key",
    Signal: "key",
    Check: "key",
    ScenarioAction: "key",
}
# … and those of which the map's value is one field rather than all the others.
VALUE_FIELDS: Final[dict[type, str]] = {
    Right: "who",
    Question: "text",
    ServiceLink: "url",
    AnswerWait: "wait",
    CommandClass: "class_key",
    SupervisedActions: "actions",
}
# Classes that may be written as this one field alone: `manager` for `who: [manager]`.
SHORT_FIELDS: Final[dict[type, str]] = {LadderStep: "who", CheckResult: "output"}
