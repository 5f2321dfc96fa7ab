"""Drills with a scenario in Slack: they unfold by themselves, call nobody, and end with a score."""

from incidents.policy.references import PersonRef
from tests.scenario.conftest import Bot, said, told
from tests.slack_server.interaction.people import Person
from tests.slack_server.state import Channel

ROOM = "drill-1-checkout-errors-for-some-customers"


async def practising(
    bot: Bot, scenario: str = "bad-deploy", *, room: str = ROOM
) -> tuple[Person, Person, Channel]:
    """Let Jo start a drill with Max as mentor; return both and the channel."""
    jo, max_ = bot.slack.add_people("jo", "max")
    outcome = await jo.command(f"/incident drill {scenario} @max")
    assert "begins" in outcome.text
    await bot.settle()
    return jo, max_, bot.slack.channel(room)


async def resolved(bot: Bot, person: Person, room: str = ROOM) -> None:
    """Resolve the drill with the form, which asks for what is missing."""
    form = (await person.command("/incident resolve", channel=room)).get_view()
    await person.submit(form, {"resolution": "Went back one release"})
    await bot.settle()
    await bot.advance(seconds=1)


async def test_a_drill_unfolds_is_solved_and_scored_with_a_restart_in_between(
    any_bot: Bot,
) -> None:
    bot = any_bot
    jo, max_, room = await practising(bot)
    assert room.is_private
    assert jo in room
    assert max_ in room
    assert said(room, "checkout-5xx is firing")
    assert "A good first move" in told(bot, max_)
    assert "A good first move" not in told(bot, jo)

    (begins,) = said(room, "it's yours")
    await jo.click(begins, "drill_take_on")
    form = (await jo.click(begins, "drill_check_open")).get_view()
    await jo.submit(form, {"check": "changes"})
    await bot.settle()
    assert said(room, "2.40.3 → 2.41.0")
    await bot.advance(minutes=4)
    assert said(room, "14 tickets")

    await bot.restart()
    form = (await jo.click(begins, "drill_act_open")).get_view()
    await jo.submit(form, {"action": "roll-back"})
    await bot.settle()
    assert said(room, "deploy checkout --to 2.40.3")
    await bot.advance(minutes=2)
    assert said(room, "2.40.3 is live again")
    await jo.command(
        "/incident update Gift cards failed at checkout since 11:58; we went back", channel=ROOM
    )
    await bot.settle()
    await bot.restart()
    await bot.settle()
    await bot.advance(minutes=2)
    assert said(room, "checkout-5xx has cleared")

    await resolved(bot, jo)
    assert said(room, "is over")
    assert not said(room, "without customer impact")  # nobody said so
    for person in (jo, max_):
        assert len([1 for one in bot.slack.dm(person).messages if "Scorecard" in one.text]) == 1
    card = next(one.text for one in bot.slack.dm(jo).messages if "Scorecard" in one.text)
    assert "fixed and resolved after 8 min" in card
    assert "✓ Resolved only once it was fixed: yes" in card
    assert "✓ First update after 6 min" in card
    assert "What went well" in card
    assert "Scorecard of" not in "\n".join(message.text for message in room.messages)
    # The scenario posts nothing more.
    before = len(room.messages)
    await bot.advance(minutes=20)
    assert not [one for one in room.messages[before:] if "Drill ·" in one.text]


async def test_a_drill_goes_wrong_by_commands_and_says_so_in_private(bot: Bot) -> None:
    jo, max_, room = await practising(bot)
    other = bot.slack.add_person("other")
    await jo.command("/incident role commander me", channel=ROOM)
    outcome = await jo.command("/incident check weather", channel=ROOM)
    assert "errors, logs, changes" in outcome.text
    await jo.command("/incident check logs", channel=ROOM)
    await jo.command("/incident act fail-over", channel=ROOM)
    await bot.settle()
    await bot.advance(minutes=1)
    assert said(room, "44 % of requests fail")
    await bot.advance(minutes=9)
    assert said(room, "Support lead asks")
    refused = await jo.command("/incident checkin @other 5m Is the database well?", channel=ROOM)
    assert "so I called nobody" in refused.text
    await resolved(bot, jo)
    card = next(one.text for one in bot.slack.dm(jo).messages if "Scorecard" in one.text)
    assert "resolved after 10 min, before it was fixed" in card
    assert "no, by *Fail over orders-db to its replica*" in card
    assert "Before acting, say the risk" in card
    results = await jo.command("/incident drill --results")
    assert "DRILL-1 Bad deploy" in results.text
    assert "haven't finished a drill" in (await max_.command("/incident drill --results")).text
    assert bot.slack.dm(other).messages == []
    assert bot.slack.channel("incidents").messages == []


async def test_scenarios_are_listed_and_chosen_in_a_form(bot: Bot) -> None:
    jo, max_ = bot.slack.add_people("jo", "max")
    listed = await jo.command("/incident drill")
    for name in ("bad-deploy", "expired-certificate", "queue-backlog", "upstream-outage"):
        assert f"`{name}`" in listed.text
    assert "stretch" in listed.text
    form = (await jo.click(jo.ephemerals[-1], "drill_open")).get_view()
    wrong = await jo.submit(form, {"scenario": "queue-backlog", "mentor": jo})
    assert "can't be you" in wrong.errors["mentor"]
    await jo.submit(form, {"scenario": "queue-backlog", "mentor": max_})
    await bot.settle()
    room = bot.slack.channel("drill-1-orders-are-not-reaching-the-warehouse")
    assert said(room, "fulfil-queue-age is firing")
    again = await jo.command("/incident drill bad-deploy")
    assert "still in" in again.text
    unknown = await max_.command("/incident drill flood")
    assert "bad-deploy" in unknown.text
    nobody = await max_.command("/incident drill bad-deploy @nobodyknows")
    assert "The mentor isn't a person I can find" in nobody.text


async def test_an_escalation_in_a_drill_calls_the_mentor_and_nobody_else(bot: Bot) -> None:
    owner = bot.slack.add_person("owner")
    bot.change_ladder(PersonRef(user_id=owner.id))
    await bot.restart()
    room_name = "drill-1-customers-cannot-log-in"
    jo, max_, room = await practising(bot, "database-connections", room=room_name)
    form = (await jo.command("/incident escalate", channel=room_name)).get_view()
    await jo.submit(form, {})
    await bot.settle()
    await bot.advance(minutes=10)
    assert bot.slack.dm(owner).messages == []
    assert owner not in room
    assert "This is a drill" in told(bot, max_)
    assert said(room, "would be called, but this is a drill")


async def test_a_drill_that_is_stopped_ends_for_good(bot: Bot) -> None:
    jo, max_, room = await practising(bot)
    (begins,) = said(room, "it's yours")
    other = bot.slack.add_person("other")
    refused = await other.command("/incident DRILL-1 drill --stop")
    assert "DRILL-1" in refused.text
    begins = begins.seen()
    await jo.click(begins, "drill_stop")
    await bot.settle()
    assert said(room, "Somebody stopped it")
    await jo.click(begins, "drill_check_open")
    await bot.settle()
    assert "This drill is over" in jo.ephemerals[-1].text
    assert "Scorecard" in told(bot, max_)


async def test_a_drill_without_a_mentor_is_for_one(bot: Bot) -> None:
    jo = bot.slack.add_person("jo")
    await jo.command("/incident drill expired-certificate --alone")
    await bot.settle()
    room_name = "drill-1-traffic-of-the-public-api-has-almost-stopped"
    room = bot.slack.channel(room_name)
    assert [member for member in room.members if member != bot.slack.bot_user_id] == [jo.id]
    await jo.command("/incident act renew", channel=room_name)
    await jo.command("/incident act reload", channel=room_name)
    await bot.settle()
    await bot.advance(minutes=6)
    assert said(room, "api-traffic-low has cleared")
    await bot.advance(minutes=40)
    assert said(room, "The time is up")
    assert "For you alone" in told(bot, jo)
