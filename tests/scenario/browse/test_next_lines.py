"""What people type wrongly is answered with the line that they meant."""

import pytest

from tests.scenario.conftest import Bot, declared


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("role me", "`/incident role commander me`"),
        ("role comander @ben", "`/incident role commander @\u2060ben`"),
        ("status fixed", "`/incident status resolved`"),
        ("status sev6", "There's no severity `sev6`"),
        ("close", "`/incident resolve`"),
        ("follow", "`/incident update subscribe INC-1`"),
        ("handoff accept", "press *Accept* or *Decline*"),
        ("unsubscribe INC-1", "`/incident update subscribe`"),
    ],
)
async def test_a_wrong_line_is_answered_with_the_next_one(bot: Bot, typed: str, meant: str) -> None:
    bot.slack.add_person("ben")
    alice, room = await declared(bot)
    answer = await alice.command(f"/incident {typed}", channel=room)
    assert meant in answer.rendered
