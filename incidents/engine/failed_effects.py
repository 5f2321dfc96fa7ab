"""Dead letters: said aloud on the timeline, and tried again or let go by people."""

import uuid
from collections.abc import Mapping
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.exc import NoResultFound
from sqlalchemy.ext.asyncio import AsyncSession

from incidents.core.errors import Superseded
from incidents.engine import outbox
from incidents.engine.effects import effect_types
from incidents.engine.outbox import EffectRow, EffectStatus
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import ById
from incidents.incident.timeline import EntryKind, TimelineEntry
from incidents.policy.policy import Action


async def record_failure(uow: UnitOfWork, *, row: EffectRow, error: str) -> None:
    """Say on the timeline that an effect was given up.

    A failure to say that something failed is not said again: it would go round for ever. And what
    is one person's own stays theirs.
    """
    effect_type = effect_types().get(row.kind)
    if effect_type is not None and effect_type.one_persons_own:
        return
    if row.incident_id is None or await _is_about_failure(uow, row):
        return
    incident = await uow.get_incident(ById(row.incident_id))
    content = {"effect_id": row.id, "effect_kind": row.kind, "error": error}
    uow.record(incident, EntryKind.EFFECT_FAILED, content)


async def _is_about_failure(uow: UnitOfWork, row: EffectRow) -> bool:
    if row.entry_id is None:
        return False
    entry = await uow.session.get(TimelineEntry, row.entry_id)
    return entry is not None and entry.kind == EntryKind.EFFECT_FAILED


async def retry_effect(uow: UnitOfWork, effect_id: uuid.UUID) -> Outcome:
    """Try a dead letter again. Raises: Superseded if it isn't one any more; NotPermitted."""
    row = await _get_dead(uow, effect_id)
    incident = await uow.get_incident(ById(_incident_id(row)))
    await uow.permit(Action.RETRY_EFFECT, incident)
    await outbox.requeue(uow.session, row, now=uow.now)
    uow.wake_others()
    uow.record(incident, EntryKind.EFFECT_RETRIED, {"effect_id": row.id, "effect_kind": row.kind})
    return Outcome("effect_retried", incident.id, {"effect_kind": row.kind})


async def is_dead(session: AsyncSession, effect_id: uuid.UUID) -> bool:
    """Tell whether an effect is a dead letter, which somebody may try again."""
    query = select(EffectRow.status).where(EffectRow.id == effect_id)
    return (await session.execute(query)).scalar_one_or_none() == EffectStatus.DEAD


async def _get_dead(uow: UnitOfWork, effect_id: uuid.UUID) -> EffectRow:
    try:
        row = await outbox.get_effect(uow.session, effect_id)
    except NoResultFound:
        raise Superseded("effect") from None
    if row.workspace_id != uow.workspace_id or row.status != EffectStatus.DEAD:
        raise Superseded("effect")
    return row


def _incident_id(row: EffectRow) -> uuid.UUID:
    if row.incident_id is None:
        raise Superseded("effect")
    return row.incident_id


# Each fits after "Slack refused" and after "Trying again:".
_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "open_incident_channel": "opening the incident channel",
        "invite_person": "inviting somebody",
        "invite_policy_people": "inviting the people the policy names",
        "refresh_status_card": "showing the status card",
        "pin_status_card": "pinning the status card",
        "refresh_announcement": "announcing the incident",
        "set_channel_topic": "setting the channel's topic",
        "add_bookmarks": "adding the channel's bookmarks",
        "post_entry": "posting a message in the channel",
        "tell_person": "sending a direct message",
        "refresh_entry_messages": "bringing earlier messages up to date",
        "tell_role_holder": "sending a role's checklist",
        "refresh_handoff": "showing the handoff",
        "upload_postmortem": "uploading the postmortem",
        "fetch_marked_message": "reading a marked message",
        "upload_export": "uploading the export",
        "erase_entry_message": "erasing a redacted message",
        "join_channel": "joining the channel",
        "discard_channel": "putting a spare channel away",
        "post_move": "saying where the incident moved",
        "archive_channel": "archiving the channel",
        "unarchive_channel": "bringing the channel back",
        "retire_channel": "putting the public channel away",
        "send_read_in": "reading a newcomer in",
        "refresh_home": "showing somebody's Home tab",
        "send_mentor_notes": "sending a mentor the notes on a drill",
        "send_scorecard": "sending the scorecard of a drill",
        "refresh_escalation_card": "showing the escalation",
        "call_for_escalation": "calling somebody for an escalation",
        "refresh_escalation_call": "bringing a call up to date",
        "look_up_callees": "finding out whom an escalation has to call",
        "refresh_proposal": "showing a proposal",
        "refresh_proposal_of_entry": "taking a redacted text out of a proposal",
        "send_prompt": "sending a question by direct message",
    }
)

# The commonest refusals; each fits after "because".
_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "restricted_action": "a workspace setting doesn't allow it",
        "not_in_channel": "Sitrep isn't in the channel",
        "channel_not_found": "the channel isn't there, or Sitrep can't see it",
        "is_archived": "the channel is archived",
        "missing_scope": "Sitrep wasn't given the right to",
        "user_is_restricted": "guests are kept out",
        "cant_invite": "Slack doesn't allow inviting them",
        "no_permission": "Sitrep wasn't given the right to",
        "msg_too_long": "the message is too long",
        "user_disabled": "the account is deactivated",
    }
)


def effect_words(kind: str) -> str:
    """Return what effects of this kind do, in words."""
    return _WORDS.get(kind, kind.replace("_", " "))


def refusal_reason(error: str) -> str:
    """Return why the chat service refused, in words, or an empty text if we have none."""
    return _REASONS.get(error, "")
