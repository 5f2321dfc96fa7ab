"""The keys of an escalation packet's fields; what each of them is stands in `Packet`."""

from enum import StrEnum


class PacketField(StrEnum):
    """What a packet can say, what helps most first."""

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
