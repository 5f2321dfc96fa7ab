"""What the form and the answer to a declaration offer: what is open, meanings, the way in."""

from dataclasses import replace

from incidents.policy.escalation import Service
from tests.scenario.conftest import ROOM, Bot
from tests.slack_server.interaction.people import Person
from tests.slack_server.state import View

SERVICES = (
    Service(key="checkout", name="Checkout", tier=1),
    Service(key="search", name="Search", tier=2),
)


async def _with_services(bot: Bot) -> tuple[Person, Person]:
    bot.change_policy(services=SERVICES)
    await bot.restart()
    alice, bob = bot.slack.add_people("alice", "bob")
    return alice, bob


async def _declare(bot: Bot, who: Person, **values: object) -> View:
    form = (await who.command("/incident declare")).get_view()
    given = {"title": "Payments time out", "severity": "sev2", "services": ["checkout"], **values}
    answered = (await who.submit(form, given)).get_view()
    await bot.settle()
    return answered


async def _choose(who: Person, form: View, service: str) -> None:
    await who.suggestions(form, "services", "")
    await who.click(form, "services", [service])


async def test_open_incidents_of_the_chosen_service_are_shown_and_what_is_typed_stays(
    any_bot: Bot,
) -> None:
    alice, bob = await _with_services(any_bot)
    await _declare(any_bot, alice)
    form = (await bob.command("/incident declare")).get_view()
    await bob.fills(form, {"title": "Carts are empty", "severity": "sev1", "impact": "Everybody"})
    await _choose(bob, form, "search")
    assert "Open now" not in form.rendered
    await _choose(bob, form, "checkout")
    assert "Open now" in form.rendered
    assert "Payments time out" in form.rendered
    assert any_bot.slack.channel("inc-1-payments-time-out").id in str(form.blocks)
    # Nothing keeps them from declaring theirs.
    await bob.submit(form, {})
    await any_bot.settle()
    card = any_bot.slack.channel("inc-2-carts-are-empty").pins[0]
    assert "SEV1" in card.rendered
    assert "Everybody" in card.rendered


async def test_a_title_like_an_open_incidents_is_pointed_out_before_it_is_declared(
    bot: Bot,
) -> None:
    alice, bob = await _with_services(bot)
    await _declare(bot, alice)
    await bot.advance(minutes=45)
    form = (await bob.command("/incident declare")).get_view()
    await bob.fills(form, {"title": "Search is slow"})
    await bob.click(form, "severity", "sev1")
    assert "INC-1" not in form.rendered
    await bob.fills(form, {"title": "payment times out"})
    await bob.click(form, "severity", "sev2")
    assert "INC-1" in form.rendered
    # Typed at once, it is there from the beginning.
    typed = (await bob.command("/incident declare private payments time out")).get_view()
    assert "INC-1" in typed.rendered


async def test_a_private_incident_is_shown_to_nobody_outside_while_they_declare(bot: Bot) -> None:
    alice, bob = await _with_services(bot)
    await _declare(bot, alice, kind=["private"])
    await _declare(bot, alice, title="Failover practice", kind=["drill"])
    for who, is_inside in ((bob, False), (alice, True)):
        form = (await who.command("/incident declare")).get_view()
        await _choose(who, form, "checkout")
        assert ("Payments time out" in form.rendered) == is_inside
        assert "Failover" not in form.rendered


async def test_a_meaning_is_shown_whole_however_long(bot: Bot) -> None:
    first, *others = bot.loaded.policy.severities
    meanings = [f"{number} {'x' * 280} end{number}" for number in range(12)]
    many = [
        replace(first, key=f"all{n}", name=f"ALL{n}", aliases=(), rank=50 + n, meaning=one)
        for n, one in enumerate(meanings)
    ]
    bot.change_policy(severities=(first, *others, *many))
    await bot.restart()
    alice = bot.slack.add_person("alice")
    form = (await alice.command("/incident declare")).get_view()
    for one in (first.meaning, *meanings):
        assert one in form.rendered


async def test_the_answer_leads_to_the_channel_to_command_and_to_the_details(
    bot: Bot,
) -> None:
    alice, _ = await _with_services(bot)
    await alice.command("/incident declare sev2 Checkout errors")
    answer = alice.ephemerals[-1]
    assert answer.buttons == ["role_take_command", "edit_open"]
    await bot.settle()
    room = bot.slack.channel(ROOM)
    assert f"<#{room.id}>" in alice.ephemerals[-1].text
    await alice.click(answer, "role_take_command")
    form = (await alice.click(answer, "edit_open")).get_view()
    await alice.submit(form, {"impact": "Nobody can pay"})
    await bot.settle()
    assert "Nobody can pay" in room.pins[0].rendered
    assert alice.mention in str(room.pins[0].blocks)
    # Repeated, it is answered with the channel at once.
    again = await alice.command("/incident declare sev2 Checkout errors")
    assert f"<#{room.id}>" in again.text


async def test_the_answer_to_the_form_gets_the_link_in_place(bot: Bot) -> None:
    alice, _ = await _with_services(bot)
    answered = await _declare(bot, alice)
    assert bot.slack.channel("inc-1-payments-time-out").id in str(answered.blocks)
    assert "role_take_command" in str(answered.blocks)


async def test_the_link_doesnt_replace_the_details_that_somebody_is_writing(bot: Bot) -> None:
    alice, _ = await _with_services(bot)
    bot.slack.delay("conversations.create", 0.5)
    form = (await alice.command("/incident declare")).get_view()
    answered = (await alice.submit(form, {"title": "Payments time out"})).get_view()
    await alice.click(answered, "edit_open")
    await alice.fills(answered, {"impact": "Nobody can pay"})
    bot.slack.heal()
    await bot.settle()
    assert answered.title == "Edit INC-1"
    await alice.submit(answered, {})
    await bot.settle()
    assert "Nobody can pay" in bot.slack.channel("inc-1-payments-time-out").pins[0].rendered


async def test_without_the_link_the_answer_is_no_dead_end(bot: Bot) -> None:
    alice, _ = await _with_services(bot)
    await alice.command("/incident declare sev2 Checkout errors")
    bot.app.services.waiting.clear()  # as after a restart
    await bot.settle()
    assert alice in bot.slack.channel(ROOM)
    await alice.click(alice.ephemerals[-1], "role_take_command")
    await bot.settle()
    assert alice.mention in str(bot.slack.channel(ROOM).pins[0].blocks)
