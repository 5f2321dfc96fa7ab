"""How long it takes to wake somebody: from declaring until the pager has taken the page, and back."""

import asyncio
import contextlib
import secrets
import statistics
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from bot.app import running
from config.policy_loader import load_policy
from config.settings import load_settings
from tests.benchmarks.declaring import percentile
from tests.benchmarks.stand import Stand, environ, furnish, process
from tests.pager_servers.goalert import GoAlertServer
from tests.pager_servers.pagerduty import TOKEN, PagerDutyServer
from tests.slack_server import Channel, Person, SlackServer

DOOR = secrets.token_urlsafe(24)
CHANGES_PER_MINUTE = 60
_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Woken:
    """Seconds from declaring until the pager has taken the page."""

    median: float
    p99: float
    count: int


@dataclass(frozen=True, slots=True)
class Pagers:
    """Both pagers that the benchmarks know, and where a bot finds its policy and secrets."""

    goalert: GoAlertServer
    pagerduty: PagerDutyServer
    environ: dict[str, str]

    async def acknowledge_there(self, name: str) -> None:
        """Let the person on call acknowledge the newest page, and the pager tell us."""
        if name == "GoAlert":
            await self.goalert.acknowledge(self.goalert.alerts[-1], by="Duty")
        else:
            self.pagerduty.news.clear()
            self.pagerduty.act(self.pagerduty.incidents[-1], "acknowledged")
            await self.pagerduty.deliver()


@dataclass(frozen=True, slots=True)
class Lap:
    """One part of a page's way, and how many seconds it took."""

    what: str
    seconds: float


async def measure_waking(template: Path, *, count: int, latency: float) -> tuple[Woken, Woken]:
    """Declare `count` times alone, then as often beside sixty changes a minute."""
    async with _standing(template, latency=latency) as (stand, goalert):
        for person in stand.people[:5]:
            await _wake(stand, goalert, person)
        alone = [await _wake(stand, goalert, stand.people[0]) for _ in range(count)]
        async with _changes(stand):
            beside = []
            for _ in range(count):
                beside.append(await _wake(stand, goalert, stand.people[0]))
                await asyncio.sleep(0.3)
    return _summed(alone), _summed(beside)


def _summed(taken: list[float]) -> Woken:
    return Woken(statistics.median(taken), percentile(taken, 0.99), len(taken))


async def _wake(stand: Stand, goalert: GoAlertServer, person: Person) -> float:
    title, started = uuid.uuid4().hex, time.perf_counter()
    await person.command(f"/incident declare sev1 {title}")
    while time.perf_counter() < started + _PATIENCE_SECONDS:
        for alert in reversed(goalert.alerts):
            if alert.summary.endswith(title):
                return alert.taken_at - started
        await asyncio.sleep(0.002)
    raise AssertionError(f"nobody was paged in {_PATIENCE_SECONDS:g} s")


@contextlib.asynccontextmanager
async def _changes(stand: Stand) -> AsyncIterator[None]:
    """Let people in an incident of their own write notes and updates all the time."""
    lead = stand.people[-1]
    await lead.command("/incident declare sev3 Changes beside it")
    await stand.settle()
    room = next(one for one in stand.slack.channels if "changes-beside" in one.name)

    async def work() -> None:
        number = 0
        while True:
            number += 1
            verb = "note" if number % 3 else "update"
            await lead.command(f"/incident {verb} Change {number}", channel=room)
            await asyncio.sleep(60 / CHANGES_PER_MINUTE)

    working = asyncio.create_task(work())
    try:
        yield
    finally:
        working.cancel()
        await asyncio.wait({working})


@contextlib.asynccontextmanager
async def _standing(
    template: Path, *, latency: float
) -> AsyncIterator[tuple[Stand, GoAlertServer]]:
    async with (
        _pagers(template, reach="goalert") as (slack, pagers, people),
        process("tests.benchmarks.bot_process", env=pagers.environ),
    ):
        await slack.connected(timeout=30)
        for person in (*people, slack.person("duty")):
            await person.command("/incident help")
        slack.latency = latency
        stand = Stand(slack, people)
        await stand.settle()
        yield stand, pagers.goalert
        slack.latency = 0


@contextlib.asynccontextmanager
async def _pagers(
    template: Path, *, reach: str
) -> AsyncIterator[tuple[SlackServer, Pagers, list[Person]]]:
    """Yield a Slack, pagers of which `reach` wakes the person on call, and people."""
    key = secrets.token_urlsafe(24)
    with tempfile.TemporaryDirectory(prefix="sitrep-bench-") as name:
        folder = Path(name)
        async with (
            SlackServer(rate_limits=False) as slack,
            GoAlertServer(duty=key).serving() as goalert,
            PagerDutyServer().serving() as pagerduty,
        ):
            people = furnish(slack)
            env = environ(slack, template=template, folder=folder)
            duty = slack.person("duty").id
            (folder / "policy.yaml").write_text(
                f"on_call: {{fallback: {duty}}}\n"
                "pagers:\n"
                f"  goalert: {{kind: goalert, url: {goalert.url}}}\n"
                f"  pagerduty: {{kind: pagerduty, url: {pagerduty.url}}}\n"
                f"people: [{{who: {duty}, reach: [{reach}/duty]}}]\n"
            )
            file = folder / "secrets.yaml"
            file.write_text(
                "pagers:\n"
                f"  goalert: {{addresses: {{duty: {key}}}, webhook_secret: {DOOR}}}\n"
                f"  pagerduty: {{token: {TOKEN}, from: bot@example.com, webhook_secret: {DOOR},"
                " addresses: {duty: PSCHECK}}\n"
            )
            file.chmod(0o600)
            pagerduty.secrets = [DOOR]
            yield slack, Pagers(goalert, pagerduty, {**env, "SITREP_SECRETS": str(file)}), people


async def way_of_a_page(template: Path, *, through: str) -> list[Lap]:
    """Follow pages: acknowledged there and resolved here; taken here."""
    async with _pagers(template, reach=through.lower()) as (slack, pagers, people):
        settings = load_settings(pagers.environ)
        async with running(settings, load_policy(settings.sitrep_policy)) as app:
            await slack.connected(timeout=30)
            pagers.goalert.webhook = f"{app.url}/pagers/goalert/{DOOR}"
            pagers.pagerduty.webhook = f"{app.url}/pagers/pagerduty"
            for person in (people[0], slack.person("duty")):
                await person.command("/incident help")
            await app.settle()
            slack.latency = 0.05
            return await _laps(slack, pagers, through, people[0], slack.person("duty"))


async def _laps(
    slack: SlackServer, pagers: Pagers, name: str, declarer: Person, duty: Person
) -> list[Lap]:
    laps: list[Lap] = []
    server = pagers.goalert if name == "GoAlert" else pagers.pagerduty

    async def lap(what: str, is_there: Callable[[], bool], started: float) -> None:
        while not is_there():
            if time.perf_counter() > started + _PATIENCE_SECONDS:
                raise AssertionError(f"never: {what}")
            await asyncio.sleep(0.002)
        laps.append(Lap(what, time.perf_counter() - started))

    def room() -> Channel:
        return next(one for one in slack.channels if one.name.startswith("inc-1-"))

    def shows(words: str) -> bool:
        return any(words in one.rendered for one in room().everything)

    started = time.perf_counter()
    await declarer.command("/incident declare sev1 Checkout is down")
    laps.append(Lap("declared: answered in Slack", time.perf_counter() - started))
    await lap(f"declared: {name} has the page", lambda: bool(server.open), started)
    await lap("declared: the channel says so", lambda: shows("paged, not ack"), started)
    started = time.perf_counter()
    await pagers.acknowledge_there(name)
    laps.append(Lap("acknowledged there: recorded here", time.perf_counter() - started))
    await lap(
        "acknowledged there: the channel says so", lambda: shows("nobody is on it yet"), started
    )
    asked = await declarer.command("/incident resolve Rolled it back", channel=room())
    started = time.perf_counter()
    await declarer.submit(asked.get_view())
    await lap(f"resolved here: {name} has closed it", lambda: not server.open, started)
    await declarer.command("/incident declare sev1 Search answers nothing")
    await slack.wait_for(lambda: bool(server.open), timeout=_PATIENCE_SECONDS)
    await slack.quiet(0.3, timeout=_PATIENCE_SECONDS)
    call = next(one for one in slack.dm(duty).messages[::-1] if "escalation_take" in one.buttons)
    started = time.perf_counter()
    await duty.click(call, "escalation_take")
    await lap(
        f"taken here: {name} is silent",
        lambda: all(one.status != "triggered" for one in server.open),
        started,
    )
    return laps
