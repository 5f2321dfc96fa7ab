"""The keys of an escalation packet's fields; `incidents/escalation/packet.py` describes each."""

from enum import StrEnum


class PacketField(StrEnum):
    """The fields of a packet, the most useful first."""

    ASK = "ask"
    ANSWER_BY = "answer_by"
    SYMPTOMS = "symptoms"
    SINCE = "since"
    SCOPE = "scope"
    IMPACT = "impact"
    EVIDENCE = "evidence"
    CHANGES = "changes"
    HYPOTHESIS = "hypothesis"
    CONFIDENCE = "confidence"
    TRIED = "tried"
