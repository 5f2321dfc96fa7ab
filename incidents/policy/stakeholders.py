"""The policy's section on stakeholders: groups of people who get an incident's news directly."""

from dataclasses import dataclass
from typing import Annotated

from incidents.policy.references import SERVICE, SEVERITY, Invitee
from incidents.policy.schema import some


@dataclass(frozen=True, slots=True, kw_only=True)
class Stakeholders:
    """People and groups, and what they hear of: these services and this severity or worse.

    Without `services` it is every service; without `severity`, each.
    """

    who: Annotated[tuple[Invitee, ...], some("has to name at least one person or group")]
    services: tuple[Annotated[str, SERVICE], ...] = ()
    severity: Annotated[str, SEVERITY] | None = None
