"""Reactions: what follows from each timeline entry. Read this to know everything the system does.

Pure: (entry, facts, policy) → effects and reminders. `FOLLOW_UPS` says which function speaks for
which entry; the sets above it say which entries are posted in the channel, and which change what
the status card, the announcement and the topic show. Effect ids derive from the entry, so the same
entry always gives the same effects.
"""

import uuid
from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType

from incidents.channel import entries as channel
from incidents.drills.entries import bring_in_mentor, wake_scenario
from incidents.engine import effects as fx
from incidents.engine.plan import Plan, Reaction
from incidents.engine.reminders import ReminderKind
from incidents.escalation import entries as escalations
from incidents.guidance.tables import look_reminder
from incidents.incident.facts import Facts
from incidents.incident.timeline import EntryKind, TimelineEntry
from incidents.learning.entries import follow_learners
from incidents.policy.policy import COMMANDER, Policy
from incidents.postmortem.entries import (
    end_postmortem_reminder,
    pause_postmortem_reminder,
    remind_of_postmortem,
    remind_owner,
    tell_owner,
    upload_postmortem,
)
from incidents.proposals import entries as approvals
from incidents.roles import entries as roles

_K = EntryKind

# Entries that are said in the incident channel.
POSTED = frozenset(
    {
        _K.STATUS_CHANGED,
        _K.SEVERITY_CHANGED,
        _K.EDITED,
        _K.NOTE,
        _K.INVITE_REFUSED,
        _K.CHANNEL_LINKED,
        _K.MOVED_TO_PRIVATE,
        _K.UPDATE_POSTED,
        _K.UPDATE_SNOOZED,
        _K.STALE_ASKED,
        _K.ROLE_ASSIGNED,
        _K.ROLE_ENDED,
        _K.HANDOFF_DECLINED,
        _K.COMMANDER_CHANGED,
        _K.COMMANDER_MISSING,
        _K.CHECKIN_ASKED,
        _K.CHECKIN_UNDERSTOOD,
        _K.CHECKIN_ANSWERED,
        _K.ESCALATION_TAKEN,
        _K.ESCALATION_EXHAUSTED,
        _K.PROPOSAL_APPROVED,
        _K.PROPOSAL_DECLINED,
        _K.APPROVAL_LAPSED,
        _K.BREAK_GLASS,
        _K.PROPOSAL_CARRIED_OUT,
        _K.PROPOSAL_ABANDONED,
        _K.OBJECTIONS_ASKED,
        _K.OBJECTION_RAISED,
        _K.OBJECTIONS_ENDED,
        _K.DUPLICATE_FOUND,
        _K.POSTMORTEM_DRAFTED,
        _K.POSTMORTEM_OWNER_SET,
        _K.POSTMORTEM_EDITED,
        _K.POSTMORTEM_PUBLISHED,
        _K.ACTION_ITEM_ADDED,
        _K.ACTION_ITEM_ASSIGNED,
        _K.ACTION_ITEM_DONE,
        _K.DRILL_STARTED,
        _K.DRILL_SIGNAL,
        _K.DRILL_CHECKED,
        _K.DRILL_ACTED,
        _K.DRILL_ENDED,
    }
)

# Entries after which the status card (and the announcement, which shows less) must be made anew.
CARD_CHANGES = frozenset(
    {
        _K.STATUS_CHANGED,
        _K.SEVERITY_CHANGED,
        _K.EDITED,
        _K.MILESTONE_SET,
        _K.CHANNEL_UNARCHIVED,
        _K.BOT_RETURNED,
        _K.UPDATE_POSTED,
        _K.UPDATE_SNOOZED,
        _K.UPDATE_MISSED,
        _K.ACKNOWLEDGED,
        _K.ROLE_ASSIGNED,
        _K.ROLE_ENDED,
        _K.COMMANDER_CHANGED,
    }
)
ANNOUNCEMENT_CHANGES = frozenset(
    {
        _K.CHANNEL_OPENED,
        _K.CHANNEL_REFUSED,
        _K.CHANNEL_LINKED,
        _K.CHANNEL_DELETED,
        _K.STATUS_CHANGED,
        _K.SEVERITY_CHANGED,
        _K.EDITED,
        _K.UPDATE_POSTED,
    }
)
TOPIC_CHANGES = frozenset({_K.STATUS_CHANGED, _K.SEVERITY_CHANGED})


def react(entry: TimelineEntry, facts: Facts, policy: Policy) -> Reaction:
    """Return everything that follows from the entry, given the state after it."""
    plan = Plan(entry, facts, policy)
    kind = EntryKind(entry.kind)
    for prepare in PREPARATIONS.get(kind, ()):
        prepare(plan)
    if kind in POSTED:
        plan.post()
    for follow_up in FOLLOW_UPS.get(kind, ()):
        follow_up(plan)
    look_after_guided(plan)
    if kind in CARD_CHANGES:
        plan.refresh_card()
    if kind in ANNOUNCEMENT_CHANGES:
        plan.refresh_announcement()
    if kind in TOPIC_CHANGES:
        plan.set_topic()
    # Last, and nothing waits for it: those who watch come after those who respond.
    follow_learners(plan)
    return Reaction(effects=tuple(plan.effects), reminders=tuple(plan.reminders))


def look_after_guided(plan: Plan) -> None:
    """Whoever is guided, or may be from now on, is looked after at once, in private."""
    for person_id in plan.facts.to_guide:
        facts = plan.facts
        plan.reminders.append(look_reminder(facts.incident_id, person_id, now=facts.now))


def keep_cadence(plan: Plan) -> None:
    """The next stakeholder update is reminded of when it is due, and not once resolved."""
    due_at = plan.facts.next_update_due_at
    if due_at is None:
        plan.cancel(ReminderKind.UPDATE_DUE)
        return
    plan.remind(ReminderKind.UPDATE_DUE, after=due_at - plan.facts.now)


def follow_due(plan: Plan) -> None:
    """A step that moved the next update's due time moves its reminder; others leave it be.

    Setting it anew when nothing moved would say again what was said already.
    """
    content = plan.entry.content or {}
    if "next_update_due_at" in content or not plan.facts.is_open:
        keep_cadence(plan)


def watch_while_open(plan: Plan) -> None:
    """Nobody is asked for when the work is over; taken up again, it needs a commander."""
    if not plan.facts.is_open:
        plan.cancel(ReminderKind.COMMANDER_MISSING)
        return
    is_reopening = bool((plan.entry.content or {}).get("is_reopening"))
    if is_reopening and plan.facts.find_holder(COMMANDER) is None:
        watch_for_commander(plan)


def invite_for_severity(plan: Plan) -> None:
    """A worse severity brings in whom the policy names for it."""
    facts = plan.facts
    is_worse = bool((plan.entry.content or {}).get("is_worse"))
    if not is_worse or not facts.is_open or facts.is_private or facts.is_drill:
        return
    severity = plan.policy.find_severity(facts.severity_key)
    plan.invite_policy(severity.invites if severity else ())


def retitle(plan: Plan) -> None:
    """A new title is shown in the channel's topic."""
    if "title" in ((plan.entry.content or {}).get("changes") or {}):
        plan.set_topic()


def watch_for_commander(plan: Plan) -> None:
    """Nobody in command after a few minutes: ask for somebody."""
    plan.remind(ReminderKind.COMMANDER_MISSING, after=plan.policy.reminders.commander_missing_after)


def say_correction(plan: Plan) -> None:
    """A note was said in the channel, so its correction is too; a mark never was."""
    if (plan.entry.content or {}).get("target_kind") == EntryKind.NOTE:
        plan.post()


def erase_message(plan: Plan) -> None:
    """A redacted entry's text also leaves the messages that had said it or show it."""
    if plan.entry.target_id is None:
        return
    plan.refresh_card()
    plan.refresh_announcement()
    effect = fx.EraseEntryMessage(incident_id=plan.facts.incident_id, entry_id=plan.entry.target_id)
    plan.add(effect, lane="channel", after=plan.channel_gate)


def upload_export(plan: Plan) -> None:
    """An export goes as a file to the incident's own channel, and nowhere else."""
    effect = fx.UploadExport(
        incident_id=plan.facts.incident_id,
        entry_id=plan.entry.id,
        format=str((plan.entry.content or {}).get("format", "md")),
    )
    plan.add(effect, lane="exports", after=plan.channel_gate)


def watch_for_silence(plan: Plan) -> None:
    """An open incident in which nothing happens for days is asked about."""
    if plan.facts.is_open:
        plan.remind(ReminderKind.STALE, after=plan.policy.reminders.stale_after)
    else:
        plan.cancel(ReminderKind.STALE)


def say_reminder(plan: Plan) -> None:
    """An update that is due is said in the channel; a late one to those who lead, directly."""
    content = plan.entry.content or {}
    if content.get("step") != "late":
        plan.post()
        return
    for person in content.get("to", ()):
        plan.tell(uuid.UUID(person["id"]))


def say_miss(plan: Plan) -> None:
    """A missed update is said in the channel, unless that was said often enough."""
    if not (plan.entry.content or {}).get("is_quiet"):
        plan.post()


def ask_person(plan: Plan) -> None:
    """Whoever is asked to check something hears of it directly, and is brought in."""
    person_id = uuid.UUID((plan.entry.content or {})["person_id"])
    plan.tell(person_id)
    plan.invite(person_id)


def open_box(plan: Plan) -> None:
    """At the end of a check-in's time box it is asked how it went."""
    content = plan.entry.content or {}
    plan.remind(
        ReminderKind.CHECKIN_DUE,
        after=timedelta(seconds=content["box_seconds"]),
        subject_type="checkin",
        subject_id=uuid.UUID(content["checkin_id"]),
    )


def ask_how_it_went(plan: Plan) -> None:
    """At the end of the box the person and the commander are asked, directly."""
    person_id = uuid.UUID((plan.entry.content or {})["person_id"])
    for asked in dict.fromkeys((person_id, plan.facts.find_holder(COMMANDER))):
        plan.tell(asked)


def open_next_box(plan: Plan) -> None:
    """More time opens the next box; an answer ends the check-in."""
    content = plan.entry.content or {}
    if content.get("answer") == "more_time":
        open_box(plan)
        return
    plan.cancel(
        ReminderKind.CHECKIN_DUE,
        subject_type="checkin",
        subject_id=uuid.UUID(content["checkin_id"]),
    )


def tell_of_answer(plan: Plan) -> None:
    """Somebody stuck is worth a direct word to the commander and to who had asked."""
    content = plan.entry.content or {}
    if content.get("answer") != "stuck":
        return
    asked_by = content.get("asked_by_id")
    wanted = (plan.facts.find_holder(COMMANDER), uuid.UUID(asked_by) if asked_by else None)
    for person_id in dict.fromkeys(wanted):
        if person_id is not None and person_id != plan.entry.actor_id:
            plan.tell(person_id)


def say_failure(plan: Plan) -> None:
    """A dead letter is said in the channel, or, when the channel itself refuses, to people."""
    failed_kind = (plan.entry.content or {}).get("effect_kind")
    is_mute = plan.facts.channel_id is None or plan.facts.is_channel_archived
    if failed_kind == fx.PostEntry.kind or is_mute:
        plan.tell(plan.facts.find_holder(COMMANDER) or plan.facts.declared_by_id)
    else:
        plan.post()


FollowUp = Callable[[Plan], None]

# What must come before the entry itself is said.
PREPARATIONS: Mapping[EntryKind, tuple[FollowUp, ...]] = MappingProxyType(
    {_K.STATUS_CHANGED: (channel.bring_channel_back,)}
)

FOLLOW_UPS: Mapping[EntryKind, tuple[FollowUp, ...]] = MappingProxyType(
    {
        _K.DECLARED: (channel.open_channel, keep_cadence, watch_for_commander, watch_for_silence),
        _K.CHANNEL_OPENED: (channel.furnish_channel,),
        _K.CHANNEL_REFUSED: (channel.tell_declarer,),
        _K.CHANNEL_LINKED: (channel.join_channel, channel.furnish_channel, channel.say_move),
        _K.MOVED_TO_PRIVATE: (channel.go_private,),
        _K.CHANNEL_ARCHIVED: (channel.follow_archiving,),
        _K.CHANNEL_UNARCHIVED: (channel.show_anew,),
        _K.CHANNEL_DELETED: (channel.tell_lead,),
        _K.BOT_REMOVED: (channel.tell_lead,),
        _K.BOT_RETURNED: (channel.show_anew,),
        _K.EFFECT_FAILED: (say_failure,),
        _K.AMENDED: (say_correction,),
        _K.WITHDRAWN: (say_correction,),
        _K.REDACTED: (erase_message, approvals.erase_words),
        _K.EXPORTED: (upload_export,),
        _K.STATUS_CHANGED: (
            follow_due,
            watch_while_open,
            watch_for_silence,
            pause_postmortem_reminder,
            channel.archive_when_over,
            wake_scenario,
        ),
        _K.SEVERITY_CHANGED: (follow_due, invite_for_severity),
        _K.EDITED: (retitle, channel.add_bookmarks),
        _K.UPDATE_POSTED: (keep_cadence, wake_scenario),
        _K.UPDATE_SNOOZED: (keep_cadence,),
        _K.UPDATE_REMINDED: (say_reminder,),
        _K.UPDATE_MISSED: (say_miss,),
        _K.ROLE_ASSIGNED: (
            roles.welcome_holder,
            roles.tell_replaced,
            roles.end_command_watch,
            roles.show_commander,
        ),
        _K.ROLE_ENDED: (roles.tell_released, roles.restart_command_watch, roles.show_commander),
        _K.HANDOFF_OFFERED: (roles.put_handoff,),
        _K.HANDOFF_REQUESTED: (roles.put_handoff,),
        _K.HANDOFF_DECLINED: (roles.settle_handoff, roles.tell_proposer),
        _K.HANDOFF_WITHDRAWN: (roles.settle_handoff,),
        _K.SUCCESSOR_WANTED: (roles.put_handoff, roles.restart_command_watch),
        _K.COMMANDER_CHANGED: (
            roles.welcome_holder,
            roles.tell_replaced,
            roles.settle_handoff,
            roles.end_command_watch,
            roles.show_commander,
        ),
        _K.COMMANDER_MISSING: (roles.call_backup,),
        _K.CHECKIN_ASKED: (ask_person, open_box),
        _K.CHECKIN_DUE: (ask_how_it_went,),
        _K.CHECKIN_ANSWERED: (open_next_box, tell_of_answer),
        _K.ACTION_PROPOSED: (approvals.put_proposal,),
        _K.PROPOSAL_REVISED: (approvals.put_proposal,),
        _K.PROPOSAL_APPROVED: (approvals.follow_answer,),
        _K.PROPOSAL_DECLINED: (approvals.follow_end,),
        _K.APPROVAL_LAPSED: (approvals.ask_again,),
        _K.PROPOSAL_UNANSWERED: (approvals.say_unanswered,),
        _K.PROPOSAL_EXPIRED: (approvals.follow_expiry,),
        _K.BREAK_GLASS: (approvals.follow_break_glass,),
        _K.RESULT_ASKED: (approvals.ask_for_result,),
        _K.PROPOSAL_CARRIED_OUT: (approvals.follow_end,),
        _K.PROPOSAL_ABANDONED: (approvals.follow_end,),
        _K.OBJECTIONS_ASKED: (approvals.open_poll,),
        _K.OBJECTION_RAISED: (approvals.tell_of_objection,),
        _K.OBJECTIONS_ENDED: (approvals.show_proposal,),
        _K.POSTMORTEM_DRAFTED: (upload_postmortem, remind_of_postmortem),
        _K.POSTMORTEM_OWNER_SET: (tell_owner, remind_of_postmortem),
        _K.POSTMORTEM_PUBLISHED: (upload_postmortem, end_postmortem_reminder),
        _K.POSTMORTEM_REMINDED: (remind_owner,),
        _K.ACTION_ITEM_ADDED: (tell_owner,),
        _K.ACTION_ITEM_ASSIGNED: (tell_owner,),
        **escalations.FOLLOW_UPS,
        _K.DRILL_STARTED: (bring_in_mentor,),
    }
)
