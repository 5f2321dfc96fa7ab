"""Whether the policy's section on proposals agrees with itself and with the rest."""

from collections.abc import Collection, Iterator

from config.disagreements import Disagreement
from config.policy_schema import did_you_mean
from incidents.policy.policy import Policy
from incidents.policy.proposals import GuardedAction, Need
from incidents.policy.supervision import Stage


def in_proposals(policy: Policy, dropped: Collection[str]) -> Iterator[Disagreement]:
    """Yield what in the section doesn't fit together or names what isn't there."""
    proposals = policy.proposals
    if not proposals.classes and not dropped:
        yield Disagreement(("proposals", "classes"), "has to keep at least one class")
    severities = tuple(severity.key for severity in policy.severities)
    for item in proposals.answer_within_by_severity:
        if item.severity not in (*severities, *dropped):
            keys = ("proposals", "answer_within_by_severity", item.severity)
            what = (
                f"there is no severity `{item.severity}`{did_you_mean(item.severity, severities)}"
            )
            yield Disagreement(keys, what, other=("severities", item.severity))
    yield from _in_commands(policy, dropped)
    templates = tuple(template.key for template in policy.escalation.templates)
    if proposals.escalates_as not in (*templates, *dropped):
        what = f"there is no template `{proposals.escalates_as}`"
        remark = did_you_mean(proposals.escalates_as, templates)
        other = ("escalation", "templates", proposals.escalates_as)
        yield Disagreement(("proposals", "escalates_as"), f"{what}{remark}", other=other)
    for supervised in proposals.supervised_actions:
        if supervised.stage is Stage.SOLO and supervised.actions:
            keys = ("proposals", "supervised_actions", Stage.SOLO.value)
            yield Disagreement(keys, "nobody who is solo is asked; remove it")


def _in_commands(policy: Policy, dropped: Collection[str]) -> Iterator[Disagreement]:
    proposals = policy.proposals
    known = tuple(item.key for item in proposals.classes)
    for item in proposals.commands:
        keys = ("proposals", "commands", item.command.value)
        found = proposals.find_class(item.class_key)
        if found is None and item.class_key not in dropped:
            what = f"there is no class `{item.class_key}`{did_you_mean(item.class_key, known)}"
            yield Disagreement(keys, what, other=("proposals", "classes", item.class_key))
        elif found is not None and found.needs is Need.NOBODY:
            what = f"`{item.class_key}` needs nobody's agreement; take a class that does"
            yield Disagreement(keys, what, other=("proposals", "classes", item.class_key, "needs"))
    listed = {item.command for item in proposals.commands}
    for command in GuardedAction:
        if command not in listed and command not in dropped:
            yield Disagreement(("proposals", "commands", command.value), "has to stay")
