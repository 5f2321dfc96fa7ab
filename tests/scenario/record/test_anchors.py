"""Anchors: what Slack has shown names the entry, so that a recomputed record is noticed."""

import re
from datetime import timedelta

from sqlalchemy import select

from incidents.core.hash_chain import ChainHead
from incidents.core.ids import Reference
from incidents.core.people import system_actor
from incidents.core.signing import Signature, SigningKey, head_statement, is_signed
from incidents.incident.incident import ByReference, Incident
from incidents.registry.verification import Proof, prove_incident
from tests.scenario.conftest import Bot
from tests.slack_server import Channel, Message, Person

SEED = bytes(range(32))
KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
ANCHOR = re.compile(r"Record up to entry (\d+): `([0-9a-f]{32})`(?:, signed `([\w-]{86})`)?")


async def ended(bot: Bot, alice: Person) -> Channel:
    """Declare, resolve, publish and close; return the incident's channel."""
    await alice.command("/incident declare sev2 Checkout errors")
    await bot.settle()
    room = bot.slack.channel("inc-1-checkout-errors")
    bot.clock.advance(timedelta(minutes=40))
    await alice.command("/incident role commander @alice", channel=room)
    asked = await alice.command("/incident resolve Rolled back", channel=room)
    now = bot.clock.now()
    times = {"impact_started_at": now - timedelta(minutes=30), "impact_ended_at": now}
    await alice.submit(asked.get_view(), times)
    await bot.settle()
    opened = await alice.command("/incident postmortem write", channel=room)
    await alice.submit(opened.get_view(), {"contributing_factors": "A full disk"})
    await alice.command("/incident postmortem publish", channel=room)
    await alice.command("/incident close", channel=room)
    await bot.settle()
    return room


def anchored(room: Channel) -> list[tuple[Message, re.Match[str]]]:
    """Return the messages with an anchor, and the anchor."""
    found = ((message, ANCHOR.search(message.rendered)) for message in room.messages)
    return [(message, anchor) for message, anchor in found if anchor is not None]


async def proof(bot: Bot) -> Proof:
    services = bot.app.services
    async with services.database.reading() as session:
        return await prove_incident(
            session,
            ByReference(Reference(number=1, is_drill=False)),
            workspace_id=services.workspace.id,
            viewer=system_actor(),
        )


async def test_resolving_publishing_and_closing_name_their_entry_in_the_footer(
    any_bot: Bot,
) -> None:
    bot = any_bot
    room = await ended(bot, bot.slack.add_person("alice"))
    anchors = anchored(room)
    said = [message.rendered for message, _ in anchors]
    for words, text in zip(("resolved", "published", "closed"), said, strict=True):
        assert words in text
    timeline = await proof(bot)
    final = bot.slack.files[-1].content.decode()
    line = re.search(r"Up to entry (\d+), chain head ([0-9a-f]{64})\.\n$", final)
    assert line is not None
    assert timeline.agrees_with(ChainHead(int(line[1]), line[2]))
    for message, anchor in anchors:
        # In the footer: the last block, and no message of its own.
        assert message.blocks[-1]["type"] == "context"
        assert anchor[3] is None
        assert timeline.agrees_with(ChainHead(int(anchor[1]), anchor[2]))


async def test_with_a_key_the_anchors_are_signed(bot: Bot) -> None:
    await bot.stop()
    bot.environ["SITREP_SIGNING_KEY"] = KEY
    await bot.start()
    room = await ended(bot, bot.slack.add_person("alice"))
    public_key = SigningKey(SEED).public_key
    timeline = await proof(bot)
    view = bot.app.services
    async with view.database.reading() as session:
        incident_id = (await session.execute(select(Incident.id))).scalar_one()
    anchors = anchored(room)
    assert len(anchors) == 3
    for _, anchor in anchors:
        sequence = int(anchor[1])
        head = ChainHead(sequence, timeline.hashes[sequence - 1])
        statement = head_statement(str(incident_id), head)
        assert is_signed(statement, Signature(public_key, anchor[3]))
        assert not is_signed({**statement, "sequence": 1}, Signature(public_key, anchor[3]))
