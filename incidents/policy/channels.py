"""The policy's sections on channels: names, bookmarks, announcements, capture for the timeline."""

import re
from dataclasses import dataclass
from typing import Annotated

from incidents.policy.references import Invitee, PersonRef
from incidents.policy.schema import DisplayName, Duration, Rule, lasts, matches


def _is_channel_name(template: str) -> bool:
    """Tell whether Slack accepts this as a channel name; Slack doesn't correct wrong ones."""
    bare = template.replace("{number}", "1", 1).replace("{slug}", "a", 1)
    return "{number}" in template and re.fullmatch(r"[a-z0-9_-]{1,40}", bare) is not None


def _is_bookmark_url(url: str) -> bool:
    placeholders = re.findall(r"\{([^{}]*)\}", url)
    known = {"service", "runbook_url", "dashboard_url", "reference"}
    rest = re.sub(r"\{[^{}]*\}", "x", url)
    whole = url.startswith(("{runbook_url}", "{dashboard_url}"))
    plain = whole or re.match(r"https?://[^\s/]", rest) is not None
    return plain and set(placeholders) <= known and re.search(r"[\s{}<>|]", rest) is None


_ChannelName = Annotated[
    str,
    Rule(
        _is_channel_name,
        "has to hold {number}, may hold {slug}, and apart from these only small letters, digits, "
        "`-` and `_`, up to 40 characters",
        "inc-{number}-{slug}",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """How incident channels are named (from `{number}` and `{slug}`) and when they are archived.

    `archive_after` counts from closing; None never archives.
    """

    name: _ChannelName
    drill_name: _ChannelName
    archive_after: Annotated[Duration, lasts("1s", "3650d", "30d")] | None = None
    allow_existing: bool
    archive_existing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """Where incidents are announced: `channel` is a channel id, or a name with its `#`."""

    enabled: bool
    channel: Annotated[
        str,
        matches(
            r"[CG][A-Z0-9]{2,20}|#[^\s#<>|&A-Z]{1,80}",
            "has to be a channel id, or a channel's name with its `#`, in quotes",
            '"#incidents"',
        ),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateIncidents:
    """Who is invited to a private incident in addition to its declarer, and who may open any."""

    invite: tuple[Invitee, ...] = ()
    recovery: PersonRef | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookmark:
    """A link at the top of an incident channel.

    `url` may hold `{service}`, `{runbook_url}`, `{dashboard_url}`, `{reference}`. The incident gets
    no bookmark whose placeholders it has no values for.
    """

    title: DisplayName
    url: Annotated[
        str,
        Rule(
            _is_bookmark_url,
            "has to be a web address; between braces it may hold only service, runbook_url, "
            "dashboard_url and reference",
            '"https://grafana.example.com/d/{service}"',
        ),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineCapture:
    """What the timeline captures from the channel automatically; the emoji has no colons."""

    marker_emoji: Annotated[
        str,
        matches(r"[a-z0-9_+'-]{1,100}", "has to be an emoji's name without colons", "pushpin"),
    ]
    capture_pins: bool
    capture_files: bool
    capture_joins: bool
