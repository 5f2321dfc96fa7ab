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
from incidents.engine.effects import EraseEntryMessage, PostEntry, UploadExport
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
from incidents.proposals import entries as proposals
from incidents.roles import entries as roles

# Entries that are said in the incident channel.
POSTED = frozenset(
    {
        EntryKind.STATUS_CHANGED,
        EntryKind.SEVERITY_CHANGED,
        EntryKind.EDITED,
        EntryKind.NOTE,
        EntryKind.INVITE_REFUSED,
        EntryKind.CHANNEL_LINKED,
        EntryKind.MOVED_TO_PRIVATE,
        EntryKind.UPDATE_POSTED,
        EntryKind.UPDATE_SNOOZED,
        EntryKind.STALE_ASKED,
        EntryKind.ROLE_ASSIGNED,
        EntryKind.ROLE_ENDED,
        EntryKind.HANDOFF_DECLINED,
        EntryKind.COMMANDER_CHANGED,
        EntryKind.COMMANDER_MISSING,
        EntryKind.CHECKIN_ASKED,
        EntryKind.CHECKIN_UNDERSTOOD,
        EntryKind.CHECKIN_ANSWERED,
        EntryKind.ESCALATION_TAKEN,
        EntryKind.ESCALATION_EXHAUSTED,
        EntryKind.PROPOSAL_APPROVED,
        EntryKind.PROPOSAL_DECLINED,
        EntryKind.APPROVAL_LAPSED,
        EntryKind.BREAK_GLASS,
        EntryKind.PROPOSAL_CARRIED_OUT,
        EntryKind.PROPOSAL_ABANDONED,
        EntryKind.OBJECTIONS_ASKED,
        EntryKind.OBJECTION_RAISED,
        EntryKind.OBJECTIONS_ENDED,
        EntryKind.DUPLICATE_FOUND,
        EntryKind.POSTMORTEM_DRAFTED,
        EntryKind.POSTMORTEM_OWNER_SET,
        EntryKind.POSTMORTEM_EDITED,
        EntryKind.POSTMORTEM_PUBLISHED,
        EntryKind.ACTION_ITEM_ADDED,
        EntryKind.ACTION_ITEM_ASSIGNED,
        EntryKind.ACTION_ITEM_DONE,
        EntryKind.DRILL_STARTED,
        EntryKind.DRILL_SIGNAL,
        EntryKind.DRILL_CHECKED,
        EntryKind.DRILL_ACTED,
        EntryKind.DRILL_ENDED,
    }
)

# Entries after which the status card (and the announcement, which shows less) must be made anew.
CARD_CHANGES = frozenset(
    {
        EntryKind.STATUS_CHANGED,
        EntryKind.SEVERITY_CHANGED,
        EntryKind.EDITED,
        EntryKind.MILESTONE_SET,
        EntryKind.CHANNEL_UNARCHIVED,
        EntryKind.BOT_RETURNED,
        EntryKind.UPDATE_POSTED,
        EntryKind.UPDATE_SNOOZED,
        EntryKind.UPDATE_MISSED,
        EntryKind.ACKNOWLEDGED,
        EntryKind.ROLE_ASSIGNED,
        EntryKind.ROLE_ENDED,
        EntryKind.COMMANDER_CHANGED,
    }
)
ANNOUNCEMENT_CHANGES = frozenset(
    {
        EntryKind.CHANNEL_OPENED,
        EntryKind.CHANNEL_REFUSED,
        EntryKind.CHANNEL_LINKED,
        EntryKind.CHANNEL_DELETED,
        EntryKind.STATUS_CHANGED,
        EntryKind.SEVERITY_CHANGED,
        EntryKind.EDITED,
        EntryKind.UPDATE_POSTED,
    }
)
TOPIC_CHANGES = frozenset({EntryKind.STATUS_CHANGED, EntryKind.SEVERITY_CHANGED})


def react(entry: TimelineEntry, facts: Facts, policy: Policy) -> Reaction:
    """Return everything that follows from the entry, given the state after it."""
    plan = Plan(entry, facts, policy)
    kind = EntryKind(entry.kind)
    for prepare in PREPARATIONS.get(kind, ()):
        prepare(plan)
    plan.refresh_entry_messages()
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
    effect = EraseEntryMessage(incident_id=plan.facts.incident_id, entry_id=plan.entry.target_id)
    plan.add(effect, lane="channel", after=plan.channel_gate)


def upload_export(plan: Plan) -> None:
    """An export goes as a file to the incident's own channel, and nowhere else."""
    effect = UploadExport(
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
    if failed_kind == PostEntry.kind or is_mute:
        plan.tell(plan.facts.find_holder(COMMANDER) or plan.facts.declared_by_id)
    else:
        plan.post()


FollowUp = Callable[[Plan], None]

# What must come before the entry itself is said.
PREPARATIONS: Mapping[EntryKind, tuple[FollowUp, ...]] = MappingProxyType(
    {EntryKind.STATUS_CHANGED: (channel.bring_channel_back,)}
)

FOLLOW_UPS: Mapping[EntryKind, tuple[FollowUp, ...]] = MappingProxyType(
    {
        EntryKind.DECLARED: (
            channel.open_channel,
            keep_cadence,
            watch_for_commander,
            watch_for_silence,
        ),
        EntryKind.CHANNEL_OPENED: (channel.furnish_channel,),
        EntryKind.CHANNEL_REFUSED: (channel.tell_declarer,),
        EntryKind.CHANNEL_LINKED: (channel.join_channel, channel.furnish_channel, channel.say_move),
        EntryKind.MOVED_TO_PRIVATE: (channel.go_private,),
        EntryKind.CHANNEL_ARCHIVED: (channel.follow_archiving,),
        EntryKind.CHANNEL_UNARCHIVED: (channel.show_anew,),
        EntryKind.CHANNEL_DELETED: (channel.tell_lead,),
        EntryKind.BOT_REMOVED: (channel.tell_lead,),
        EntryKind.BOT_RETURNED: (channel.show_anew,),
        EntryKind.EFFECT_FAILED: (say_failure,),
        EntryKind.AMENDED: (say_correction,),
        EntryKind.WITHDRAWN: (say_correction,),
        EntryKind.REDACTED: (erase_message, proposals.erase_words),
        EntryKind.EXPORTED: (upload_export,),
        EntryKind.STATUS_CHANGED: (
            follow_due,
            watch_while_open,
            watch_for_silence,
            pause_postmortem_reminder,
            channel.archive_when_over,
            wake_scenario,
        ),
        EntryKind.SEVERITY_CHANGED: (follow_due, invite_for_severity),
        EntryKind.EDITED: (retitle, channel.add_bookmarks),
        EntryKind.UPDATE_POSTED: (keep_cadence, wake_scenario),
        EntryKind.UPDATE_SNOOZED: (keep_cadence,),
        EntryKind.UPDATE_REMINDED: (say_reminder,),
        EntryKind.UPDATE_MISSED: (say_miss,),
        EntryKind.ROLE_ASSIGNED: (
            roles.welcome_holder,
            roles.tell_replaced,
            roles.end_command_watch,
            roles.show_commander,
        ),
        EntryKind.ROLE_ENDED: (
            roles.tell_released,
            roles.restart_command_watch,
            roles.show_commander,
        ),
        EntryKind.HANDOFF_OFFERED: (roles.put_handoff,),
        EntryKind.HANDOFF_REQUESTED: (roles.put_handoff,),
        EntryKind.HANDOFF_DECLINED: (roles.settle_handoff, roles.tell_proposer),
        EntryKind.HANDOFF_WITHDRAWN: (roles.settle_handoff,),
        EntryKind.SUCCESSOR_WANTED: (roles.put_handoff, roles.restart_command_watch),
        EntryKind.COMMANDER_CHANGED: (
            roles.welcome_holder,
            roles.tell_replaced,
            roles.settle_handoff,
            roles.end_command_watch,
            roles.show_commander,
        ),
        EntryKind.COMMANDER_MISSING: (roles.call_backup,),
        EntryKind.CHECKIN_ASKED: (ask_person, open_box),
        EntryKind.CHECKIN_DUE: (ask_how_it_went,),
        EntryKind.CHECKIN_ANSWERED: (open_next_box, tell_of_answer),
        EntryKind.ACTION_PROPOSED: (proposals.put_proposal,),
        EntryKind.PROPOSAL_REVISED: (proposals.put_proposal,),
        EntryKind.PROPOSAL_APPROVED: (proposals.follow_answer,),
        EntryKind.PROPOSAL_DECLINED: (proposals.follow_end,),
        EntryKind.APPROVAL_LAPSED: (proposals.ask_again,),
        EntryKind.PROPOSAL_UNANSWERED: (proposals.say_unanswered,),
        EntryKind.PROPOSAL_EXPIRED: (proposals.follow_expiry,),
        EntryKind.BREAK_GLASS: (proposals.follow_break_glass,),
        EntryKind.RESULT_ASKED: (proposals.ask_for_result,),
        EntryKind.PROPOSAL_CARRIED_OUT: (proposals.follow_end,),
        EntryKind.PROPOSAL_ABANDONED: (proposals.follow_end,),
        EntryKind.OBJECTIONS_ASKED: (proposals.open_poll,),
        EntryKind.OBJECTION_RAISED: (proposals.tell_of_objection,),
        EntryKind.OBJECTIONS_ENDED: (proposals.show_proposal,),
        EntryKind.POSTMORTEM_DRAFTED: (upload_postmortem, remind_of_postmortem),
        EntryKind.POSTMORTEM_OWNER_SET: (tell_owner, remind_of_postmortem),
        EntryKind.POSTMORTEM_PUBLISHED: (upload_postmortem, end_postmortem_reminder),
        EntryKind.POSTMORTEM_REMINDED: (remind_owner,),
        EntryKind.ACTION_ITEM_ADDED: (tell_owner,),
        EntryKind.ACTION_ITEM_ASSIGNED: (tell_owner,),
        **escalations.FOLLOW_UPS,
        EntryKind.DRILL_STARTED: (bring_in_mentor,),
    }
)
