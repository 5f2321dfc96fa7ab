"""Ranges of the policy's sections on shadowing and on the on-call handoff."""

from datetime import timedelta
from typing import Final

from config.policy_rules import Rule, lasts, short
from incidents.policy import shadowing as s

_MINUTE: Final = timedelta(minutes=1)
_DAY: Final = timedelta(days=1)

RULES: Final[dict[tuple[type, str], Rule]] = {
    (s.ShadowingPolicy, "ask_every"): lasts(_MINUTE, _DAY, "15m"),
    (s.ShadowingPolicy, "debrief_reminder"): lasts(_MINUTE, 30 * _DAY, "1d"),
    (s.ShadowingPolicy, "watch"): short(300, "Who decides what, and on which evidence."),
    (s.ShadowingPolicy, "questions"): short(200, "What would you have done differently, and why?"),
    (s.ShadowRotation, "turn"): lasts(_DAY, 365 * _DAY, "7d"),
    (s.HandoverPolicy, "remind_after"): lasts(_MINUTE, _DAY, "15m"),
    (s.HandoverPolicy, "due_within"): lasts(timedelta(0), 30 * _DAY, "2d"),
}
