"""The keys of an escalation packet's fields; what each of them is stands in `Packet`."""

from enum import StrEnum


class PacketField(StrEnum):
    """The fields of a packet, in reading order."""

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
