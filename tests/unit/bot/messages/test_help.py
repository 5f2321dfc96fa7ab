"""Help lists every command, in the blocks and in the fallback."""

from bot.features import all_features
from bot.features.browse.help import overview
from bot.slack.blocks.surfaces import MAX_TEXT

COMMANDS = [command for feature in all_features() for command in feature.commands]


def test_the_fallback_lists_every_command() -> None:
    message = overview(COMMANDS, here=None, slash="/incident")
    assert [one.name for one in COMMANDS if f"`{one.name}` {one.summary}" not in message.text] == []
    assert len(message.text) < MAX_TEXT


def test_every_command_is_shown_with_its_usage() -> None:
    shown = str(overview(COMMANDS, here=None, slash="/incident").payload()["blocks"])
    assert [one.name for one in COMMANDS if f"/incident {one.usage}" not in shown] == []
