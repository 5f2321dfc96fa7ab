"""Proposals in Slack: asked, answered, carried out, bypassed; and commands that need agreement."""

from datetime import timedelta

from sqlalchemy import select

from incidents.incident.timeline import TimelineEntry
from incidents.policy.supervision import Stage
from tests.scenario.conftest import ROOM, Bot, declared, redact, said
from tests.slack_server.interaction.people import Person
from tests.slack_server.state import Channel, Message

PROPOSAL = "/incident propose Restart checkout risk: carts are lost undo: none --class change"


class Cast:
    """Carol commands, Jo is supervised, Bob is a peer, Max is Jo's mentor."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self.carol, self.jo = bot.slack.add_people("carol", "jo")
        self.bob, self.max = bot.slack.add_people("bob", "max")

    async def declare(self, *, stage: Stage | None = None) -> Channel:
        if stage is not None:
            self.bot.supervise(self.jo, mentor=self.max, stage=stage)
            await self.bot.restart()
        _, room = await declared(self.bot, by=self.carol)
        for person in (self.jo, self.bob):
            await person.joins(room)
        # Sitrep knows the mentor only once they have used it.
        await self.max.command("/incident list")
        await self.carol.command("/incident role commander me", channel=ROOM)
        await self.bot.settle()
        return room

    def direct(self, person: Person) -> list[Message]:
        return self.bot.slack.dm(person).messages


def card(room: Channel) -> Message:
    (found,) = [m for m in said(room, "*Class*") if m.rendered.startswith("*Proposal 1*")]
    return found


async def test_of_several_proposals_none_is_answered_by_a_guess(bot: Bot) -> None:
    cast = Cast(bot)
    room = await cast.declare()
    await cast.jo.command(PROPOSAL, channel=ROOM)
    await cast.jo.command(
        "/incident propose Drain node 7 risk: less room undo: uncordon --class change", channel=ROOM
    )
    await bot.settle()
    asked = await cast.carol.command("/incident proposal approve", channel=ROOM)
    assert "Several proposals are waiting (2, 1), so nothing was done" in asked.text
    mistyped = await cast.carol.command("/incident proposal aprove", channel=ROOM)
    assert "Use approve, decline," in mistyped.text
    assert not said(room, "approved proposal")
    await cast.carol.command("/incident proposal approve 1 Carts can wait", channel=ROOM)
    await bot.settle()
    (approved,) = said(room, "approved proposal")
    assert approved.rendered.startswith("*carol* approved proposal 1.")
    assert "Carts can wait" in approved.rendered
    await cast.carol.command("/incident proposal 2 decline 3 pods are left", channel=ROOM)
    await bot.settle()
    (declined,) = said(room, "declined proposal")
    assert declined.rendered.startswith("*carol* declined proposal 2.")
    assert "3 pods are left" in declined.rendered


async def test_a_proposal_goes_its_whole_way(any_bot: Bot) -> None:
    bot, cast = any_bot, Cast(any_bot)
    room = await cast.declare()
    outcome = await cast.jo.command(PROPOSAL, channel=ROOM)
    assert outcome.text == ""  # the card says it
    await bot.settle()
    mistyped = await cast.carol.command("/incident proposal 1 aprove", channel=ROOM)
    assert "Use approve, decline," in mistyped.text
    assert "`/incident proposal 1 approve`" in mistyped.text
    assert "carts are lost" in card(room).rendered
    copy = cast.direct(cast.carol)[-1]
    assert "Restart checkout" in copy.rendered

    await bot.restart()
    await cast.jo.click(card(room), "proposal_approve")
    await bot.settle()
    assert "somebody else has to decide" in cast.jo.ephemerals[-1].text
    await cast.carol.click(copy, "proposal_approve")
    await bot.settle()
    (approved,) = card(room).replies
    assert "*carol* approved proposal 1." in approved.rendered
    assert "@jo: Go ahead" in approved.rendered
    assert cast.direct(cast.jo) == []
    form = (await cast.jo.click(card(room), "proposal_carried_out_open")).get_view()
    await cast.jo.submit(form, {"reason": "Errors are gone"})
    await bot.settle()
    assert "Errors are gone" in card(room).rendered
    assert "Approve" not in card(room).rendered
    assert "Carried out" in cast.direct(cast.carol)[-1].rendered


async def test_by_form_the_words_suggest_a_class_and_the_person_chooses(bot: Bot) -> None:
    cast = Cast(bot)
    room = await cast.declare()
    outcome = await cast.jo.command("/incident propose Delete the old shard", channel=ROOM)
    form = outcome.get_view()
    missing = await cast.jo.submit(form, {})
    assert set(missing.errors) == {"risk"}
    await cast.jo.submit(form, {"risk": "Old data is gone", "undo": "From the backup"})
    await bot.settle()
    assert "Destructive" in card(room).rendered
    await cast.bob.click(card(room), "proposal_approve")
    await bot.settle()
    assert "isn't yours to decide here. Ask carol" in cast.bob.ephemerals[-1].text
    form = (await cast.carol.click(card(room), "proposal_decline_open")).get_view()
    assert "reason" in (await cast.carol.submit(form, {"reason": " "})).errors
    await cast.carol.submit(form, {"reason": "Keep it until tomorrow"})
    await bot.settle()
    assert "Keep it until tomorrow" in card(room).rendered
    assert "@jo: this was your proposal" in card(room).replies[-1].rendered


async def test_a_changed_proposal_shows_its_version_and_old_buttons_dont_count(bot: Bot) -> None:
    cast = Cast(bot)
    room = await cast.declare()
    await cast.jo.command(PROPOSAL, channel=ROOM)
    await bot.settle()
    seen = card(room).seen()
    form = (await cast.jo.click(card(room), "proposal_revise_open")).get_view()
    await cast.jo.submit(form, {"text": "Restart one pod of checkout"})
    await bot.settle()
    assert "(version 2)" in card(room).rendered
    await cast.bob.click(seen, "proposal_approve")
    await bot.settle()
    assert "has changed this proposal" in cast.bob.ephemerals[-1].text
    await cast.bob.click(card(room), "proposal_approve")
    await bot.settle()
    assert "Approved" in card(room).rendered


async def test_nobody_answers_so_it_gets_louder_and_ends(any_bot: Bot) -> None:
    bot, cast = any_bot, Cast(any_bot)
    room = await cast.declare()
    await cast.jo.command(PROPOSAL, channel=ROOM)
    await bot.settle()
    await bot.advance(minutes=5)
    assert len(said(room, "nobody has answered for 5 min")) == 1
    assert len(said(bot.slack.dm(cast.bob), "Restart checkout")) == 1
    await bot.restart()
    before = len(room.messages), len(cast.direct(cast.carol)), len(cast.direct(cast.bob))
    await bot.advance(minutes=5)
    after = len(room.messages), len(cast.direct(cast.carol)), len(cast.direct(cast.bob))
    assert [new - old for old, new in zip(before, after, strict=True)] == [1, 1, 1]
    assert "*Escalation 1*" in room.messages[-1].rendered
    assert "*needs you:*" in cast.direct(cast.carol)[-1].rendered
    for message in (room.messages[-1], cast.direct(cast.carol)[-1]):
        assert "Restart checkout" in message.rendered
        assert "carts are lost" in message.rendered
        assert "Approve" in message.rendered
    await bot.advance(minutes=5)
    (loud,) = said(room, "it is not approved")
    assert "Break glass" in loud.rendered
    await bot.advance(minutes=15)
    assert len(said(room, "I ended proposal 1:")) == 1
    assert "Approve" not in card(room).rendered


async def test_an_escalated_proposal_is_answered_where_somebody_was_called_for_it(
    bot: Bot,
) -> None:
    cast = Cast(bot)
    room = await cast.declare()
    await cast.jo.command(PROPOSAL, channel=ROOM)
    await bot.settle()
    await bot.advance(minutes=5)
    await bot.advance(minutes=5)
    call = cast.direct(cast.carol)[-1]
    await cast.carol.click(call, "escalation_take")
    await bot.settle()
    assert "You are on it" in call.rendered
    form = (await cast.jo.click(card(room), "proposal_revise_open")).get_view()
    await cast.jo.submit(form, {"text": "Restart one pod"})
    await bot.settle()
    assert "Restart one pod" in call.rendered
    await cast.carol.click(call, "proposal_approve")
    await bot.settle()
    assert "*Approved* by @carol" in card(room).rendered
    assert "Restart" not in call.rendered
    assert "Approve" not in call.rendered


async def test_with_the_incident_its_proposals_end_on_their_cards_and_nowhere_else(
    bot: Bot,
) -> None:
    cast = Cast(bot)
    room = await cast.declare()
    await cast.jo.command(PROPOSAL, channel=ROOM)
    await bot.settle()
    seen = card(room).seen()
    await cast.carol.command("/incident cancel False alarm", channel=ROOM)
    await bot.settle()
    for message in (card(room), cast.direct(cast.carol)[-1]):
        assert "the incident was over before this was carried out" in message.rendered
        assert "Approve" not in message.rendered
    assert said(room, "ended proposal") == said(bot.slack.dm(cast.jo), "roposal 1") == []
    await cast.bob.click(seen, "proposal_approve")
    await bot.settle()
    assert "ended with its incident" in cast.bob.ephemerals[-1].text


async def test_objections_are_asked_for_and_named(bot: Bot) -> None:
    cast = Cast(bot)
    room = await cast.declare()
    await cast.jo.command(PROPOSAL, channel=ROOM)
    await bot.settle()
    await cast.bob.click(card(room), "proposal_objections")
    await bot.settle()
    assert said(room, "Silence is consent") == []
    await cast.carol.click(card(room), "proposal_objections")
    await bot.settle()
    (asked,) = said(room, "asked for strong objections to proposal 1")
    form = (await cast.bob.click(asked, "proposal_object_open")).get_view()
    await cast.bob.submit(form, {"reason": "The replica is behind"})
    await bot.settle()
    assert len(said(room, "*bob* objected to proposal 1.")) == 1
    await bot.advance(minutes=2)
    assert len(said(room, "strong objections by bob.")) == 1
    assert "The replica is behind" in card(room).rendered


async def test_break_glass_is_loud_and_reaches_commander_and_mentor(bot: Bot) -> None:
    cast = Cast(bot)
    room = await cast.declare(stage=Stage.LEAD)
    await cast.jo.command(PROPOSAL, channel=ROOM)
    await bot.settle()
    form = (await cast.jo.click(card(room), "proposal_break_open")).get_view()
    await cast.jo.submit(form, {"reason": "Orders are being lost"})
    await bot.settle()
    for place in (room, bot.slack.dm(cast.carol), bot.slack.dm(cast.max)):
        assert said(place, "went ahead with proposal")
    await bot.advance(minutes=30)
    (asked,) = said(bot.slack.dm(cast.jo), "What was the result?")
    await cast.carol.command("/incident cancel False alarm", channel=ROOM)
    await bot.settle()
    form = (await cast.jo.click(asked, "proposal_carried_out_open")).get_view()
    await cast.jo.submit(form, {"reason": "Orders are safe"})
    await bot.settle()
    assert "Orders are safe" in card(room).rendered


async def test_a_command_that_needs_agreement_is_asked_for_and_then_carried_out(
    any_bot: Bot,
) -> None:
    bot, cast = any_bot, Cast(any_bot)
    room = await cast.declare(stage=Stage.LEAD)
    outcome = await cast.jo.command("/incident severity sev4 Few are affected", channel=ROOM)
    assert "somebody's agreement first" in outcome.text
    await bot.settle()
    assert said(room, "Proposal") == []
    await cast.jo.click(cast.jo.ephemerals[-1], "proposal_ask")
    await bot.settle()
    assert "Lower the severity to SEV4: Few are affected" in card(room).rendered
    assert said(bot.slack.dm(cast.max), "Lower the severity")

    await bot.restart()
    await cast.max.click(cast.direct(cast.max)[-1], "proposal_approve")
    await bot.settle()
    assert said(room, "severity: SEV2 → SEV4") == []
    await cast.jo.click(card(room), "proposal_carry_out")
    await bot.settle()
    (changed,) = said(room, "severity: SEV2 → SEV4")
    assert "*jo* lowered" in changed.rendered
    everything = " ".join(message.rendered for message in room.everything)
    for word in ("supervis", "mentor", "stage", "junior"):
        assert word not in everything.lower().replace("severity", "")


async def test_a_form_that_needs_agreement_goes_on_to_ask_or_to_break_the_glass(bot: Bot) -> None:
    cast = Cast(bot)
    room = await cast.declare(stage=Stage.ASSIST)
    form = (await cast.jo.command("/incident resolve", channel=ROOM)).get_view()
    now = bot.clock.now()
    values = {
        "impact_started_at": now - timedelta(minutes=20),
        "impact_ended_at": now,
        "resolution": "Rolled back",
    }
    offer = await cast.jo.submit(form, values)
    await cast.jo.submit(offer.get_view(), {})
    await bot.settle()
    assert "Resolve the incident: Rolled back" in card(room).rendered
    await cast.carol.click(card(room), "proposal_approve")
    await bot.settle()
    await cast.jo.click(card(room), "proposal_carry_out")
    await bot.settle()
    assert len(said(room, "*jo* resolved the incident")) == 1

    offer = await cast.jo.command("/incident close", channel=ROOM)
    form = (await cast.jo.click(cast.jo.ephemerals[-1], "proposal_break_open")).get_view()
    await cast.jo.submit(form, {"reason": "The auditor waits for the record"})
    await bot.settle()
    assert len(said(room, "went ahead with proposal")) == 1
    assert len(said(room, "*jo* closed the incident")) == 1


async def test_who_may_not_do_a_command_is_offered_to_propose_it(bot: Bot) -> None:
    cast = Cast(bot)
    room = await cast.declare(stage=Stage.LEAD)
    outsider = bot.slack.add_person("otto")
    told = await outsider.command("/incident INC-1 severity sev4 Few are affected")
    assert "Only responders can lower the severity" in told.text
    form = (await outsider.click(outsider.ephemerals[-1], "proposal_propose_open")).get_view()
    assert "Lower the severity to …" in form.rendered
    why = {"risk": "Fewer people look", "undo": "Raise it again"}
    await outsider.submit(form, {"text": "Lower the severity to SEV4", **why})
    await bot.settle()
    assert "Lower the severity to SEV4" in card(room).rendered
    told = await outsider.command("/incident INC-1 proposal objections")
    assert "ask for strong objections" in told.text
    assert "Propose it…" not in outsider.ephemerals[-1].rendered


async def test_solo_people_are_asked_nothing(bot: Bot) -> None:
    cast = Cast(bot)
    room = await cast.declare(stage=Stage.LEAD)
    await cast.bob.command("/incident severity sev4 Few affected", channel=ROOM)
    await bot.settle()
    assert len(said(room, "severity: SEV2 → SEV4")) == 1


async def test_redacting_a_proposal_takes_its_words_from_every_place(bot: Bot) -> None:
    cast = Cast(bot)
    room = await cast.declare()
    secret = (
        "/incident propose Rotate the password hunter2 risk: logins fail undo: none --class change"
    )
    await cast.jo.command(secret, channel=ROOM)
    await bot.settle()
    await cast.bob.click(card(room), "proposal_approve")
    await bot.settle()
    form = (await cast.jo.click(card(room), "proposal_revise_open")).get_view()
    await cast.jo.submit(form, {"text": "Rotate the password"})
    await bot.settle()
    assert "hunter2" in room.transcript

    await redact(bot, "action_proposed")
    await bot.settle()
    assert "hunter2" not in room.transcript
    for person in (cast.carol, cast.jo, cast.bob):
        assert "hunter2" not in bot.slack.dm(person).transcript
    async with bot.app.services.database.reading() as session:
        contents = (await session.execute(select(TimelineEntry.content))).scalars().all()
    assert "hunter2" not in str(contents)
