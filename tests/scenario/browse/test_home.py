"""The Home tab: what waits for somebody, what they are in, and what else is open, each once."""

from tests.scenario.conftest import Bot, declared
from tests.slack_server import Person, View


async def home_of(bot: Bot, person: Person) -> View:
    """Open the person's Home tab."""
    await person.opens_home()
    await bot.settle()
    home = bot.slack.home(person)
    assert home is not None
    return home


async def test_home_shows_what_waits_and_each_incident_once(any_bot: Bot) -> None:
    bot = any_bot
    alice, room = await declared(bot)
    ben = bot.slack.add_person("ben")
    await ben.joins(room)
    await alice.command("/incident role commander me", channel=room)
    await alice.command("/incident declare sev1 Payments fail", channel="general")
    await alice.command("/incident INC-2 note Nobody is here yet", channel="general")
    await alice.command("/incident handoff @ben My shift ends", channel=room)
    await alice.command("/incident checkin @ben 10m Is the database fine?", channel=room)
    await alice.command("/incident escalate @ben please look at the database", channel=room)
    await alice.command("/incident action @ben by 5d Write the runbook", channel=room)
    await bot.settle()
    home = await home_of(bot, ben)
    for waits in (
        "alice calls you",
        "alice wants to hand you command",
        "alice asked you to check in",
        "Action item 1: Write the runbook, due ",
    ):
        assert home.rendered.count(waits) == 1, waits
    hers = await home_of(bot, alice)
    assert "Waiting for you" not in hers.rendered
    assert "Yours" in hers.rendered
    lines = [line for line in hers.rendered.splitlines() if "Payments fail" in line]
    assert len(lines) == 1
    assert "🔴" in lines[0]
    assert "*nobody leads*" in lines[0]
    (led,) = (line for line in hers.rendered.splitlines() if "Checkout errors" in line)
    assert "nobody leads" not in led
    assert "Other open incidents" not in hers.rendered


async def test_a_press_on_home_is_carried_out_and_no_longer_waits(bot: Bot) -> None:
    alice, room = await declared(bot)
    ben = bot.slack.add_person("ben")
    await ben.joins(room)
    await alice.command("/incident role commander me", channel=room)
    await alice.command("/incident handoff @ben My shift ends", channel=room)
    await alice.command("/incident action @ben Write the runbook", channel=room)
    await bot.settle()
    home = await home_of(bot, ben)
    await ben.click(home, "handoff_accept")
    await bot.settle()
    assert f"*Commander* <@{ben.id}>" in str(room.pins[0].blocks)
    shown = bot.slack.home(ben)
    assert shown is not None
    assert "hand you command" not in shown.rendered
    await ben.click(shown, "action_item_done")
    await bot.settle()
    shown = bot.slack.home(ben)
    assert shown is not None
    assert "Waiting for you" not in shown.rendered
    assert "Checkout errors" in shown.rendered


async def test_a_shift_that_is_offered_waits_until_it_is_accepted_on_home(bot: Bot) -> None:
    alice, ben = bot.slack.add_people("alice", "ben")
    form = (await alice.command("/incident handover @ben")).get_view()
    await alice.submit(form, {"words": "All is quiet"})
    await bot.settle()
    home = await home_of(bot, ben)
    assert "alice wants to hand you the shift" in home.rendered
    await ben.click(home, "handover_accept")
    await bot.settle()
    shown = bot.slack.home(ben)
    assert shown is not None
    assert "Waiting for you" not in shown.rendered


async def test_nothing_of_a_private_incident_waits_for_somebody_who_was_removed(bot: Bot) -> None:
    alice, ben = bot.slack.add_people("alice", "ben")
    await alice.command("/incident declare sev2 Passwords seen --private")
    await bot.settle()
    await alice.command("/incident INC-1 invite @ben he knows the logs")
    await bot.settle()
    for message in reversed(alice.ephemerals):
        if message.buttons:
            await alice.click(message, message.buttons[0])
            break
    await bot.settle()
    await alice.command("/incident INC-1 action @ben Rotate the keys")
    await bot.settle()
    assert "Rotate the keys" in (await home_of(bot, ben)).rendered
    await alice.command("/incident INC-1 uninvite @ben")
    await bot.settle()
    home = await home_of(bot, ben)
    assert "Rotate the keys" not in home.rendered
    assert "INC-1" not in home.rendered


async def test_the_postmortem_waits_for_its_owner_with_its_due_day(bot: Bot) -> None:
    alice, room = await declared(bot)
    await alice.command("/incident role commander me", channel=room)
    await bot.settle()
    await bot.advance(minutes=10)
    form = (await alice.command("/incident resolve Rolled back", channel=room)).get_view()
    await alice.submit(form, {"no_impact": ["none"], "impact_started_at": None})
    await bot.settle()
    await alice.command("/incident postmortem owner @alice", channel=room)
    await bot.settle()
    home = await home_of(bot, alice)
    assert "You write the postmortem, due " in home.rendered
    opened = await alice.click(home, "postmortem_write_open")
    assert "ostmortem" in opened.get_view().title


def _published(bot: Bot, person: Person) -> int:
    return len([one for one in bot.slack.calls_of("views.publish") if person.id in str(one.args)])


async def test_home_shows_what_others_did_only_to_those_it_is_about_and_only_if_it_changed(
    any_bot: Bot,
) -> None:
    bot = any_bot
    alice, room = await declared(bot)
    ben, cid = bot.slack.add_people("ben", "cid")
    for person in (ben, cid):
        await person.joins(room)
    await alice.command("/incident role commander me", channel=room)
    assert "Waiting for you" not in (await home_of(bot, ben)).rendered
    await alice.command("/incident handoff @ben My shift ends", channel=room)
    await alice.command("/incident action @ben Write the runbook", channel=room)
    await bot.settle()
    shown = bot.slack.home(ben)
    assert shown is not None
    assert "alice wants to hand you command" in shown.rendered
    assert "Write the runbook" in shown.rendered

    before = _published(bot, ben)
    await alice.command("/incident action @cid Call the bank", channel=room)
    await bot.settle()
    assert _published(bot, ben) == before  # nothing that he sees is new
    assert _published(bot, cid) == 0  # who never opened Home

    await alice.command("/incident role commander @cid", channel=room)
    await bot.settle()
    shown = bot.slack.home(ben)
    assert shown is not None
    assert "hand you command" not in shown.rendered

    await bot.advance(days=4)
    before = _published(bot, ben)
    await alice.command("/incident action @ben Tell the vendor", channel=room)
    await bot.settle()
    assert _published(bot, ben) == before  # not lately: shown when he opens it
    assert "Tell the vendor" in (await home_of(bot, ben)).rendered


async def test_an_offered_shift_appears_on_an_open_home_and_goes_when_it_is_withdrawn(
    bot: Bot,
) -> None:
    alice, ben = bot.slack.add_people("alice", "ben")
    await home_of(bot, ben)
    form = (await alice.command("/incident handover @ben")).get_view()
    await alice.submit(form, {"words": "All is quiet"})
    await bot.settle()
    shown = bot.slack.home(ben)
    assert shown is not None
    assert "alice wants to hand you the shift" in shown.rendered


async def test_a_burst_of_changes_publishes_each_home_a_few_times_and_never_is_refused(
    bot: Bot,
) -> None:
    alice, room = await declared(bot)
    ben = bot.slack.add_person("ben")
    await ben.joins(room)
    await home_of(bot, ben)
    bot.slack.delay("views.publish", 0.3)
    for number in range(12):
        await alice.command(f"/incident action @ben Step {number}", channel=room)
    bot.slack.delay("views.publish", 0.0)
    await bot.settle()
    shown = bot.slack.home(ben)
    assert shown is not None
    assert "Step 4" in shown.rendered
    assert _published(bot, ben) <= 8
