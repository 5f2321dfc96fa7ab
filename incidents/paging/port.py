"""What Sitrep asks of a pager, and what it hears back; each system is one file in bot/integrations.

A page is one demand on one address of one pager. Its `key` is ours and the same in each attempt, so
that a pager that keeps keys doesn't page twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from incidents.policy.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a pager is told. Of a private incident `title` and `details` are empty.

    `address` is what the policy writes after the pager's name; `email` is the person's, if the page
    is for one person. `is_urgent`: wake them. `link` leads to the incident's channel in Slack.
    """

    key: str
    address: str
    reference: str
    title: str
    severity_key: str
    severity_rank: int
    is_urgent: bool = True
    email: str = ""
    link: str = ""
    # Addresses of ours that acknowledge without Slack; "" if nothing outside reaches us.
    acknowledge_url: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    # What the pager calls it, once it has accepted it.
    remote_id: str = ""

    @property
    def headline(self) -> str:
        """Return reference and title; of a private incident its number alone."""
        return f"{self.reference} {self.title}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The pager has taken the page: what it calls it, and where people see it there."""

    remote_id: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnCallPerson:
    """Somebody on call, as the pager knows them; `until` is None for no end."""

    name: str
    email: str = ""
    phone: str = ""
    until: datetime | None = None


class HeardKind(StrEnum):
    """What a pager tells of a page."""

    TRIGGERED = "triggered"
    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    DECLINED = "declined"
    REASSIGNED = "reassigned"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One thing that a pager told us; `delivery_id` is the same if it is told again.

    `key` is our page's, "" if the page began there; then `remote_id` names it.
    """

    pager: str
    delivery_id: str
    kind: HeardKind
    key: str = ""
    remote_id: str = ""
    url: str = ""
    title: str = ""
    name: str = ""
    email: str = ""
    occurred_at: datetime | None = None


class PagerTemporary(Exception):
    """The pager may take it later. `uncertain`: it may have taken it already."""

    def __init__(
        self, error: str, *, uncertain: bool = False, retry_after: timedelta | None = None
    ) -> None:
        super().__init__(error)
        self.error = error
        self.uncertain = uncertain
        self.retry_after = retry_after
        # What a pager doesn't answer may still be under way.
        self.settled = not uncertain


class PagerRefused(Exception):
    """The pager won't take it; `error` says why, in the pager's words, without secrets."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class Pager(Protocol):
    """One configured pager. Every method raises PagerTemporary or PagerRefused.

    `keeps_keys`: the same key twice is one page there. `can_acknowledge`, `can_tell_on_call`: what
    the system offers at all; the methods do nothing, or return nobody, where it doesn't.
    """

    key: str
    name: str
    keeps_keys: bool
    can_acknowledge: bool
    can_tell_on_call: bool

    async def trigger(self, page: Page) -> Accepted:
        """Page the address."""

    async def update(self, page: Page, text: str) -> None:
        """Add what has changed, without paging again."""

    async def acknowledge(self, page: Page, *, by: str) -> None:
        """Say there that somebody is on it: nobody else is paged."""

    async def resolve(self, page: Page) -> None:
        """End the page."""

    async def on_call(self, address: str) -> Sequence[OnCallPerson]:
        """Return who is on call now for an address, first level first."""

    async def hear(self, pages: Sequence[Page]) -> Sequence[Heard]:
        """Ask what became of these pages, where the pager doesn't tell by webhook."""


class Pagers(Protocol):
    """Finds a configured pager, and phone numbers that the operator keeps."""

    def find(self, policy: Policy, key: str) -> Pager | None:
        """Return the pager with this key, or None if it isn't configured, or has no secrets."""

    def phone(self, email: str) -> str:
        """Return the phone number kept for an address, or ""."""

    def acknowledge_url(self, policy: Policy, pager: str, page: str) -> str:
        """Return our address that acknowledges one page, "" if nothing outside reaches us."""


class NoPagers:
    """Where nothing leaves."""

    def find(self, policy: Policy, key: str) -> Pager | None:
        """Return None."""
        return None

    def phone(self, email: str) -> str:
        """Return nothing."""
        return ""

    def acknowledge_url(self, policy: Policy, pager: str, page: str) -> str:
        """Return nothing."""
        return ""
