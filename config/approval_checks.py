"""Whether the policy's section on approvals agrees with itself and with the rest."""

from collections.abc import Collection, Iterator

from config.disagreements import Disagreement
from config.policy_schema import did_you_mean
from incidents.policy.policy import Policy
from incidents.policy.proposals import GuardedAction, Need
from incidents.policy.supervision import Stage


def in_approvals(policy: Policy, dropped: Collection[str]) -> Iterator[Disagreement]:
    """Yield what in the section doesn't fit together or names what isn't there."""
    approvals = policy.approvals
    if not approvals.classes and not dropped:
        yield Disagreement(("approvals", "classes"), "has to keep at least one class")
    severities = tuple(severity.key for severity in policy.severities)
    for item in approvals.answer_within_by_severity:
        if item.severity not in (*severities, *dropped):
            keys = ("approvals", "answer_within_by_severity", item.severity)
            what = (
                f"there is no severity `{item.severity}`{did_you_mean(item.severity, severities)}"
            )
            yield Disagreement(keys, what, other=("severities", item.severity))
    yield from _in_commands(policy, dropped)
    templates = tuple(template.key for template in policy.escalation.templates)
    if approvals.escalates_as not in (*templates, *dropped):
        what = f"there is no template `{approvals.escalates_as}`"
        remark = did_you_mean(approvals.escalates_as, templates)
        other = ("escalation", "templates", approvals.escalates_as)
        yield Disagreement(("approvals", "escalates_as"), f"{what}{remark}", other=other)
    for supervised in approvals.supervised_actions:
        if supervised.stage is Stage.SOLO and supervised.actions:
            keys = ("approvals", "supervised_actions", Stage.SOLO.value)
            yield Disagreement(keys, "nobody who is solo is asked; remove it")


def _in_commands(policy: Policy, dropped: Collection[str]) -> Iterator[Disagreement]:
    approvals = policy.approvals
    known = tuple(item.key for item in approvals.classes)
    for item in approvals.commands:
        keys = ("approvals", "commands", item.command.value)
        found = approvals.find_class(item.class_key)
        if found is None and item.class_key not in dropped:
            what = f"there is no class `{item.class_key}`{did_you_mean(item.class_key, known)}"
            yield Disagreement(keys, what, other=("approvals", "classes", item.class_key))
        elif found is not None and found.needs is Need.NOBODY:
            what = f"`{item.class_key}` needs nobody's agreement; take a class that does"
            yield Disagreement(keys, what, other=("approvals", "classes", item.class_key, "needs"))
    listed = {item.command for item in approvals.commands}
    for command in GuardedAction:
        if command not in listed and command not in dropped:
            yield Disagreement(("approvals", "commands", command.value), "has to stay")
