"""The pagers of the policy in force, each built from its part of the policy and its secrets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import aiohttp

from bot.integrations.goalert import GoAlert
from bot.integrations.http import CALL_SECONDS, Http
from bot.integrations.ntfy import PUBLIC as NTFY_PUBLIC
from bot.integrations.ntfy import Ntfy
from bot.integrations.page_links import signed_part
from bot.integrations.pagerduty import PUBLIC as PAGERDUTY_PUBLIC
from bot.integrations.pagerduty import PagerDuty
from bot.integrations.pagerduty_events import PUBLIC as EVENTS_PUBLIC
from bot.integrations.pagerduty_events import PagerDutyEvents
from bot.integrations.system import System
from bot.integrations.webhook import Webhook
from config.secrets_file import Secrets
from incidents.core.clock import Clock
from incidents.policy.policy import Policy
from incidents.policy.waking.paging import PagerConfig, PagerKind


@dataclass(slots=True)
class Pagers:
    """Finds the policy's pagers; `public_url` is where outside systems reach us, "" if nowhere."""

    session: aiohttp.ClientSession
    clock: Clock
    secrets: Secrets
    public_url: str = ""
    call_seconds: float = CALL_SECONDS
    _built: dict[str, tuple[PagerConfig, System]] = field(default_factory=dict)

    def find(self, policy: Policy, key: str) -> System | None:
        """Return the pager with this key, as the policy has it; None if it has none."""
        config = policy.find_pager(key)
        if config is None:
            return None
        built = self._built.get(key)
        if built is None or built[0] != config:
            built = (config, self._build(config))
            self._built[key] = built
        return built[1]

    def phone(self, email: str) -> str:
        """Return the phone number that the operator keeps for an address, or ""."""
        return self.secrets.find_phone(email) or ""

    def acknowledge_url(self, policy: Policy, pager: str, page: str) -> str:
        """Return the address that acknowledges one page of ours, "" if nothing reaches us."""
        known = self.secrets.of(pager).webhook_secrets
        if not (self.public_url and known and policy.find_pager(pager)):
            return ""
        return f"{self.public_url}pagers/{pager}/{signed_part(known[0], page)}"

    def _build(self, config: PagerConfig) -> System:
        secrets = self.secrets.of(config.key)
        http = Http(self.session, self.clock, config.shown_name, secrets.values, self.call_seconds)
        url = (config.url or _PUBLIC.get(config.kind, "")).rstrip("/")
        return _KINDS[config.kind](
            key=config.key, name=config.shown_name, url=url, secrets=secrets, http=http
        )


def can_tell_on_call(kind: PagerKind) -> bool:
    """Tell whether pagers of this kind can be asked who is on call."""
    return _KINDS.get(kind, System).can_tell_on_call


_PUBLIC: Final = {
    PagerKind.NTFY: NTFY_PUBLIC,
    PagerKind.PAGERDUTY: PAGERDUTY_PUBLIC,
    PagerKind.PAGERDUTY_EVENTS: EVENTS_PUBLIC,
}
_KINDS: Final[Mapping[PagerKind, type[System]]] = {
    PagerKind.GOALERT: GoAlert,
    PagerKind.NTFY: Ntfy,
    PagerKind.PAGERDUTY: PagerDuty,
    PagerKind.PAGERDUTY_EVENTS: PagerDutyEvents,
    PagerKind.WEBHOOK: Webhook,
}
