"""Runs before every listener: binds the correlation id, and knows how to find the actor.

The actor is found later, by the listener: what reads the database belongs into its deadline.

Who belongs here is decided by what Slack says of a person (`users.info`, `users.list`, events about
people), as the directory keeps it. The team ids in a request only tell whether somebody new acts in
our own workspace: on Enterprise Grid they may name another workspace or the organisation.
"""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, Final

import structlog
from slack_bolt.response import BoltResponse

from bot.framework.acquaintance import Acting
from bot.framework.requests import Services
from incidents.core.people import (
    Actor,
    ActorKind,
    Person,
    PersonFacts,
    PersonKind,
    actor_of,
    find_person,
    save_person,
)
from incidents.core.people import system_actor as system
from incidents.core.systems import HOUSEKEEPING
from incidents.engine.unit_of_work import Outcome, UnitOfWork

# Events that describe a person or group; nobody in them acts.
_ABOUT_PEOPLE: Final = frozenset(
    {"user_change", "team_join", "subteam_created", "subteam_updated", "subteam_members_changed"}
)
# Somebody we know as a stranger or deactivated may have come back if Slack lets them act here: we
# ask it, unless it told us a moment ago.
_FRESH: Final = timedelta(minutes=10)

Next = Callable[[], Awaitable[None]]

log = structlog.get_logger(__name__)


class Middleware:
    """Global Bolt middleware; it never wraps a listener and never answers after `next()`."""

    def __init__(self, services: Services) -> None:
        """Store the services."""
        self.services = services

    async def identify(
        self,
        body: dict[str, Any],
        context: dict[str, Any],
        next: Next,  # noqa: A002
    ) -> BoltResponse | None:
        """Bind the correlation id, and hand on who is said to act and how to find out.

        Answer here what concerns nobody of ours: `app_rate_limited`, another workspace's events.
        """
        structlog.contextvars.bind_contextvars(
            correlation_id=body.get("event_id") or uuid.uuid4().hex
        )
        if body.get("type") == "app_rate_limited":
            log.warning("events_rate_limited", minute=body.get("minute_rate_limited"))
            return BoltResponse(status=200, body="")
        if is_others_event(body, own_team=self.services.workspace.external_id):
            log.info("others_event_ignored")
            return BoltResponse(status=200, body="")
        facts = _person_facts(body)
        context["acting"] = Acting(_said_to_act(facts) if facts else system(HOUSEKEEPING))
        context["identify"] = partial(self._acting, body, facts) if facts else None
        await next()
        return None

    async def _acting(self, body: Mapping[str, Any], facts: PersonFacts) -> Acting:
        services = self.services
        async with services.database.reading() as session:
            person = await find_person(
                session, workspace_id=services.workspace.id, external_id=facts.external_id
            )
        # A person first seen in an event has their id as name, until a request brings the name.
        is_named = person is not None and (person.name != person.external_id or not facts.name)
        if person is None or not is_named:
            person = await self._save(facts)
        acts_here = _acts_here(body, own_team=services.workspace.external_id)
        return Acting(
            actor_of(person),
            acts_here=acts_here,
            is_doubtful=person.kind == PersonKind.UNKNOWN
            or (acts_here and self._may_be_outdated(person)),
        )

    def _may_be_outdated(self, person: Person) -> bool:
        if person.is_active and person.kind != PersonKind.EXTERNAL:
            return False
        told_at = person.refreshed_at
        return told_at is None or told_at + _FRESH <= self.services.clock.now()

    async def _save(self, facts: PersonFacts) -> Person:
        """Store the person the request names; what Slack says about them comes later."""
        found: list[Person] = []

        async def save(uow: UnitOfWork) -> Outcome:
            found.append(await save_person(uow.session, facts, workspace_id=uow.workspace_id))
            return Outcome("person_saved")

        await self.services.transactions.run(
            save, actor=system(), workspace_id=self.services.workspace.id
        )
        return found[-1]


def _said_to_act(facts: PersonFacts) -> Actor:
    """Return who acts by the request alone: enough to answer them, not to let them do anything."""
    return Actor(
        kind=ActorKind.PERSON,
        name=facts.name or facts.external_id,
        external_id=facts.external_id,
        person_kind=PersonKind.UNKNOWN,
    )


def is_others_event(body: Mapping[str, Any], *, own_team: str) -> bool:
    """Tell whether this is an event of another workspace than ours.

    An event in a channel shared with others (Slack Connect) may carry their `team_id`; then
    `authorizations` name the installation that it is for. Events about people must be ours, or of
    our organisation.
    """
    if body.get("type") != "event_callback":
        return False
    authorizations = body.get("authorizations") or ()
    authorized = {one.get("team_id") for one in authorizations if isinstance(one, Mapping)}
    outer = body.get("team_id")
    if (body.get("event") or {}).get("type") in _ABOUT_PEOPLE:
        is_organisations = str(outer).startswith("E") and own_team in authorized
        return bool(outer) and outer != own_team and not is_organisations
    return own_team not in authorized if authorized else bool(outer) and outer != own_team


def _acts_here(body: Mapping[str, Any], *, own_team: str) -> bool:
    """Tell whether the request says that somebody acts in our own workspace."""
    if "command" in body:
        return body.get("team_id") == own_team
    event = body.get("event")
    if isinstance(event, Mapping):
        named = {event.get("team"), event.get("user_team"), event.get("source_team")} - {None}
        return own_team in named if named else not body.get("is_ext_shared_channel")
    return own_team in {_id_of(body.get("team")), (body.get("user") or {}).get("team_id")}


def _id_of(team: object) -> object:
    return team.get("id") if isinstance(team, Mapping) else team


def _person_facts(body: Mapping[str, Any]) -> PersonFacts | None:
    user = body.get("user")
    if isinstance(user, Mapping):
        name = user.get("name") or user.get("username")
        user_id = user.get("id")
    elif "command" in body:
        user_id, name = body.get("user_id"), body.get("user_name")
    else:
        event = body.get("event") or {}
        user_id, name = _event_user(event), None
    return PersonFacts(external_id=str(user_id), name=name) if user_id else None


def _event_user(event: Mapping[str, Any]) -> str | None:
    if event.get("type") in _ABOUT_PEOPLE:
        return None
    user = event.get("user")
    if isinstance(user, Mapping):
        user = user.get("id")
    if user is None:
        user = (event.get("message") or {}).get("user")
    return user if isinstance(user, str) else None
