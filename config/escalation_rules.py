"""Ranges and forms in the policy's section on escalation, and those of services."""

from datetime import timedelta
from typing import Final

from config.policy_rules import Rule, lasts, matches, short, within
from incidents.policy import escalation as e

# Long enough to read a message, short enough that nobody waits for a day by mistake.
_WAIT: Final = lasts(timedelta(seconds=30), timedelta(days=1), "5m")
_NAME: Final = short(60, "a few words")
_KEY: Final = matches(
    r"[a-z][a-z0-9_]{0,39}",
    "isn't a key: only small letters, digits and `_`, a letter first",
    "payments",
)
_URL: Final = matches(
    r"https?://[^\s<>|]{1,1900}", "has to be a web address", "https://wiki.example.com/checkout"
)
_SOMEBODY: Final = Rule(lambda _: True, "", "[owner]")

RULES: Final[dict[tuple[type, str], Rule]] = {
    (e.Escalation, "wait"): _WAIT,
    (e.Escalation, "rating_after"): lasts(timedelta(minutes=1), timedelta(days=1), "15m"),
    (e.Escalation, "default_template"): _KEY,
    (e.LadderStep, "who"): _SOMEBODY,
    (e.LadderStep, "wait"): _WAIT,
    (e.Question, "key"): _KEY,
    (e.Question, "text"): short(150, "Which query is slow?"),
    (e.EscalationTemplate, "key"): _KEY,
    (e.EscalationTemplate, "name"): _NAME,
    (e.EscalationTemplate, "meaning"): short(150, "When the database is slow or full."),
    (e.EscalationTemplate, "wait"): _WAIT,
    (e.Service, "key"): matches(
        r"[a-z0-9][a-z0-9_.-]{0,59}",
        "isn't a key: only small letters, digits, `-`, `_` and `.`",
        "checkout-api",
    ),
    (e.Service, "name"): _NAME,
    (e.Service, "tier"): within(1, 5, "1"),
    (e.Service, "runbook_url"): _URL,
    (e.Service, "dashboard_url"): _URL,
    (e.ServiceLink, "title"): _NAME,
    (e.ServiceLink, "url"): _URL,
}
