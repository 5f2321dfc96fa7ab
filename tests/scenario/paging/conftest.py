"""A bot with pagers: GoAlert and ntfy as servers of their own, and what the policy says of them."""

import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bot.integrations.pagers import Pagers
from incidents.exports.audit_log import say
from incidents.policy.escalation import Relation, Service
from incidents.policy.references import Address, PersonRef
from incidents.policy.waking.call import CallRule, OnCallPolicy
from incidents.policy.waking.paging import PagerConfig, PagerKind, ReachedPerson
from incidents.record.audit_log import audit_entries
from tests.pager_servers.goalert import Alert, GoAlertServer
from tests.pager_servers.ntfy import NtfyServer
from tests.scenario.conftest import Bot, said
from tests.slack_server import Channel, Message, Person

DECLARE = "/incident declare sev1 Checkout is down"
CALL = "*INC-1* SEV"


@dataclass
class Waking:
    """Alice declares. Kim is on call: GoAlert reaches her, then ntfy. Lee, the next step, has ntfy.

    Sam is the fallback for other services.
    """

    bot: Bot
    goalert: GoAlertServer
    ntfy: NtfyServer
    alice: Person
    kim: Person
    lee: Person
    sam: Person

    @property
    def room(self) -> Channel:
        return next(one for one in self.bot.slack.channels if one.name.startswith("inc-1-"))

    @property
    def alert(self) -> Alert:
        """The newest alert in GoAlert."""
        return self.goalert.alerts[-1]

    def call_of(self, person: Person) -> Message:
        """The newest message that calls somebody."""
        return said(self.bot.slack.dm(person), CALL)[-1]

    async def declare_privately(self, title: str) -> None:
        """Let Alice declare it, and open it to those whom the policy calls."""
        await self.alice.command(f"/incident declare sev1 {title} --service checkout --private")
        await self.alice.click(self.alice.ephemerals[-1], "open_private")
        await self.bot.settle()

    async def timeline(self) -> str:
        """What `/incident timeline` says now."""
        return (await self.alice.command("/incident timeline", channel=self.room)).rendered

    async def tell_private(self) -> None:
        """Let the policy say that GoAlert may be told of private incidents, too."""
        goalert, ntfy = self.bot.loaded.policy.pagers
        self.bot.change_policy(pagers=(replace(goalert, tells_private=True), ntfy))
        await self.bot.restart()

    async def declare(self, *flags: str) -> None:
        """Let Alice declare a SEV1 in Checkout."""
        await self.alice.command(" ".join([DECLARE, "--service checkout", *flags]))
        await self.bot.settle()

    async def audit_log(self) -> str:
        """What the audit log says."""
        services = self.bot.app.services
        async with services.database.reading() as session:
            entries, _ = await audit_entries(session, workspace_id=services.workspace.id)
        return "\n".join(say(entry) for entry in entries)

    def open_door(self, secret: str) -> None:
        """Tell the pagers where the bot, which has just started, listens."""
        pagers = self.bot.app.services.pagers
        assert isinstance(pagers, Pagers)
        pagers.public_url = f"{self.bot.app.url}/"
        self.goalert.webhook = f"{self.bot.app.url}/pagers/goalert/{secret}"


def _policy(bot: Bot, made: Waking) -> None:
    ref = {one.name: PersonRef(user_id=one.id) for one in (made.kim, made.lee, made.sam)}
    bot.change_policy(
        services=(
            Service(
                key="checkout", name="Checkout", tier=1, on_call=ref["kim"], manager=ref["lee"]
            ),
        ),
        on_call=OnCallPolicy(fallback=ref["sam"]),
        call=(CallRule(severity="sev1", call=(Relation.ON_CALL,)),),
        pagers=(
            PagerConfig(key="goalert", kind=PagerKind.GOALERT, url=made.goalert.url),
            PagerConfig(key="ntfy", kind=PagerKind.NTFY, url=made.ntfy.url),
        ),
        people=(
            ReachedPerson(
                who=ref["kim"], reach=(Address("goalert", "kim"), Address("ntfy", "kim-phone"))
            ),
            ReachedPerson(who=ref["lee"], reach=(Address("ntfy", "lee-phone"),)),
        ),
    )
    bot.change_ladder(ref["lee"])


def _secrets_file(folder: Path, *, key: str, token: str, door: str) -> Path:
    path = folder / "secrets.yaml"
    path.write_text(
        f"pagers:\n  goalert:\n    addresses: {{kim: {key}}}\n    webhook_secret: {door}\n"
        f"  ntfy:\n    token: {token}\n    webhook_secret: {door}\n"
        "phones:\n  kim@example.com: +49 30 901820\n"
    )
    path.chmod(0o600)
    return path


@contextlib.asynccontextmanager
async def _waking(bot: Bot, folder: Path) -> AsyncIterator[Waking]:
    key, token, door = (secrets.token_urlsafe(24) for _ in range(3))
    alice, kim, lee, sam = bot.slack.add_people("alice", "kim", "lee", "sam")
    async with (
        GoAlertServer(kim=key).serving() as goalert,
        NtfyServer(token=token).serving() as ntfy,
    ):
        made = Waking(bot, goalert, ntfy, alice, kim, lee, sam)
        _policy(bot, made)
        bot.environ["SITREP_SECRETS"] = str(_secrets_file(folder, key=key, token=token, door=door))
        await bot.restart()
        made.open_door(door)
        for one in (kim, lee, sam):
            await one.command("/incident list")
        await bot.settle()
        yield made
        for secret in (key, token, door):
            assert not any(secret in str(one) for one in bot.slack.channels)


@pytest.fixture
async def waking(bot: Bot, tmp_path: Path) -> AsyncIterator[Waking]:
    """The bot with pagers, by socket on SQLite."""
    async with _waking(bot, tmp_path) as made:
        yield made


@pytest.fixture
async def any_waking(any_bot: Bot, tmp_path: Path) -> AsyncIterator[Waking]:
    """The same on both transports and databases, each once."""
    async with _waking(any_bot, tmp_path) as made:
        yield made
