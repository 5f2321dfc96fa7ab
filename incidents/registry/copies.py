"""Every column that may hold a copy of an entry's text, so that a redaction finds it.

Most features keep text only in timeline entries. A test holds that each column of text is here or
is known to hold none.
"""

from typing import Final

from incidents.engine.outbox import EffectRow
from incidents.engine.posted_messages import PostedMessage
from incidents.engine.prompts import Prompt
from incidents.engine.reminders import Reminder
from incidents.engine.rules import TextCopies
from incidents.handover.tables import Handover, HandoverQuestion
from incidents.incident.incident import Incident
from incidents.learning.tables import Debrief
from incidents.postmortem.action_items import ActionItem
from incidents.postmortem.postmortem import Postmortem, PostmortemSection
from incidents.proposals.tables import Proposal
from incidents.record.hiding import HiddenWords
from incidents.roles.handoffs import Handoff
from incidents.storage.processed_requests import ProcessedRequest
from incidents.updates.maintenance import Maintenance

COPIES: Final = (
    TextCopies(Incident, ("title", "summary", "impact", "resolution"), scope="id"),
    TextCopies(ActionItem, ("text",)),
    TextCopies(HiddenWords, ("was", "now_is")),
    TextCopies(Postmortem, ("link",)),
    TextCopies(PostmortemSection, ("text",), through=(Postmortem, "postmortem_id")),
    TextCopies(Proposal, ("draft",)),
    TextCopies(Handoff, ("brief",)),
    TextCopies(Handover, ("sections",), scope="workspace_id"),
    TextCopies(
        HandoverQuestion,
        ("text", "answer"),
        scope="workspace_id",
        through=(Handover, "handover_id"),
    ),
    TextCopies(Maintenance, ("what", "affected", "contact"), scope="workspace_id"),
    TextCopies(Prompt, ("data", "text")),
    TextCopies(Debrief, ("answers",)),
    TextCopies(Reminder, ("data",)),
    TextCopies(PostedMessage, ("ending",)),
    TextCopies(EffectRow, ("progress", "error")),
    TextCopies(ProcessedRequest, ("outcome",), scope="workspace_id"),
)
