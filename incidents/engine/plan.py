"""Plans: what follows from one entry, collected; knows lanes and what must wait for the channel."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from incidents.core.ids import derived_id
from incidents.engine.effects import (
    Effect,
    InvitePerson,
    InvitePolicyPeople,
    PostEntry,
    RefreshAnnouncement,
    RefreshEntryMessages,
    RefreshStatusCard,
    SetChannelTopic,
    TellPerson,
)
from incidents.engine.outbox import Planned
from incidents.engine.reminders import CancelReminder, Remind, ReminderKind
from incidents.incident.facts import Facts
from incidents.incident.timeline import TimelineEntry
from incidents.policy.policy import Policy
from incidents.policy.references import GroupRef, Invitee, PersonRef

ReminderChange = Remind | CancelReminder


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
        self.refreshed_entry_messages: uuid.UUID | None = None

    def add(
        self,
        effect: Effect,
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

    def refresh(self, effect: Effect, *, lane: str, after: uuid.UUID | None = None) -> uuid.UUID:
        """Plan a refresh from current state: one that still waits serves for both."""
        key = f"{effect.kind}:{self.facts.incident_id}"
        return self.add(effect, lane=lane, after=after, coalesce_key=key)

    @property
    def channel_gate(self) -> uuid.UUID | None:
        """Return what all that is done in the channel waits for: the effect that opens or joins it."""
        return self.facts.channel_effect_id

    def post(self) -> None:
        """Say the entry in the incident channel."""
        effect = PostEntry(incident_id=self.facts.incident_id, entry_id=self.entry.id)
        self.add(effect, lane="channel", after=self.channel_gate)

    def tell(self, person_id: uuid.UUID | None) -> None:
        """Tell one person about the entry by direct message."""
        if person_id is None:
            return
        effect = TellPerson(
            incident_id=self.facts.incident_id, entry_id=self.entry.id, person_id=person_id
        )
        self.add(effect, lane=f"dm:{person_id}", name=str(person_id))

    def invite(self, person_id: uuid.UUID | None) -> None:
        """Invite one person to the incident channel."""
        if person_id is None:
            return
        effect = InvitePerson(incident_id=self.facts.incident_id, person_id=person_id)
        self.add(effect, lane="invites", after=self.channel_gate, name=str(person_id))

    def invite_policy(self, invitees: Iterable[Invitee], *, name: str = "") -> None:
        """Invite the people and groups that the policy names."""
        invited = tuple(invitees)
        people = tuple(str(item) for item in invited if isinstance(item, PersonRef))
        groups = tuple(str(item) for item in invited if isinstance(item, GroupRef))
        if not people and not groups:
            return
        effect = InvitePolicyPeople(
            incident_id=self.facts.incident_id, people=people, groups=groups
        )
        self.add(effect, lane="invites", after=self.channel_gate, name=name)

    def refresh_card(self) -> uuid.UUID:
        """Bring the status card up to date."""
        effect = RefreshStatusCard(incident_id=self.facts.incident_id)
        return self.refresh(effect, lane="card", after=self.channel_gate)

    def refresh_announcement(self) -> None:
        """Bring the announcement up to date; private incidents and drills have none."""
        if self.facts.is_private or self.facts.is_drill or not self.policy.announcement.enabled:
            return
        effect = RefreshAnnouncement(incident_id=self.facts.incident_id)
        self.refresh(effect, lane="announcement")

    def set_topic(self) -> None:
        """Bring the channel's topic up to date, best effort."""
        effect = SetChannelTopic(incident_id=self.facts.incident_id)
        self.refresh(effect, lane="ancillary", after=self.channel_gate)

    def refresh_entry_messages(self) -> None:
        """Bring the messages about earlier entries up to date, if any still offer something."""
        if self.facts.has_entry_messages:
            effect = RefreshEntryMessages(incident_id=self.facts.incident_id)
            self.refreshed_entry_messages = self.refresh(effect, lane="entries")

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
