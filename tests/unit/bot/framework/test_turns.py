"""Turns: people who wait for an answer come first, then effects, then events; nobody waits long."""

import asyncio
from collections.abc import Awaitable

import pytest

from bot.framework.turns import Turns


@pytest.fixture
def turns() -> Turns:
    return Turns()


async def test_nobody_stands_back_from_nobody(turns: Turns) -> None:
    assert await _comes(turns.for_effects())
    assert await _comes(turns.for_events())


async def test_effects_and_events_stand_back_while_somebody_is_answered(turns: Turns) -> None:
    with turns.answering():
        assert not await _comes(turns.for_effects())
        assert not await _comes(turns.for_events())
    assert await _comes(turns.for_effects())
    assert await _comes(turns.for_events())


async def test_they_stand_back_until_the_last_has_an_answer(turns: Turns) -> None:
    with turns.answering():
        with turns.answering():
            pass
        assert not await _comes(turns.for_effects())
    assert await _comes(turns.for_effects())


async def test_an_answer_that_failed_holds_nobody_up(turns: Turns) -> None:
    with pytest.raises(ValueError, match="broken"), turns.answering():
        raise ValueError("broken")
    assert await _comes(turns.for_effects())


async def test_events_stand_back_while_effects_are_sent(turns: Turns) -> None:
    turns.note_sending(is_sending=True)
    assert not await _comes(turns.for_events())
    assert await _comes(turns.for_effects())
    turns.note_sending(is_sending=False)
    assert await _comes(turns.for_events())


async def test_nobody_stands_back_for_longer_than_said(turns: Turns) -> None:
    turns.note_sending(is_sending=True)
    with turns.answering():
        async with asyncio.timeout(5):
            await turns.for_effects()
            await turns.for_events()


async def _comes(turn: Awaitable[None]) -> bool:
    """Tell whether the turn comes at once, which takes a few turns of the loop."""
    waiting = asyncio.ensure_future(turn)
    done, _ = await asyncio.wait({waiting}, timeout=0.05)
    waiting.cancel()
    return bool(done)
