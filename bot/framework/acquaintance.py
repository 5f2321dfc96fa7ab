"""Asks Slack who somebody is, before they get or see anything; never inside a transaction."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import structlog

from bot.slack.errors import SlackFailure, SlackPermanent
from bot.slack.gateway.people import SlackUser
from bot.slack.rate_limits import Priority
from incidents.core.errors import CannotAsk
from incidents.core.people import Actor, PersonFacts, PersonKind, system_actor
from incidents.people.directory import GroupFacts, kind_of, save_group
from incidents.roles.departures import save_people

if TYPE_CHECKING:
    from bot.framework.requests import Services

# Slack's errors for people that we can't see: strangers, for us.
_STRANGERS = frozenset({"user_not_found", "user_not_visible", "users_not_found"})

# How many people Slack is asked about at a time: a group's members are soon through, and the rest
# of Slack's limit is left for others.
_AT_ONCE = 8

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Acting:
    """Who acts, as the directory has them.

    `acts_here`: in our own workspace, by what the request says. `is_doubtful`: we know nothing of
    them, or what we know may be outdated, so Slack is asked first.
    """

    actor: Actor
    acts_here: bool = True
    is_doubtful: bool = False


def facts_of(user: SlackUser) -> PersonFacts:
    """Return Slack's description of a user as facts for the domain."""
    return PersonFacts(
        external_id=user.id,
        name=user.name,
        zone=user.zone,
        email=user.email,
        is_active=user.is_active,
        kind=kind_of(is_bot=user.is_bot, is_guest=user.is_guest, is_external=user.is_external),
    )


async def get_acquainted(
    services: "Services", external_ids: Sequence[str], *, within: float, acts_here: bool = False
) -> None:
    """Ask Slack who these people are, several at a time, and store it.

    All of them together take at most `within` seconds; who has answered by then is stored.

    `acts_here`: they act in our own workspace, which counts where Slack names only their
    organisation.

    Raises: CannotAsk if Slack doesn't answer about somebody.
    """
    seats, until = asyncio.Semaphore(_AT_ONCE), asyncio.get_running_loop().time() + within
    answers = await asyncio.gather(
        *(_find_facts(services, one, seats=seats, until=until) for one in external_ids)
    )
    unanswered = [
        CannotAsk(one, answer)
        for one, answer in zip(external_ids, answers, strict=True)
        if isinstance(answer, str)
    ]
    learned = [
        _belonging(answer, acts_here=acts_here) for answer in answers if not isinstance(answer, str)
    ]
    if learned:  # also if others are missing: nobody is asked about twice
        await services.transactions.run(
            partial(save_people, people=learned),
            actor=system_actor(),
            workspace_id=services.workspace.id,
        )
    if unanswered:
        raise unanswered[0]


async def _find_facts(
    services: "Services", external_id: str, *, seats: asyncio.Semaphore, until: float
) -> PersonFacts | str:
    """Return what Slack says about somebody, else why it refuses; "" if it doesn't answer."""
    try:
        async with asyncio.timeout_at(until), seats:
            return await _ask(services, external_id)
    except (SlackFailure, TimeoutError) as error:
        log.warning("person_not_asked", error=getattr(error, "error", "timeout"))
        return error.cause if isinstance(error, SlackPermanent) else ""


def _belonging(facts: PersonFacts, *, acts_here: bool) -> PersonFacts:
    if facts.kind is not None:
        return facts
    return replace(facts, kind=PersonKind.MEMBER if acts_here else PersonKind.EXTERNAL)


async def learn_groups(services: "Services", names: Collection[str], *, within: float) -> bool:
    """Ask Slack for the members of these groups, for at most `within` seconds, and store them.

    Returns whether any was found; without an answer, people see the groups by name alone.
    """
    wanted = {name.removeprefix("@") for name in names}
    found: list[GroupFacts] = []
    try:
        async with asyncio.timeout(within):
            for group in await services.gateway.groups():
                if not wanted.isdisjoint({group.id, group.handle}):
                    members = await services.gateway.group_members(group.id)
                    found.append(GroupFacts(group.id, group.handle, tuple(members)))
    except (SlackFailure, TimeoutError) as error:
        log.info("group_not_asked", error=getattr(error, "error", "timeout"))
        return False
    for facts in found:
        await services.transactions.run(
            partial(save_group, facts=facts),
            actor=system_actor(),
            workspace_id=services.workspace.id,
        )
    return bool(found)


async def _ask(services: "Services", external_id: str) -> PersonFacts:
    try:
        return facts_of(await services.gateway.user(external_id, priority=Priority.PERSON))
    except SlackFailure as error:
        if error.error in _STRANGERS:
            return PersonFacts(external_id, kind=PersonKind.EXTERNAL)
        raise
