"""What happens while messages are refreshed: a redaction, a move, a refusal, an error of ours."""

import uuid

import pytest
from sqlalchemy import select

from incidents.core.people import system_actor
from incidents.engine.outbox import EffectStatus, count_by_status
from incidents.engine.posted_messages import PostedMessage, entry_purpose
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from tests.scenario.checkins.test_checkins import declared_with_bob
from tests.scenario.conftest import ROOM, Bot, declared, redact, said
from tests.slack_server.delivery.faults import Match
from tests.slack_server.interaction.people import Person
from tests.slack_server.state import Channel, Message

_ASKED = "Is the web tier healthy?"


async def asked(bot: Bot) -> tuple[Person, Person, Channel, Message]:
    """Let Alice ask Bob, and return both, the channel, and the question there."""
    alice, bob, room = await declared_with_bob(bot)
    await alice.command(f"/incident checkin @bob 10m {_ASKED}", channel=ROOM)
    await bot.settle()
    (question,) = said(room, _ASKED)
    assert question.buttons == ["checkin_understood"]
    return alice, bob, room, question


async def later(bot: Bot) -> None:
    """Let the bot try again what failed, in steps that keep its lease."""
    for _ in range(5):
        await bot.advance(seconds=20)


def updates(message: Message) -> Match:
    """Match the calls that edit this message."""
    return lambda args: args.get("ts") == message.ts


async def unsettled(bot: Bot) -> dict[str, int]:
    """Count the effects that aren't done, and those that were given up."""
    waiting = (EffectStatus.PENDING, EffectStatus.CLAIMED, EffectStatus.BLOCKED, EffectStatus.DEAD)
    services = bot.app.services
    async with services.database.reading() as session:
        return await count_by_status(session, workspace_id=services.workspace.id, statuses=waiting)


@pytest.mark.parametrize("drop", [False, True], ids=["answered", "connection lost"])
async def test_what_is_redacted_during_a_refresh_does_not_come_back(
    bot: Bot, *, drop: bool
) -> None:
    _, bob, room, question = await asked(bot)
    refresh = bot.slack.hold("chat.update", match=updates(question), drop=drop)
    await bob.click(bot.slack.dm(bob).messages[-1], "checkin_understood")
    await bot.slack.wait_for(lambda: refresh.happened, saying="the refresh is under way")
    await redact(bot, "checkin_asked")
    await bot.slack.wait_for(lambda: "was redacted" in question.rendered, saying="it is erased")
    seen: list[str] = []
    bot.slack.on_change(lambda _: seen.append(question.rendered))
    bot.slack.release()
    await bot.slack.wait_for(lambda: any(_ASKED in shown for shown in seen), saying="it was late")
    await bot.settle()
    await bot.advance(seconds=20)
    assert "was redacted" in question.rendered
    assert not said(room, _ASKED)
    assert question.buttons == []


# -- the channel is left meanwhile --------------------------------------------------------------


async def test_a_move_deletes_public_messages_at_once_though_a_refresh_is_under_way(
    bot: Bot,
) -> None:
    alice, bob, room, question = await asked(bot)
    (card,) = [message for message in room.messages if message.is_pinned]
    refresh = bot.slack.hold("chat.update", match=updates(question))
    await bob.click(bot.slack.dm(bob).messages[-1], "checkin_understood")
    await bot.slack.wait_for(lambda: refresh.happened, saying="the refresh is under way")
    form = (await alice.command("/incident INC-1 private @bob customer data")).get_view()
    await alice.submit(form)
    await bot.slack.wait_for(lambda: card.deleted, saying="it is deleted")
    assert not room.is_archived  # what is under way may still write there
    await alice.command("/incident INC-1 note The export held salaries")
    bot.slack.release()
    await bot.settle()
    await later(bot)
    await _is_put_away(bot, room, question=question, card=card)


async def test_a_move_puts_the_channel_away_once_what_was_refused_is_refreshed(bot: Bot) -> None:
    alice, bob, room, question = await asked(bot)
    (card,) = [message for message in room.messages if message.is_pinned]
    bot.slack.fail("chat.update", status=500, times=3, match=updates(question))
    await bob.click(bot.slack.dm(bob).messages[-1], "checkin_understood")
    form = (await alice.command("/incident INC-1 private @bob customer data")).get_view()
    await alice.submit(form)
    await alice.command("/incident INC-1 note The export held salaries")
    await bot.settle()
    assert card.deleted
    await later(bot)
    await _is_put_away(bot, room, question=question, card=card)


async def _is_put_away(bot: Bot, room: Channel, *, question: Message, card: Message) -> None:
    assert room.is_archived
    assert card.deleted
    assert question.deleted
    assert "Checkout errors" not in room.transcript
    assert "salaries" not in room.transcript
    assert "salaries" in bot.slack.channel(f"{ROOM}-2").transcript
    assert await unsettled(bot) == {}


async def test_archived_while_a_refresh_is_pending_nothing_is_stuck_and_it_is_made_up_for(
    bot: Bot,
) -> None:
    alice, bob, room, question = await asked(bot)
    bot.slack.fail("chat.update", status=500, match=updates(question))
    await bob.click(bot.slack.dm(bob).messages[-1], "checkin_understood")
    await bot.settle()
    await alice.archives(room)
    await bot.settle()
    for _ in range(2):
        await bot.advance(seconds=20)
    assert await unsettled(bot) == {}
    assert question.buttons == ["checkin_understood"]
    await alice.unarchives(room)
    await bot.settle()
    assert question.buttons == []
    assert "Understood* at" in question.rendered


# -- Slack refuses for good ---------------------------------------------------------------------

_REFUSALS = ("channel_not_found", "message_not_found", "is_archived", "something_new")


@pytest.mark.parametrize("error", _REFUSALS)
async def test_a_refused_refresh_ends_is_logged_once_and_delays_no_other(
    bot: Bot, capsys: pytest.CaptureFixture[str], error: str
) -> None:
    alice, bob, room, question = await asked(bot)
    told = bot.slack.dm(bob).messages[-1]
    bot.slack.fail("chat.update", error=error, match=updates(question))
    capsys.readouterr()
    await bob.click(told, "checkin_understood")
    await bot.settle()
    assert told.buttons == []  # its refresh came after the refused one
    assert await unsettled(bot) == {}
    await alice.command("/incident note Rolled back", channel=ROOM)
    await bot.settle()
    assert any("Rolled back" in one.text for one in room.everything)
    log = capsys.readouterr().out
    (line,) = [line for line in log.splitlines() if "message_not_refreshed" in line]
    assert "warning" in line
    assert room.id in line
    assert error in line
    assert _ASKED not in log


@pytest.mark.parametrize("error", ["channel_not_found", "is_archived"])
async def test_a_message_in_a_channel_that_is_closed_for_a_while_is_refreshed_later(
    bot: Bot, error: str
) -> None:
    alice, bob, _, question = await asked(bot)
    bot.slack.fail("chat.update", error=error, match=updates(question))
    await bob.click(bot.slack.dm(bob).messages[-1], "checkin_understood")
    await bot.settle()
    assert question.buttons == ["checkin_understood"]
    await alice.command("/incident status mitigated", channel=ROOM)
    await bot.settle()
    assert question.buttons == []


@pytest.mark.parametrize("error", _REFUSALS)
async def test_a_card_that_slack_refuses_delays_no_other_message(bot: Bot, error: str) -> None:
    alice, room = await declared(bot)
    (card,) = [message for message in room.messages if message.is_pinned]
    bot.slack.fail("chat.update", error=error, match=updates(card))
    await alice.command("/incident severity sev1", channel=ROOM)
    await bot.settle()
    assert "SEV1" in bot.slack.channel("incidents").messages[0].rendered
    assert "SEV1" in room.transcript
    waiting = await unsettled(bot)
    assert waiting == ({"dead": 1} if error in {"is_archived", "something_new"} else {})


async def test_a_question_that_is_over_and_cannot_be_edited_is_deleted(bot: Bot) -> None:
    _, bob, room, question = await asked(bot)
    bot.slack.fail("chat.update", error="edit_window_closed", match=updates(question))
    await bob.click(bot.slack.dm(bob).messages[-1], "checkin_understood")
    await bot.settle()
    assert question.deleted
    shown = await bob.command("/incident timeline", channel=room)
    assert "he check-in, until" in shown.rendered


# -- an error of ours ---------------------------------------------------------------------------


async def send_to(bot: Bot, told: Message, purpose: str) -> str:
    """Make a message one to somebody else, by its purpose; return the purpose that it had."""
    had: list[str] = []

    async def change(uow: UnitOfWork) -> Outcome:
        query = select(PostedMessage).where(PostedMessage.message_ts == told.ts)
        posted = (await uow.session.execute(query)).scalar_one()
        had.append(posted.purpose)
        posted.purpose = purpose
        return Outcome("changed")

    services = bot.app.services
    await services.transactions.run(
        change, actor=system_actor(), workspace_id=services.workspace.id
    )
    return had[0]


async def test_a_message_that_cannot_be_made_is_tried_again_alone(
    bot: Bot, capsys: pytest.CaptureFixture[str]
) -> None:
    alice, bob, _, question = await asked(bot)
    told = bot.slack.dm(bob).messages[-1]
    purpose = await send_to(bot, told, entry_purpose(uuid.uuid4()))  # nobody: it raises
    capsys.readouterr()
    await bob.click(told, "checkin_understood")
    await bot.settle()
    assert question.buttons == []
    assert told.buttons == ["checkin_understood"]
    log = capsys.readouterr().out
    assert log.count("message_set_aside") == 1
    assert "NoResultFound" in log
    assert _ASKED not in log
    for _ in range(3):
        await alice.command("/incident status mitigated", channel=ROOM)
        await alice.command("/incident status investigating", channel=ROOM)
        await later(bot)
    assert await unsettled(bot) == {"pending": 1}  # not one each time
    await send_to(bot, told, purpose)
    await bot.advance(minutes=6)  # longer than any pause between attempts
    await later(bot)
    assert told.buttons == []
    assert await unsettled(bot) == {}


async def test_a_message_that_cannot_be_made_does_not_keep_the_old_channel_open(bot: Bot) -> None:
    alice, bob, room, question = await asked(bot)
    (card,) = [message for message in room.messages if message.is_pinned]
    told = bot.slack.dm(bob).messages[-1]
    purpose = await send_to(bot, told, entry_purpose(uuid.uuid4()))
    form = (await alice.command("/incident INC-1 private @bob customer data")).get_view()
    await alice.submit(form)
    await alice.command("/incident INC-1 note The export held salaries")
    await bot.settle()
    assert room.is_archived
    await send_to(bot, told, purpose)
    await later(bot)
    await _is_put_away(bot, room, question=question, card=card)


async def test_one_message_that_slack_is_too_busy_for_delays_no_other(bot: Bot) -> None:
    _, bob, _, question = await asked(bot)
    told = bot.slack.dm(bob).messages[-1]
    bot.slack.fail("chat.update", status=500, match=updates(question))
    await bob.click(told, "checkin_understood")
    await bot.settle()
    assert told.buttons == []
    assert question.buttons == ["checkin_understood"]
    await bot.advance(seconds=20)
    assert question.buttons == []
