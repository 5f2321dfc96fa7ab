"""The same request twice, also with a crash between: every verb answers it again, once carried out."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select

from bot.framework.slash_commands import Repeat
from incidents.core.people import ActorKind
from incidents.incident.timeline import TimelineEntry
from incidents.registry.tables import metadata
from tests.scenario.conftest import ROOM, Bot, declared
from tests.slack_server import Person
from tests.slack_server.delivery.delivery import Delivery

# What the bot writes by itself meanwhile, and the keys themselves; entries are counted by author.
UNCOUNTED = frozenset({"leases", "processed_requests", "timeline_entries"})


@dataclass(frozen=True)
class Said:
    """A command; `changes`: it is carried out at once, neither refused nor asked about in a form."""

    line: str
    by: str = "alice"
    where: str = ROOM
    changes: bool = True


WALK = (
    Said("declare sev3 Search is empty", where="general"),
    Said("role commander me"),
    Said("INC-2 role commander me", where="general"),
    Said("role deputy @ben"),
    Said("status investigating We look at the database"),
    Said("severity sev1 It is worse than we thought"),
    Said("note We look at the database"),
    Said("note Rolled back the deploy"),
    Said("undo"),
    Said("undo again"),
    Said("update We are rolling back"),
    Said("snooze 15m waiting for the build"),
    Said("subscribe sev2"),
    Said("checkin @ben 10m Is the database fine?"),
    Said("propose Restart checkout risk: carts are lost undo: none --class change"),
    Said("proposal 1 approve", by="ben"),
    Said("escalate @ben please look at the database"),
    Said("escalation take 1", by="ben"),
    Said("action @ben by 5d write the runbook"),
    Said("export json"),
    Said("invite @carla she knows the pods"),
    Said("uninvite @carla", changes=False),  # from a public incident, there is nothing to take
    Said("mydata"),
    Said("handoff @ben all yours"),
    Said("takeover she is asleep", by="ben", changes=False),  # she was here a moment ago
    Said("drill bad-deploy --alone", where="general"),
    Said("resolve Rolled back", changes=False),  # asks for the times of impact
    Said("close Done", changes=False),
    Said("reopen It is back", changes=False),
    Said("INC-2 duplicate INC-1", where="general"),
    Said("cancel It was nothing", where="general", changes=False),
    Said("postmortem", changes=False),
    Said("shadow list", changes=False),
    Said("prompts off", changes=False),
    Said("check", changes=False),
    Said("act", changes=False),
    Said("stage @ben lead", changes=False),
    Said("progress", changes=False),
    Said("handover @ben", changes=False),
    Said("pager test", changes=False),
    Said("override @ben until 18:00", changes=False),
    Said("private", changes=False),
    Said("recover my access", changes=False),
    Said("milestones", changes=False),
    Said("edit", changes=False),
    *(
        Said(line, changes=False)
        for line in (
            "show",
            "list",
            "roles",
            "timeline",
            "actions",
            "who",
            "oncall",
            "oncall-mine",
            "oncall-report",
            "find",
            "help",
            "maintenance",
        )
    ),
    Said("channel #other"),
)


async def counted(bot: Bot) -> dict[str, int]:
    """Count what people did: their entries, and the rows of all other tables."""
    tables = [one for one in metadata().sorted_tables if one.name not in UNCOUNTED]
    async with bot.app.services.database.reading() as session:
        found = {
            one.name: (await session.execute(select(func.count()).select_from(one))).scalar_one()
            for one in tables
        }
        entries = select(func.count()).where(TimelineEntry.actor_kind == ActorKind.PERSON)
        found["entries by people"] = (await session.execute(entries)).scalar_one()
    return found


async def prepared(bot: Bot) -> Person:
    """Declare an incident, and let nothing else happen by itself."""
    alice, _ = await declared(bot)
    for name in ("ben", "carla"):
        bot.slack.add_person(name)
    bot.slack.add_channel("other", members=[alice, bot.slack.bot])
    await bot.settle()
    await bot.app.dispatcher.stop()
    return alice


async def test_each_command_delivered_again_changes_nothing_also_after_a_crash(bot: Bot) -> None:
    await prepared(bot)
    commands = {one.name: one for one in bot.app.listeners.grammar.commands}
    delivered: list[tuple[Said, Delivery]] = []
    for said in WALK:
        before = await counted(bot)
        outcome = await bot.slack.person(said.by).command(
            f"/incident {said.line}", channel=said.where
        )
        after = await counted(bot)
        assert (after != before) == said.changes, (said.line, outcome.text)
        delivered.append((said, bot.slack.deliveries.log[-1]))
        await bot.slack.redeliver()
        assert await counted(bot) == after, said.line
    walked = {word for said, _ in delivered for word in said.line.split()[:2] if word in commands}
    assert walked == set(commands)
    harmless = {name for name, one in commands.items() if one.repeat is Repeat.HARMLESS}
    assert harmless <= {said.line for said in WALK if not said.changes}

    await bot.restart()
    await bot.app.dispatcher.stop()
    before = await counted(bot)
    for said, delivery in delivered:
        await bot.slack.redeliver(delivery)
        assert await counted(bot) == before, said.line


async def test_what_is_typed_again_within_a_minute_is_the_same_and_later_is_not(bot: Bot) -> None:
    alice = await prepared(bot)
    for line in ("note Rolled back the deploy", "export json", "undo"):
        first = await alice.command(f"/incident {line}", channel=ROOM)
        after = await counted(bot)
        again = await alice.command(f"/incident {line}", channel=ROOM)
        assert await counted(bot) == after, line
        assert line == "undo" or again.text == first.text, line
    # What is meant anew is done anew: after a note, there is something else to undo and export.
    for line in ("note Errors are back", "export json", "undo", "note Errors are gone"):
        before = await counted(bot)
        await alice.command(f"/incident {line}", channel=ROOM)
        assert await counted(bot) != before, line
    # So are the same words after they were withdrawn.
    for line in ("undo", "note Errors are gone"):
        before = await counted(bot)
        await alice.command(f"/incident {line}", channel=ROOM)
        assert await counted(bot) != before, line
    before = await counted(bot)
    bot.clock.advance(timedelta(minutes=1))
    await alice.command("/incident note Errors are gone", channel=ROOM)
    assert await counted(bot) != before


async def test_a_mark_a_press_and_a_form_delivered_again_change_nothing(bot: Bot) -> None:
    alice = await prepared(bot)
    message = await alice.says("The cache is cold", channel=ROOM)
    card = bot.slack.channel(ROOM).messages[0]
    opened = await alice.command("/incident note", channel=ROOM)

    async def mark() -> None:
        await alice.reacts(message, bot.loaded.policy.timeline.marker_emoji)
        await bot.slack.quiet()

    async def press() -> None:
        await alice.click(card, "role_take_command")

    async def submit() -> None:
        await alice.submit(opened.get_view(), {"note": "Rolled back"})

    for act in (mark, press, submit):
        before = await counted(bot)
        await act()
        after = await counted(bot)
        assert after != before, act
        await bot.slack.redeliver()
        assert await counted(bot) == after, act
