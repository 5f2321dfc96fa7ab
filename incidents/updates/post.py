"""Post a stakeholder update, or snooze the next reminder once."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.errors import AlreadySo, InvalidInput, Superseded
from incidents.core.hash_chain import instant_text
from incidents.core.ids import new_id
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.cadence import StakeholderUpdate, next_update_due
from incidents.incident.entries import UpdatePosted
from incidents.incident.incident import Incident, IncidentRef
from incidents.incident.lifecycle import IncidentStatus
from incidents.incident.timeline import TimelineEntry
from incidents.lifecycle.status import change_status
from incidents.policy.policy import Action
from incidents.storage.database import trimmed
from incidents.updates.entries import UpdateSnoozed

SHORTEST_NEXT = timedelta(minutes=1)
LONGEST_NEXT = timedelta(days=7)
LONGEST_SNOOZE = timedelta(hours=24)
MAX_REASON = 500
_NO_CHANGES_IN_A_ROW = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateDraft:
    """What somebody wants to post; an empty impact or status leaves the record as it is."""

    text: str = ""
    impact: str = ""
    actions: str = ""
    next_steps: str = ""
    needs: str = ""
    next_in: timedelta | None = None
    status: IncidentStatus | None = None
    is_no_change: bool = False


async def post_update(uow: UnitOfWork, ref: IncidentRef, *, draft: UpdateDraft) -> Outcome:
    """Post a stakeholder update and restart the cadence; it can also set a new status.

    Raises: NotPermitted; TransitionRefused; AlreadySo when the incident is closed or cancelled;
        InvalidInput for an update without text, or a next update too soon or too late.
    """
    incident = await uow.get_incident(ref)
    await uow.permit(Action.POST_UPDATE, incident, arguments=_arguments_of(draft))
    if incident.lifecycle_status in {IncidentStatus.CLOSED, IncidentStatus.CANCELLED}:
        raise AlreadySo("the incident", incident.status)
    texts = _texts_of(draft)
    if not any(texts.values()):
        raise InvalidInput("text", "empty", "We are rolling back the last deploy")
    was_due_at = incident.next_update_due_at
    if draft.status is not None and draft.status is not incident.lifecycle_status:
        await change_status(uow, ref, target=draft.status)
    due_at = _next_due(uow, incident, draft.next_in)
    number = await _next_number(uow.session, incident.id)
    impact_change = _change_impact(incident, texts["impact"])
    entry = uow.record(
        incident,
        UpdatePosted(
            **texts,
            is_no_change=draft.is_no_change,
            number=number,
            status=incident.status,
            severity=incident.severity_name,
            was_due_at=was_due_at,
            next_update_due_at=due_at,
            changes=impact_change,
        ),
    )
    incident.last_update_at = uow.now
    incident.next_update_due_at = due_at
    await uow.flush()  # the row refers to the entry
    uow.session.add(
        StakeholderUpdate(
            id=new_id(),
            workspace_id=uow.workspace_id,
            incident_id=incident.id,
            number=number,
            entry_id=entry.id,
            author_id=uow.actor.person_id,
            posted_at=uow.now,
            was_due_at=was_due_at,
            next_due_at=due_at,
        )
    )
    data = {
        "number": number,
        "reference": str(incident.reference),
        "next_due_at": None if due_at is None else instant_text(due_at),
    }
    return Outcome("update_posted", incident.id, data)


async def post_no_change(
    uow: UnitOfWork, ref: IncidentRef, *, due_at: str, next_in: timedelta, is_sure: bool = False
) -> Outcome:
    """Post that nothing has changed; after two of these in a row, ask first whether that is so.

    `due_at` is the due time (as text) that the actor saw when pressing.

    Raises: Superseded when that has changed; as `post_update`.
    """
    incident = await uow.get_incident(ref)
    current = incident.next_update_due_at
    if current is None or due_at != instant_text(current):
        raise Superseded("update_reminder")
    earlier = await _latest_updates(uow.session, incident.id, most=_NO_CHANGES_IN_A_ROW)
    in_a_row = [one.is_no_change for one in earlier]
    if not is_sure and len(in_a_row) == _NO_CHANGES_IN_A_ROW and all(in_a_row):
        return Outcome("no_change_doubted", None, {"reference": str(incident.reference)})
    since = "the last update" if earlier else "the declaration"
    text = f"No change since {since}."
    draft = UpdateDraft(text=text, next_in=next_in, is_no_change=True)
    return await post_update(uow, ref, draft=draft)


async def _latest_updates(
    session: AsyncSession, incident_id: uuid.UUID, *, most: int
) -> list[UpdatePosted]:
    query = (
        select(TimelineEntry)
        .where(TimelineEntry.incident_id == incident_id, TimelineEntry.kind == UpdatePosted.kind)
        .order_by(TimelineEntry.sequence.desc())
        .limit(most)
    )
    rows = (await session.execute(query)).scalars()
    return [UpdatePosted.read(row.content) or UpdatePosted() for row in rows]


async def snooze_update(
    uow: UnitOfWork,
    ref: IncidentRef,
    *,
    delay: timedelta,
    reason: str = "",
    due_at: str | None = None,
) -> Outcome:
    """Snooze the next update and its reminders once; the next snooze needs an update first.

    `due_at` is the due time (as text) that the actor saw when pressing; None for a command.

    Raises: NotPermitted; AlreadySo when it is already snoozed, or no update is due at all;
        Superseded when the due time that the actor saw has changed; InvalidInput for over a day.
    """
    incident = await uow.get_incident(ref)
    await uow.permit(Action.SNOOZE, incident)
    current = incident.next_update_due_at
    if current is None or not incident.is_open:
        raise AlreadySo("update_reminders", "off")
    if await snoozed_among(uow.session, [incident]):
        raise AlreadySo("update_snoozed", instant_text(current))
    if due_at is not None and due_at != instant_text(current):
        raise Superseded("update_reminder")
    if not timedelta(0) < delay <= LONGEST_SNOOZE:
        raise InvalidInput("duration", "out_of_range", "15m; at most 24h")
    until = max(current, uow.now) + delay
    incident.next_update_due_at = until
    uow.record(
        incident,
        UpdateSnoozed(
            was_due_at=current,
            until=until,
            delay_seconds=int(delay.total_seconds()),
            reason=trimmed(reason)[:MAX_REASON],
        ),
    )
    data = {"until": instant_text(until), "reference": str(incident.reference)}
    return Outcome("update_snoozed", incident.id, data)


async def snoozed_among(
    session: AsyncSession, incidents: Collection[Incident]
) -> frozenset[uuid.UUID]:
    """Return the incidents whose current due time was set by a snooze."""
    query = (
        select(TimelineEntry.incident_id, TimelineEntry.content)
        .where(
            TimelineEntry.incident_id.in_([incident.id for incident in incidents]),
            TimelineEntry.kind == UpdateSnoozed.kind,
        )
        .order_by(TimelineEntry.sequence)
    )
    rows = (await session.execute(query)).all()
    until = {incident_id: (content or {}).get("until") for incident_id, content in rows}
    return frozenset(
        incident.id
        for incident in incidents
        if incident.next_update_due_at is not None
        and until.get(incident.id) == instant_text(incident.next_update_due_at)
    )


def draft_from(arguments: Mapping[str, Any]) -> UpdateDraft:
    """Return the draft that these JSON values describe."""
    seconds, status = arguments.get("next_seconds"), arguments.get("status")
    return UpdateDraft(
        text=str(arguments.get("text") or ""),
        impact=str(arguments.get("impact") or ""),
        actions=str(arguments.get("actions") or ""),
        next_steps=str(arguments.get("next_steps") or ""),
        needs=str(arguments.get("needed") or ""),
        next_in=None if seconds is None else timedelta(seconds=int(seconds)),
        status=None if status is None else IncidentStatus(status),
        is_no_change=bool(arguments.get("is_no_change")),
    )


def _arguments_of(draft: UpdateDraft) -> dict[str, Any]:
    seconds = None if draft.next_in is None else int(draft.next_in.total_seconds())
    more = {"is_no_change": True} if draft.is_no_change else {}
    return {**_texts_of(draft), "next_seconds": seconds, "status": draft.status, **more}


def _texts_of(draft: UpdateDraft) -> dict[str, str]:
    return {
        "text": trimmed(draft.text),
        "impact": trimmed(draft.impact),
        "actions": trimmed(draft.actions),
        "next_steps": trimmed(draft.next_steps),
        "needed": trimmed(draft.needs),
    }


def _change_impact(incident: Incident, impact: str) -> dict[str, dict[str, str]]:
    """Set the incident's impact from the update; return old and new if it changed."""
    if not impact or impact == incident.impact:
        return {}
    change = {"impact": {"old": incident.impact, "new": impact}}
    incident.impact = impact
    return change


def _next_due(uow: UnitOfWork, incident: Incident, next_in: timedelta | None) -> datetime | None:
    if not incident.is_open:
        return None
    if next_in is None:
        return next_update_due(
            uow.policy,
            severity_key=incident.severity_key,
            status=incident.lifecycle_status,
            since=uow.now,
        )
    if not SHORTEST_NEXT <= next_in <= LONGEST_NEXT:
        raise InvalidInput("next", "out_of_range", "20m; from 1m to 7d")
    return uow.now + next_in


async def _next_number(session: AsyncSession, incident_id: uuid.UUID) -> int:
    query = select(func.max(StakeholderUpdate.number)).where(
        StakeholderUpdate.incident_id == incident_id
    )
    return ((await session.execute(query)).scalar_one() or 0) + 1
