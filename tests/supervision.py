"""Shared by tests of supervision: set and read stages, read the audit log."""

import uuid
from dataclasses import replace
from functools import partial

from incidents.core.people import Actor
from incidents.engine.unit_of_work import UseCase
from incidents.people.assignable import Named
from incidents.policy.escalation import Service
from incidents.policy.references import PersonRef
from incidents.policy.supervision import Supervision
from incidents.record.audit_log import AuditEntry, audit_entries, verify_audit
from incidents.rights.stages import Stage, levels_of, mentors_of
from incidents.supervision.mentors import MentorAnswer, answer_mentor
from incidents.supervision.stage_changes import StageChange, change_stage
from tests.world import World

NOTE = "Led three incidents, calm and complete."


def change(person: Actor, stage: Stage | None = None, **details: object) -> UseCase:
    """The use case that sets somebody's stage."""
    named = Named(person.external_id or "")
    return partial(change_stage, change=StageChange(person=named, stage=stage, **details))  # type: ignore[arg-type]


def named(person: Actor) -> Named:
    return Named(person.external_id or "")


async def make_mentor(world: World, person: Actor, mentor: Actor, *, by: Actor) -> None:
    """Name somebody's mentor, and have the person agree."""
    await world.run(change(person, mentor=named(mentor)), by=by)
    await agree(world, person, mentor, by=person)


async def agree(world: World, person: Actor, mentor: Actor, *, by: Actor) -> None:
    """Agree to somebody's mentor."""
    answer = MentorAnswer(person=named(person), mentor=named(mentor), agrees=True)
    await world.run(partial(answer_mentor, answer=answer), by=by)


async def stage(
    world: World, person: Actor, *, role_key: str | None = None, services: tuple[str, ...] = ()
) -> Stage:
    assert person.person_id is not None
    async with world.database.reading() as session:
        levels = await levels_of(
            session,
            workspace_id=world.workspace_id,
            person_id=person.person_id,
            policy=world.policy,
        )
    return levels.stage(role_key=role_key, services=services)


async def mentors(world: World, person: Actor) -> tuple[uuid.UUID, ...]:
    assert person.person_id is not None
    async with world.database.reading() as session:
        return await mentors_of(
            session,
            workspace_id=world.workspace_id,
            person_id=person.person_id,
            policy=world.policy,
        )


async def log(world: World) -> tuple[AuditEntry, ...]:
    """The workspace's audit log, with its chain verified."""
    async with world.database.reading() as session:
        entries, head = await audit_entries(session, workspace_id=world.workspace_id)
    assert verify_audit(entries, head=head) == ()
    return entries


def seed(world: World, **sections: object) -> None:
    """Switch to a policy with these seeds of stages and mentors."""
    world.change_policy(supervision=Supervision(**sections))  # type: ignore[arg-type]


def managed(world: World, by: str = "UANA") -> None:
    """Switch to a policy with this manager, who sets stages and names mentors."""
    manager = PersonRef(user_id=by)
    world.change_policy(escalation=replace(world.policy.escalation, manager=manager))


def service(world: World, *keys: str) -> None:
    """Switch to a policy with these services."""
    made = tuple(Service(key=key, name=key.title(), tier=1) for key in keys)
    world.change_policy(services=made)
