"""What the types of a scenario can't say: ranges and forms of its single values."""

from datetime import timedelta
from typing import Final

from config.policy_rules import Rule, lasts, matches, short
from incidents.scenarios import scenario as s

_MINUTE: Final = timedelta(minutes=1)
_LONGEST: Final = timedelta(hours=3)
_KEY: Final = matches(
    r"[a-z][a-z0-9-]{0,39}", "isn't a key: only small letters, digits and `-`", "error-rate"
)
_FACT: Final = matches(
    r"[a-z][a-z0-9_]{0,39}", "isn't a fact: only small letters, digits and `_`", "rolled_back"
)
_CONDITION: Final = matches(
    r"(?:not )?[a-z][a-z0-9_]{0,39}",
    "isn't a condition: a fact, or `not` and a fact",
    "[rolled_back, not restarted]",
)
_MOMENT: Final = lasts(timedelta(0), _LONGEST, "5m")
_NAME: Final = short(60, "a few words")
# A screen is shown between fences, which one inside would end.
_SCREEN: Final = Rule(
    lambda text: "```" not in text, "can't hold ```, which ends what is shown", "errors 0.3 %"
)
# What is shown beside a choice in a form.
_CHOICE: Final = short(140, "one short sentence")

RULES: Final[dict[tuple[type, str], Rule]] = {
    (s.Scenario, "key"): _KEY,
    (s.Scenario, "name"): _NAME,
    (s.Scenario, "summary"): _CHOICE,
    (s.Scenario, "title"): short(100, "Checkout errors for some customers"),
    (s.Scenario, "severity"): short(20, "sev2"),
    (s.Scenario, "service"): _NAME,
    (s.Scenario, "time_limit"): lasts(5 * _MINUTE, _LONGEST, "45m"),
    (s.Scenario, "fixed_when"): _CONDITION,
    (s.Signal, "key"): _KEY,
    (s.Signal, "source"): _NAME,
    (s.Signal, "after"): _MOMENT,
    (s.Signal, "since"): _FACT,
    (s.Signal, "when"): _CONDITION,
    (s.Signal, "sets"): _FACT,
    (s.Check, "key"): _KEY,
    (s.Check, "name"): _NAME,
    (s.CheckResult, "when"): _CONDITION,
    (s.CheckResult, "output"): _SCREEN,
    (s.ScenarioAction, "key"): _KEY,
    (s.ScenarioAction, "name"): _NAME,
    (s.ScenarioAction, "risk"): _CHOICE,
    (s.ScenarioAction, "undo"): _CHOICE,
    (s.ActionResult, "when"): _CONDITION,
    (s.ActionResult, "output"): _SCREEN,
    (s.ActionResult, "sets"): _FACT,
    (s.ActionResult, "clears"): _FACT,
    (s.EscalationCall, "to"): _NAME,
    (s.EscalationCall, "why"): short(300, "one short sentence"),
    (s.EscalationCall, "within"): lasts(_MINUTE, _LONGEST, "15m"),
    (s.EscalationCall, "since"): _FACT,
    (s.MentorNotes, "questions"): short(200, "one question"),
}
