"""A real Bolt app on both transports: commands, forms, buttons, events, homes."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from tests.slack_server import CannotDoError, Person, SlackServer

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def option(value: str) -> Json:
    return {"text": plain(value.title()), "value": value}


def field(name: str, element: Json, **extra: Any) -> Json:
    block = {"type": "input", "block_id": name, "label": plain(name.title())}
    return {**block, "element": {"action_id": f"{name}_input", **element}, **extra}


def modal(*blocks: Json, title: str = "Declare", **extra: Any) -> Json:
    head = {"type": "modal", "callback_id": "form", "title": plain(title)}
    return {**head, "submit": plain("Send"), "blocks": list(blocks), **extra}


TITLE = field("title", {"type": "plain_text_input"})


def button(action_id: str, label: str, **extra: Any) -> Json:
    return {"type": "button", "action_id": action_id, "text": plain(label), **extra}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "block_id": "buttons", "elements": list(elements)}


async def test_a_command_is_answered_privately_in_its_ack(
    slack: SlackServer, running: AsyncApp, alice: Person, bob: Person
) -> None:
    seen: list[Json] = []

    @running.command("/incident")
    async def handle(ack: Any, command: Json) -> None:
        seen.append(command)
        await ack("Declared")

    outcome = await alice.command("/incident role @bob in #general <now> & here")
    assert outcome.acked
    assert outcome.status == 200
    assert outcome.text == "Declared"
    assert [m.text for m in alice.ephemerals] == ["Declared"]
    general = slack.channel("general")
    assert seen[0]["text"] == (
        f"role <@{bob.id}|bob> in <#{general.id}|general> &lt;now&gt; &amp; here"
    )
    assert seen[0]["channel_name"] == "general"


async def test_a_command_in_a_private_channel_carries_no_channel_name(
    slack: SlackServer, running: AsyncApp, alice: Person
) -> None:
    seen: list[Json] = []

    @running.command("/incident")
    async def handle(ack: Any, command: Json) -> None:
        seen.append(command)
        await ack()

    slack.add_channel("secret", private=True, members=[alice])
    assert (await alice.command("/incident", channel="secret")).acked
    assert seen[0]["channel_name"] == "privategroup"


async def test_a_form_is_opened_filled_in_refused_and_accepted(
    slack: SlackServer, running: AsyncApp, alice: Person, bob: Person
) -> None:
    states: list[Json] = []
    blocks = [
        TITLE,
        field("severity", {"type": "static_select", "options": [option("sev1"), option("sev2")]}),
        field("who", {"type": "multi_users_select"}),
        field("flags", {"type": "checkboxes", "options": [option("drill")]}, optional=True),
        field("since", {"type": "datetimepicker"}),
        field("count", {"type": "number_input", "is_decimal_allowed": False}, optional=True),
    ]

    @running.command("/incident")
    async def handle(ack: Any, command: Json, client: AsyncWebClient) -> None:
        await client.views_open(trigger_id=command["trigger_id"], view=modal(*blocks))
        await ack()

    @running.view("form")
    async def submitted(ack: Any, view: Json) -> None:
        states.append(view["state"]["values"])
        if len(states) == 1:
            await ack(response_action="errors", errors={"title": "Say what is broken"})
        else:
            await ack()

    view = (await alice.command("/incident declare")).get_view()
    values = {
        "title": "Checkout",
        "Severity": "sev2",
        "who_input": [bob],
        "flags": ["Drill"],
        "since": datetime(2026, 3, 1, tzinfo=UTC),
    }
    refused = await alice.submit(view, values)
    assert refused.errors == {"title": "Say what is broken"}
    accepted = await alice.submit(view, {"title": "Checkout errors"})
    assert accepted.action == "close"
    assert not view.is_open
    final = states[-1]
    assert final["title"]["title_input"]["value"] == "Checkout errors"
    assert final["severity"]["severity_input"]["selected_option"] == option("sev2")
    assert final["who"]["who_input"]["selected_users"] == [bob.id]
    assert final["flags"]["flags_input"]["selected_options"] == [option("drill")]
    assert final["since"]["since_input"]["selected_date_time"] == 1772323200
    assert final["count"]["count_input"]["value"] is None
    with pytest.raises(CannotDoError, match="no longer open"):
        await alice.submit(view)
    assert slack.violations == []


async def test_slacks_client_refuses_an_incomplete_form(
    slack: SlackServer, running: AsyncApp, alice: Person
) -> None:
    @running.shortcut("declare")
    async def handle(ack: Any, shortcut: Json, client: AsyncWebClient) -> None:
        await client.views_open(trigger_id=shortcut["trigger_id"], view=modal(TITLE))
        await ack()

    view = (await alice.shortcut("declare")).get_view()
    with pytest.raises(CannotDoError, match="'Title' is empty"):
        await alice.submit(view)
    assert slack.deliveries_of("view_submission") == []


async def test_an_external_select_is_filled_from_the_apps_suggestions(
    running: AsyncApp, alice: Person
) -> None:
    chosen: list[Json] = []
    select = field("service", {"type": "external_select", "min_query_length": 0})

    @running.shortcut("declare")
    async def handle(ack: Any, shortcut: Json, client: AsyncWebClient) -> None:
        await client.views_open(trigger_id=shortcut["trigger_id"], view=modal(select))
        await ack()

    @running.options("service_input")
    async def suggest(ack: Any, payload: Json) -> None:
        names = ["checkout", "search", "login"]
        await ack(options=[option(n) for n in names if payload["value"] in n])

    @running.view("form")
    async def submitted(ack: Any, view: Json) -> None:
        chosen.append(view["state"]["values"]["service"]["service_input"]["selected_option"])
        await ack()

    view = (await alice.shortcut("declare")).get_view()
    found = await alice.suggestions(view, "service_input", "sea")
    assert [(choice.text, choice.value) for choice in found] == [("Search", "search")]
    await alice.submit(view, {"service": "Checkout"})
    assert chosen == [option("checkout")]


async def test_pushed_views_stack_up_to_three(
    slack: SlackServer, running: AsyncApp, alice: Person
) -> None:
    @running.shortcut("declare")
    async def handle(ack: Any, shortcut: Json, client: AsyncWebClient) -> None:
        await client.views_open(trigger_id=shortcut["trigger_id"], view=modal(TITLE))
        await ack()

    @running.view("form")
    async def submitted(ack: Any) -> None:
        await ack(response_action="push", view=modal(TITLE, title="Next"))

    first = (await alice.shortcut("declare")).get_view()
    second = (await alice.submit(first, {"title": "a"})).get_view()
    third = (await alice.submit(second, {"title": "b"})).get_view()
    assert third.previous_view_id == second.id
    outcome = await alice.submit(third, {"title": "c"})
    assert outcome.error == "push_limit_reached"


async def test_a_button_press_updates_the_message_and_answers_by_response_url(
    slack: SlackServer, running: AsyncApp, client: AsyncWebClient, alice: Person
) -> None:
    room = slack.add_channel("room", members=[slack.bot, alice])
    pressed: list[Json] = []

    @running.action("take")
    async def handle(ack: Any, body: Json, client: AsyncWebClient, respond: Any) -> None:
        pressed.append(body)
        place = body["container"]
        await client.chat_update(channel=place["channel_id"], ts=place["message_ts"], text="Taken")
        await respond("Only you see this")
        await ack()

    await client.chat_postMessage(
        channel=room.id,
        text="Card",
        blocks=[actions(button("take", "Take", value="7"), button("leave", "Leave"))],
    )
    (card,) = room.messages
    old = card.seen()
    assert (await alice.click(card, "Take")).acked
    assert card.text == "Taken"
    assert pressed[0]["actions"][0]["value"] == "7"
    assert pressed[0]["message"]["ts"] == card.ts
    assert [m.text for m in alice.ephemerals] == ["Only you see this"]
    with pytest.raises(CannotDoError, match="shown"):
        await alice.click(card, "take")
    assert (await alice.click(old, "take")).acked


async def test_a_button_of_an_ephemeral_replaces_it(
    slack: SlackServer, running: AsyncApp, alice: Person
) -> None:
    bodies: list[Json] = []

    @running.command("/incident")
    async def handle(ack: Any) -> None:
        await ack(text="Sure?", blocks=[actions(button("sure", "Declare anyway"))])

    @running.action("sure")
    async def sure(ack: Any, body: Json, respond: Any) -> None:
        bodies.append(body)
        await respond(text="Done", replace_original=True)
        await ack()

    await alice.command("/incident declare x")
    (asked,) = alice.ephemerals
    await alice.click(asked, "Declare anyway")
    assert [m.text for m in alice.ephemerals] == ["Done"]
    assert "message" not in bodies[0]
    assert bodies[0]["container"]["is_ephemeral"] is True


async def test_a_response_url_works_five_times(
    slack: SlackServer, running: AsyncApp, alice: Person
) -> None:
    answers: list[int] = []

    @running.command("/incident")
    async def handle(ack: Any, respond: Any) -> None:
        answers.extend([(await respond(f"answer {n}")).status_code for n in range(6)])
        await ack()

    await alice.command("/incident")
    assert answers == [200] * 5 + [404]
    assert len(alice.ephemerals) == 5


async def test_a_mention_arrives_as_message_and_as_app_mention(
    slack: SlackServer, running: AsyncApp, alice: Person
) -> None:
    events: list[Json] = []

    @running.event("message")
    @running.event("app_mention")
    async def heard(event: Json) -> None:
        events.append(event)

    room = slack.add_channel("room", members=[slack.bot, alice])
    message = await alice.says("@sitrep help", room)
    await slack.wait_for(lambda: len(events) == 2)
    assert {e["type"] for e in events} == {"message", "app_mention"}
    assert {(e["channel"], e["ts"]) for e in events} == {(room.id, message.ts)}
    ids = {d.payload["event_id"] for d in slack.deliveries.log}
    assert len(ids) == len(slack.deliveries.log)


async def test_the_app_hears_of_reactions_pins_joins_and_edits(
    slack: SlackServer, running: AsyncApp, alice: Person, bob: Person
) -> None:
    kinds: list[str] = []

    async def heard(event: Json) -> None:
        kinds.append(event.get("subtype") or event["type"])

    for kind in ("reaction_added", "reaction_removed", "pin_added", "member_joined_channel"):
        running.event(kind)(heard)
    running.event("message")(heard)
    room = slack.add_channel("room", members=[slack.bot, alice])
    message = await alice.says("It began at noon", room)
    await alice.reacts(message, "pushpin")
    await alice.unreacts(message, "pushpin")
    await alice.pins(message)
    await alice.edits(message, "It began at one")
    await bob.joins(room)
    assert sorted(kinds) == sorted(
        [
            "message",
            "reaction_added",
            "reaction_removed",
            "pin_added",
            "message_changed",
            "member_joined_channel",
            "channel_join",
        ]
    )
    assert all(delivery.acked for delivery in slack.deliveries.log)


async def test_the_app_hears_nothing_from_other_channels(
    slack: SlackServer, running: AsyncApp, alice: Person
) -> None:
    room = slack.add_channel("room", members=[alice])
    await alice.says("hello", room)
    assert slack.deliveries.log == []


async def test_the_home_tab_is_published_when_opened(
    slack: SlackServer, running: AsyncApp, alice: Person
) -> None:
    @running.event("app_home_opened")
    async def opened(event: Json, client: AsyncWebClient) -> None:
        section = {"type": "section", "text": plain("Open incidents: none")}
        view = {"type": "home", "blocks": [section, actions(button("declare", "Declare"))]}
        await client.views_publish(user_id=event["user"], view=view)

    @running.action("declare")
    async def declare(ack: Any, body: Json, client: AsyncWebClient) -> None:
        await client.views_open(trigger_id=body["trigger_id"], view=modal(TITLE))
        await ack()

    await alice.opens_home()
    home = await slack.wait_for(lambda: slack.home(alice))
    assert home.rendered == "Open incidents: none\n[Declare]"
    assert (await alice.click(home, "Declare")).get_view().title == "Declare"


async def test_the_app_hears_of_a_closed_form_only_if_it_asked(
    slack: SlackServer, running: AsyncApp, alice: Person
) -> None:
    closed: list[str] = []

    @running.shortcut("declare")
    async def handle(ack: Any, shortcut: Json, client: AsyncWebClient) -> None:
        view = modal(TITLE, notify_on_close=True)
        await client.views_open(trigger_id=shortcut["trigger_id"], view=view)
        await ack()

    @running.view_closed("form")
    async def heard(ack: Any, view: Json) -> None:
        closed.append(view["id"])
        await ack()

    view = (await alice.shortcut("declare")).get_view()
    await alice.close(view)
    assert closed == [view.id]


async def test_an_unhandled_command_is_not_acked(running: AsyncApp, alice: Person) -> None:
    running.client.logger.disabled = True
    outcome = await asyncio.wait_for(_unhandled(alice), 10)
    assert not outcome


async def _unhandled(alice: Person) -> bool:
    alice._stage.deliveries.ack_timeout = 0.1
    return (await alice.command("/nonsense")).acked
