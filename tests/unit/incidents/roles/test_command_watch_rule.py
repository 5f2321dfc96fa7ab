"""What the watch says while nobody is in command."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from incidents.roles.command_watch import (
    STEP_ASK,
    STEP_BACKUP,
    CommandDecision,
    Watch,
    decide_command_watch,
)
from tests.policies import built_in

SINCE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ASKED_FIRST = Watch(needs_commander=True, step=STEP_ASK, since=SINCE, has_backup=True)


def decide(watch: Watch, *, minutes: float) -> CommandDecision:
    reminders = built_in().policy.reminders
    return decide_command_watch(watch, reminders=reminders, now=SINCE + timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("changes", "minutes", "says", "next_minutes"),
    [
        # First it asks the channel and schedules the backup, then it names the backup and ends.
        ({}, 5, STEP_ASK, 10),
        ({"step": STEP_BACKUP}, 10, STEP_BACKUP, None),
        # After an absence, only the later step.
        ({}, 45, STEP_BACKUP, None),
        # Without a backup it asks the channel once, however late.
        ({"has_backup": False}, 45, STEP_ASK, None),
        # The policy lost its backup meanwhile.
        ({"step": STEP_BACKUP, "has_backup": False}, 10, None, None),
    ],
)
def test_the_watch_asks_the_channel_once_and_names_the_backup_once(
    changes: dict[str, Any], minutes: int, says: int | None, next_minutes: int | None
) -> None:
    next_at = None if next_minutes is None else SINCE + timedelta(minutes=next_minutes)
    decision = decide(replace(ASKED_FIRST, **changes), minutes=minutes)
    assert decision == CommandDecision(says, next_at)


@pytest.mark.parametrize("step", [STEP_ASK, STEP_BACKUP])
def test_with_somebody_in_command_nothing_is_said(step: int) -> None:
    watch = replace(ASKED_FIRST, step=step, needs_commander=False)
    assert decide(watch, minutes=60) == CommandDecision(None, None)
