"""What people read of proposals and of their juniors: who is asked, and what to do next."""

import uuid
from dataclasses import replace
from typing import Any

from bot.features.learning.mentoring import forwarded_message
from incidents.core.sentences import Who
from incidents.incident.views import PersonView, RoleView
from incidents.learning.mentoring import ConversationView
from incidents.policy.policy import COMMANDER
from incidents.proposals.entries import ProposalApproved, ProposalUnanswered
from tests.views import NOW, entry_view, incident_view, said_directly, said_in_channel

ALICE = PersonView(uuid.uuid4(), "U0ALICE", "alice", "UTC")
BOB = PersonView(uuid.uuid4(), "U0BOB", "bob", "UTC")
COMMANDED = incident_view(roles=(RoleView(COMMANDER, "Incident commander", BOB, NOW),))
TALK = ConversationView(
    id=uuid.uuid4(), junior=BOB, mentor=ALICE, incident=COMMANDED, channel_id="G1", is_active=True
)


ABOUT: dict[str, Any] = {"number": 2, "text": "Restart checkout"}
BY_ALICE, BY_BOB = (Who(one.name, one.id, one.external_id) for one in (ALICE, BOB))


def test_nobody_is_asked_to_decide_on_their_own_proposal() -> None:
    unanswered = ProposalUnanswered(**ABOUT, requester=BY_ALICE, step=3, minutes=15)
    told = said_in_channel(entry_view(unanswered), COMMANDED).text
    assert f"<@{BOB.external_id}>: please decide now" in told
    own = replace(unanswered, requester=BY_BOB)
    told = said_in_channel(entry_view(own), COMMANDED).text
    assert BOB.external_id not in told
    assert "Anybody who can decide: please decide now" in told


def test_an_approved_requester_hears_what_to_do_now() -> None:
    approved = ProposalApproved(**ABOUT, requester=BY_ALICE)
    told = said_directly(entry_view(approved), COMMANDED).text
    assert "*Alice* approved proposal 2." in told
    assert "*What* Restart checkout\nGo ahead, then report the result." in told
    command = entry_view(replace(approved, is_command=True))
    assert "Press *Carry out*." in said_directly(command, COMMANDED).text


def test_a_mentor_reads_who_escalates_and_if_agreement_is_needed() -> None:
    def told(kind: str, **content: object) -> str:
        return forwarded_message(entry_view(kind, content=content), COMMANDED, TALK).text

    author = {"name": "bob", "external_id": BOB.external_id}
    assert "bob is escalating to you in" in told("escalated", to="alice", author=author)
    # An escalation by the bot isn't shown as the junior's.
    assert "I'm escalating to you for bob in" in told("escalated", to="alice", author=None)
    assert "asks for agreement in" in told("action_proposed", needs="standard")
    safe = told("action_proposed", needs="nobody")
    assert "needs nobody's agreement" in safe
    assert "asks for agreement" not in safe
