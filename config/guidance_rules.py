"""Ranges and forms of the policy's section on guidance."""

from datetime import timedelta
from typing import Final

from config.policy_rules import Rule, lasts, matches, short, within
from incidents.policy import guidance as g

_KEY: Final = matches(
    r"[a-z][a-z0-9_]{0,39}",
    "isn't a key: only small letters, digits and `_`, a letter first",
    "size_up",
)

RULES: Final[dict[tuple[type, str], Rule]] = {
    (g.Guidance, "time_box"): lasts(timedelta(minutes=1), timedelta(hours=8), "10m"),
    (g.Guidance, "unanswered"): within(1, 10, "2"),
    (g.Triggers, "severity_rank"): within(1, 99, "1"),
    (g.Checklist, "key"): _KEY,
    (g.ChecklistStep, "key"): _KEY,
    (g.ChecklistStep, "title"): short(60, "Size it up"),
    (g.ChecklistStep, "text"): short(500, "What do people see, since when, how many of them?"),
    (g.ChecklistStep, "note"): short(300, "Checked what changed just before."),
}
