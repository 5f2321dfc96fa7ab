"""What the log tells an operator: one id from a request to its calls, and who may send."""

import uuid

import structlog
from sqlalchemy import update
from structlog.testing import capture_logs
from structlog.typing import EventDict

from incidents.engine.outbox import EffectRow, EffectStatus
from incidents.incident.incident import Incident
from tests.scenario.conftest import Bot, declared


def lines_of(log: list[EventDict], event: str) -> list[EventDict]:
    """Return the log's lines about this."""
    return [line for line in log if line["event"] == event]


async def test_one_id_leads_from_a_request_to_all_its_calls_without_a_word_of_people(
    bot: Bot,
) -> None:
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as log:
        alice, room = await declared(bot)
        await alice.command("/incident note Zanzibar", channel=room)
        await bot.settle()

    by_outcome = {line["outcome"]: line for line in lines_of(log, "recorded")}
    first, noted = by_outcome["declared"], by_outcome["noted"]
    assert first["log_level"] == "info"
    async with bot.app.services.database.reading() as session:
        incident = await session.get_one(Incident, uuid.UUID(first["incident_id"]))
    assert first["person_id"] == str(incident.declared_by_id)
    made = {
        line["method"]
        for line in lines_of(log, "slack_called")
        if line.get("correlation_id") == first["correlation_id"]
    }
    # The card and the invitation come of the channel's creation, not of the command itself.
    assert {"conversations.create", "chat.postMessage", "conversations.invite", "pins.add"} <= made
    assert noted["correlation_id"] not in {"", first["correlation_id"]}
    assert not any(word in str(log) for word in ("Checkout", "Zanzibar", "alice"))


async def test_who_may_send_and_what_is_adopted_is_logged(bot: Bot) -> None:
    await declared(bot)
    with capture_logs() as log:
        async with bot.app.services.database.writing() as session:
            abandoned = {"status": EffectStatus.CLAIMED, "claimed_by": "dead"}
            await session.execute(
                update(EffectRow).where(EffectRow.kind == "pin_status_card").values(abandoned)
            )
            await session.commit()
        await bot.restart()
        await bot.settle()
    told = [line["event"] for line in log if "holder" in line]
    assert told == ["lease_released", "lease_taken", "effects_adopted"]
    assert lines_of(log, "effects_adopted")[0]["effects"] >= 1
