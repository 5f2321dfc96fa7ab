"""The policy of a workspace as frozen values: what `config/policy.yaml` and its overlay say.

These classes are also the schema of the file: `config/policy_schema.py` reads their fields and
types, so that a new setting is a new field here, a rule there if a type isn't enough, and a
documented line in `config/policy.yaml`. Tuples of classes with a `key` are maps in the file.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, timedelta
from enum import Enum, StrEnum
from typing import Final

from incidents.policy.escalation import Escalation, Service
from incidents.policy.guidance import Guidance
from incidents.policy.proposals import Proposals
from incidents.policy.references import Grantee, GroupRef, Invitee, PersonRef, RoleRef
from incidents.policy.shadowing import HandoverPolicy, ShadowingPolicy
from incidents.policy.supervision import Supervision

COMMANDER: Final = "commander"
DEPUTY: Final = "deputy"
SCRIBE: Final = "scribe"
COMMUNICATIONS_LEAD: Final = "communications_lead"
SUBJECT_MATTER_EXPERT: Final = "subject_matter_expert"

# The postmortem sections that can be filled from the record (`kind: auto`).
AUTO_SECTIONS: Final = (
    *("summary", "impact", "severity", "key_moments", "roles"),
    *("timeline", "updates", "action_items", "customer_messages"),
)


class Action(StrEnum):
    """What a person can do, as named under `rights` in the policy."""

    DECLARE = "declare"
    EDIT = "edit"
    CHANGE_STATUS = "change_status"
    RESOLVE = "resolve"
    CLOSE = "close"
    REOPEN = "reopen"
    CANCEL = "cancel"
    MARK_DUPLICATE = "mark_duplicate"
    RAISE_SEVERITY = "raise_severity"
    LOWER_SEVERITY = "lower_severity"
    ASSIGN_ROLE = "assign_role"
    CLAIM_ROLE = "claim_role"
    HANDOFF = "handoff"
    TAKE_OVER = "take_over"
    POST_UPDATE = "post_update"
    SNOOZE = "snooze"
    ADD_NOTE = "add_note"
    WITHDRAW_ENTRY = "withdraw_entry"
    REDACT_ENTRY = "redact_entry"
    CHECK_IN = "check_in"
    EXPORT = "export"
    USE_CHANNEL = "use_channel"
    MOVE_TO_PRIVATE = "move_to_private"
    VIEW = "view"
    MANAGE_POSTMORTEM = "manage_postmortem"
    MANAGE_ACTION_ITEMS = "manage_action_items"
    RETRY_EFFECT = "retry_effect"
    ESCALATE = "escalate"
    ANSWER_ESCALATION = "answer_escalation"
    WITHDRAW_ESCALATION = "withdraw_escalation"
    PROPOSE = "propose"
    APPROVE_STANDARD = "approve_standard"
    APPROVE_MAJOR = "approve_major"
    CARRY_OUT = "carry_out"
    BREAK_GLASS = "break_glass"
    ASK_OBJECTIONS = "ask_objections"
    SET_STAGE = "set_stage"
    SIGN_OFF = "sign_off"
    SHADOW = "shadow"
    HAND_OVER_SHIFT = "hand_over_shift"


class SectionKind(StrEnum):
    """How a postmortem section gets its text: from the record, or written by people."""

    AUTO = "auto"
    PROMPT = "prompt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Severity:
    """How bad an incident is, and what follows from it; rank 1 is the worst.

    `escalation_wait` is how long a step of an escalation waits before the next is called.
    """

    key: str
    name: str
    rank: int
    meaning: str
    cadence: timedelta | None = None
    invites: tuple[Invitee, ...] = ()
    backup: PersonRef | None = None
    escalation_wait: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role people take in an incident; an exclusive one has at most one holder at a time."""

    key: str
    name: str
    aliases: tuple[str, ...] = ()
    exclusive: bool
    duties: tuple[str, ...]
    checklist: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """How incident channels are named, `{number}` and `{slug}` filled in, and when archived.

    `archive_after` counts from closing; None keeps channels open for good.
    """

    name: str
    drill_name: str
    archive_after: timedelta | None = None
    allow_existing: bool
    archive_existing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """Where incidents are announced: `channel` is a channel id, or a name with its `#`."""

    enabled: bool
    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateIncidents:
    """Who is brought into a private incident besides its declarer."""

    invite: tuple[Invitee, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookmark:
    """A link at the top of an incident channel.

    `url` may hold `{service}`, `{runbook_url}`, `{dashboard_url}`, `{reference}`; a bookmark
    with a placeholder that has no value in the incident is left out.
    """

    title: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminders:
    """When the bot speaks up by itself.

    The two fractions are parts of a cadence that an update is late by: at the first the
    commander and deputy hear of it directly, at the second it counts as missed.
    """

    commander_missing_after: timedelta
    commander_backup_after: timedelta
    update_late_fraction: float
    update_missed_fraction: float
    snooze: timedelta
    stale_after: timedelta
    handoff_timeout: timedelta
    checkin: timedelta
    postmortem_due_business_days: int
    holidays_country: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineCapture:
    """What reaches the timeline from the channel by itself; the emoji is without colons."""

    marker_emoji: str
    capture_pins: bool
    capture_files: bool
    capture_joins: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicates:
    """When a new declaration is taken for one just made; similarity from 0 to 1 (the same)."""

    window: timedelta
    similarity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section of the postmortem; `prompt` is the question put to its authors."""

    key: str
    title: str
    kind: SectionKind
    prompt: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Postmortem:
    """The postmortem's template (a file of `config/templates`) and its sections in order."""

    template: str
    sections: tuple[Section, ...]

    def find_section(self, key: str) -> Section | None:
        """Return the section with this key, if the policy has it."""
        return next((section for section in self.sections if section.key == key), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """Who may carry out one action: anyone who matches at least one entry of `who`."""

    action: Action
    who: tuple[Grantee, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """Who may do what; `guests_may` is all that guests and Slack Connect people can ever do."""

    actions: tuple[Right, ...]
    guests_may: tuple[Action, ...] = ()

    def who_may(self, action: Action) -> tuple[Grantee, ...]:
        """Return who may do this; empty (nobody) for an action that the policy leaves out."""
        return next((right.who for right in self.actions if right.action is action), ())


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureTargets:
    """Targets that reports compare with, from the table in the domain text; shares are 0 to 1."""

    time_to_detect: timedelta
    time_to_acknowledge_p50: timedelta
    time_to_acknowledge_p90: timedelta
    time_to_engage_owner: timedelta
    time_to_evidence: timedelta
    time_to_mitigate: timedelta
    time_to_resolve: timedelta
    update_cadence_met: float
    escalation_quality: float
    documentation_complete: float
    documentation_within: timedelta
    action_items_on_time: float
    repeat_window: timedelta
    change_related: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long working rows are kept once done; incidents and timelines are kept for good."""

    settled_effects: timedelta
    request_keys: timedelta
    settled_reminders: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Everything a workspace decides for itself; severities are ordered by rank, worst first."""

    command: str
    default_severity: str
    mitigated_cadence_factor: float
    severities: tuple[Severity, ...]
    roles: tuple[Role, ...]
    channels: Channels
    announcement: Announcement
    private: PrivateIncidents
    bookmarks: tuple[Bookmark, ...]
    services: tuple[Service, ...]
    reminders: Reminders
    timeline: TimelineCapture
    duplicates: Duplicates
    postmortem: Postmortem
    rights: Rights
    figures: FigureTargets
    retention: Retention
    escalation: Escalation
    supervision: Supervision
    proposals: Proposals
    guidance: Guidance
    shadowing: ShadowingPolicy
    handover: HandoverPolicy

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the effective policy: the same values give the same digest."""
        text = json.dumps(
            _plain(self), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )
        return hashlib.sha256(text.encode()).hexdigest()

    def find_severity(self, key: str) -> Severity | None:
        """Return the severity with this key, in any letter case, if the policy has it."""
        wanted = key.casefold()
        return next((item for item in self.severities if item.key.casefold() == wanted), None)

    def get_severity(self, key: str) -> Severity:
        """Return the severity with this key.

        Raises:
            UnknownPolicyKeyError: the policy has no such severity.
        """
        found = self.find_severity(key)
        if found is None:
            raise UnknownPolicyKeyError("severity", key, known=(s.key for s in self.severities))
        return found

    def find_role(self, name: str) -> Role | None:
        """Return the role with this key, name or alias, in any letter case, if there is one."""
        wanted = name.strip().casefold()
        return next((role for role in self.roles if wanted in _names_of(role)), None)

    def get_role(self, key: str) -> Role:
        """Return the role with this key, name or alias.

        Raises:
            UnknownPolicyKeyError: the policy has no such role.
        """
        found = self.find_role(key)
        if found is None:
            raise UnknownPolicyKeyError("role", key, known=(role.key for role in self.roles))
        return found

    def find_service(self, key: str) -> Service | None:
        """Return the service with this key, in any letter case, if the policy has it."""
        wanted = key.casefold()
        return next((item for item in self.services if item.key.casefold() == wanted), None)


class UnknownPolicyKeyError(LookupError):
    """The policy has no such severity or role; `known` lists those that it has."""

    def __init__(self, what: str, key: str, *, known: Iterable[str]) -> None:
        super().__init__(f"no {what} {key!r} in the policy")
        self.what = what
        self.key = key
        self.known = tuple(known)


def _names_of(role: Role) -> frozenset[str]:
    spellings = (role.key, role.key.replace("_", " "), role.name, *role.aliases)
    return frozenset(spelling.casefold() for spelling in spellings)


def _plain(value: object) -> object:
    """Turn a policy value into what JSON can hold, the same way in every process."""
    match value:
        case PersonRef() | GroupRef() | RoleRef():
            return str(value)
        case timedelta():
            return value.total_seconds()
        case date():
            return value.isoformat()
        case Enum():
            return value.value
        case tuple():
            return [_plain(item) for item in value]
        case _ if is_dataclass(value):
            return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
        case _:
            return value
