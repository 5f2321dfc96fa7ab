"""What follows from entries about roles and command; `reactions.py` says which entry has which."""

import uuid
from collections.abc import Mapping
from typing import Any

from incidents.core.ids import derived_id
from incidents.engine.outbox import Planned
from incidents.engine.plan import IncidentPlan
from incidents.engine.reminders import ReminderKind
from incidents.policy.policy import COMMANDER
from incidents.roles.effects import RefreshHandoff, TellRoleHolder


def welcome_holder(plan: IncidentPlan[Any]) -> None:
    """Whoever takes a role is invited, and gets its duties and checklist directly."""
    content = plan.entry.content or {}
    person_id = _id_in(content, "person") or _id_in(content, "to")
    if person_id is None:
        return
    plan.invite(person_id)
    effect = TellRoleHolder(
        incident_id=plan.facts.incident_id,
        entry_id=plan.entry.id,
        person_id=person_id,
        role_key=str(content.get("role", COMMANDER)),
    )
    plan.add(effect, lane=f"dm:{person_id}", name=str(person_id))


def tell_replaced(plan: IncidentPlan[Any]) -> None:
    """Whoever held the role until now hears that it passed to somebody else."""
    content = plan.entry.content or {}
    _tell_unless_actor(plan, _id_in(content, "previous") or _id_in(content, "from"))


def tell_released(plan: IncidentPlan[Any]) -> None:
    """Whose role others ended hears of it."""
    _tell_unless_actor(plan, _id_in(plan.entry.content or {}, "person"))


def show_commander(plan: IncidentPlan[Any]) -> None:
    """The announcement names the commander."""
    if (plan.entry.content or {}).get("role", COMMANDER) == COMMANDER:
        plan.refresh_announcement()


def end_command_watch(plan: IncidentPlan[Any]) -> None:
    """Somebody commands: nobody is asked for any more."""
    if plan.facts.find_holder(COMMANDER) is not None:
        plan.cancel(ReminderKind.COMMANDER_MISSING)


def restart_command_watch(plan: IncidentPlan[Any]) -> None:
    """An open incident left without a commander, or to be, is watched again."""
    role = (plan.entry.content or {}).get("role", COMMANDER)
    if plan.facts.is_open and role == COMMANDER:
        after = plan.policy.reminders.commander_missing_after
        plan.remind(ReminderKind.COMMANDER_MISSING, after=after)


def put_handoff(plan: IncidentPlan[Any]) -> None:
    """A handoff is shown in the channel, and directly to who has to answer."""
    content = plan.entry.content or {}
    asked_id = _id_in(content, "asked")
    _show_handoff(plan, None)
    if asked_id is not None:
        plan.invite(_id_in(content, "to"))
        _show_handoff(plan, asked_id)
        plan.remind(
            ReminderKind.HANDOFF_UNANSWERED,
            after=plan.policy.reminders.handoff_timeout,
            subject_type="handoff",
            subject_id=_handoff_id(plan),
        )


def settle_handoff(plan: IncidentPlan[Any]) -> None:
    """A handoff that has ended loses its buttons and its timer, wherever it is shown."""
    handoff_id = _handoff_id(plan)
    if handoff_id is None:
        return
    plan.cancel(ReminderKind.HANDOFF_UNANSWERED, subject_type="handoff", subject_id=handoff_id)
    _show_handoff(plan, None)
    asked_id = _id_in(plan.entry.content or {}, "asked")
    if asked_id is not None:
        _show_handoff(plan, asked_id)


def tell_proposer(plan: IncidentPlan[Any]) -> None:
    """Whoever proposed the handoff hears that it was declined."""
    content = plan.entry.content or {}
    parties = (_id_in(content, "proposed_by"), _id_in(content, "from"), _id_in(content, "to"))
    for person_id in dict.fromkeys(parties):
        _tell_unless_actor(plan, person_id)


def call_backup(plan: IncidentPlan[Any]) -> None:
    """The backup whom the policy names is invited, and told directly if we know them."""
    backup = (plan.entry.content or {}).get("backup")
    if backup is None:
        return
    severity = plan.policy.find_severity(plan.facts.severity_key)
    if severity is not None and severity.backup is not None:
        plan.invite_policy((severity.backup,), name="backup")
    if backup.get("id"):
        plan.tell(uuid.UUID(backup["id"]))


def _show_handoff(plan: IncidentPlan[Any], person_id: uuid.UUID | None) -> None:
    handoff_id = _handoff_id(plan)
    if handoff_id is None:
        return
    effect = RefreshHandoff(
        incident_id=plan.facts.incident_id, handoff_id=handoff_id, person_id=person_id
    )
    place = f"dm:{person_id}" if person_id else "channel"
    effect_id = derived_id(plan.entry.id, f"{effect.kind}:{handoff_id}:{place}")
    plan.effects.append(
        Planned(
            id=effect_id,
            effect=effect,
            lane=f"{plan.facts.incident_id}:{place}",
            after_effect_id=None if person_id else plan.channel_gate,
            coalesce_key=f"{effect.kind}:{handoff_id}:{place}",
            entry_id=plan.entry.id,
        )
    )


def _handoff_id(plan: IncidentPlan[Any]) -> uuid.UUID | None:
    text = (plan.entry.content or {}).get("handoff_id")
    return uuid.UUID(text) if text else None


def _tell_unless_actor(plan: IncidentPlan[Any], person_id: uuid.UUID | None) -> None:
    if person_id is not None and person_id != plan.entry.actor_id:
        plan.tell(person_id)


def _id_in(content: Mapping[str, Any], name: str) -> uuid.UUID | None:
    """Return the id of somebody whom the entry names."""
    found = content.get(name)
    return uuid.UUID(found["id"]) if found and found.get("id") else None


def watch_while_open(plan: IncidentPlan[Any]) -> None:
    """Nobody is asked for when the work is over; taken up again, it needs a commander."""
    if not plan.facts.is_open:
        plan.cancel(ReminderKind.COMMANDER_MISSING)
        return
    is_reopening = bool((plan.entry.content or {}).get("is_reopening"))
    if is_reopening and plan.facts.find_holder(COMMANDER) is None:
        watch_for_commander(plan)


def watch_for_commander(plan: IncidentPlan[Any]) -> None:
    """Nobody in command after a few minutes: ask for somebody."""
    plan.remind(ReminderKind.COMMANDER_MISSING, after=plan.policy.reminders.commander_missing_after)
