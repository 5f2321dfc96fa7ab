"""Reactions: what follows from each timeline entry. Read this to know everything the system does.

Pure: (entry, facts, policy) → effects and reminders. `FOLLOW_UPS` says which function speaks for
which entry; the sets above it say which entries are posted in the channel, and which change what
the status card, the announcement and the topic show. Effect ids derive from the entry, so the same
entry always gives the same effects.
"""

import uuid
from collections.abc import Callable, Mapping
from types import MappingProxyType

from incidents import effects as fx
from incidents.facts import Facts
from incidents.plan import Plan, Reaction
from incidents.policy import COMMANDER, Policy
from incidents.postmortem_reminders import first_reminder
from incidents.reminders import ReminderKind
from incidents.timeline import EntryKind, TimelineEntry

_K = EntryKind

# Entries that are said in the incident channel.
POSTED = frozenset(
    {
        _K.STATUS_CHANGED,
        _K.SEVERITY_CHANGED,
        _K.EDITED,
        _K.NOTE,
        _K.POSTMORTEM_DRAFTED,
        _K.POSTMORTEM_OWNER_SET,
        _K.POSTMORTEM_EDITED,
        _K.POSTMORTEM_PUBLISHED,
        _K.ACTION_ITEM_ADDED,
        _K.ACTION_ITEM_ASSIGNED,
        _K.ACTION_ITEM_DONE,
    }
)

# Entries after which the status card (and the announcement, which shows less) must be made anew.
CARD_CHANGES = frozenset(
    {
        _K.STATUS_CHANGED,
        _K.SEVERITY_CHANGED,
        _K.EDITED,
        _K.MILESTONE_SET,
    }
)
ANNOUNCEMENT_CHANGES = frozenset(
    {
        _K.CHANNEL_OPENED,
        _K.CHANNEL_REFUSED,
        _K.CHANNEL_LINKED,
        _K.STATUS_CHANGED,
        _K.SEVERITY_CHANGED,
        _K.EDITED,
    }
)
TOPIC_CHANGES = frozenset({_K.STATUS_CHANGED, _K.SEVERITY_CHANGED})


def react(entry: TimelineEntry, facts: Facts, policy: Policy) -> Reaction:
    """Return everything that follows from the entry, given the state after it."""
    plan = Plan(entry, facts, policy)
    kind = EntryKind(entry.kind)
    if kind in POSTED:
        plan.post()
    for follow_up in FOLLOW_UPS.get(kind, ()):
        follow_up(plan)
    if kind in CARD_CHANGES:
        plan.refresh_card()
    if kind in ANNOUNCEMENT_CHANGES:
        plan.refresh_announcement()
    if kind in TOPIC_CHANGES:
        plan.set_topic()
    return Reaction(effects=tuple(plan.effects), reminders=tuple(plan.reminders))


def open_channel(plan: Plan) -> None:
    """Declaring opens the incident's channel; all else there waits for it."""
    plan.add(fx.OpenIncidentChannel(incident_id=plan.facts.incident_id), lane="channel")


def furnish_channel(plan: Plan) -> None:
    """A channel gets its people, its status card (pinned), and last its topic and bookmarks."""
    facts = plan.facts
    plan.invite(facts.declared_by_id)
    card = plan.refresh_card()
    if facts.is_private:
        plan.invite_policy(plan.policy.private.invite)
    elif not facts.is_drill:
        severity = plan.policy.find_severity(facts.severity_key)
        plan.invite_policy(severity.invites if severity else ())
    plan.add(fx.PinStatusCard(incident_id=facts.incident_id), lane="ancillary", after=card)
    plan.set_topic()
    plan.add(fx.AddBookmarks(incident_id=facts.incident_id), lane="ancillary")


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


def watch_for_commander(plan: Plan) -> None:
    """Nobody in command after a few minutes: ask for somebody."""
    plan.remind(ReminderKind.COMMANDER_MISSING, after=plan.policy.reminders.commander_missing_after)


def upload_postmortem(plan: Plan) -> None:
    """A postmortem goes to the channel as a file, unless it is kept elsewhere."""
    content = plan.entry.content or {}
    if content.get("link"):
        return
    effect = fx.UploadPostmortem(
        incident_id=plan.facts.incident_id, postmortem_id=uuid.UUID(content["postmortem_id"])
    )
    plan.add(effect, lane="channel", after=plan.channel_gate)


def remind_of_postmortem(plan: Plan) -> None:
    """The postmortem is reminded of on the business day before it is due, and on the day."""
    plan.reminders.append(first_reminder(plan.entry, plan.facts, plan.policy))


def end_postmortem_reminder(plan: Plan) -> None:
    """Once published there is nothing left to remind of."""
    plan.cancel(ReminderKind.POSTMORTEM_DUE)


def pause_postmortem_reminder(plan: Plan) -> None:
    """A reopened incident gets a new draft, with a new date, when it is resolved again."""
    if plan.facts.is_open:
        plan.cancel(ReminderKind.POSTMORTEM_DUE)


def tell_owner(plan: Plan) -> None:
    """Whoever others gave something to hears of it directly."""
    owner_id = (plan.entry.content or {}).get("owner_id")
    if owner_id is not None and owner_id != str(plan.entry.actor_id):
        plan.tell(uuid.UUID(owner_id))


def remind_owner(plan: Plan) -> None:
    """The owner is reminded directly; without one, the channel is."""
    owner_id = (plan.entry.content or {}).get("owner_id")
    if owner_id is None:
        plan.post()
    else:
        plan.tell(uuid.UUID(owner_id))


def say_correction(plan: Plan) -> None:
    """A note was said in the channel, so its correction is too; a mark never was."""
    if (plan.entry.content or {}).get("target_kind") == EntryKind.NOTE:
        plan.post()


def erase_message(plan: Plan) -> None:
    """A redacted entry's text also leaves the message that had said it in the channel."""
    if plan.entry.target_id is None:
        return
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


FollowUp = Callable[[Plan], None]

FOLLOW_UPS: Mapping[EntryKind, tuple[FollowUp, ...]] = MappingProxyType(
    {
        _K.DECLARED: (open_channel, keep_cadence, watch_for_commander),
        _K.CHANNEL_OPENED: (furnish_channel,),
        _K.CHANNEL_LINKED: (furnish_channel,),
        _K.AMENDED: (say_correction,),
        _K.WITHDRAWN: (say_correction,),
        _K.REDACTED: (erase_message,),
        _K.EXPORTED: (upload_export,),
        _K.STATUS_CHANGED: (follow_due, watch_while_open, pause_postmortem_reminder),
        _K.SEVERITY_CHANGED: (follow_due, invite_for_severity),
        _K.POSTMORTEM_DRAFTED: (upload_postmortem, remind_of_postmortem),
        _K.POSTMORTEM_OWNER_SET: (tell_owner, remind_of_postmortem),
        _K.POSTMORTEM_PUBLISHED: (upload_postmortem, end_postmortem_reminder),
        _K.POSTMORTEM_REMINDED: (remind_owner,),
        _K.ACTION_ITEM_ADDED: (tell_owner,),
        _K.ACTION_ITEM_ASSIGNED: (tell_owner,),
    }
)
