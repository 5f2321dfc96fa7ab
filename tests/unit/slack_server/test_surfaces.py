"""Views changed by the app, messages by response_url, shortcuts, and rarer inputs."""

from datetime import date
from typing import Any

import aiohttp
import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.slack_server import CannotDoError, Channel, Person, SlackServer, render

Json = dict[str, Any]

pytestmark = pytest.mark.parametrize("running", ["socket"], indirect=True)


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def field(name: str, kind: str, **element: Any) -> Json:
    inner = {"type": kind, "action_id": f"{name}_input", **element}
    return {"type": "input", "block_id": name, "label": plain(name.title()), "element": inner}


def modal(title: str, *blocks: Json, **extra: Any) -> Json:
    head = {"type": "modal", "callback_id": "form", "title": plain(title)}
    return {**head, "submit": plain("Send"), "blocks": list(blocks), **extra}


TITLE = field("title", "plain_text_input", min_length=3, max_length=10)
MORE = {
    "type": "actions",
    "elements": [{"type": "button", "action_id": "more", "text": plain("More")}],
}


def opens(running: AsyncApp, view: Json) -> None:
    """Let the app open `view` on the shortcut `open`."""

    @running.shortcut("open")
    async def handle(ack: Any, body: Json, client: AsyncWebClient) -> None:
        await client.views_open(trigger_id=body["trigger_id"], view=view)
        await ack()


async def test_a_view_is_updated_in_place_and_keeps_what_was_filled_in(
    slack: SlackServer, running: AsyncApp, client: AsyncWebClient, alice: Person
) -> None:
    opens(running, modal("First", TITLE))

    @running.view("form")
    async def submitted(ack: Any, view: Json) -> None:
        await client.views_update(
            view_id=view["id"], hash=view["hash"], view=modal("Second", TITLE)
        )
        await ack(response_action="errors", errors={"title": "Longer"})

    view = (await alice.shortcut("open")).get_view()
    old_hash = view.hash
    await alice.submit(view, {"title": "abc"})
    assert view.title == "Second"
    assert view.values["title"]["title_input"]["value"] == "abc"
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await client.views_update(view_id=view.id, hash=old_hash, view=modal("Third", TITLE))
    with pytest.raises(SlackApiError, match="not_found"):
        await client.views_update(view_id="V404", view=modal("Third", TITLE))


async def test_a_button_in_a_form_pushes_another_form(
    running: AsyncApp, client: AsyncWebClient, alice: Person
) -> None:
    opens(running, modal("First", TITLE, MORE))

    @running.action("more")
    async def more(ack: Any, body: Json) -> None:
        await client.views_push(trigger_id=body["trigger_id"], view=modal("Second", TITLE))
        await ack()

    @running.view("form")
    async def submitted(ack: Any) -> None:
        await ack(response_action="clear")

    first = (await alice.shortcut("open")).get_view()
    second = (await alice.click(first, "More")).get_view()
    assert second.previous_view_id == first.id
    await alice.submit(second, {"title": "abc"})
    assert (first.is_open, second.is_open) == (False, False)


async def test_an_update_in_the_ack_changes_the_form(running: AsyncApp, alice: Person) -> None:
    opens(running, modal("First", TITLE))

    @running.view("form")
    async def submitted(ack: Any) -> None:
        await ack(response_action="update", view=modal("Thanks", TITLE))

    view = (await alice.shortcut("open")).get_view()
    outcome = await alice.submit(view, {"title": "abc"})
    assert outcome.action == "update"
    assert outcome.get_view().title == "Thanks"


async def test_an_error_for_a_missing_field_is_a_violation(
    slack: SlackServer, running: AsyncApp, alice: Person
) -> None:
    opens(running, modal("First", TITLE))

    @running.view("form")
    async def submitted(ack: Any) -> None:
        await ack(response_action="errors", errors={"nothing": "Wrong"})

    view = (await alice.shortcut("open")).get_view()
    await alice.submit(view, {"title": "abc"})
    assert slack.violations == ["error for 'nothing', which is no input"]


async def test_the_client_refuses_invalid_values(
    slack: SlackServer, running: AsyncApp, alice: Person
) -> None:
    count = field("count", "number_input", is_decimal_allowed=False, max_value="5")
    severity = field(
        "severity", "static_select", options=[{"text": plain("SEV1"), "value": "sev1"}]
    )
    opens(running, modal("First", TITLE, count, severity))
    view = (await alice.shortcut("open")).get_view()
    good = {"title": "abc", "count": 3, "severity": "sev1"}
    refused: list[tuple[Json, str]] = [
        ({"title": "ab"}, "3 to 10 characters"),
        ({"count": "many"}, "takes a number"),
        ({"count": 6}, "not 6"),
        ({"severity": "sev9"}, "doesn't offer"),
        ({"colour": "red"}, "no field"),
    ]
    for wrong, complaint in refused:
        with pytest.raises(CannotDoError, match=complaint):
            await alice.submit(view, {**good, **wrong})
    assert slack.deliveries_of("view_submission") == []


async def test_every_kind_of_field_holds_its_value(
    slack: SlackServer, running: AsyncApp, alice: Person, bob: Person
) -> None:
    options = [{"text": plain(name.upper()), "value": name} for name in ("a", "b")]
    opens(
        running,
        modal(
            "Fields",
            field("user", "users_select"),
            field("channel", "channels_select"),
            field("places", "multi_conversations_select"),
            field("radio", "radio_buttons", options=options),
            field("several", "multi_static_select", options=options, max_selected_items=2),
            field("day", "datepicker"),
            field("time", "timepicker", initial_time="12:00"),
            field("url", "url_text_input"),
            field("email", "email_text_input", initial_value="a@example.com"),
        ),
    )
    states: list[Json] = []

    @running.view("form")
    async def submitted(ack: Any, view: Json) -> None:
        states.append(view["state"]["values"])
        await ack()

    view = (await alice.shortcut("open")).get_view()
    general = slack.channel("general")
    values = {
        "user": "@bob",
        "channel": "general",
        "places": [general],
        "radio": "B",
        "several": ["a", "b"],
        "day": date(2026, 3, 1),
        "url": "https://example.com",
    }
    assert (await alice.submit(view, values)).action == "close"
    entries = {name: state[f"{name}_input"] for name, state in states[0].items()}
    held = {
        name: next(value for key, value in entry.items() if key != "type")
        for name, entry in entries.items()
    }
    assert held == {
        "user": bob.id,
        "channel": general.id,
        "places": [general.id],
        "radio": options[1],
        "several": options,
        "day": "2026-03-01",
        "time": "12:00",
        "url": "https://example.com",
        "email": "a@example.com",
    }


async def test_a_message_shortcut_carries_the_message(
    slack: SlackServer, running: AsyncApp, alice: Person
) -> None:
    bodies: list[Json] = []

    @running.shortcut("add")
    async def handle(ack: Any, body: Json, respond: Any) -> None:
        bodies.append(body)
        await ack()
        await respond(text="Added", response_type="in_channel")

    room = slack.add_channel("room", members=[slack.bot, alice])
    message = await alice.says("at noon", room)
    assert (await alice.message_shortcut("add", message)).acked
    assert (bodies[0]["message_ts"], bodies[0]["message"]["text"]) == (message.ts, "at noon")
    assert room.messages[-1].text == "Added"


async def test_a_response_url_deletes_its_message(
    slack: SlackServer, running: AsyncApp, client: AsyncWebClient, alice: Person
) -> None:
    @running.action("more")
    async def more(ack: Any, respond: Any) -> None:
        await respond(delete_original=True)
        await ack()

    room = slack.add_channel("room", members=[slack.bot, alice])
    await client.chat_postMessage(channel=room.id, text="card", blocks=[MORE])
    (card,) = room.messages
    await alice.click(card, "more")
    assert room.messages == []
    await client.chat_postMessage(channel=room.id, text="card", blocks=[MORE])
    with pytest.raises(CannotDoError, match="0 elements"):
        await alice.click(room.messages[0], "less")


async def test_the_eleventh_socket_is_refused(slack: SlackServer, running: AsyncApp) -> None:
    async with aiohttp.ClientSession() as session:
        sockets = [await session.ws_connect(slack.backend.new_socket_url()) for _ in range(10)]
        last = await sockets[-1].receive_json()
        for socket in sockets:
            await socket.close()
    assert last == {"type": "disconnect", "reason": "too_many_websockets"}


async def test_rarer_blocks_render_their_texts(
    slack: SlackServer, running: AsyncApp, alice: Person
) -> None:
    rich = {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_section",
                "elements": [
                    {"type": "text", "text": "ask "},
                    {"type": "user", "user_id": alice.id},
                    {"type": "emoji", "name": "eyes"},
                ],
            }
        ],
    }
    table = {"type": "table", "rows": [[{"type": "raw_text", "text": "a"}, plain("b")]]}
    options = [{"text": plain("A"), "value": "a"}, {"text": plain("B"), "value": "b"}]
    chosen = {
        "type": "actions",
        "elements": [
            {"type": "radio_buttons", "options": options, "initial_option": options[1]},
            {"type": "multi_static_select", "options": options, "initial_options": options},
            {"type": "users_select", "initial_user": alice.id},
            {"type": "overflow", "options": options},
        ],
    }
    image = {"type": "image", "image_url": "https://example.com/a.png", "alt_text": "graph"}
    shown = render({"blocks": [rich, {"type": "divider"}, table, image, chosen]}, slack.ws.names)
    assert shown.splitlines() == [
        "ask @alice:eyes:",
        "────────",
        "a | b",
        "[image: graph]",
        "( ) A (x) B [A, B ▾] [@alice ▾] [… A, B]",
    ]


async def test_a_select_in_a_message_sends_what_was_chosen(
    slack: SlackServer, running: AsyncApp, client: AsyncWebClient, alice: Person
) -> None:
    chosen: list[Json] = []

    @running.action("severity")
    async def handle(ack: Any, action: Json) -> None:
        chosen.append(action)
        await ack()

    options = [{"text": plain(f"SEV{n}"), "value": f"sev{n}"} for n in (1, 2)]
    select = {"type": "static_select", "action_id": "severity", "options": options}
    room: Channel = slack.add_channel("room", members=[slack.bot, alice])
    blocks = [{"type": "section", "text": plain("Severity"), "accessory": select}]
    await client.chat_postMessage(channel=room.id, text="card", blocks=blocks)
    await alice.click(room.messages[0], "severity", "SEV2")
    assert chosen[0]["selected_option"] == options[1]
