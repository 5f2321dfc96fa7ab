"""Whether the policy's section on escalation agrees with itself and with the rest."""

from collections.abc import Collection, Iterator

from config.disagreements import Disagreement
from config.policy_schema import did_you_mean
from incidents.policy.escalation import Callee, LadderStep, Relation
from incidents.policy.packet_fields import PacketField
from incidents.policy.policy import Policy
from incidents.policy.references import RoleRef

Keys = tuple[str | int, ...]

# Without these nobody who is called can tell what is wanted of them.
_NEEDED = (PacketField.ASK, PacketField.SYMPTOMS)


def in_escalation(policy: Policy, dropped: Collection[str]) -> Iterator[Disagreement]:
    """Yield what in the section, or in a service's ladder, doesn't fit together."""
    yield from _in_templates(policy, dropped)
    yield from _in_callees(policy, dropped)
    for role in policy.roles:
        if role.key in tuple(Relation):
            what = "has a meaning in the steps of an escalation; take another"
            yield Disagreement(("roles", role.key), what)
    for index, absent in enumerate(policy.escalation.absent):
        if absent.until < absent.since:
            keys = ("escalation", "absent", index)
            what = f"can't be before since ({absent.since.isoformat()})"
            yield Disagreement((*keys, "until"), what, other=(*keys, "since"))


def _in_templates(policy: Policy, dropped: Collection[str]) -> Iterator[Disagreement]:
    known = tuple(template.key for template in policy.escalation.templates)
    default = policy.escalation.default_template
    if default not in (*known, *dropped):
        what = f"there is no template `{default}`{did_you_mean(default, known)}"
        keys = ("escalation", "default_template")
        yield Disagreement(keys, what, other=("escalation", "templates", default))
    for template in policy.escalation.templates:
        at = ("escalation", "templates", template.key)
        for field in _NEEDED:
            if field not in template.fields:
                what = f"has to hold {field}: without it whoever is called can't begin"
                yield Disagreement((*at, "fields"), what, f"fields: [{', '.join(_NEEDED)}]")
        for question in template.questions:
            if question.key in tuple(PacketField):
                what = "is the name of a field of every packet; take another"
                yield Disagreement((*at, "questions", question.key), what)


def _in_callees(policy: Policy, dropped: Collection[str]) -> Iterator[Disagreement]:
    known = tuple(role.key for role in policy.roles)
    for keys, who in _places(policy):
        if not who:
            yield Disagreement(keys, "has to name somebody", "[owner]")
        for callee in who:
            if isinstance(callee, RoleRef) and callee.key not in (*known, *dropped):
                remark = did_you_mean(callee.key, (*known, *Relation))
                yield Disagreement(keys, f"there is no role `{callee.key}`{remark}", "[commander]")
            if callee is Relation.SERVICE_STEPS and keys[0] == "services":
                what = "a service's steps can't lead to themselves"
                yield Disagreement(keys, what, "[manager]")


def _places(policy: Policy) -> Iterator[tuple[Keys, tuple[Callee, ...]]]:
    """Yield every place that names whom a step calls."""
    yield from _in_steps(("escalation",), policy.escalation.steps)
    for template in policy.escalation.templates:
        at: Keys = ("escalation", "templates", template.key)
        if template.reaches:
            yield (*at, "reaches"), template.reaches
        yield from _in_steps(at, template.steps)
    for service in policy.services:
        yield from _in_steps(("services", service.key), service.steps)


def _in_steps(at: Keys, steps: tuple[LadderStep, ...]) -> Iterator[tuple[Keys, tuple[Callee, ...]]]:
    for index, step in enumerate(steps):
        yield (*at, "steps", index), step.who
