"""What integrations post, and what texts refer to, reads as words in the record."""

from typing import Any

from bot.features.record.references import labelled
from tests.scenario.conftest import Bot, declared
from tests.slack_server import Channel, Message, Person
from tests.slack_server.interaction import message_actions
from tests.slack_server.interaction.message_actions import Draft
from tests.slack_server.state import UploadedFile

ALERT: dict[str, Any] = {
    "title": "DiskFull on db-3",
    "title_link": "https://alerts.example/1",
    "text": "97 % since 9:12",
    "fallback": "DiskFull",
}


def posted(bot: Bot, room: Channel, person: Person, text: str = "", **more: Any) -> Message:
    """Let something be in the channel that Slack's clients don't write."""
    attachments = more.pop("attachments", [])
    draft = Draft(text, attachments=attachments, extra=more)
    return message_actions.post(bot.slack.ws, room, person.user, draft)


async def test_alerts_references_and_files_read_as_words_in_the_record(bot: Bot) -> None:
    alice, room = await declared(bot)
    slack = bot.slack
    dave = slack.add_person("dave", name="Dave Doe")
    oncall = slack.add_group("oncall", [dave])
    general, secret = slack.channel("general"), await dave.creates_channel("secret", private=True)

    integration: dict[str, Any] = {"user": None, "bot_id": "B77", "subtype": "bot_message"}
    alert = posted(bot, room, alice, attachments=[ALERT], username="Alertmanager", **integration)
    await alice.pins(alert)
    form = (await alice.message_shortcut("declare_from_message", alert)).get_view()
    assert "DiskFull on db-3" in str(form.payload)

    asked = (
        f"Ask <@{dave.id}> or <!subteam^{oncall.id}> in <#{general.id}|>, not <#{secret.id}>, "
        "<!here> <!date^1772442000^{date}|2 March> <https://a.example|graph> :fire:"
    )
    await alice.reacts(posted(bot, room, alice, asked), "pushpin")
    typed = await labelled(
        bot.app.services, f"Ask <!subteam^{oncall.id}> in <#{general.id}>", within=5
    )
    assert typed == f"Ask <!subteam^{oncall.id}|oncall> in <#{general.id}|general>"
    # A word stays one word, whoever it names.
    erin = slack.add_person("erin")
    erin.user.name = "Erin Doe"
    typed = await labelled(bot.app.services, f"<@{erin.id}> Get some sleep", within=5)
    assert typed == f"<@{erin.id}|Erin.Doe> Get some sleep"

    slack.ws.files["F77"] = UploadedFile(
        "F77", "theirs.log", "theirs.log", dave.id, 1, 1, complete=True
    )
    strange = [
        {"id": "F77", "file_access": "check_file_info"},
        {"id": "F78", "file_access": "check_file_info"},
        {"id": "F79", "mode": "external", "title": "Plan", "external_url": "https://docs.example"},
        {"id": "F80", "mode": "tombstone"},
    ]
    shared = posted(bot, room, alice, files=strange, subtype="file_share")
    await bot.settle()

    await alice.command("/incident export md", channel=room)
    await bot.settle()
    record = slack.files[-1].text.replace("\\", "").replace("\u2060", "")
    link = f"/archives/{room.id}/p{shared.ts.replace('.', '')}"
    for words in (
        "Alertmanager | DiskFull on db-3 (https://alerts.example/1)",
        "97 % since 9:12",
        "Ask @dave or @oncall in #general, not #private-channel, @here 2 March",
        "graph (https://a.example) :fire:",
        "File: theirs.log ([message](https://embedded.slack.com/files/",
        f"File: a file ([message](https://embedded.slack.com{link}))",
        "File: Plan ([message](https://docs.example))",
        f"File: a deleted file ([message](https://embedded.slack.com{link}))",
    ):
        assert words in record, record
    assert "[no text]" not in record
