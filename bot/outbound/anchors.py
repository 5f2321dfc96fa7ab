"""Anchors: which entry of the record a message stands for, in the message's footer.

A chain in a database can be recomputed; what Slack has shown can't. So the messages about resolving
and closing an incident, and about publishing its postmortem, name the hash of their own entry.
"""

from bot.slack.blocks import Message, context
from incidents.core.hash_chain import ChainHead
from incidents.core.signing import SigningKey, head_statement
from incidents.incident.entries import StatusChanged
from incidents.incident.lifecycle import IncidentStatus
from incidents.incident.views import EntryView
from incidents.postmortem.entries import PostmortemPublished

# Half of a SHA-256: nobody makes another record with the same half.
SHOWN = 32


def with_anchor(message: Message, entry: EntryView, signer: SigningKey | None) -> Message:
    """Return the message with its anchor in the footer, if its entry is one that is anchored."""
    if not _is_anchored(entry):
        return message
    footer = f"Record up to entry {entry.sequence}: `{entry.entry_hash[:SHOWN]}`"
    if signer is not None:
        head = ChainHead(entry.sequence, entry.entry_hash)
        signature = signer.sign(head_statement(str(entry.incident_id), head))
        footer = f"{footer}, signed `{signature.value}`"
    return Message(f"{message.text}\n{footer}", (*message.blocks, context(footer)))


def _is_anchored(entry: EntryView) -> bool:
    if entry.kind == PostmortemPublished.kind:
        return True
    if entry.kind != StatusChanged.kind:
        return False
    changed = StatusChanged.read(entry.content)
    return changed is not None and changed.new in {IncidentStatus.RESOLVED, IncidentStatus.CLOSED}
