"""The policy's sections on paging: the pagers, and how each person or service is reached by them.

Keys and tokens are never in the policy; they are in the secrets file.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from incidents.policy.disagreements import Disagreement
from incidents.policy.references import ROTATION, PersonRef, Reach
from incidents.policy.schema import DisplayName, Form, matches, some, word_key


class PagerKind(StrEnum):
    """The systems that can wake somebody."""

    PAGERDUTY = "pagerduty"  # REST incidents with an escalation policy
    PAGERDUTY_EVENTS = "pagerduty_events"  # Events v2
    GOALERT = "goalert"
    NTFY = "ntfy"
    WEBHOOK = "webhook"  # signed by the Standard Webhooks scheme


_URL: Final = matches(
    r"https?://[^\s<>|]{1,300}", "has to be a web address", "https://goalert.example.com"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PagerConfig:
    """One pager. `url` is its address, where it isn't the system's public one.

    `tells_private`: private incidents may page through it, with their number alone.
    """

    key: Annotated[str, Form.AS_KEY, word_key("goalert")]
    kind: PagerKind
    name: DisplayName | None = None
    url: Annotated[str, _URL] | None = None
    tells_private: bool = False

    @property
    def shown_name(self) -> str:
        """Return the name that people see."""
        return self.name or _NAMES[self.kind]

    def disagreements(self) -> Iterator[Disagreement]:
        """Yield a pager that has no public address and names none, or a rotation's name."""
        if self.key == ROTATION:
            yield Disagreement((), f"`{ROTATION}/…` names a rotation; take another key")
        if self.url is None and self.kind in {PagerKind.GOALERT, PagerKind.WEBHOOK}:
            what = f"is missing: {_NAMES[self.kind]} has no public address"
            yield Disagreement(("url",), what, "url: https://goalert.example.com")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachedPerson:
    """How one person is reached beside Slack: the first address, then the second if that fails."""

    who: PersonRef
    reach: Annotated[tuple[Reach, ...], some("has to name an address", "[ntfy/kim]")]


_NAMES: Final = {
    PagerKind.PAGERDUTY: "PagerDuty",
    PagerKind.PAGERDUTY_EVENTS: "PagerDuty",
    PagerKind.GOALERT: "GoAlert",
    PagerKind.NTFY: "ntfy",
    PagerKind.WEBHOOK: "the webhook",
}
