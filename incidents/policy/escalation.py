"""The policy's section on escalation: templates, whom they reach, and how long each step waits.

A ladder is put together from the target people chose, then the template's `reaches` and `steps`,
then the service's own `steps`, then `escalation.steps`. Whoever is there twice counts once.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from incidents.policy.packet_fields import PacketField
from incidents.policy.references import GroupRef, Invitee, PersonRef, RoleRef


class Relation(StrEnum):
    """Somebody who follows from the service or the severity rather than from a name."""

    ON_CALL = "on_call"  # the service's on-call person or group, else its owner
    OWNER = "owner"
    MANAGER = "manager"  # the service's manager, else the one of this section
    BACKUP = "backup"  # the severity's backup commander
    SERVICE_STEPS = "service_steps"  # the service's own steps, at this place


Callee = Relation | RoleRef | PersonRef | GroupRef


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderStep:
    """Who is called together, and how long is waited for them; None: as the severity says."""

    who: tuple[Callee, ...]
    wait: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a template asks besides the packet's fields."""

    key: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationTemplate:
    """One kind of escalation: which fields matter, what is asked, whom it reaches in which order.

    `wait` holds for all of its steps that have none of their own; None: as the severity says.
    """

    key: str
    name: str
    meaning: str
    fields: tuple[PacketField, ...]
    questions: tuple[Question, ...] = ()
    reaches: tuple[Callee, ...] = ()
    steps: tuple[LadderStep, ...] = ()
    wait: timedelta | None = None
    may_move_to_private: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsentPerson:
    """Somebody who isn't called on these days, both included, as counted in their own zone."""

    who: PersonRef
    since: date
    until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """How escalations run where nothing more specific is said; `wait` is for severities without.

    `rating_after`: how long after somebody took one they are asked about its packet.
    `present_statuses` begin a status (with its emoji) of somebody who notices all the same.
    """

    wait: timedelta
    rating_after: timedelta
    default_template: str
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

    title: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service that incidents can affect; tier 1 is the most critical.

    `on_call` is called first, else the owner; `steps` are this service's own, before those that
    every ladder ends with. `runbook_url` and `dashboard_url` are the ones to open first.
    """

    key: str
    name: str
    tier: int
    owner: Invitee | None = None
    on_call: Invitee | None = None
    manager: Invitee | None = None
    steps: tuple[LadderStep, ...] = ()
    runbook_url: str | None = None
    dashboard_url: str | None = None
    runbooks: tuple[ServiceLink, ...] = ()
    dashboards: tuple[ServiceLink, ...] = ()

    @property
    def all_runbooks(self) -> tuple[ServiceLink, ...]:
        """Return every runbook, the one to open first before the others."""
        return _links(self.runbook_url, f"{self.name} runbook", self.runbooks)

    @property
    def all_dashboards(self) -> tuple[ServiceLink, ...]:
        """Return every dashboard, the one to open first before the others."""
        return _links(self.dashboard_url, f"{self.name} dashboard", self.dashboards)


def _links(
    first: str | None, title: str, others: tuple[ServiceLink, ...]
) -> tuple[ServiceLink, ...]:
    if first is None or any(link.url == first for link in others):
        return others
    return (ServiceLink(title=title, url=first), *others)
