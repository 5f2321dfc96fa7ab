"""Reactions for the channel: open it, set it up, archive it, bring it back."""

import uuid
from typing import Any

from incidents.channel.entries import (
    ChannelArchived,
    ChannelEntry,
    ChannelMadePublic,
    ExposureEntry,
    InviteRefused,
    SharingAccepted,
)
from incidents.channel.events import (
    ArchivingDue,
    ChannelSuperfluous,
    NewcomerArrived,
    RefusedInvitesChanged,
    StatusCardReplaced,
)
from incidents.core.ids import derived_id
from incidents.engine.effects import (
    AddBookmarks,
    ArchiveChannel,
    DiscardChannel,
    JoinChannel,
    OpenIncidentChannel,
    PinStatusCard,
    PostMove,
    RefreshAnnouncement,
    RefreshHome,
    RefreshRefusedInvites,
    RefreshStatusCard,
    RemoveMessages,
    RemovePerson,
    RetireChannel,
    SendReadIn,
    UnarchiveChannel,
)
from incidents.engine.plan import IncidentPlan
from incidents.engine.reminders import ReminderKind
from incidents.incident.entries import (
    ChannelLinked,
    ChannelOpened,
    Edited,
    MovedToPrivate,
    StatusChanged,
)
from incidents.incident.lifecycle import IncidentStatus
from incidents.people.entries import (
    PeopleInvited,
    RemovalRefused,
    SightEnded,
    SightRecovered,
    SightTakenBack,
)
from incidents.policy.policy import COMMANDER

_OVER = frozenset({IncidentStatus.CLOSED, IncidentStatus.CANCELLED})


def open_channel(plan: IncidentPlan[Any]) -> None:
    """Open the incident's channel; everything else there waits for it."""
    plan.add(OpenIncidentChannel(incident_id=plan.facts.incident_id), lane="channel")


def furnish_channel(plan: IncidentPlan[Any]) -> None:
    """Add people, the status card (pinned), and last the bookmarks to a channel."""
    facts = plan.facts
    plan.invite(facts.declared_by_id)
    card = plan.refresh_card()
    # A drill invites only its own people, private or not.
    if not facts.is_drill:
        rules = plan.policy.rules_for(facts.severity_key, facts.services)
        by_rules = [one for rule in rules for one in rule.invite]
        plan.invite_policy(plan.policy.private.invite if facts.is_private else by_rules)
    plan.add(PinStatusCard(incident_id=facts.incident_id), lane="pin", after=card)
    is_new = isinstance(plan.event, ChannelOpened)
    bookmarks = AddBookmarks(incident_id=facts.incident_id, is_new=is_new)
    plan.add(bookmarks, lane="bookmarks", after=plan.channel_gate)


def pin_card(plan: IncidentPlan[StatusCardReplaced]) -> None:
    """Pin the new card, as the old one was."""
    plan.add(PinStatusCard(incident_id=plan.facts.incident_id), lane="pin")


def warn_last_insider(plan: IncidentPlan[SightEnded]) -> None:
    """Warn the one person who still sees a private incident."""
    if plan.event.last is not None:
        plan.tell(plan.event.last.id)


def remove_person(plan: IncidentPlan[SightTakenBack]) -> None:
    """Remove the person from the channel, and tell them."""
    person_id = plan.event.person.id
    if person_id is None:
        return
    effect = RemovePerson(
        incident_id=plan.facts.incident_id, person_id=person_id, entry_id=plan.entry.id
    )
    # The lane of invitations: an earlier one to the same person comes first.
    plan.add(effect, lane="invites")


def take_off_home(plan: IncidentPlan[SightEnded] | IncidentPlan[SightTakenBack]) -> None:
    """Show somebody who no longer sees a private incident their Home tab without it."""
    person_id = plan.event.whose(plan.entry.actor_id)
    if person_id is not None:
        plan.refresh(RefreshHome(person_id=person_id), lane=f"home:{person_id}", of=person_id)


def tell_remover(plan: IncidentPlan[RemovalRefused]) -> None:
    """Tell the person who removed somebody that they are still in the channel."""
    plan.tell(plan.event.by.id)


def invite_people(plan: IncidentPlan[PeopleInvited]) -> None:
    """Invite the people to the channel."""
    for person in plan.event.people:
        plan.invite(person.id)


def tell_of_recovery(plan: IncidentPlan[SightRecovered]) -> None:
    """Invite the recovery person; tell the declarer and everybody with a role directly."""
    plan.invite(plan.entry.actor_id)
    known = {plan.facts.declared_by_id, plan.facts.find_holder(COMMANDER)}
    for person_id in known - {None, plan.entry.actor_id}:
        plan.tell(person_id)


def join_channel(plan: IncidentPlan[Any]) -> None:
    """Join an existing channel first; everything else there waits for it.

    Joining has its own lane: messages that were already planned wait for it, too.
    """
    plan.add(JoinChannel(incident_id=plan.facts.incident_id), lane="join")


def go_private(plan: IncidentPlan[MovedToPrivate]) -> None:
    """Open a private channel for the chosen people, unless the incident followed its channel.

    Opening has its own lane: messages that were already planned wait for it. What others can read
    is removed at once; the old channel is archived after that.
    """
    incident_id, moved = plan.facts.incident_id, plan.event
    if moved.is_in_place:
        plan.refresh_card()
    else:
        plan.add(OpenIncidentChannel(incident_id=incident_id), lane="private")
    for person in moved.people:
        plan.invite(person.id)
    removal = remove_messages(plan)
    if moved.old_channel_id:
        retire = RetireChannel(incident_id=incident_id, channel_id=moved.old_channel_id)
        plan.add(retire, lane="retire", after=removal)
    if not plan.facts.is_drill:
        # Refresh it once more, although private incidents have none: it has to say less now.
        plan.refresh(RefreshAnnouncement(incident_id=incident_id), lane="announcement")


def remove_messages(plan: IncidentPlan[Any]) -> uuid.UUID:
    """Remove our messages about a private incident from places that others can read."""
    return plan.add(RemoveMessages(incident_id=plan.facts.incident_id), lane="removal")


def follow_opening_up(plan: IncidentPlan[ChannelMadePublic]) -> None:
    """Take our messages out of a private incident's channel that is public now, and ask."""
    if plan.facts.is_private:
        remove_messages(plan)
        ask_about_channel(plan)


def ask_about_channel(plan: IncidentPlan[ExposureEntry]) -> None:
    """Tell the commander, else the declarer, and everybody inside a private incident."""
    for person_id in dict.fromkeys(
        (plan.facts.lead_id, *(person.id for person in plan.event.people))
    ):
        plan.tell(person_id)


def resume_posting(plan: IncidentPlan[ExposureEntry] | IncidentPlan[SharingAccepted]) -> None:
    """Show the incident in its channel again, where only its people read it.

    Who was let in meanwhile wasn't invited there.
    """
    if not plan.facts.is_channel_exposed:
        for person in plan.event.people:
            plan.invite(person.id)
        plan.post()
        plan.refresh_card()
        plan.set_topic(exists=True)


def say_move(plan: IncidentPlan[ChannelLinked]) -> None:
    """Tell people in the old channel where the incident continues, unless strangers read it.

    Who sees a private incident is invited to the new one; its declarer is, whatever channel it has.
    """
    for person in plan.event.people:
        if person.id != plan.facts.declared_by_id:
            plan.invite(person.id)
    if plan.event.was_exposed:
        remove_messages(plan)
    elif plan.event.old_channel_id:
        effect = PostMove(incident_id=plan.facts.incident_id, entry_id=plan.entry.id)
        plan.add(effect, lane="moves", after=plan.channel_gate)


def tell_declarer(plan: IncidentPlan[Any]) -> None:
    """Tell the declarer directly that there is no channel, and what to do."""
    plan.tell(plan.facts.declared_by_id)


def tell_lead(plan: IncidentPlan[ChannelEntry]) -> None:
    """Tell the commander, else the declarer, what happened to an open incident's channel.

    Who said what couldn't be posted there is told, too.
    """
    if not plan.facts.is_open:
        return
    for person_id in dict.fromkeys((plan.facts.lead_id, plan.event.author_id)):
        if person_id != plan.entry.actor_id:
            plan.tell(person_id)


def show_refused_invites(plan: IncidentPlan[InviteRefused | RefusedInvitesChanged]) -> None:
    """Show who couldn't be invited: in the channel, to the declarer, the lead and themselves."""
    facts, batch_id = plan.facts, plan.event.batch_id
    if batch_id is None:
        return
    refused = (person.id for person in plan.event.people)
    readers = dict.fromkeys((facts.declared_by_id, facts.lead_id, *refused))
    for reader in (None, *(one for one in readers if one is not None)):
        effect = RefreshRefusedInvites(
            incident_id=facts.incident_id, batch_id=batch_id, person_id=reader
        )
        copy = f"{batch_id}:{reader or 'channel'}"
        gate = plan.channel_gate if reader is None else None
        plan.refresh(effect, lane=f"refused:{copy}", after=gate, of=copy)


def archive_when_over(plan: IncidentPlan[Any]) -> None:
    """Set the reminder that archives the channel of a closed or cancelled incident."""
    after = plan.policy.channels.archive_after
    if after is None or plan.facts.status not in _OVER:
        plan.cancel(ReminderKind.CHANNEL_ARCHIVE)
        return
    plan.remind(ReminderKind.CHANNEL_ARCHIVE, after=after)


def bring_channel_back(plan: IncidentPlan[StatusChanged]) -> None:
    """On reopening, bring an archived channel back before posting there."""
    if plan.event.is_reopening and plan.facts.is_channel_archived:
        _unarchive(plan)


def follow_archiving(plan: IncidentPlan[ChannelArchived]) -> None:
    """Tell the lead when a channel is archived in the middle of an incident.

    If we archived it, the incident was reopened at the same moment: bring the channel back.
    """
    if not plan.facts.is_open or not plan.facts.is_channel_archived:
        return
    if plan.event.is_by_policy:
        _unarchive(plan)
    else:
        tell_lead(plan)


def show_topic(plan: IncidentPlan[Any]) -> None:
    """Show the current topic of an open incident when we are back in its channel."""
    if plan.facts.is_open:
        plan.set_topic(exists=True)


def add_bookmarks(plan: IncidentPlan[Edited]) -> None:
    """Add the bookmarks of services that an edit adds."""
    if "services" in plan.event.changes:
        effect = AddBookmarks(incident_id=plan.facts.incident_id)
        plan.add(effect, lane="bookmarks", after=plan.channel_gate)


def archive_channel(plan: IncidentPlan[ArchivingDue]) -> None:
    """Archive the channel after its card shows how the incident ended."""
    card = plan.add(RefreshStatusCard(incident_id=plan.facts.incident_id), lane="card")
    plan.add(ArchiveChannel(incident_id=plan.facts.incident_id), lane="channel", after=card)


def discard_channel(plan: IncidentPlan[ChannelSuperfluous]) -> None:
    """Archive a channel that comes too late, once."""
    incident_id, channel_id = plan.facts.incident_id, plan.event.channel_id
    effect = DiscardChannel(incident_id=incident_id, channel_id=channel_id)
    plan.add(effect, lane="discard", effect_id=derived_id(incident_id, channel_id))


def read_newcomer_in(plan: IncidentPlan[NewcomerArrived]) -> None:
    """Send somebody new in the channel a summary of the incident."""
    person_id = plan.event.person_id
    effect = SendReadIn(incident_id=plan.facts.incident_id, person_id=person_id)
    plan.add(effect, lane=f"read_in:{person_id}")


def _unarchive(plan: IncidentPlan[Any]) -> None:
    plan.add(UnarchiveChannel(incident_id=plan.facts.incident_id), lane="channel")
