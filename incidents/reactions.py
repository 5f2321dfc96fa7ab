"""Reactions: what follows from each timeline entry. Read this to know everything the system does.

Pure: (entry, facts, policy) → effects and reminders. `FOLLOW_UPS` says which function speaks for
which entry; the sets above it say which entries are posted in the channel, and which change what
the status card, the announcement and the topic show. Effect ids derive from the entry, so the same
entry always gives the same effects.
"""

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from incidents import effects as fx
from incidents.facts import Facts
from incidents.ids import derived_id
from incidents.outbox import Planned
from incidents.policy import GroupRef, Invitee, PersonRef, Policy
from incidents.postmortem_reminders import first_reminder
from incidents.reminders import CancelReminder, Remind, ReminderKind
from incidents.timeline import EntryKind, TimelineEntry

_K = EntryKind

ReminderChange = Remind | CancelReminder

# Entries that are said in the incident channel.
POSTED = frozenset(
    {
        _K.STATUS_CHANGED,
        _K.SEVERITY_CHANGED,
        _K.EDITED,
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


@dataclass(frozen=True, slots=True)
class Reaction:
    """What follows from one entry."""

    effects: tuple[Planned, ...] = ()
    reminders: tuple[ReminderChange, ...] = ()


class Plan:
    """Collects what follows from one entry; knows lanes and what must wait for the channel."""

    def __init__(self, entry: TimelineEntry, facts: Facts, policy: Policy) -> None:
        """Bind the entry, the facts and the policy."""
        self.entry = entry
        self.facts = facts
        self.policy = policy
        self.effects: list[Planned] = []
        self.reminders: list[ReminderChange] = []

    def add(
        self,
        effect: fx.Effect,
        *,
        lane: str,
        after: uuid.UUID | None = None,
        name: str = "",
        coalesce_key: str | None = None,
    ) -> uuid.UUID:
        """Plan an effect in a lane of this incident and return its id; `name` tells twins apart."""
        effect_id = derived_id(self.entry.id, f"{effect.kind}:{name}")
        self.effects.append(
            Planned(
                id=effect_id,
                effect=effect,
                lane=f"{self.facts.incident_id}:{lane}",
                after_effect_id=after,
                coalesce_key=coalesce_key,
                entry_id=self.entry.id,
            )
        )
        return effect_id

    def refresh(self, effect: fx.Effect, *, lane: str, after: uuid.UUID | None = None) -> uuid.UUID:
        """Plan a refresh from current state: one that still waits serves for both."""
        key = f"{effect.kind}:{self.facts.incident_id}"
        return self.add(effect, lane=lane, after=after, coalesce_key=key)

    @property
    def channel_gate(self) -> uuid.UUID | None:
        """Return what everything said in the channel waits for: the effect that opens it."""
        return None if self.facts.channel_id else self.facts.channel_effect_id

    def post(self) -> None:
        """Say the entry in the incident channel."""
        effect = fx.PostEntry(incident_id=self.facts.incident_id, entry_id=self.entry.id)
        self.add(effect, lane="channel", after=self.channel_gate)

    def tell(self, person_id: uuid.UUID | None) -> None:
        """Tell one person about the entry by direct message."""
        if person_id is None:
            return
        effect = fx.TellPerson(
            incident_id=self.facts.incident_id, entry_id=self.entry.id, person_id=person_id
        )
        self.add(effect, lane=f"dm:{person_id}", name=str(person_id))

    def invite(self, person_id: uuid.UUID | None) -> None:
        """Invite one person to the incident channel."""
        if person_id is None:
            return
        effect = fx.InvitePerson(incident_id=self.facts.incident_id, person_id=person_id)
        self.add(effect, lane="invites", after=self.channel_gate, name=str(person_id))

    def invite_policy(self, invitees: Iterable[Invitee], *, name: str = "") -> None:
        """Invite the people and groups that the policy names."""
        invited = tuple(invitees)
        people = tuple(str(item) for item in invited if isinstance(item, PersonRef))
        groups = tuple(str(item) for item in invited if isinstance(item, GroupRef))
        if not people and not groups:
            return
        effect = fx.InvitePolicyPeople(
            incident_id=self.facts.incident_id, people=people, groups=groups
        )
        self.add(effect, lane="invites", after=self.channel_gate, name=name)

    def refresh_card(self) -> uuid.UUID:
        """Bring the status card up to date."""
        effect = fx.RefreshStatusCard(incident_id=self.facts.incident_id)
        return self.refresh(effect, lane="card", after=self.channel_gate)

    def refresh_announcement(self) -> None:
        """Bring the announcement up to date; private incidents and drills have none."""
        if self.facts.is_private or self.facts.is_drill or not self.policy.announcement.enabled:
            return
        effect = fx.RefreshAnnouncement(incident_id=self.facts.incident_id)
        self.refresh(effect, lane="announcement")

    def set_topic(self) -> None:
        """Bring the channel's topic up to date, best effort."""
        effect = fx.SetChannelTopic(incident_id=self.facts.incident_id)
        self.refresh(effect, lane="ancillary", after=self.channel_gate)

    def remind(
        self,
        kind: ReminderKind,
        *,
        after: timedelta,
        subject_type: str = "incident",
        subject_id: uuid.UUID | None = None,
    ) -> None:
        """Set a reminder for some time after the entry was recorded."""
        self.reminders.append(
            Remind(
                kind=kind,
                subject_type=subject_type,
                subject_id=subject_id or self.facts.incident_id,
                incident_id=self.facts.incident_id,
                due_at=self.facts.now + after,
            )
        )

    def cancel(
        self,
        kind: ReminderKind,
        *,
        subject_type: str = "incident",
        subject_id: uuid.UUID | None = None,
    ) -> None:
        """Cancel a reminder."""
        self.reminders.append(
            CancelReminder(
                kind=kind,
                subject_type=subject_type,
                subject_id=subject_id or self.facts.incident_id,
            )
        )


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


FollowUp = Callable[[Plan], None]

FOLLOW_UPS: Mapping[EntryKind, tuple[FollowUp, ...]] = MappingProxyType(
    {
        _K.DECLARED: (open_channel, keep_cadence, watch_for_commander),
        _K.CHANNEL_OPENED: (furnish_channel,),
        _K.CHANNEL_LINKED: (furnish_channel,),
        _K.STATUS_CHANGED: (keep_cadence, pause_postmortem_reminder),
        _K.SEVERITY_CHANGED: (keep_cadence,),
        _K.POSTMORTEM_DRAFTED: (upload_postmortem, remind_of_postmortem),
        _K.POSTMORTEM_OWNER_SET: (tell_owner, remind_of_postmortem),
        _K.POSTMORTEM_PUBLISHED: (upload_postmortem, end_postmortem_reminder),
        _K.POSTMORTEM_REMINDED: (remind_owner,),
        _K.ACTION_ITEM_ADDED: (tell_owner,),
        _K.ACTION_ITEM_ASSIGNED: (tell_owner,),
    }
)
