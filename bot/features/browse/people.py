"""Keeps people and groups current, by events and by a refresh at startup and every few hours."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import structlog

from bot.framework.acquaintance import facts_of
from bot.framework.feature import Feature
from bot.framework.requests import Reply, Request, Services
from bot.slack.errors import SlackFailure
from incidents.core.people import PersonFacts, system_actor
from incidents.people.directory import GroupFacts, forget_groups, save_group
from incidents.policy.policy import Policy
from incidents.policy.references import GroupRef, named_in
from incidents.roles.departures import save_people

BATCH = 200

log = structlog.get_logger(__name__)


async def refresh_directory(services: Services) -> None:
    """Read all people, and the groups in the policy, from Slack; a failure is only logged."""
    try:
        await _refresh_people(services)
        await _refresh_groups(services)
    except SlackFailure as error:
        log.warning("directory_not_refreshed", method=error.method, error=error.error)


async def _refresh_people(services: Services) -> None:
    batch: list[PersonFacts] = []
    async for user in services.gateway.all_users():
        batch.append(facts_of(user))
        if len(batch) >= BATCH:
            await _save(services, batch)
            batch = []
    if batch:
        await _save(services, batch)


async def _save(services: Services, batch: list[PersonFacts]) -> None:
    await services.transactions.run(
        partial(save_people, people=batch),
        actor=system_actor(),
        workspace_id=services.workspace.id,
    )


async def _refresh_groups(services: Services) -> None:
    wanted = groups_of(services.policy)
    if not wanted:
        return
    groups = await services.gateway.groups()
    # First, so that a new group with a former one's handle is the only one to have it.
    await services.transactions.run(
        partial(forget_groups, but=frozenset(group.id for group in groups)),
        actor=system_actor(),
        workspace_id=services.workspace.id,
    )
    for group in groups:
        if wanted.isdisjoint({group.id, group.handle}):
            continue
        members = await services.gateway.group_members(group.id)
        facts = GroupFacts(group.id, group.handle, tuple(members))
        await services.transactions.run(
            partial(save_group, facts=facts),
            actor=system_actor(),
            workspace_id=services.workspace.id,
        )


def groups_of(policy: Policy) -> frozenset[str]:
    """Return the ids and handles of all groups named anywhere in the policy."""
    named = named_in(policy, GroupRef)
    return frozenset(name for ref in named if (name := ref.group_id or ref.handle))


async def on_user_change(request: Request) -> Reply:
    """Store a person's new details from an event."""
    raw: Mapping[str, Any] = request.event.get("user") or {}
    if not raw.get("id"):
        return None
    gateway = request.services.gateway
    is_ours = request.payload.get("team_id") in {None, "", gateway.team_id}
    # An organisation's event (Enterprise Grid) may describe them as another workspace sees them.
    user = gateway.user_of(raw) if is_ours else await gateway.user(str(raw["id"]))
    # The actor is the system: the person in the event didn't cause what follows.
    by_system = replace(request, actor=system_actor())
    await by_system.transact(partial(save_people, people=[facts_of(user)]))
    return None


async def on_group_change(request: Request) -> Reply:
    """Store a group's members from an event."""
    event = request.event
    subteam = event.get("subteam") or {}
    if not subteam.get("id") or not subteam.get("handle"):
        return None
    if subteam.get("date_delete"):
        return await _forget_group(request, str(subteam["id"]))
    users = tuple(str(user) for user in subteam.get("users") or ())
    facts = GroupFacts(str(subteam["id"]), str(subteam["handle"]), users)
    await request.transact(partial(save_group, facts=facts))
    return None


async def _forget_group(request: Request, group_id: str) -> Reply:
    await request.transact(partial(forget_groups, only=group_id))
    return None


FEATURE = Feature(
    name="people",
    events={
        "user_change": on_user_change,
        "team_join": on_user_change,
        "subteam_updated": on_group_change,
        "subteam_created": on_group_change,
    },
)
