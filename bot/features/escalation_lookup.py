"""Looking up whom a step of an escalation means: groups and addresses that aren't known here yet."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from bot.effect_context import Done, Dropped, EffectContext, Settlement
from bot.feature import Feature
from bot.features.people import facts_of
from bot.slack.errors import SlackPermanent
from bot.slack.gateway import SlackGateway
from incidents.directory import GroupFacts, save_group, save_people
from incidents.effects import LookUpCallees
from incidents.escalation_ladder import resume_step
from incidents.escalations import EscalationStep, StepStatus, wanted_of
from incidents.people import PersonFacts
from incidents.unit_of_work import UnitOfWork


@dataclass(slots=True)
class _Found:
    """What Slack knows of the names, and which of them mean nobody."""

    people: list[PersonFacts] = field(default_factory=list)
    groups: list[GroupFacts] = field(default_factory=list)
    not_found: list[str] = field(default_factory=list)


async def look_up_callees(context: EffectContext) -> Settlement:
    """Ask Slack who is meant; whoever is found is called in the transaction that says so."""
    effect = context.get(LookUpCallees)
    async with context.services.database.reading() as session:
        step = await session.get(EscalationStep, effect.step_id)
    if step is None or step.status != StepStatus.LOOKING_UP:
        return Dropped("nobody to look up")
    found = _Found()
    gateway = context.services.gateway
    for wanted in wanted_of(step):
        if wanted.kind == "group":
            await _look_up_group(gateway, wanted.value, found)
        elif wanted.kind == "named" and "@" in wanted.value:
            await _look_up_person(gateway, wanted.value, found)
    record = partial(
        _record, escalation_id=effect.escalation_id, step_id=effect.step_id, found=found
    )
    return Done(record)


async def _look_up_group(gateway: SlackGateway, name: str, found: _Found) -> None:
    bare = name.removeprefix("@")
    try:
        group = next((one for one in await gateway.groups() if bare in {one.id, one.handle}), None)
        members: Sequence[str] = await gateway.group_members(group.id) if group else ()
    except SlackPermanent:  # a missing scope, a plan without groups: the next step is called
        group, members = None, ()
    if group is None:
        found.not_found.append(name)
    else:
        found.groups.append(GroupFacts(group.id, group.handle, tuple(members)))


async def _look_up_person(gateway: SlackGateway, email: str, found: _Found) -> None:
    try:
        user = await gateway.lookup_email(email)
    except SlackPermanent:
        user = None
    if user is None:
        found.not_found.append(email)
        return
    facts = facts_of(user)
    # The address as the policy writes it: Slack may leave it out of what it says.
    found.people.append(
        PersonFacts(
            facts.external_id,
            name=facts.name,
            zone=facts.zone,
            email=email,
            is_active=facts.is_active,
            kind=facts.kind,
        )
    )


async def _record(
    uow: UnitOfWork, *, escalation_id: uuid.UUID, step_id: uuid.UUID, found: _Found
) -> None:
    for group in found.groups:
        await save_group(uow, group)
    await save_people(uow, found.people)
    await resume_step(uow, escalation_id, step_id=step_id, not_found=found.not_found)


FEATURE = Feature(name="escalation_lookup", effects={LookUpCallees: look_up_callees})
