"""The story to draw: one incident in which everything happens."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from incidents.policy.escalation import Service
from incidents.policy.references import GroupRef, PersonRef
from incidents.policy.supervision import Stage
from incidents.policy.waking.call import CallRule
from tests.looks.camera import Camera
from tests.scenario.conftest import Bot
from tests.slack_server import Channel, Message, Outcome, Person

Scene = Callable[["Cast"], Awaitable[None]]


class Cast:
    """The people, the camera, and the incident's channel."""

    def __init__(self, bot: Bot, camera: Camera, people: list[Person]) -> None:
        """Set the stage for these people."""
        self.bot, self.camera = bot, camera
        self.maya, self.ben, self.nora, self.guest = people
        self.home = "general"

    @property
    def room(self) -> Channel:
        """Return the channel of the first incident."""
        return self.bot.slack.channel("inc-1-checkout-errors-in-the-eu")

    async def types(self, who: Person, words: str, at: Any = None, *, edits: str = "") -> Outcome:
        """Let somebody type a command, by default in the incident's channel."""
        action = who.command(f"/incident {words}", channel=at or self.room)
        outcome: Outcome = await self.camera.step(f"{who} /incident {words}", action, edits=edits)
        return outcome

    async def presses(self, who: Person, where: Message, label: str, *, edits: str = "") -> Outcome:
        """Let somebody press a button."""
        action = who.click(where, label)
        outcome: Outcome = await self.camera.step(f"{who} presses {label}", action, edits=edits)
        return outcome

    async def more(self, who: Person, card: Message, label: str) -> Outcome:
        """Let somebody press a button under *More…* on a card."""
        menu = (await who.click(card, "More…")).get_view()
        action = who.click(menu, label)
        outcome: Outcome = await self.camera.step(f"{who} presses {label}", action)
        return outcome

    async def waits(self, *, edits: str = "", **time: float) -> None:
        """Let time pass."""
        await self.camera.step(f"after {time}", self.bot.advance(**time), edits=edits)

    def said(self, text: str, at: Channel | None = None) -> Message:
        """Return the newest message with this text."""
        return [one for one in (at or self.room).everything if text in one.rendered][-1]


def policy_of(bot: Bot, people: list[Person], group_id: str) -> dict[str, Any]:
    """Return the changes to the policy that the story needs."""
    backup, invites = PersonRef(user_id=people[2].id), (GroupRef(group_id=group_id),)
    return {
        "call": (CallRule(backup=backup, invite=invites),),
        "services": (
            Service(key="checkout", name="Checkout", tier=1),
            Service(key="web", name="Web shop", tier=2),
        ),
    }


async def declaring(cast: Cast) -> None:
    """Declare by form and by command, and the same thing twice."""
    maya, ben = cast.maya, cast.ben
    await cast.camera.step("Home, quiet", maya.opens_home(), edits="wrong")
    await cast.types(maya, "help", cast.home)
    await cast.types(maya, "list", cast.home)
    form = (await cast.types(maya, "declare", cast.home)).get_view()
    values = {"title": "Checkout errors in the EU", "severity": "sev2", "services": ["checkout"]}
    action = maya.submit(form, {**values, "impact": "EU customers can't pay"})
    await cast.camera.step("submit", action, edits="Checkout")
    await cast.types(ben, "declare sev2 Checkout errors in EU", cast.home)
    await cast.types(cast.guest, "declare sev2 I am a guest", cast.home)
    await cast.types(maya, "note Outside of any incident", cast.home)
    await cast.types(maya, "INC-99 show", cast.home)
    await cast.types(maya, "declair x", cast.home)
    await cast.types(maya, "declare Something --privat", cast.home)
    await cast.types(maya, "update hello --next", cast.room)
    await cast.types(maya, "help", cast.room)
    await cast.types(maya, "help declare", cast.room)


async def leading(cast: Cast) -> None:
    """Commander missing, roles, handoffs."""
    maya, ben, nora, room = cast.maya, cast.ben, cast.nora, cast.room
    await cast.waits(minutes=5)
    await cast.waits(minutes=5, edits="Commander")
    asked = cast.said("Nobody has been in command")
    await cast.presses(ben, asked, "Take command", edits="Status")
    await cast.types(ben, "role comms @maya")
    await cast.types(ben, "role scribe @dave")
    await cast.types(ben, "roles")
    await cast.presses(ben, room.pins[0], "More…")
    await cast.more(ben, room.pins[0], "Roles")
    await cast.more(ben, room.pins[0], "Hand off command")
    await cast.types(ben, "handoff @nora My shift ends; ask carol about the cache")
    offer = cast.bot.slack.dm(nora).messages[-1]
    await cast.presses(nora, offer, "Accept", edits="passed")
    await cast.bot.advance(minutes=1)
    await cast.types(maya, "role commander me")
    await cast.presses(maya, cast.said("asks"), "Take over…")
    await cast.presses(nora, cast.said("asks"), "Decline", edits="declined")


async def working(cast: Cast) -> None:
    """Status, severity, notes, check-ins, timeline."""
    maya, ben, room = cast.maya, cast.ben, cast.room
    for label in ("Change status", "Add note"):
        await cast.presses(maya, room.pins[0], label)
    for label in ("Change severity", "Check in", "Edit", "Cancel incident"):
        await cast.more(maya, room.pins[0], label)
    await cast.types(maya, "status identified Bad deploy of checkout 1.42")
    await cast.types(maya, "status closed")
    await cast.types(maya, "severity sev9")
    await cast.types(maya, "severity sev1 Card payments fail, too", edits="Impact")
    await cast.types(maya, "note -20m Deploy of checkout 1.42 went out")
    await cast.types(maya, "note The error rate is 31 %")
    await cast.types(maya, "undo")
    await cast.types(maya, "edit")
    await cast.types(maya, "checkin @ben 10m Is the web tier healthy?")
    task = cast.said("web tier")
    await cast.presses(ben, task, "Understood", edits="web tier")
    said = await maya.says("5xx is going down since 10:20", room)
    await cast.camera.step("pushpin", maya.reacts(said, "pushpin"))
    await cast.waits(minutes=10)
    asked = cast.said("How did it go")
    await cast.presses(ben, asked, "Answer in words…")
    await cast.presses(ben, asked, "Stuck", edits="web tier")
    await cast.types(maya, "timeline")
    dave = cast.bot.slack.add_person("dave")
    await cast.camera.step("newcomer: read-in", dave.joins(room))


async def updating(cast: Cast) -> None:
    """Reminders, updates, snoozing."""
    maya = cast.maya
    await cast.waits(minutes=6)
    await cast.waits(minutes=8)
    await cast.waits(minutes=8)
    due = cast.said("update")
    form = (await cast.presses(maya, due, "Post update")).get_view()
    values = {"text": "We know the cause and are rolling back.", "actions": "Rolling back to 1.41"}
    await cast.camera.step("submit update", maya.submit(form, values), edits="rolling")
    await cast.types(maya, "snooze 15m The rollback ends in ten minutes")
    await cast.types(maya, "snooze 15m again")
    await cast.camera.step("Home, busy", maya.opens_home(), edits="INC-1")
    await cast.types(maya, "list all", cast.home)
    await cast.types(maya, "show")
    cast.bot.slack.fail("chat.postMessage", error="restricted_action", times=1)
    await cast.types(maya, "note Slack refuses this one")
    await cast.bot.advance(minutes=2)
    cast.bot.slack.heal()
    cast.bot.slack.fail("pins.add", error="not_pinnable", times=9)
    await cast.types(maya, "status mitigated Rolled back", edits="Status")
    cast.bot.slack.heal()
    await cast.waits(hours=30)


async def ending(cast: Cast) -> None:
    """Resolve, postmortem, close, export, reopen."""
    maya, ben, room, now = cast.maya, cast.ben, cast.room, cast.bot.clock.now()
    form = (await cast.types(maya, "resolve Rolled back checkout 1.42")).get_view()
    late = {"impact_started_at": now + timedelta(days=2), "impact_ended_at": now}
    await cast.camera.step("wrong times", maya.submit(form, late))
    times = {"impact_started_at": now - timedelta(hours=31), "impact_ended_at": now}
    await cast.camera.step("resolved", maya.submit(form, times), edits="Checkout")
    await cast.types(maya, "update", room)
    await cast.types(maya, "postmortem")
    asked = cast.said("ho writes")
    await cast.presses(ben, asked, "I'll write it", edits="writes")
    form = (await cast.presses(ben, asked, "Write…")).get_view()
    wrote = ben.submit(form, {"contributing_factors": "No canary in the EU"})
    await cast.camera.step("wrote", wrote)
    await cast.types(ben, "action @ben by 5d Deploy to one EU node first")
    await cast.types(ben, "actions")
    await cast.presses(maya, room.pins[0], "More…")
    await cast.more(maya, room.pins[0], "Correct times")
    await cast.waits(days=6)
    await cast.waits(days=1)
    await cast.types(maya, "postmortem publish")
    await cast.types(maya, "close", edits="Checkout")
    await cast.types(maya, "status investigating")
    await cast.types(maya, "role commander me")
    await cast.types(maya, "export")
    await cast.types(maya, "timeline --last 40")
    cast.camera.file("timeline")
    cast.camera.file("postmortem")
    await cast.types(maya, "reopen Errors are back", edits="Checkout")
    await cast.types(maya, "duplicate INC-1")
    await cast.types(maya, "cancel It was the monitor", edits="Checkout")


async def calling(cast: Cast) -> None:
    """Escalate, propose, learn, follow and look around, in a second incident."""
    maya, ben, nora, slack = cast.maya, cast.ben, cast.nora, cast.bot.slack
    cast.bot.supervise(maya, mentor=nora, stage=Stage.LEAD)
    await cast.types(maya, "declare sev2 Payments fail", cast.home)
    room = next(one for one in slack.channels if "payments" in one.name)
    await cast.types(maya, "role commander me", room)
    await cast.types(maya, "escalate", room)
    await cast.types(maya, "escalate @ben Is it safe to fail over the orders database?", room)
    await cast.types(maya, "escalate list", room)
    await cast.presses(ben, slack.dm(ben).messages[-1], "I'm on it", edits="fail over")
    await cast.types(maya, "escalate @nora Can you reach the payment provider?", room)
    await cast.waits(minutes=20, edits="Nobody")
    await cast.types(ben, "propose", room)
    await cast.types(ben, "propose Fail over risk: a minute is lost undo: fail back", room)
    await cast.types(
        ben, "propose Restart risk: carts are lost undo: none check: 5xx --class change", room
    )
    await cast.presses(nora, cast.said("Restart", room), "Decline…")
    await cast.waits(minutes=20)
    await cast.types(nora, "update subscribe sev2", cast.home)
    await cast.types(maya, "update --brief", room)
    await cast.types(maya, "update Failing over now; payments still fail", room)
    for words in ("oncall", "help all", "show find payments", "update subscribe", "learn progress"):
        await cast.types(maya, words, cast.home)
    await cast.types(nora, "stage @maya", cast.home)
    await cast.types(maya, "learn shadow @nora", cast.home)
    await cast.types(maya, "oncall handover @ben", cast.home)
    await cast.camera.step("Home, called", nora.opens_home(), edits="INC")


async def others(cast: Cast) -> None:
    """Private drills, refused channels."""
    maya, slack = cast.maya, cast.bot.slack
    await cast.types(maya, "declare sev3 Leaked key in a build log --private --drill", cast.home)
    slack.fail("conversations.create", error="restricted_action", times=9)
    await cast.types(maya, "declare sev4 The wiki is slow", cast.home)
    slack.heal()
    await cast.types(maya, "declare sev5 Odd log lines", cast.home)
    slack.fail("pins.add", error="not_pinnable", times=9)
    slack.fail("conversations.setTopic", error="no_permission", times=9)
    await cast.types(maya, "declare sev3 Search is down", cast.home)
    await cast.waits(minutes=70)
    slack.heal()
    await cast.waits(days=5)
    search = next(one for one in slack.channels if "search" in one.name)
    for label in ("Timeline", "Add note"):
        await cast.more(maya, cast.said("Commander", search), label)


SCENES: tuple[Scene, ...] = (declaring, leading, working, updating, ending, calling, others)
