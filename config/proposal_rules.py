"""Ranges of the policy's section on proposals."""

from datetime import timedelta
from typing import Final

from config.policy_rules import Rule, lasts, matches, short
from incidents.policy import proposals as a

_SECOND: Final = timedelta(seconds=1)
_WAIT: Final = lasts(_SECOND, timedelta(days=1), "5m")
_KEY: Final = matches(
    r"[a-z][a-z0-9_]{0,39}",
    "isn't a key: only small letters, digits and `_`, a letter first",
    "change",
)

RULES: Final[dict[tuple[type, str], Rule]] = {
    (a.ActionClass, "key"): _KEY,
    (a.ActionClass, "name"): short(60, "Change that can be undone"),
    (a.ActionClass, "meaning"): short(300, "Restart, scale, fail over, flags, configuration."),
    (a.ActionClass, "words"): short(60, "restart"),
    (a.AnswerWait, "wait"): _WAIT,
    (a.CommandClass, "class_key"): _KEY,
    (a.Proposals, "expires_after"): lasts(timedelta(minutes=1), timedelta(days=7), "30m"),
    (a.Proposals, "answer_within"): _WAIT,
    (a.Proposals, "objections"): lasts(timedelta(seconds=10), timedelta(hours=1), "2m"),
}
