"""Runs before every listener: binds the correlation id and finds the actor."""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import structlog
from slack_bolt.response import BoltResponse

from bot.framework.requests import Services
from incidents.core.people import (
    Actor,
    PersonFacts,
    PersonKind,
    actor_of,
    find_person,
    save_person,
)
from incidents.core.people import system_actor as system
from incidents.core.systems import HOUSEKEEPING
from incidents.engine.unit_of_work import Outcome, UnitOfWork

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
        """Bind the correlation id and find the actor; answer `app_rate_limited` here."""
        structlog.contextvars.bind_contextvars(
            correlation_id=body.get("event_id") or uuid.uuid4().hex
        )
        if body.get("type") == "app_rate_limited":
            log.warning("events_rate_limited", minute=body.get("minute_rate_limited"))
            return BoltResponse(status=200, body="")
        context["actor"] = await self._actor(body)
        await next()
        return None

    async def _actor(self, body: Mapping[str, Any]) -> Actor:
        facts = _person_facts(body, own_team=self.services.workspace.external_id)
        if facts is None:
            return system(HOUSEKEEPING)
        workspace_id = self.services.workspace.id
        async with self.services.database.reading() as session:
            person = await find_person(
                session, workspace_id=workspace_id, external_id=facts.external_id
            )
        # A person first seen in an event has their id as name, until a request brings the name.
        is_known = person is not None and (person.name != person.external_id or not facts.name)
        actor = actor_of(person) if person and is_known else await self._save(facts)
        if facts.kind is PersonKind.EXTERNAL:
            return replace(actor, person_kind=PersonKind.EXTERNAL)
        return actor

    async def _save(self, facts: PersonFacts) -> Actor:
        """Store what the request says about a person; the background refresh adds the rest."""
        found: list[Actor] = []

        async def save(uow: UnitOfWork) -> Outcome:
            person = await save_person(uow.session, facts, workspace_id=uow.workspace_id)
            found.append(actor_of(person))
            return Outcome("person_saved")

        await self.services.transactions.run(
            save, actor=system(), workspace_id=self.services.workspace.id
        )
        return found[-1]


def _person_facts(body: Mapping[str, Any], *, own_team: str) -> PersonFacts | None:
    user = body.get("user")
    if isinstance(user, Mapping):
        team = user.get("team_id")
        name = user.get("name") or user.get("username")
        user_id = user.get("id")
    elif "command" in body:
        user_id, name, team = body.get("user_id"), body.get("user_name"), body.get("team_id")
    else:
        event = body.get("event") or {}
        user_id, name = _event_user(event), None
        team = event.get("user_team") or event.get("source_team") or _workspace_in(event)
    if not user_id:
        return None
    is_external = bool(team) and team != own_team
    kind = PersonKind.EXTERNAL if is_external else None
    return PersonFacts(external_id=str(user_id), name=name, kind=kind)


def _workspace_in(event: Mapping[str, Any]) -> str | None:
    """Return the author's workspace from `team`, unless that names an organisation."""
    team = event.get("team")
    return team if isinstance(team, str) and team.startswith("T") else None


def _event_user(event: Mapping[str, Any]) -> str | None:
    user = event.get("user")
    if isinstance(user, Mapping):
        user = user.get("id")
    if user is None:
        user = (event.get("message") or {}).get("user")
    return user if isinstance(user, str) else None
