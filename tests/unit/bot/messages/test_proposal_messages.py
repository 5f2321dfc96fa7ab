"""What people read of proposals and of their juniors: who is asked, and what to do next."""

import uuid

from bot.features.learning.mentoring import forwarded_message
from bot.features.proposals.entries import approved_directly, unanswered_entry
from incidents.incident.timeline import EntryKind
from incidents.incident.views import PersonView, RoleView
from incidents.learning.mentoring import ConversationView
from incidents.policy.policy import COMMANDER
from tests.views import NOW, entry_view, incident_view

ALICE = PersonView(uuid.uuid4(), "U0ALICE", "alice", "UTC")
BOB = PersonView(uuid.uuid4(), "U0BOB", "bob", "UTC")
COMMANDED = incident_view(roles=(RoleView(COMMANDER, "Incident commander", BOB, NOW),))
TALK = ConversationView(
    id=uuid.uuid4(), junior=BOB, mentor=ALICE, incident=COMMANDED, channel_id="G1", is_active=True
)


def proposal(**content: object) -> dict[str, object]:
    by = {"name": "alice", "external_id": ALICE.external_id}
    return {"number": 2, "text": "Restart checkout", "requester": by, **content}


def test_nobody_is_asked_to_decide_on_their_own_proposal() -> None:
    content = proposal(step="3", minutes=15)
    told = unanswered_entry(entry_view("proposal_unanswered", content=content), COMMANDED).text
    assert f"<@{BOB.external_id}>: please decide now" in told
    own = {**content, "requester": {"name": "bob", "external_id": BOB.external_id}}
    told = unanswered_entry(entry_view("proposal_unanswered", content=own), COMMANDED).text
    assert BOB.external_id not in told
    assert "Whoever can decide: please decide now" in told


def test_who_is_agreed_with_hears_what_to_do_now() -> None:
    entry = entry_view("proposal_approved", content=proposal())
    told = approved_directly(entry, COMMANDED).text
    assert "Alice agrees to proposal 2. Go ahead, then say what came of it." in told
    assert "*What* Restart checkout." in told
    entry = entry_view("proposal_approved", content=proposal(is_command=True))
    assert "*Carry out* does it." in approved_directly(entry, COMMANDED).text


def test_a_mentor_reads_who_escalates_and_what_needs_nobody() -> None:
    def told(kind: EntryKind, **content: object) -> str:
        return forwarded_message(entry_view(kind, content=content), COMMANDED, TALK).text

    author = {"name": "bob", "external_id": BOB.external_id}
    assert "bob escalates to you in" in told(EntryKind.ESCALATED, to="alice", author=author)
    # What the bot sends by its rules isn't said to be the junior's doing.
    assert "I escalate to you for bob in" in told(EntryKind.ESCALATED, to="alice", author=None)
    assert "asks for agreement in" in told(EntryKind.ACTION_PROPOSED, needs="standard")
    safe = told(EntryKind.ACTION_PROPOSED, needs="nobody")
    assert "needs nobody's agreement" in safe
    assert "asks for agreement" not in safe
