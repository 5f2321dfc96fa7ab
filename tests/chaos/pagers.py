"""The pagers of a scene: GoAlert, which keeps keys, and ntfy, which keeps none; both can fail."""

import contextlib
import random
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.pager_servers.goalert import GoAlertServer
from tests.pager_servers.ntfy import NtfyServer
from tests.pager_servers.server import Fault
from tests.slack_server import Person

_MESSAGES = 1_000_000

# A third of a pager's answers: limits, failures, silence and drops, before and after taking effect.
_FAULTS = (
    Fault(429, headers={"Retry-After": "1"}),
    Fault(500),
    Fault(503, took_effect=True),
    Fault(None),
    Fault(None, took_effect=True),
    Fault(is_silent=True),
    Fault(is_silent=True, took_effect=True),
)


@dataclass(slots=True)
class Pagers:
    """`called`, whom people escalate to, has GoAlert; `duty`, whom declaring calls, has ntfy."""

    goalert: GoAlertServer
    ntfy: NtfyServer
    environ: Mapping[str, str]

    def fail_a_third(self, chance: random.Random) -> None:
        """Let about 30 of 100 requests fail from now on."""
        for server in (self.goalert, self.ntfy):
            server.strikes = lambda: chance.choice(_FAULTS) if chance.random() < 0.3 else None

    def heal(self) -> None:
        """Let everything work again."""
        for server in (self.goalert, self.ntfy):
            server.strikes = None

    def alerts_about(self, word: str) -> int:
        """How many alerts somebody's escalation made."""
        return sum(word in one.details for one in self.goalert.alerts)

    def pushes_about(self, word: str) -> int:
        """How many messages a declaration made."""
        return sum(word in one.title for one in self.ntfy.pushed)


@contextlib.asynccontextmanager
async def some_pagers(folder: Path, *, called: Person, duty: Person) -> AsyncIterator[Pagers]:
    """Serve both, and write the policy and the secrets of bots that use them."""
    key, token = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    async with (
        GoAlertServer(called=key).serving() as goalert,
        NtfyServer(token=token, most=_MESSAGES).serving() as ntfy,
    ):
        policy, file = folder / "policy.yaml", folder / "secrets.yaml"
        policy.write_text(
            f"on_call: {{fallback: {duty.id}}}\n"
            "call: [{severity: sev2, call: [on_call]}]\n"
            "pagers:\n"
            f"  goalert: {{kind: goalert, url: {goalert.url}}}\n"
            f"  ntfy: {{kind: ntfy, url: {ntfy.url}}}\n"
            "people:\n"
            f"- {{who: {called.id}, reach: [goalert/called]}}\n"
            f"- {{who: {duty.id}, reach: [ntfy/duty]}}\n"
        )
        file.write_text(
            f"pagers: {{goalert: {{addresses: {{called: {key}}}}}, ntfy: {{token: {token}}}}}\n"
        )
        file.chmod(0o600)
        yield Pagers(goalert, ntfy, {"SITREP_POLICY": str(policy), "SITREP_SECRETS": str(file)})
