"""Build a ladder: from a target and the policy to the steps to call.

People that follow from the service or the severity are settled when the ladder is built; holders of
a role, members of a group, and who is on call by a rotation or a pager, only when the step is called
(`callees.py`).
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from incidents.core.errors import InvalidInput
from incidents.escalation.tables import Escalation, Wanted
from incidents.policy.escalation import Callee, EscalationTemplate, LadderStep, Relation, Service
from incidents.policy.policy import Policy
from incidents.policy.references import (
    Address,
    GroupRef,
    OnCallRef,
    PersonRef,
    RoleRef,
    RotationRef,
)
from incidents.policy.waking.call import CallRule

# Why somebody is called where nothing else says who is on call.
FALLBACK: Final = "fallback"
# Why somebody is called by an override, instead of the one whose turn it is.
STANDS_IN: Final = "override"


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonTarget:
    """One person, by their id in the chat service or our own id."""

    external_id: str = ""
    name: str | None = None
    person_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class RoleTarget:
    """The holder of the role with this key, name or alias in the incident."""

    key: str


@dataclass(frozen=True, slots=True)
class ServiceTarget:
    """The service with this key: its on-call, then its ladder."""

    key: str


@dataclass(frozen=True, slots=True)
class GroupTarget:
    """A group, by id or by handle, with or without its `@`."""

    ref: str
    name: str = ""


Target = PersonTarget | RoleTarget | ServiceTarget | GroupTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """One step of a ladder about to be built; `wait` None: set by template and severity."""

    wanted: tuple[Wanted, ...]
    wait: timedelta | None = None
    acknowledgements: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderInputs:
    """What a ladder is built from: the policy, and the parts of it that apply."""

    policy: Policy
    severity_key: str
    template: EscalationTemplate
    service: Service | None


def build_ladder(inputs: LadderInputs, target: Wanted | None) -> tuple[PlannedStep, ...]:
    """Return the steps in order; repeated names count once, and empty steps are left out."""
    policy, template, service = inputs.policy, inputs.template, inputs.service
    first = PlannedStep(wanted=(target,)) if target is not None else None
    planned = [
        *([first] if first else []),
        *_steps(inputs, [LadderStep(who=template.reaches)]),
        *_steps(inputs, template.steps),
        *_steps(inputs, service.steps if service else ()),
        *_steps(inputs, policy.escalation.steps),
    ]
    return tuple(_without_repeats(planned))


def called_at_once(
    policy: Policy, *, severity_key: str, services: Sequence[str]
) -> tuple[Wanted, ...]:
    """Return the people `call` calls for an incident at once, each name once."""
    found: dict[tuple[str, str], Wanted] = {}
    for rule in policy.rules_for(severity_key, services):
        called = called_by_rule(policy, rule, severity_key=severity_key, services=services)
        for wanted in called:
            found.setdefault(wanted.identity, wanted)
    return tuple(found.values())


def called_by_rule(
    policy: Policy, rule: CallRule, *, severity_key: str, services: Sequence[str]
) -> Iterator[Wanted]:
    """Yield the people one rule calls, for each affected service that it is about."""
    known = [policy.find_service(key) for key in services]
    affected: list[Service | None] = [one for one in known if one is not None] or [None]
    for service in affected:
        if rule.services and (service is None or service.key not in rule.services):
            continue
        inputs = LadderInputs(
            policy=policy,
            severity_key=severity_key,
            template=get_template(policy, ""),
            service=service,
        )
        for step in _steps(inputs, [LadderStep(who=rule.call)]):
            yield from step.wanted


def build_service_ladder(inputs: LadderInputs) -> tuple[PlannedStep, ...]:
    """Return the service's own ladder, for a redirect to the service."""
    if inputs.service is None:
        return ()
    reached = LadderStep(who=(Relation.ON_CALL,))
    following = (LadderStep(who=(Relation.OWNER,)), *inputs.service.steps)
    planned = [*_steps(inputs, [reached]), *_steps(inputs, following)]
    return tuple(_without_repeats(planned))


def get_template(policy: Policy, key: str) -> EscalationTemplate:
    """Return the template with this key, or the default for "". Raises: InvalidInput."""
    found = policy.escalation.find_template(key or policy.escalation.default_template)
    if found is None:
        known = ", ".join(template.key for template in policy.escalation.templates)
        raise InvalidInput("template", "unknown", known, key)
    return found


def template_of(policy: Policy, escalation: Escalation) -> EscalationTemplate:
    """Return the escalation's template as it is now, or the default if it is gone."""
    found = policy.escalation.find_template(escalation.template_key)
    return found or get_template(policy, "")


def pick_service(policy: Policy, key: str, *, affected: Sequence[str]) -> Service | None:
    """Return the service with this key; for "" the most critical affected one, if any.

    Raises: InvalidInput for a key that the policy doesn't have.
    """
    if key:
        found = policy.find_service(key)
        if found is None:
            known = ", ".join(service.key for service in policy.services)
            raise InvalidInput("service", "unknown", known, key)
        return found
    known_ones = [policy.find_service(name) for name in affected]
    return min((one for one in known_ones if one), key=lambda one: one.tier, default=None)


def group_wanted(target: GroupTarget) -> Wanted:
    """Return the group as a step names it."""
    ref = target.ref.strip()
    is_id = ref.startswith("S") and ref.isupper() and ref.isalnum()
    value = ref if is_id else f"@{ref.removeprefix('@')}"
    return Wanted("group", value, target.name or value)


def role_wanted(policy: Policy, words: str) -> Wanted:
    """Return the role as a step names it. Raises: InvalidInput with the known roles."""
    role = policy.find_role(words)
    if role is None:
        known = ", ".join(item.key for item in policy.roles)
        raise InvalidInput("role", "unknown", known, words)
    return Wanted("role", role.key, role.name)


def wanted_by(
    ref: OnCallRef | None, why: str = "", *, service: Service | None = None
) -> Wanted | None:
    """Return a reference of the policy as a step names it."""
    key = service.key if service else ""
    match ref:
        case PersonRef():
            return Wanted("named", str(ref), str(ref), why, service=key)
        case GroupRef():
            return Wanted("group", str(ref), str(ref), why, service=key)
        case RotationRef():
            return Wanted("rotation", ref.key, str(ref), why, service=key)
        case Address():
            return Wanted("pager", str(ref), str(ref), why, service=key)
    return None


def _steps(inputs: LadderInputs, steps: Sequence[LadderStep]) -> Iterator[PlannedStep]:
    for step in steps:
        here: list[Wanted] = []
        for callee in step.who:
            if callee is Relation.SERVICE_STEPS:
                yield from _steps(inputs, inputs.service.steps if inputs.service else ())
                continue
            found = _wanted(inputs, callee)
            if found is not None:
                here.append(found)
        if here:
            yield PlannedStep(
                wanted=tuple(here), wait=step.wait, acknowledgements=step.acknowledgements
            )


def _wanted(inputs: LadderInputs, callee: Callee) -> Wanted | None:
    service, policy = inputs.service, inputs.policy
    match callee:
        case Relation.ON_CALL:
            on_call = service.on_call if service else None
            found = wanted_by(on_call, callee, service=service)
            found = found or _wanted(inputs, Relation.OWNER)
            return found or wanted_by(policy.on_call.fallback, callee)
        case Relation.OWNER:
            return wanted_by(service.owner if service else None, callee, service=service)
        case Relation.MANAGER:
            own = service.manager if service else None
            return wanted_by(own or policy.escalation.manager, callee, service=service)
        case Relation.BACKUP:
            services = (service.key,) if service else ()
            return wanted_by(policy.backup_for(inputs.severity_key, services), callee)
        case RoleRef(key=key):
            return role_wanted(policy, key)
        case PersonRef() | GroupRef() | RotationRef() | Address():
            return wanted_by(callee)
    return None


def _without_repeats(steps: Sequence[PlannedStep]) -> Iterator[PlannedStep]:
    seen: set[tuple[str, str]] = set()
    for step in steps:
        new: list[Wanted] = []
        for wanted in step.wanted:
            if wanted.identity not in seen:
                seen.add(wanted.identity)
                new.append(wanted)
        if new:
            yield replace(step, wanted=tuple(new))
