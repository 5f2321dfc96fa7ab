"""Plans: the effects and reminders that reactions collect for one entry or event."""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from incidents.core.ids import derived_id
from incidents.engine.effects import (
    Effect,
    EraseEntryMessage,
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
from incidents.engine.posted_messages import STATUS_CARD
from incidents.engine.reminders import CancelReminder, Remind, ReminderKind
from incidents.incident.facts import Facts
from incidents.incident.payload import Payload
from incidents.incident.timeline import TimelineEntry
from incidents.policy.policy import Policy
from incidents.policy.references import GroupRef, Invitee, PersonRef

ReminderChange = Remind | CancelReminder


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureEvent:
    """Something that happened but belongs in no timeline: learning, housekeeping, no incident."""


@dataclass(frozen=True, slots=True)
class Thread:
    """A live message that entries are posted under: its purpose, its subject, and its lane.

    The lane is the message's own, so that it is posted before its replies.
    """

    purpose: str
    subject_id: uuid.UUID
    lane: str


EventT_co = TypeVar("EventT_co", bound="Payload | FeatureEvent", covariant=True)


class Plan(Generic[EventT_co]):
    """Collects effects and reminders for one event; effect ids derive from `source_id`."""

    def __init__(
        self, event: EventT_co, *, source_id: uuid.UUID, now: datetime, policy: Policy
    ) -> None:
        """Bind the event, the instant of its transaction, and the policy."""
        self._event = event
        self.source_id = source_id
        self.now = now
        self.policy = policy
        self.effects: list[Planned] = []
        self.reminders: list[ReminderChange] = []

    @property
    def event(self) -> EventT_co:
        """What happened: an entry's payload, or a feature's event."""
        return self._event

    def add(
        self,
        effect: Effect,
        *,
        lane: str,
        after: uuid.UUID | None = None,
        name: str = "",
        coalesce_key: str | None = None,
        effect_id: uuid.UUID | None = None,
        entry_id: uuid.UUID | None = None,
    ) -> uuid.UUID:
        """Plan an effect in a lane and return its id; `name` separates effects of the same kind.

        Pass `effect_id` for an effect that may be planned again later but must happen once, and
        `entry_id` for a message about another entry than the one that it follows from.
        """
        planned_id = effect_id or derived_id(self.source_id, f"{effect.kind}:{name}")
        self.effects.append(
            Planned(
                id=planned_id,
                effect=effect,
                lane=self._lane(lane),
                after_effect_id=after,
                coalesce_key=coalesce_key,
                entry_id=entry_id or self._entry_id(),
            )
        )
        return planned_id

    def set_reminder(self, change: ReminderChange) -> None:
        """Set or cancel a reminder."""
        self.reminders.append(change)

    def _lane(self, lane: str) -> str:
        return lane

    def _entry_id(self) -> uuid.UUID | None:
        return None


class IncidentPlan(Plan[EventT_co]):
    """Collects effects and reminders for something that happened in an incident."""

    def __init__(
        self,
        event: EventT_co,
        *,
        source_id: uuid.UUID,
        facts: Facts,
        policy: Policy,
        entry: TimelineEntry | None = None,
    ) -> None:
        """Bind the event, the facts after it, the policy, and the entry if there is one."""
        super().__init__(event, source_id=source_id, now=facts.now, policy=policy)
        self.facts = facts
        self._entry = entry
        # The effect's id once planned: later effects can wait for it.
        self.refreshed_entry_messages: uuid.UUID | None = None

    @property
    def entry(self) -> TimelineEntry:
        """The timeline entry. Raises: LookupError for a feature's event, which has none."""
        if self._entry is None:
            raise LookupError(f"{type(self.event).__name__} is no timeline entry")
        return self._entry

    def refresh(
        self,
        effect: Effect,
        *,
        lane: str,
        after: uuid.UUID | None = None,
        of: uuid.UUID | str | None = None,
    ) -> uuid.UUID:
        """Plan a refresh from current state, unless the same one is already waiting.

        Its lane is that of the one message it keeps true: a failed one blocks nothing else.
        `of` is the subject shown (and where, if in several places), by default the incident.
        """
        key = f"{effect.kind}:{of or self.facts.incident_id}"
        name = str(of) if of else ""
        return self.add(effect, lane=lane, after=after, name=name, coalesce_key=key)

    @property
    def channel_gate(self) -> uuid.UUID | None:
        """The effect that opens or joins the channel, which everything in the channel waits for."""
        return self.facts.channel_effect_id

    def post(self) -> None:
        """Post the entry in the incident channel."""
        effect = PostEntry(incident_id=self.facts.incident_id, entry_id=self.entry.id)
        self.add(effect, lane="channel", after=self.channel_gate)

    def reply(self, to: Thread, *, is_broadcast: bool = False) -> None:
        """Post the entry in a thread; `is_broadcast`: the channel shows it, too."""
        effect = PostEntry(
            incident_id=self.facts.incident_id,
            entry_id=self.entry.id,
            thread=to.purpose,
            thread_id=to.subject_id,
            is_broadcast=is_broadcast,
        )
        self.add(effect, lane=to.lane, after=self.channel_gate)

    def log(self, *, is_broadcast: bool = False) -> None:
        """Post the entry under the status card, where it makes no line in the channel."""
        card = Thread(STATUS_CARD, self.facts.incident_id, "card")
        self.reply(card, is_broadcast=is_broadcast)

    def ask(self) -> None:
        """Post the entry, which asks for something; if nobody reads the channel, tell the lead."""
        self.post()
        if not self.facts.has_readers and self.facts.lead_id != self.entry.actor_id:
            self.tell(self.facts.lead_id)

    def tell_absent(self, person_id: uuid.UUID | None) -> None:
        """Tell one person directly, unless they read in the channel what mentions them there."""
        if person_id not in self.facts.present:
            self.tell(person_id)

    def tell(self, person_id: uuid.UUID | None, *, about: uuid.UUID | None = None) -> None:
        """Tell one person by direct message about the entry, or about another one."""
        if person_id is None:
            return
        entry_id = about or self.entry.id
        effect = TellPerson(
            incident_id=self.facts.incident_id, entry_id=entry_id, person_id=person_id
        )
        self.add(effect, lane=f"dm:{person_id}", name=str(person_id), entry_id=entry_id)

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

    def erase(self, entry_id: uuid.UUID) -> None:
        """Erase a redacted entry's text from the messages that say it.

        They are posted in several lanes. It waits for those under way in a lane of its own, where it
        keeps nothing else waiting; nor does it wait for the channel: people were told directly.
        """
        effect = EraseEntryMessage(incident_id=self.facts.incident_id, entry_id=entry_id)
        self.add(effect, lane="erasing", name=str(entry_id))

    def refresh_card(self) -> uuid.UUID:
        """Update the status card."""
        effect = RefreshStatusCard(incident_id=self.facts.incident_id)
        return self.refresh(effect, lane="card", after=self.channel_gate)

    def refresh_announcement(self) -> None:
        """Update the announcement; private incidents and drills have none."""
        if self.facts.is_private or self.facts.is_drill or not self.policy.announcement.enabled:
            return
        effect = RefreshAnnouncement(incident_id=self.facts.incident_id)
        self.refresh(effect, lane="announcement")

    def set_topic(self, *, exists: bool = False) -> None:
        """Set the channel's topic, best effort; if it `exists`, only in place of ours."""
        effect = SetChannelTopic(incident_id=self.facts.incident_id, exists=exists)
        of = f"{self.facts.incident_id}:{exists}"
        self.refresh(effect, lane="topic", after=self.channel_gate, of=of)

    def refresh_entry_messages(self) -> None:
        """Update messages about earlier entries, if any still offer something."""
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
        """Set a reminder for `after` the time of this transaction."""
        self.set_reminder(
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
        self.set_reminder(
            CancelReminder(
                kind=kind,
                subject_type=subject_type,
                subject_id=subject_id or self.facts.incident_id,
            )
        )

    def _lane(self, lane: str) -> str:
        # A person has one Home tab, of whatever incident it shows something new.
        return lane if lane.startswith("home:") else f"{self.facts.incident_id}:{lane}"

    def _entry_id(self) -> uuid.UUID | None:
        return self._entry.id if self._entry is not None else None


EventT = TypeVar("EventT", bound="Payload | FeatureEvent")

AnyReaction = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the reaction table: the reactions to one kind of entry or event."""

    event_type: type[Any]
    reactions: tuple[AnyReaction, ...]


def on(event_type: type[EventT], *reactions: Callable[[IncidentPlan[EventT]], None]) -> Row:
    """Return the row for an entry or event in an incident, with its reactions in order."""
    return Row(event_type, reactions)


def on_workspace(event_type: type[EventT], *reactions: Callable[[Plan[EventT]], None]) -> Row:
    """Return the row for an event that belongs to no incident."""
    return Row(event_type, reactions)
