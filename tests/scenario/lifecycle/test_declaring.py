"""Declaring by command, form and shortcut, until the channel is set up."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from bot.features.browse.people import refresh_directory
from incidents.policy.escalation import Service
from tests.scenario.conftest import ROOM, Bot, declared


async def test_declaring_opens_a_channel_with_the_declarer_and_a_pinned_card(
    any_bot: Bot,
) -> None:
    bot = any_bot
    alice = bot.slack.add_person("alice")
    outcome = await alice.command("/incident declare sev2 Checkout errors")
    assert outcome.acked
    assert "INC-1" in outcome.text

    await bot.settle()
    room = bot.slack.channel(ROOM)
    assert alice in room
    assert "Checkout errors" in room.pins[0].rendered


async def test_a_severity_that_was_not_named_is_said(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    named = await alice.command("/incident declare sev2 Checkout errors")
    assert "severity" not in named.text
    mistyped = await alice.command("/incident declare sev9 Nobody can log in")
    assert "it begins as SEV3: `/incident INC-2 severity` changes it" in mistyped.text
    await bot.settle()


async def test_without_a_title_the_form_opens_and_declares(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    outcome = await alice.command("/incident declare")
    form = outcome.get_view()
    answered = await alice.submit(
        form, {"title": "Login is down", "severity": "sev1", "impact": "Nobody can log in"}
    )
    assert answered.acked
    assert answered.errors == {}
    await bot.settle()
    card = bot.slack.channel("inc-1-login-is-down").pins[0]
    assert "SEV1" in card.rendered
    assert "Nobody can log in" in card.rendered


async def test_a_form_without_a_title_is_answered_in_the_field_and_declares_nothing(
    bot: Bot,
) -> None:
    alice = bot.slack.add_person("alice")
    form = (await alice.command("/incident declare")).get_view()
    answered = await alice.submit(form, {"title": "   ", "severity": "sev2"})
    assert "title" in answered.errors
    await bot.settle()
    assert bot.slack.find_channel("inc-1") is None
    assert not bot.slack.calls_of("conversations.create")


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("sev2 Checkout errors", ROOM),
        ("sev2x is not a severity", "inc-1-sev2x-is-not-a-severity"),
        ("🔥🔥🔥", "inc-1-fire-fire-fire"),
        ("Ошибка оплаты", "inc-1-oshibka-oplaty"),
        ("Kassenfehler für Übersee", "inc-1-kassenfehler-fur-ubersee"),
        ("“Quoted” title", "inc-1-quoted-title"),
    ],
)
async def test_any_title_gives_a_channel(bot: Bot, words: str, name: str) -> None:
    alice = bot.slack.add_person("alice")
    await alice.command(f"/incident declare {words}")
    await bot.settle()
    assert alice in bot.slack.channel(name)


async def test_a_title_of_four_hundred_characters_is_cut_and_declared(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    outcome = await alice.command(f"/incident declare {'long ' * 80}")
    assert "INC-1" in outcome.text
    await bot.settle()
    assert bot.slack.calls_of("conversations.create")[-1].ok


async def test_an_unknown_flag_refuses_the_command_and_creates_nothing(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    outcome = await alice.command("/incident declare sev2 Checkout errors --privat")
    assert "--privat" in outcome.text
    assert "--private" in outcome.text
    await bot.settle()
    assert not bot.slack.calls_of("conversations.create")


async def test_a_phones_long_dash_counts_as_two(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    await alice.command("/incident declare sev2 Payroll leak —private")
    await bot.settle()
    assert bot.slack.channel("inc-1-payroll-leak").is_private
    assert bot.slack.channel("incidents").messages == []


async def test_the_same_command_twice_within_a_minute_is_one_incident(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    first, second = await asyncio.gather(
        *(alice.command("/incident declare sev2 Checkout errors") for _ in range(2))
    )
    assert "INC-1" in first.text
    assert "INC-1" in second.text
    await bot.settle()
    assert len(bot.slack.calls_of("conversations.create")) == 1


async def test_a_similar_incident_is_pointed_out_and_can_be_declared_anyway(bot: Bot) -> None:
    alice, bob = bot.slack.add_people("alice", "bob")
    await declared(bot, by=alice)
    outcome = await bob.command("/incident declare checkout errors!")
    assert "INC-1" in outcome.text
    assert "Nothing new was declared" in outcome.text

    await bob.click(bob.ephemerals[-1], "declare_anyway")
    await bot.settle()
    assert any("INC-2" in message.text for message in bob.ephemerals)
    assert len(bot.slack.calls_of("conversations.create")) == 2


async def test_a_similar_incident_is_pointed_out_in_the_form_which_keeps_its_values(
    bot: Bot,
) -> None:
    alice, bob = bot.slack.add_people("alice", "bob")
    await alice.command("/incident declare sev2 Checkout errors")
    form = (await bob.command("/incident declare")).get_view()
    values = {"title": "Checkout errors", "severity": "sev1", "impact": "EU"}
    shown = await bob.submit(form, values)
    assert shown.action == "update"
    again = await bob.submit(shown.get_view(), {})
    assert again.acked
    await bot.settle()
    assert len(bot.slack.calls_of("conversations.create")) == 2


@pytest.mark.parametrize(
    "typed",
    [
        "SEV1: Kiosk dark",
        "[sev1] Kiosk dark",
        "sev-1 - Kiosk dark",
        "P1 Kiosk dark",
        "p1: Kiosk dark",
        "sev 1 Kiosk dark",
        "Severity 1: Kiosk dark",
    ],
)
async def test_a_severity_may_be_typed_as_people_write_it(bot: Bot, typed: str) -> None:
    alice = bot.slack.add_person("alice")
    outcome = await alice.command(f"/incident declare {typed}")
    assert "begins as" not in outcome.text
    await bot.settle()
    assert "SEV1" in bot.slack.channel("inc-1-kiosk-dark").pins[0].rendered


async def test_a_severity_that_there_isnt_is_named_and_stays_in_the_title(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    outcome = await alice.command("/incident declare sev9 Kiosk dark")
    assert (
        "There's no severity sev9 here, only SEV1, SEV2, SEV3, SEV4, SEV5, so it begins as SEV3"
        in (outcome.text)
    )
    await bot.settle()
    assert bot.slack.find_channel("inc-1-sev9-kiosk-dark") is not None


async def test_a_word_that_may_mean_a_severity_is_asked_about_and_stays_in_the_title(
    any_bot: Bot,
) -> None:
    alice = any_bot.slack.add_person("alice")
    opened = await alice.command("/incident declare critical database failure")
    form = opened.get_view()
    assert "can mean SEV1" in form.rendered
    await alice.submit(form, {})
    await any_bot.settle()
    room = any_bot.slack.channel("inc-1-critical-database-failure")
    assert "SEV1" in room.pins[0].rendered


@pytest.mark.parametrize(
    ("typed", "now"),
    [
        ("severity 1", "SEV1"),
        ("severity critical", "SEV1"),
        ("severity P2 carts fail", "SEV2"),
        ("sev 2 carts fail", "SEV2"),
        ("severity sev-2: carts fail", "SEV2"),
        ("severity SEV1", "SEV1"),
        ("severity to sev1", "SEV1"),
        ("severity = 1", "SEV1"),
    ],
)
async def test_a_severity_is_changed_by_key_number_name_or_code(
    bot: Bot, typed: str, now: str
) -> None:
    alice = bot.slack.add_person("alice")
    await alice.command("/incident declare sev3 Kiosk dark")
    await bot.settle()
    answer = await alice.command(f"/incident INC-1 {typed}")
    assert f"*{now}*" in answer.text


async def test_the_reason_for_a_severity_keeps_all_its_words(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    await alice.command("/incident declare sev3 Kiosk dark")
    await bot.settle()
    await alice.command("/incident INC-1 severity sev1 the fallback to cash is down")
    assert "the fallback to cash is down" in (await alice.command("/incident INC-1 timeline")).text


@pytest.mark.parametrize(
    "title",
    [
        "curl --resolve shows the wrong certificate",
        "Pagos —tarjeta y bizum— caídos",
        "kubectl delete pod --force hangs",
        ".NET service is down",
        "—tarjeta no funciona",
    ],
)
async def test_dashes_in_free_text_are_text(any_bot: Bot, title: str) -> None:
    alice = any_bot.slack.add_person("alice")
    outcome = await alice.command(f"/incident declare sev2 {title}")
    assert title in outcome.text


async def test_a_misspelt_option_is_asked_about(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    outcome = await alice.command("/incident declare sev2 --privte Leaked key")
    assert "Did you mean `--private`?" in outcome.text
    assert not bot.slack.calls_of("conversations.create")


@pytest.mark.parametrize("title", ["S3 is down", "5xx on the API", "h264 encoder stuck"])
async def test_a_name_with_a_figure_isnt_taken_for_a_severity(bot: Bot, title: str) -> None:
    alice = bot.slack.add_person("alice")
    outcome = await alice.command(f"/incident declare {title}")
    assert "You named no severity, so it begins as SEV3" in outcome.text


async def test_a_severity_whose_key_has_a_hyphen_is_found(bot: Bot) -> None:
    first, *others = bot.loaded.policy.severities
    bot.change_policy(severities=(replace(first, key="all-hands"), *others), call=())
    await bot.restart()
    alice = bot.slack.add_person("alice")
    outcome = await alice.command("/incident declare All-Hands: Kiosk dark")
    assert "is declared" in outcome.text
    assert "begins as" not in outcome.text


async def test_a_message_becomes_an_incident_with_its_link_kept(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    message = await alice.says("Checkout is broken\nsince ten minutes", "general")
    opened = await alice.message_shortcut("declare_from_message", message)
    await alice.submit(opened.get_view(), {})
    await bot.settle()
    assert bot.slack.find_channel("inc-1-checkout-is-broken") is not None


async def test_the_global_shortcut_opens_the_form(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    assert (await alice.shortcut("declare")).view is not None


async def test_two_hundred_services_are_offered_by_search(bot: Bot) -> None:
    services = tuple(Service(key=f"svc-{n}", name=f"Service {n}", tier=3) for n in range(200))
    bot.change_policy(services=services)
    await bot.restart()
    alice = bot.slack.add_person("alice")
    form = (await alice.command("/incident declare")).get_view()
    assert len(await alice.suggestions(form, "services", "")) == 100
    assert len(await alice.suggestions(form, "services", "service 19")) == 11


async def test_a_drill_is_marked_and_announced_nowhere(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    await alice.command("/incident declare sev1 Failover practice --drill")
    await bot.settle()
    room = next(channel for channel in bot.slack.channels if "failover" in channel.name)
    assert "drill" in room.name
    assert "This is a drill" in room.pins[0].rendered
    assert bot.slack.channel("incidents").messages == []


async def test_guests_and_people_of_other_workspaces_declare_nothing(bot: Bot) -> None:
    external = bot.slack.add_person("eve", external_team="T0OTHER")
    guest = bot.slack.add_person("gus", guest=True)
    await refresh_directory(bot.app.services)
    for person in (external, guest):
        outcome = await person.command("/incident declare sev1 Panic")
        assert "can't declare" in outcome.text
    assert not bot.slack.calls_of("conversations.create")


async def test_text_of_people_can_not_ping_or_link(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    await alice.command("/incident declare sev2 <!channel> @here `code` <http://x|click>")
    await bot.settle()
    assert len(bot.slack.messages) >= 2
    for message in bot.slack.messages:
        for text in (message.text, *_markup(message.blocks)):
            assert "<!channel>" not in text
            assert "<http://x" not in text


def _markup(value: object) -> Iterator[str]:
    """Yield every text in which Slack would read mark-up."""
    if isinstance(value, Mapping):
        if value.get("type") == "mrkdwn":
            yield str(value.get("text"))
        for part in value.values():
            yield from _markup(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _markup(part)


@pytest.mark.parametrize("word", ["private", "drill"])
async def test_a_title_that_begins_with_a_flags_word_asks_before_anything_is_declared(
    bot: Bot, word: str
) -> None:
    alice = bot.slack.add_person("alice")
    typed = f"/incident declare sev2 {word} Payroll leak, says @alice"
    form = (await alice.command(typed)).get_view()
    await bot.settle()
    assert not bot.slack.calls_of("conversations.create")
    assert f"`{word}` is ticked" in str(form.blocks)
    assert f"{word} Payroll leak, says @alice" in str(form.blocks)
    await alice.submit(form, {"title": "Payroll leak"})
    await bot.settle()
    number = "drill-1" if word == "drill" else "inc-1"
    room = next(one for one in bot.slack.channels if one.name.startswith(number))
    assert room.is_private == (word == "private")
    assert not bot.slack.channel("incidents").messages


async def test_a_declaration_whose_private_flag_is_in_the_form_stays_private(bot: Bot) -> None:
    bot.change_policy(private=replace(bot.loaded.policy.private, invite=()))
    await bot.restart()
    alice = bot.slack.add_person("alice")
    form = (await alice.command("/incident declare")).get_view()
    await alice.submit(form, {"title": "Leak", "severity": "sev2", "kind": ["private"]})
    await bot.settle()
    assert bot.slack.channel("inc-1-leak").is_private


async def test_taking_command_before_the_channel_is_open_still_pins_one_card(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    bot.slack.delay("conversations.create", 0.4)
    await alice.command("/incident declare sev2 Checkout errors")
    await alice.command("/incident INC-1 role commander me")
    await bot.settle()
    room = bot.slack.channel(ROOM)
    assert len(room.pins) == 1
    assert alice.mention in room.pins[0].text
