"""A workspace's policy as frozen values, read from `config/policy.yaml` and its overlay.

These classes are also the file's schema. To add a setting, add a field here, with its rules in the
type, and a documented line to `config/policy.yaml`. Tuples of classes with a `Form.AS_KEY` field
are maps in the file.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from incidents.policy.channels import (
    Announcement,
    Bookmark,
    Channels,
    PrivateIncidents,
    TimelineCapture,
)
from incidents.policy.disagreements import Disagreement
from incidents.policy.escalation import Escalation, Relation, Service, Wait
from incidents.policy.figures import FigureTargets
from incidents.policy.guidance import Guidance
from incidents.policy.postmortem import Postmortem
from incidents.policy.proposals import Proposals
from incidents.policy.quiet_hours import QuietHours
from incidents.policy.references import SEVERITY, Grantee, PersonRef, Standing
from incidents.policy.schema import (
    DisplayName,
    Duration,
    Form,
    Rule,
    as_json,
    format_duration,
    lasts,
    matches,
    short,
    some,
    within,
    word_key,
)
from incidents.policy.shadowing import HandoverPolicy, ShadowingPolicy
from incidents.policy.stakeholders import Stakeholders, Updates
from incidents.policy.supervision import Supervision
from incidents.policy.waking.call import CallRule, OnCallPolicy
from incidents.policy.waking.paging import PagerConfig, ReachedPerson

COMMANDER: Final = "commander"
DEPUTY: Final = "deputy"
SCRIBE: Final = "scribe"
COMMUNICATIONS_LEAD: Final = "communications_lead"

_SEVERE: Final = 2


class Action(StrEnum):
    """The actions that the policy's `rights` grant."""

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
    EDIT_MAINTENANCE = "edit_maintenance"
    SNOOZE = "snooze"
    ADD_NOTE = "add_note"
    WITHDRAW_ENTRY = "withdraw_entry"
    HIDE_ENTRY = "hide_entry"
    REDACT_ENTRY = "redact_entry"
    CHECK_IN = "check_in"
    EXPORT = "export"
    USE_CHANNEL = "use_channel"
    MOVE_TO_PRIVATE = "move_to_private"
    INVITE = "invite"
    UNINVITE = "uninvite"
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
    TEST_PAGER = "test_pager"


def _has_holidays(country: str) -> bool:
    # A heavy library, needed only if the policy sets a country.
    from holidays import list_supported_countries  # noqa: PLC0415

    return country in list_supported_countries()


_Country = Annotated[
    str, Rule(_has_holidays, "isn't a country code that we know holidays for", '"DE"')
]
_Alias = Annotated[
    str, matches(r"[a-z0-9][a-z0-9_-]{0,39}", "has to be one word in small letters", "[ic]")
]
_Line = Annotated[str, short(300, "one short sentence")]
_Timer = Annotated[Duration, lasts("1s", "30d", "15m")]
_Kept = Annotated[Duration, lasts("1d", "3650d", "30d")]
_Lateness = Annotated[float, within(0.05, 10, "0.5")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Severity:
    """How bad an incident is, and what follows from that; rank 1 is the worst.

    `escalation_wait` is how long an escalation waits before it calls the next step.
    """

    key: Annotated[
        str,
        Form.AS_KEY,
        matches(
            r"[a-z][a-z0-9_-]{0,39}",
            "isn't a key: only small letters, digits, `-` and `_`",
            "sev1",
        ),
    ]
    name: Annotated[str, short(20, "SEV1")]
    aliases: tuple[_Alias, ...] = ()
    rank: Annotated[int, within(1, 99, "1")]
    meaning: Annotated[str, short(300, "Some customers are affected, others aren't.")]
    cadence: Annotated[Duration, lasts("1s", "7d", "30m")] | None = None
    escalation_wait: Wait | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role people take in an incident; an exclusive one has at most one holder at a time."""

    key: Annotated[str, Form.AS_KEY, word_key("db_lead")]
    name: DisplayName
    aliases: tuple[_Alias, ...] = ()
    exclusive: bool
    duties: tuple[_Line, ...]
    checklist: tuple[_Line, ...]

    def disagreements(self) -> Iterator[Disagreement]:
        """Yield keys that are already words of the policy, and a commander that isn't exclusive."""
        if self.key == COMMANDER and not self.exclusive:
            what = "has to be true: an incident has one commander"
            yield Disagreement(("exclusive",), what, "true")
        if self.key in tuple(Standing):
            yield Disagreement((), "has a meaning under `rights`; take another")
        if self.key in tuple(Relation):
            yield Disagreement((), "has a meaning in the steps of an escalation; take another")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminders:
    """When the bot reminds people of its own accord.

    The two fractions say how late an update is, as a part of its cadence: at the first, the bot
    tells the commander and deputy; at the second, the update counts as missed.
    """

    commander_missing_after: _Timer
    commander_backup_after: _Timer
    update_late_fraction: _Lateness
    update_missed_fraction: _Lateness
    snooze: _Timer
    stale_after: _Timer
    handoff_timeout: _Timer
    checkin: _Timer
    postmortem_due_business_days: Annotated[int, within(1, 60, "5")]
    holidays_country: _Country | None = None
    quiet_hours: QuietHours

    def disagreements(self) -> Iterator[Disagreement]:
        """Yield second reminders that wouldn't come after the first."""
        if self.update_missed_fraction <= self.update_late_fraction:
            what = f"has to be greater than update_late_fraction ({self.update_late_fraction:g})"
            yield Disagreement(("update_missed_fraction",), what, other=("update_late_fraction",))
        if self.commander_backup_after <= self.commander_missing_after:
            missing_after = format_duration(self.commander_missing_after)
            what = f"has to be longer than commander_missing_after ({missing_after})"
            keys = ("commander_backup_after",)
            yield Disagreement(keys, what, other=("commander_missing_after",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicates:
    """When a new declaration may duplicate a recent one; similarity is 0 to 1 (identical)."""

    window: Annotated[Duration, lasts("0s", "1d", "10m")]
    similarity: Annotated[float, within(0.1, 1, "0.6")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """Who may take one action: anyone who matches at least one entry of `who`."""

    action: Annotated[Action, Form.AS_KEY]
    who: Annotated[tuple[Grantee, ...], Form.AS_VALUE]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """Who may do what; guests and Slack Connect people can only ever do `guests_may`."""

    actions: tuple[Right, ...]
    guests_may: tuple[Action, ...] = ()

    def who_may(self, action: Action) -> tuple[Grantee, ...]:
        """Return who may do this; empty (nobody) if the policy doesn't list the action."""
        return next((right.who for right in self.actions if right.action is action), ())

    def disagreements(self) -> Iterator[Disagreement]:
        """Yield actions that the policy doesn't list."""
        listed = {right.action for right in self.actions}
        for action in (action for action in Action if action not in listed):
            what = "has to stay; an empty list lets nobody do it"
            yield Disagreement(("actions", action.value), what, f"{action}: []")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long finished working rows are kept; incidents and timelines are never deleted."""

    settled_effects: _Kept
    request_keys: _Kept
    settled_reminders: _Kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Everything a workspace can configure; severities are ordered by rank, worst first."""

    command: Annotated[
        str,
        matches(
            r"/[a-z0-9][a-z0-9_-]{0,30}",
            "has to be `/` and small letters, digits, `-` or `_`, up to 32 characters",
            "/incident",
        ),
    ]
    default_severity: Annotated[str, SEVERITY]
    mitigated_cadence_factor: Annotated[float, within(1, 10, "2")]
    severities: Annotated[tuple[Severity, ...], some("has to keep at least one severity")]
    roles: tuple[Role, ...]
    channels: Channels
    announcement: Announcement
    stakeholders: tuple[Stakeholders, ...]
    updates: Updates
    private: PrivateIncidents
    bookmarks: tuple[Bookmark, ...]
    services: tuple[Service, ...]
    call: tuple[CallRule, ...]
    on_call: OnCallPolicy
    pagers: tuple[PagerConfig, ...]
    people: tuple[ReachedPerson, ...]
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
        """The SHA-256 (hex) of the policy's values, which changes only when they do."""
        plain = as_json(self)
        text = json.dumps(
            plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )
        return hashlib.sha256(text.encode()).hexdigest()

    def find_severity(self, key: str) -> Severity | None:
        """Return the severity with this key, in any letter case, if the policy has it."""
        wanted = key.casefold()
        return next((item for item in self.severities if item.key.casefold() == wanted), None)

    def rules_for(self, severity_key: str, services: Collection[str]) -> tuple[CallRule, ...]:
        """Return the rules of `call` that fit an incident, in their order."""
        severity = self.find_severity(severity_key)
        ranks = {one.key: one.rank for one in self.severities}
        return tuple(
            rule
            for rule in self.call
            if (not rule.services or not set(rule.services).isdisjoint(services))
            and (rule.severity is None or (severity and severity.rank <= ranks[rule.severity]))
        )

    def backup_for(self, severity_key: str, services: Collection[str]) -> PersonRef | None:
        """Return who is called when nobody takes command."""
        rules = self.rules_for(severity_key, services)
        return next((one.backup for one in rules if one.backup is not None), None)

    def is_severe(self, key: str) -> bool:
        """Tell whether this is one of the two worst severities: everybody should hear of those."""
        return key in {one.key for one in self.severities[:_SEVERE]}

    def find_severity_named(self, name: str) -> Severity | None:
        """Return the severity with this name or alias, in any letter case, if there is one."""
        wanted = name.casefold()
        named = (one for one in self.severities if wanted in {one.name.casefold(), *one.aliases})
        return next(named, None)

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

    def find_pager(self, key: str) -> PagerConfig | None:
        """Return the pager with this key, if the policy has it."""
        return next((one for one in self.pagers if one.key == key), None)

    def disagreements(self) -> Iterator[Disagreement]:
        """Yield severities that share a rank, and aliases that name two severities or roles."""
        ranks: dict[int, str] = {}
        for severity in self.severities:
            first = ranks.setdefault(severity.rank, severity.key)
            if first != severity.key:
                what = f"{first} also has rank {severity.rank}; each severity needs its own"
                keys = ("severities", severity.key, "rank")
                yield Disagreement(keys, what, other=("severities", first, "rank"))
        meanings: dict[str, str] = {}
        for severity in self.severities:
            for alias in severity.aliases:
                first = meanings.setdefault(alias, severity.key)
                if first != severity.key:
                    keys, other = (("severities", key, "aliases") for key in (severity.key, first))
                    yield Disagreement(keys, f"`{alias}` already means {first}", other=other)
        for place, person in enumerate(self.people):
            if person.who in {one.who for one in self.people[:place]}:
                what = f"{person.who} stands here twice: put all addresses into one `reach`"
                yield Disagreement(("people",), what, item=place)
        owners = dict.fromkeys(Standing, "the rights") | {role.key: role.key for role in self.roles}
        if COMMANDER not in owners:
            yield Disagreement(("roles", COMMANDER), "this role has to stay; you may rename it")
        for role in self.roles:
            for alias in role.aliases:
                owner = owners.setdefault(alias, role.key)
                if owner != role.key:
                    keys, other = (("roles", key, "aliases") for key in (role.key, owner))
                    yield Disagreement(keys, f"`{alias}` is already used by {owner}", other=other)


class UnknownPolicyKeyError(LookupError):
    """The policy has no such severity or role; `known` lists the keys it has."""

    def __init__(self, what: str, key: str, *, known: Iterable[str]) -> None:
        super().__init__(f"no {what} {key!r} in the policy")
        self.what = what
        self.key = key
        self.known = tuple(known)


def _names_of(role: Role) -> frozenset[str]:
    spellings = (role.key, role.key.replace("_", " "), role.name, *role.aliases)
    return frozenset(spelling.casefold() for spelling in spellings)
