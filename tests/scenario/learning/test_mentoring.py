"""Leading with a mentor: one group conversation gets every request, and one tap takes over."""

from dataclasses import replace
from functools import partial

from incidents.core.people import actor_of, find_person
from incidents.engine.unit_of_work import UseCase
from incidents.escalation.escalate import EscalationDraft, escalate
from incidents.escalation.packet import Packet
from incidents.escalation.targets import PersonTarget
from incidents.incident.incident import ByChannel
from incidents.policy.references import PersonRef
from incidents.policy.supervision import Stage
from incidents.proposals.ask import propose
from incidents.proposals.tables import ProposalWords
from tests.scenario.conftest import DECLARE, ROOM, Bot, declared, said
from tests.slack_server import Person
from tests.slack_server.state import Channel


async def supervised(bot: Bot) -> tuple[Person, Person, Person]:
    """Return Alice, who mentors Bob; Bob, who leads with a mentor; and Carol, who declares."""
    alice, bob, carol = bot.slack.add_people("alice", "bob", "carol")
    bot.supervise(bob, mentor=alice, stage=Stage.LEAD)
    await bot.restart()
    # Sitrep knows people only once they have used it.
    for person in (alice, bob, carol):
        await person.command("/incident list")
    return alice, bob, carol


async def led_by_bob(bot: Bot) -> tuple[Person, Person, Person, Channel]:
    alice, bob, carol = await supervised(bot)
    await declared(bot, by=carol)
    await bob.command("/incident role commander me", channel=ROOM)
    await bot.settle()
    return alice, bob, carol, bot.slack.group_dm(alice, bob)


async def act(bot: Bot, person: Person, use_case: UseCase) -> None:
    services = bot.app.services
    async with services.database.reading() as session:
        row = await find_person(session, workspace_id=services.workspace.id, external_id=person.id)
    assert row is not None
    await bot.run(use_case, by=actor_of(row))
    await bot.settle()


async def test_a_mentor_gets_every_packet_and_every_proposal_of_their_junior(any_bot: Bot) -> None:
    bot = any_bot
    _, bob, carol, pair = await led_by_bob(bot)
    ref = ByChannel(bot.slack.channel(ROOM).id)
    packet = Packet(ask="Fail over the database?", symptoms="Errors at checkout")
    draft = EscalationDraft(target=PersonTarget(external_id=carol.id), packet=packet)
    await act(bot, bob, partial(escalate, ref=ref, draft=draft))
    (forwarded,) = said(pair, "is escalating")
    assert "Fail over the database?" in forwarded.rendered
    assert "Take over" in forwarded.rendered

    await bot.restart()
    words = ProposalWords(text="Restart the cache", risk="Cold for a minute", undo="None needed")
    await act(bot, bob, partial(propose, ref=ref, words=words, class_key="change"))
    (proposed,) = said(pair, "asks for agreement")
    assert "Cold for a minute" in proposed.rendered
    # The bot forwards nothing from people who are solo.
    await act(bot, carol, partial(propose, ref=ref, words=words, class_key="change"))
    assert len(pair.messages) == 3


async def test_a_mentor_takes_over_with_one_tap(any_bot: Bot) -> None:
    bot = any_bot
    alice, bob, _, pair = await led_by_bob(bot)
    (opened,) = pair.messages
    assert "Incident commander" in opened.rendered
    assert "INC-1" in opened.rendered
    await bot.restart()
    old = opened.seen()
    await alice.click(old, "mentor_take_over")
    await bot.settle()
    room = bot.slack.channel(ROOM)
    (change,) = said(room, "command from")
    assert "*alice* took" in change.text
    assert "mentor" not in change.rendered.casefold()
    assert len(said(bot.slack.dm(bob), "has command now, in place of you")) == 1
    assert len(said(bot.slack.dm(alice), "Incident commander")) == 1
    assert "has no role in it now" in opened.rendered
    await bot.advance(minutes=2)
    await alice.click(old, "mentor_take_over")
    await bot.settle()
    assert len(said(room, "command from")) == 1


async def test_who_is_a_mentor_no_more_takes_nothing_over_with_the_old_button(bot: Bot) -> None:
    alice, _bob, carol, pair = await led_by_bob(bot)
    manager = PersonRef(user_id=carol.id)
    escalation = replace(bot.loaded.policy.escalation, manager=manager)
    bot.change_policy(escalation=escalation)
    await bot.restart()
    await carol.command("/incident stage @bob --no-mentor @alice")
    await bot.settle()

    await alice.click(pair.messages[0], "mentor_take_over")
    await bot.settle()

    assert "a mentor of the person" in alice.ephemerals[-1].rendered
    assert said(bot.slack.channel(ROOM), "command from") == []


async def test_the_conversation_is_opened_once_whatever_roles_change_hands(bot: Bot) -> None:
    _alice, bob, carol, pair = await led_by_bob(bot)
    await bob.command("/incident role scribe me", channel=ROOM)
    await carol.command("/incident role deputy me", channel=ROOM)
    await bot.settle()
    await bot.restart()
    await bob.command("/incident role scribe none", channel=ROOM)
    await bot.settle()
    assert len(pair.messages) == 1
    assert "Scribe" not in pair.messages[0].rendered
    await carol.command("/incident role commander @carol", channel=ROOM)
    await bot.settle()
    await carol.command("/incident cancel a false alarm", channel=ROOM)
    await bot.settle()
    assert len(pair.messages) == 1
    assert "Take over" not in pair.messages[0].rendered


async def test_the_junior_cant_take_over_from_themselves_and_who_is_solo_has_no_conversation(
    bot: Bot,
) -> None:
    alice, bob, carol, pair = await led_by_bob(bot)
    await bob.click(pair.messages[0], "mentor_take_over")
    await bot.settle()
    assert said(bot.slack.channel(ROOM), "command from") == []
    await carol.command("/incident role scribe me", channel=ROOM)
    await bot.settle()
    assert bot.slack.ws.find_group_dm([alice.id, carol.id]) is None


async def test_a_mentor_takes_the_other_roles_where_the_junior_does_not_command(bot: Bot) -> None:
    alice, bob, carol = await supervised(bot)
    await declared(bot, by=carol)
    await bob.command("/incident role scribe me", channel=ROOM)
    await bot.settle()
    pair = bot.slack.group_dm(bob, alice)
    await alice.click(pair.messages[0], "mentor_take_over")
    await bot.settle()
    (change,) = said(bot.slack.channel(ROOM), "in place of")
    assert "*alice* took" in change.text


async def test_a_private_incident_brings_no_mentor_in_who_is_not_part_of_it(bot: Bot) -> None:
    alice, bob, _carol = await supervised(bot)
    await bob.command("/incident declare sev1 Payroll leak --private")
    await bot.settle()
    await bob.command("/incident INC-1 role commander me")
    await bot.settle()
    assert bot.slack.ws.find_group_dm([alice.id, bob.id]) is None
    assert bot.slack.dm(alice).messages == []


async def test_a_drill_calls_no_mentor_from_outside(bot: Bot) -> None:
    alice, bob, _ = await supervised(bot)
    await bob.command("/incident declare sev2 Practice --drill")
    await bot.settle()
    await bob.command("/incident DRILL-1 role commander me")
    await bot.settle()
    assert bot.slack.ws.find_group_dm([alice.id, bob.id]) is None


async def test_what_is_forwarded_reaches_the_mentor_directly_if_no_conversation_can_be_opened(
    bot: Bot,
) -> None:
    bot.slack.fail("conversations.open", error="not_allowed_token_type", times=50)
    alice, bob, carol = await supervised(bot)
    await declared(bot, by=carol)
    await bob.command("/incident role commander me", channel=ROOM)
    await bot.settle()
    ref = ByChannel(bot.slack.channel(ROOM).id)
    words = ProposalWords(text="Restart the cache", risk="Cold for a minute", undo="None needed")
    await act(bot, bob, partial(propose, ref=ref, words=words, class_key="change"))
    assert len(said(bot.slack.dm(alice), "Cold for a minute")) >= 1


async def test_a_junior_gets_their_mentor_also_where_slack_refuses_the_channel(bot: Bot) -> None:
    alice, bob, carol = await supervised(bot)
    bot.slack.fail("conversations.create", error="restricted_action")
    await carol.command(DECLARE)
    await bot.settle()
    await bob.command("/incident INC-1 role commander me")
    await bot.settle()
    assert bot.slack.group_dm(alice, bob).messages
