"""The fields of the escalation packet."""

from enum import StrEnum


class PacketField(StrEnum):
    """What a packet can say, in the order in which it reads best."""

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
