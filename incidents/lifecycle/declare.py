"""Declare an incident: one transaction, whatever Slack is doing."""

from dataclasses import dataclass
from datetime import datetime

from incidents.calling.at_once import call_at_once
from incidents.core.errors import InvalidInput
from incidents.core.hash_chain import GENESIS_HASH
from incidents.core.ids import derived_id, new_id
from incidents.engine.effects import OpenIncidentChannel
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.cadence import next_update_due
from incidents.incident.entries import Declared
from incidents.incident.incident import Incident, Participant
from incidents.incident.lifecycle import IncidentStatus
from incidents.incident.numbers import lock_numbers, take_number
from incidents.lifecycle.similarity import find_similar
from incidents.policy.policy import Action, Severity
from incidents.roles.on_call_commander import ask_commander_on_call
from incidents.storage.database import insert_rows, storable, trimmed

MAX_TITLE = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What somebody declares; `source_link` leads to the message they declared it from.

    `page_link` leads to the page that this message tells of.
    """

    title: str
    severity_key: str | None = None
    impact: str = ""
    summary: str = ""
    services: tuple[str, ...] = ()
    is_private: bool = False
    is_drill: bool = False
    detected_at: datetime | None = None
    source_link: str = ""
    page_link: str = ""
    # Nobody is called now, whatever the rules of `call` say.
    no_call: bool = False
    even_if_similar: bool = False


async def declare(uow: UnitOfWork, declaration: Declaration) -> Outcome:
    """Declare an incident: `declared`, or `similar` with the reference of a recent similar one.

    Raises: NotPermitted; InvalidInput for an empty title, an unknown severity, a future detection.
    """
    await uow.permit(Action.DECLARE)
    declared = _checked(declaration, uow)
    if not declaration.even_if_similar:
        similar = await _similar(uow, declared)
        if similar is not None:
            return similar
    incident = await _new_incident(uow, declared)
    entry = uow.record(incident, _declared(incident, declaration))
    incident.channel_effect_id = derived_id(entry.id, f"{OpenIncidentChannel.kind}:")
    uow.session.add(incident)
    await uow.flush()
    await _take_part(uow, incident)
    data = {
        "reference": str(incident.reference),
        "title": incident.title,
        "severity": incident.severity_name,
    }
    calling: dict[str, object] = {}
    if not declaration.no_call:
        calling = await call_at_once(uow, incident)
        await ask_commander_on_call(uow, incident)
    return Outcome("declared", incident.id, data | calling)


@dataclass(frozen=True, slots=True)
class _Declared:
    """A declaration with checked title, severity and time."""

    title: str
    severity: Severity
    detected_at: datetime
    given: Declaration


def _checked(declaration: Declaration, uow: UnitOfWork) -> _Declared:
    title = check_title(declaration.title)
    severity_key = declaration.severity_key or uow.policy.default_severity
    severity = uow.policy.find_severity(severity_key)
    if severity is None:
        known = ", ".join(one.key for one in uow.policy.severities)
        raise InvalidInput("severity", "unknown", known, severity_key)
    detected_at = declaration.detected_at or uow.now
    if detected_at > uow.now:
        raise InvalidInput("detected_at", "future")
    return _Declared(title, severity, detected_at, declaration)


async def _similar(uow: UnitOfWork, declared: _Declared) -> Outcome | None:
    is_drill = declared.given.is_drill
    # When two people declare the same at once, the second one sees the first's incident.
    await lock_numbers(uow.session, workspace_id=uow.workspace_id, is_drill=is_drill)
    similar = await find_similar(
        uow.session,
        declared.title,
        workspace_id=uow.workspace_id,
        viewer=uow.actor,
        now=uow.now,
        policy=uow.policy,
        is_drill=is_drill,
        is_private=declared.given.is_private,
    )
    if similar is None:
        return None
    data = {"reference": str(similar.reference), "channel_id": similar.channel_id}
    return Outcome("similar", similar.id, {**data, "title": similar.title})


async def _new_incident(uow: UnitOfWork, declared: _Declared) -> Incident:
    given, severity = declared.given, declared.severity
    return Incident(
        id=new_id(),
        workspace_id=uow.workspace_id,
        number=await take_number(
            uow.session, workspace_id=uow.workspace_id, is_drill=given.is_drill
        ),
        is_drill=given.is_drill,
        is_private=given.is_private,
        title=declared.title,
        summary=trimmed(given.summary),
        impact=trimmed(given.impact),
        resolution="",
        services=[storable(service) for service in given.services],
        severity_key=severity.key,
        severity_name=severity.name,
        severity_rank=severity.rank,
        status=IncidentStatus.TRIAGE,
        declared_by_id=uow.actor.person_id,
        detected_at=declared.detected_at,
        declared_at=uow.now,
        next_update_due_at=next_update_due(
            uow.policy, severity_key=severity.key, status=IncidentStatus.TRIAGE, since=uow.now
        ),
        last_sequence=0,
        last_entry_hash=GENESIS_HASH,
    )


async def _take_part(uow: UnitOfWork, incident: Incident) -> None:
    """Add the declarer as a participant, without a look-up: a new incident has none."""
    if uow.actor.person_id is None:
        return
    row = {
        "id": new_id(),
        "incident_id": incident.id,
        "person_id": uow.actor.person_id,
        "invited_at": uow.now,
        "is_in_channel": False,
    }
    await insert_rows(uow.session, Participant, [row])


def check_title(text: str) -> str:
    """Return the title on one line, cut to 300 characters. Raises: InvalidInput if empty."""
    title = " ".join(storable(text).split())
    if not title:
        raise InvalidInput("title", "empty", "Checkout errors for some customers")
    return title if len(title) <= MAX_TITLE else title[: MAX_TITLE - 1] + "…"


def _declared(incident: Incident, declaration: Declaration) -> Declared:
    return Declared(
        title=incident.title,
        severity=incident.severity_name,
        severity_key=incident.severity_key,
        severity_rank=incident.severity_rank,
        status=incident.status,
        impact=incident.impact,
        summary=incident.summary,
        services=tuple(incident.services),
        is_private=incident.is_private,
        is_drill=incident.is_drill,
        detected_at=incident.detected_at,
        source_link=declaration.source_link,
        page_link=declaration.page_link,
    )
