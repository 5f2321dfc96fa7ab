"""Reactions to marks, and to corrections of the record."""

from incidents.engine.effects import (
    DeleteFiles,
    EraseTitle,
    FetchMarkedMessage,
    SignMessage,
)
from incidents.engine.plan import IncidentPlan
from incidents.record.entries import (
    Correction,
    Marked,
    MessageEntry,
    Note,
    Pinned,
    Redacted,
    Revealed,
    Withdrawn,
)
from incidents.record.events import MessageMarked


def fetch_message(plan: IncidentPlan[MessageMarked]) -> None:
    """Fetch a marked message, in its own lane: one that can't be fetched blocks no other."""
    message_id = plan.event.message_id
    effect = FetchMarkedMessage(incident_id=plan.facts.incident_id, message_id=message_id)
    plan.add(effect, lane=f"capture:{message_id}")


def sign_message(plan: IncidentPlan[MessageEntry] | IncidentPlan[Withdrawn]) -> None:
    """Show on a message that it is kept, or no longer; in its own lane, as it only decorates."""
    event, entry_id = plan.event, plan.entry.id
    if isinstance(event, Withdrawn):
        if plan.entry.target_id is None or event.target_kind not in {Marked.kind, Pinned.kind}:
            return
        entry_id = plan.entry.target_id
    effect = SignMessage(incident_id=plan.facts.incident_id, entry_id=entry_id)
    plan.refresh(effect, lane=f"sign:{entry_id}", of=entry_id)


def say_correction(plan: IncidentPlan[Correction]) -> None:
    """Post the correction of a note under it, but not of a mark: marks were never posted."""
    if plan.event.target_kind == Note.kind:
        plan.log()


def show_again(plan: IncidentPlan[Revealed]) -> None:
    """Show revealed text again where messages are kept current, and say so in the channel."""
    plan.refresh_card()
    plan.refresh_announcement()
    plan.post()


def say_break_glass(plan: IncidentPlan[Redacted]) -> None:
    """Tell the channel that somebody destroyed text alone."""
    if plan.event.is_break_glass:
        plan.post()


def erase_title(plan: IncidentPlan[Redacted]) -> None:
    """Reduce direct messages that named the incident by a redacted title."""
    if plan.event.takes_a_title:
        plan.refresh(EraseTitle(incident_id=plan.facts.incident_id), lane="topic")


def delete_files(plan: IncidentPlan[Redacted]) -> None:
    """Delete the exports and postmortems uploaded so far: they hold a redacted entry's text."""
    plan.refresh(DeleteFiles(incident_id=plan.facts.incident_id), lane="exports")


def erase_message(plan: IncidentPlan[Redacted]) -> None:
    """Erase a redacted entry's text from the messages that posted or show it."""
    if plan.entry.target_id is None:
        return
    plan.refresh_card()
    plan.refresh_announcement()
    plan.erase(plan.entry.target_id)
