"""The story: checkout fails, people come together, and Sitrep keeps the record."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TypeVar

from tests.demo.results import Expected
from tests.demo.screen import Screen
from tests.pager_servers.goalert import GoAlertServer
from tests.scenario.conftest import Bot
from tests.slack_server import Channel, Message, Person, SlackServer, UploadedFile

T = TypeVar("T")

PAUSE_SECONDS = float(os.environ.get("SITREP_DEMO_PAUSE", "0.6"))
PATIENT_MINUTES = 45
ROOM = "inc-1-checkout-errors-in-the-eu"


@dataclass(slots=True)
class Cast:
    """The people of the story, their bot, and the screen."""

    bot: Bot
    screen: Screen
    maya: Person
    ben: Person
    dev: Person
    carla: Person
    nora: Person
    goalert: GoAlertServer

    @classmethod
    def of(cls, bot: Bot, screen: Screen, goalert: GoAlertServer) -> "Cast":
        """Set up the workspace: people, channels, and who is on call for checkout."""
        slack = bot.slack
        maya, ben, dev, carla, nora = (
            slack.add_person(handle, name=name, tz=zone)
            for handle, name, zone in (
                ("maya", "Maya Okafor", "Europe/Berlin"),
                ("ben", "Ben Ruiz", "Europe/Madrid"),
                ("dev", "Dev Patel", "Europe/London"),
                ("carla", "Carla Neumann", "Europe/Berlin"),
                ("nora", "Nora Lind", "America/New_York"),
            )
        )
        slack.add_channel("incidents", members=[maya, ben, dev, carla, nora, slack.bot])
        slack.add_group("checkout-oncall", [ben, dev])
        return cls(
            bot, screen, maya=maya, ben=ben, dev=dev, carla=carla, nora=nora, goalert=goalert
        )

    @property
    def room(self) -> Channel:
        """The incident's channel."""
        return self.slack.channel(ROOM)

    @property
    def slack(self) -> SlackServer:
        """The workspace."""
        return self.bot.slack

    async def said(
        self, text: str, *, where: Channel | None = None, most_minutes: int = 0
    ) -> Message:
        """Return what Sitrep says, by default in the incident's channel; let time pass for it."""

        def find() -> Message | None:
            said = (where or self.room).everything
            return next((m for m in reversed(said) if m.is_bot and text in m.rendered), None)

        return await self.until(
            find, saying=f"Sitrep didn't say {text!r}", most_minutes=most_minutes
        )

    async def until(
        self, condition: Callable[[], T | None], *, saying: str, most_minutes: int = 0
    ) -> T:
        """Let minutes pass until this holds. Raises: AssertionError, with `saying`."""
        await self.bot.settle()
        for _ in range(most_minutes):
            if condition():
                break
            await self.bot.advance(minutes=1)
        found = condition()
        if not found:
            raise AssertionError(saying)
        return found

    async def later(self, minutes: int) -> None:
        """Let minutes pass."""
        for _ in range(minutes):
            await self.bot.advance(minutes=1)

    def draw_card(self) -> None:
        """Draw the status card as it is now."""
        self.screen.card(self.room.pins[0])


async def declare(cast: Cast) -> None:
    """Maya notices, and declares in one line."""
    await cast.maya.says("Is anybody else seeing errors at checkout? EU customers get a 502.")
    await pause()
    outcome = await cast.maya.command("/incident declare sev2 Checkout errors in the EU")
    expect("is declared" in outcome.text, f"Sitrep answered the declaration with {outcome.text!r}")
    room = await cast.until(lambda: cast.slack.find_channel(ROOM), saying="no incident channel")
    await cast.until(lambda: room.pins, saying="no pinned status card")
    invited = (cast.maya, cast.ben, cast.dev)
    await cast.until(lambda: all(who in room for who in invited), saying="not everybody joined")
    announced = cast.slack.channel("incidents")
    await cast.until(lambda: announced.messages, saying="Sitrep didn't announce the incident")
    cast.draw_card()


async def take_command(cast: Cast) -> None:
    """Nobody has command, so Sitrep asks; one press takes it."""
    asked = await cast.said("Who takes it?", most_minutes=6)
    await pause()
    await cast.ben.click(asked, "role_take_command")
    await cast.said("Checklist", where=cast.slack.dm(cast.ben))
    await cast.ben.command("/incident role comms @carla", channel=cast.room)
    await cast.until(lambda: cast.carla in cast.room, saying="Sitrep didn't invite @carla")


async def keep_the_record(cast: Cast) -> None:
    """Dev notes something earlier; people mark one message and pin another."""
    room = cast.room
    await cast.later(1)
    await cast.dev.command("/incident note -10m Deploy of checkout 1.42 went out", channel=room)
    graph = await cast.dev.says("5xx at 31 % since 1.42, only on the EU cluster", room)
    await pause()
    await cast.maya.reacts(graph, "pushpin")
    plan = await cast.dev.says("Rollback to 1.41 takes two minutes, carts stay intact", room)
    await cast.ben.pins(plan)
    await pause()
    await cast.ben.command("/incident status identified Bad deploy of checkout 1.42", channel=room)
    await cast.said("identified")


async def check_in(cast: Cast) -> None:
    """Ben gives Dev a task with a time box."""
    await cast.ben.command(
        "/incident checkin @dev Roll back to 1.41 and watch the error rate", channel=cast.room
    )
    asked = await cast.said("Roll back to 1.41")
    await pause()
    await cast.dev.click(asked, "checkin_understood")


async def update(cast: Cast) -> None:
    """The update falls due: Sitrep reminds, and Carla posts it with the form."""
    due = await cast.said("update is due", most_minutes=PATIENT_MINUTES)
    await pause()
    form = (await cast.carla.click(due, "update_open")).get_view()
    outcome = await cast.carla.submit(
        form,
        {
            "text": "EU customers can't pay. The cause is known, we are rolling back.",
            "impact": "About a third of EU checkouts fail",
            "actions": "Rolling back to 1.41",
            "next_in": "15m",
        },
    )
    expect(not outcome.errors, f"Sitrep refused the update: {outcome.errors}")
    await cast.said("EU customers can't pay")


async def answer(cast: Cast) -> None:
    """The time box is over: Sitrep asks Dev how it went."""
    asked = await cast.said("How did it go?", most_minutes=12)
    await pause()
    await cast.dev.click(asked, "checkin_done")


async def worsen(cast: Cast) -> None:
    """It is worse than thought: SEV1 wakes Nora, who is on call, through GoAlert."""
    await cast.ben.command(
        "/incident severity sev1 Card payments fail in the US, too", channel=cast.room
    )
    pages = await cast.until(lambda: cast.goalert.open, saying="GoAlert pages nobody")
    cast.screen.aside("GoAlert", f"pages Nora at 4 in the morning: {pages[0].summary}")
    await cast.said("paged, not acknowledged")
    await cast.later(1)
    await cast.goalert.acknowledge(pages[0], by="Nora Lind")
    cast.screen.aside(
        "GoAlert", "Nora acknowledges on her phone. That is no help yet, so Sitrep waits"
    )
    await cast.said("nobody is on it yet")
    await cast.later(1)
    call = await cast.said("needs you", where=cast.slack.dm(cast.nora))
    await cast.nora.click(call, "escalation_take")
    await cast.until(lambda: cast.nora in cast.room, saying="SEV1 did not bring in @nora")
    cast.draw_card()


async def hand_over(cast: Cast) -> None:
    """Ben offers command to Nora with a brief; she accepts with one press."""
    await cast.later(4)
    await cast.ben.command("/incident handoff @nora My shift ends", channel=cast.room)
    offer = await cast.said("command", where=cast.slack.dm(cast.nora))
    await pause()
    await cast.nora.click(offer, "handoff_accept")
    await cast.said("passed from")


async def end(cast: Cast) -> None:
    """Nora mitigates, then resolves; one form asks for what the record lacks."""
    room = cast.room
    await cast.later(6)
    await cast.nora.command("/incident status mitigated Rolled back, errors are gone", channel=room)
    await cast.later(3)
    form = (await cast.nora.command("/incident resolve", channel=room)).get_view()
    await pause()
    outcome = await cast.nora.submit(
        form,
        {
            "impact_started_at": cast.bot.clock.now() - timedelta(minutes=50),
            "impact_ended_at": cast.bot.clock.now() - timedelta(minutes=3),
            "resolution": "Rolled back checkout 1.42 to 1.41",
        },
    )
    expect(not outcome.errors, f"Sitrep refused to resolve: {outcome.errors}")
    await cast.said("Resolved")
    cast.draw_card()


async def learn(cast: Cast) -> None:
    """Sitrep drafts the postmortem at once; Carla takes it; Nora adds an action item."""
    await cast.until(lambda: _postmortems(cast), saying="no draft of the postmortem")
    asked = await cast.said("writes it?")
    await cast.carla.click(asked, "postmortem_claim")
    await cast.nora.command(
        "/incident action @dev by 5d Try each deploy on one EU node first", channel=cast.room
    )
    await cast.said("Try each deploy")


async def publish(cast: Cast) -> None:
    """Carla adds what only people can know, and publishes."""
    asked = await cast.carla.command("/incident postmortem write", channel=cast.room)
    await pause()
    outcome = await cast.carla.submit(
        asked.get_view(),
        {
            "Summary": "Release 1.42 broke payments in the EU, then in the US. Going back "
            "to 1.41 fixed it.",
            "Contributing factors": "The change was tested with US cards only. All nodes got "
            "the release within a minute.",
            "What went well": "Somebody knew within minutes which deploy it was.",
        },
    )
    expect(not outcome.errors, f"Sitrep refused the postmortem: {outcome.errors}")
    await cast.carla.command("/incident postmortem publish", channel=cast.room)
    await cast.until(lambda: len(_postmortems(cast)) > 1, saying="no finished postmortem")


def _postmortems(cast: Cast) -> list[UploadedFile]:
    return [file for file in cast.slack.files if "postmortem" in file.name]


async def close(cast: Cast) -> None:
    """Nora closes, and exports the timeline to read, to tabulate and to verify."""
    await cast.nora.command("/incident close", channel=cast.room)
    for fmt in ("md", "csv", "json"):
        await cast.nora.command(f"/incident export {fmt}", channel=cast.room)
        await cast.until(partial(_find_file, cast, f".{fmt}"), saying=f"no export as {fmt}")


def _find_file(cast: Cast, ending: str) -> UploadedFile | None:
    exported = (file for file in cast.slack.files if "timeline" in file.name)
    return next((file for file in exported if file.name.endswith(ending)), None)


Scene = Callable[[Cast], Awaitable[None]]

SCENES: tuple[tuple[str, Scene], ...] = (
    ("Maya declares", declare),
    ("Nobody has command, so Sitrep asks", take_command),
    ("The record keeps itself", keep_the_record),
    ("A task with a time box", check_in),
    ("The time box is over", answer),
    ("The update falls due", update),
    ("It is worse than thought", worsen),
    ("Command changes hands", hand_over),
    ("Mitigated, resolved", end),
    ("The postmortem drafts itself", learn),
    ("People add what only they know", publish),
    ("Closed and exported", close),
)
EXPECTED = Expected(
    files=("timeline.md", "timeline.csv", "timeline.json", "postmortem.md"),
    entries=(
        "declared",
        "channel_opened",
        "commander_missing",
        "role_assigned",
        "note",
        "marked",
        "pinned",
        "status_changed",
        "checkin_asked",
        "checkin_understood",
        "checkin_answered",
        "update_reminded",
        "update_posted",
        "severity_changed",
        "page_accepted",
        "page_acknowledged",
        "escalation_taken",
        "handoff_offered",
        "commander_changed",
        "postmortem_drafted",
        "action_item_added",
        "postmortem_published",
    ),
)


async def pause() -> None:
    """Give people time to read."""
    await asyncio.sleep(PAUSE_SECONDS)


def expect(holds: object, otherwise: str) -> None:
    """Go on only if this holds. Raises: AssertionError."""
    if not holds:
        raise AssertionError(otherwise)
