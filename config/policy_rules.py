"""What the policy's types can't say: ranges and forms of single values, and how values agree."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from importlib.resources import files
from typing import Any, Final

from incidents.policy import policy as p

BUILT_IN_TEMPLATE: Final = "postmortem.md.j2"


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition on one value; `what` completes "this value …", `example` would be accepted."""

    accepts: Callable[[Any], bool]
    what: str
    example: str


def matches(pattern: str, what: str, example: str) -> Rule:
    """Return the rule that a text as a whole has this form."""
    compiled = re.compile(pattern)
    return Rule(lambda text: compiled.fullmatch(text) is not None, what, example)


def lasts(shortest: timedelta, longest: timedelta, example: str) -> Rule:
    """Return the rule that a duration is within these bounds, both included."""
    what = f"has to be between {format_duration(shortest)} and {format_duration(longest)}"
    return Rule(lambda value: shortest <= value <= longest, what, example)


def within(lowest: float, highest: float, example: str) -> Rule:
    """Return the rule that a number is within these bounds, both included."""
    what = f"has to be a number from {lowest:g} to {highest:g}"
    return Rule(lambda value: lowest <= value <= highest, what, example)


def short(limit: int, example: str) -> Rule:
    """Return the rule that a text has at most so many characters."""
    return Rule(lambda text: len(text) <= limit, f"is longer than {limit} characters", example)


def format_duration(value: timedelta) -> str:
    """Write a duration of whole seconds as the policy does, for example `1h30m`."""
    days, rest = divmod(int(value.total_seconds()), 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, seconds = divmod(rest, 60)
    parts = ((days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s"))
    return "".join(f"{amount}{unit}" for amount, unit in parts if amount) or "0s"


def _is_channel_name(template: str) -> bool:
    """Whether Slack takes this for a channel name, which it validates and never repairs."""
    bare = template.replace("{number}", "1", 1).replace("{slug}", "a", 1)
    return "{number}" in template and re.fullmatch(r"[a-z0-9_-]{1,40}", bare) is not None


def _is_bookmark_url(url: str) -> bool:
    placeholders = re.findall(r"\{([^{}]*)\}", url)
    known = {"service", "runbook_url", "dashboard_url", "reference"}
    rest = re.sub(r"\{[^{}]*\}", "x", url)
    whole = url.startswith(("{runbook_url}", "{dashboard_url}"))
    plain = whole or re.match(r"https?://[^\s/]", rest) is not None
    return plain and set(placeholders) <= known and re.search(r"[\s{}<>|]", rest) is None


def _is_template(name: str) -> bool:
    found = (item.name for item in (files("config") / "templates").iterdir())
    return name == BUILT_IN_TEMPLATE or (name.endswith(".md.j2") and name in found)


def _has_holidays(country: str) -> bool:
    # A heavy library, wanted only by those who set a country.
    from holidays import list_supported_countries  # noqa: PLC0415

    return country in list_supported_countries()


_SECOND: Final = timedelta(seconds=1)
_DAY: Final = timedelta(days=1)
_URL: Final = matches(
    r"https?://[^\s<>|]{1,1900}", "has to be a web address", "https://wiki.example.com/checkout"
)
_LINE: Final = short(300, "one short sentence")
_NAME: Final = short(60, "a few words")
_TIMER: Final = lasts(_SECOND, 30 * _DAY, "15m")
_TARGET: Final = lasts(_SECOND, 365 * _DAY, "30m")
_SHARE: Final = within(0, 1, "0.9")
_KEPT: Final = lasts(_DAY, 3650 * _DAY, "30d")
_LATENESS: Final = within(0.05, 10, "0.5")
_CHANNEL_NAME: Final = Rule(
    _is_channel_name,
    "has to hold {number}, may hold {slug}, and apart from these only small letters, digits, "
    "`-` and `_`, up to 40 characters",
    "inc-{number}-{slug}",
)


def _key(characters: str, what: str, example: str) -> Rule:
    return matches(rf"[a-z][{characters}]{{0,39}}", f"isn't a key: only {what}", example)


_WORD_KEY: Final = _key("a-z0-9_", "small letters, digits and `_`, a letter first", "db_lead")

RULES: Final[dict[tuple[type, str], Rule]] = {
    (p.Policy, "command"): matches(
        r"/[a-z0-9][a-z0-9_-]{0,30}",
        "has to be `/` and small letters, digits, `-` or `_`, up to 32 characters",
        "/incident",
    ),
    (p.Policy, "default_severity"): Rule(bool, "can't be empty", "sev3"),
    (p.Policy, "mitigated_cadence_factor"): within(1, 10, "2"),
    (p.Severity, "key"): _key("a-z0-9_-", "small letters, digits, `-` and `_`", "sev1"),
    (p.Severity, "name"): short(20, "SEV1"),
    (p.Severity, "rank"): within(1, 99, "1"),
    (p.Severity, "meaning"): short(300, "Some customers are affected, others aren't."),
    (p.Severity, "cadence"): lasts(_SECOND, 7 * _DAY, "30m"),
    (p.Severity, "escalation_wait"): lasts(timedelta(seconds=30), _DAY, "3m"),
    (p.Role, "key"): _WORD_KEY,
    (p.Role, "name"): _NAME,
    (p.Role, "aliases"): matches(
        r"[a-z0-9][a-z0-9_-]{0,39}", "has to be one word in small letters", "[ic]"
    ),
    (p.Role, "exclusive"): Rule(lambda _: True, "", "true"),
    (p.Role, "duties"): _LINE,
    (p.Role, "checklist"): _LINE,
    (p.Channels, "name"): _CHANNEL_NAME,
    (p.Channels, "drill_name"): _CHANNEL_NAME,
    (p.Channels, "archive_after"): lasts(_SECOND, 3650 * _DAY, "30d"),
    (p.Announcement, "channel"): matches(
        r"[CG][A-Z0-9]{2,20}|#[^\s#<>|&A-Z]{1,80}",
        "has to be a channel id, or a channel's name with its `#`, in quotes",
        '"#incidents"',
    ),
    (p.Bookmark, "title"): _NAME,
    (p.Bookmark, "url"): Rule(
        _is_bookmark_url,
        "has to be a web address; between braces it may hold only service, runbook_url, "
        "dashboard_url and reference",
        '"https://grafana.example.com/d/{service}"',
    ),
    (p.Reminders, "commander_missing_after"): _TIMER,
    (p.Reminders, "commander_backup_after"): _TIMER,
    (p.Reminders, "update_late_fraction"): _LATENESS,
    (p.Reminders, "update_missed_fraction"): _LATENESS,
    (p.Reminders, "snooze"): _TIMER,
    (p.Reminders, "stale_after"): _TIMER,
    (p.Reminders, "handoff_timeout"): _TIMER,
    (p.Reminders, "checkin"): _TIMER,
    (p.Reminders, "postmortem_due_business_days"): within(1, 60, "5"),
    (p.Reminders, "holidays_country"): Rule(
        _has_holidays, "isn't a country code that we know holidays for", '"DE"'
    ),
    (p.TimelineCapture, "marker_emoji"): matches(
        r"[a-z0-9_+'-]{1,100}", "has to be an emoji's name without colons", "pushpin"
    ),
    (p.Duplicates, "window"): lasts(timedelta(0), _DAY, "10m"),
    (p.Duplicates, "similarity"): within(0.1, 1, "0.6"),
    (p.Postmortem, "template"): Rule(
        _is_template, "isn't a file of config/templates", BUILT_IN_TEMPLATE
    ),
    (p.Section, "key"): _WORD_KEY,
    (p.Section, "title"): _NAME,
    (p.Section, "prompt"): short(400, "What helped, so that we keep doing it?"),
    (p.FigureTargets, "time_to_detect"): _TARGET,
    (p.FigureTargets, "time_to_acknowledge_p50"): _TARGET,
    (p.FigureTargets, "time_to_acknowledge_p90"): _TARGET,
    (p.FigureTargets, "time_to_engage_owner"): _TARGET,
    (p.FigureTargets, "time_to_evidence"): _TARGET,
    (p.FigureTargets, "time_to_mitigate"): _TARGET,
    (p.FigureTargets, "time_to_resolve"): _TARGET,
    (p.FigureTargets, "update_cadence_met"): _SHARE,
    (p.FigureTargets, "escalation_quality"): _SHARE,
    (p.FigureTargets, "documentation_complete"): _SHARE,
    (p.FigureTargets, "documentation_within"): _TARGET,
    (p.FigureTargets, "action_items_on_time"): _SHARE,
    (p.FigureTargets, "repeat_window"): _TARGET,
    (p.FigureTargets, "change_related"): _SHARE,
    (p.Retention, "settled_effects"): _KEPT,
    (p.Retention, "request_keys"): _KEPT,
    (p.Retention, "settled_reminders"): _KEPT,
}
