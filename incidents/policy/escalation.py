"""The policy's section on escalation: templates, the people they call, and the waits between steps.

A ladder consists of the target people chose, then the template's `reaches` and `steps`, then the
service's own `steps`, then `escalation.steps`. Each person is called once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Final

from incidents.policy.disagreements import Disagreement
from incidents.policy.packet_fields import PacketField
from incidents.policy.references import (
    IS_PAGER,
    IS_ROTATION,
    ON_CALL,
    Invitee,
    OnCaller,
    OnCallRef,
    PersonRef,
    Reach,
    RoleRef,
    find_on_call,
    word_or_reference,
)
from incidents.policy.schema import (
    DisplayName,
    Duration,
    Form,
    Names,
    lasts,
    matches,
    short,
    some,
    within,
    word_key,
)


class Relation(StrEnum):
    """A callee that the service or the severity determines, rather than a name."""

    ON_CALL = "on_call"  # the service's on-call person or group, else its owner
    OWNER = "owner"
    MANAGER = "manager"  # the service's manager, else this section's
    BACKUP = "backup"  # the severity's backup commander
    SERVICE_STEPS = "service_steps"  # insert the service's own steps here


Callee = Annotated[
    Relation | RoleRef | OnCallRef,
    word_or_reference(
        Relation,
        '[owner, commander, jo@example.com, "@database-oncall", rotation/database]',
        find=find_on_call,
        whom=ON_CALL,
    ),
    Names("there is no role", "roles", of=RoleRef, also=tuple(Relation), example="[commander]"),
    IS_ROTATION,
    IS_PAGER,
]

TEMPLATE: Final = Names("there is no template", "escalation.templates")
# Long enough to read a message, short enough that nobody waits for a day by mistake.
Wait = Annotated[Duration, lasts("30s", "1d", "5m")]
_Url = Annotated[
    str,
    matches(
        r"https?://[^\s<>|]{1,1900}",
        "has to be a web address",
        "https://wiki.example.com/checkout",
    ),
]
# Without these, the people called can't tell what you need from them.
_NEEDED: Final = (PacketField.ASK, PacketField.SYMPTOMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderStep:
    """People called together, and the wait for their answer; None: the severity's wait.

    `acknowledgements`: how many of them have to acknowledge their page before the ladder pauses.
    """

    who: Annotated[tuple[Callee, ...], Form.ALONE, some("has to name somebody", "[owner]")]
    wait: Wait | None = None
    acknowledgements: Annotated[int, within(1, 9, "1")] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question that a template asks in addition to the packet's fields."""

    key: Annotated[str, Form.AS_KEY, word_key("which_query")]
    text: Annotated[str, Form.AS_VALUE, short(150, "Which query is slow?")]


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationTemplate:
    """One kind of escalation: the packet's fields, the questions, and who it calls in which order.

    `wait` applies to its steps without a wait of their own; None: the severity's wait.
    """

    key: Annotated[str, Form.AS_KEY, word_key("database")]
    name: DisplayName
    meaning: Annotated[str, short(150, "When the database is slow or full.")]
    fields: tuple[PacketField, ...]
    questions: tuple[Question, ...] = ()
    reaches: tuple[Callee, ...] = ()
    steps: tuple[LadderStep, ...] = ()
    wait: Wait | None = None
    may_move_to_private: bool = False

    def disagreements(self) -> Iterator[Disagreement]:
        """Yield missing fields that callees need, and questions that repeat a packet's field."""
        for field in _NEEDED:
            if field not in self.fields:
                what = f"has to hold {field}: without it nobody who is called can begin"
                yield Disagreement(("fields",), what, f"fields: [{', '.join(_NEEDED)}]")
        for question in self.questions:
            if question.key in tuple(PacketField):
                what = "is the name of a field of every packet; take another"
                yield Disagreement(("questions", question.key), what)


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsentPerson:
    """Somebody not to be called on these days, both included, in their own time zone."""

    who: PersonRef
    since: date
    until: date

    def disagreements(self) -> Iterator[Disagreement]:
        """Yield an absence that ends before it begins."""
        if self.until < self.since:
            what = f"can't be before since ({self.since.isoformat()})"
            yield Disagreement(("until",), what, other=("since",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """The defaults of escalations; `wait` applies to severities without one of their own.

    `rating_after`: how long after taking an escalation a person is asked to rate its packet.
    `present_statuses`: people whose status (with its emoji) starts like this still notice a call.
    """

    wait: Wait
    rating_after: Annotated[Duration, lasts("1m", "1d", "15m")]
    default_template: Annotated[str, TEMPLATE]
    manager: Invitee | None = None
    steps: tuple[LadderStep, ...] = ()
    absent: tuple[AbsentPerson, ...] = ()
    present_statuses: tuple[str, ...] = ()
    templates: tuple[EscalationTemplate, ...]

    def find_template(self, key: str) -> EscalationTemplate | None:
        """Return the template with this key, in any letter case, if the policy has it."""
        wanted = key.strip().casefold()
        return next((item for item in self.templates if item.key.casefold() == wanted), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLink:
    """A runbook or a dashboard of a service."""

    title: Annotated[DisplayName, Form.AS_KEY]
    url: Annotated[_Url, Form.AS_VALUE]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service that incidents can affect; tier 1 is the most critical.

    `on_call` is called first, else the owner. The service's `steps` come before those that end
    every ladder. `runbook_url` and `dashboard_url` are the ones to open first. `safe_steps` are
    those that its runbook marks as safe.
    """

    key: Annotated[
        str,
        Form.AS_KEY,
        matches(
            r"[a-z0-9][a-z0-9_.-]{0,59}",
            "isn't a key: only small letters, digits, `-`, `_` and `.`",
            "checkout-api",
        ),
    ]
    name: DisplayName
    tier: Annotated[int, within(1, 5, "1")]
    owner: Invitee | None = None
    on_call: OnCaller | None = None
    manager: Invitee | None = None
    steps: tuple[LadderStep, ...] = ()
    runbook_url: _Url | None = None
    dashboard_url: _Url | None = None
    runbooks: tuple[ServiceLink, ...] = ()
    dashboards: tuple[ServiceLink, ...] = ()
    safe_steps: tuple[Annotated[str, short(200, "Restart the checkout workers")], ...] = ()
    # How its on-call is paged: the first address, then the next if that fails.
    reach: tuple[Reach, ...] = ()

    @property
    def all_runbooks(self) -> tuple[ServiceLink, ...]:
        """Return every runbook; the one to open first comes first."""
        return _links(self.runbook_url, f"{self.name} runbook", self.runbooks)

    @property
    def all_dashboards(self) -> tuple[ServiceLink, ...]:
        """Return every dashboard; the one to open first comes first."""
        return _links(self.dashboard_url, f"{self.name} dashboard", self.dashboards)

    def disagreements(self) -> Iterator[Disagreement]:
        """Yield steps that refer to the service's own steps."""
        for index, step in enumerate(self.steps):
            if Relation.SERVICE_STEPS in step.who:
                what = "a service's steps can't lead to themselves"
                yield Disagreement(("steps", index), what, "[manager]")


def _links(
    first: str | None, title: str, others: tuple[ServiceLink, ...]
) -> tuple[ServiceLink, ...]:
    if first is None or any(link.url == first for link in others):
        return others
    return (ServiceLink(title=title, url=first), *others)
