"""What is said while nobody commands, decided from where the watch stands."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

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


def test_first_the_channel_is_asked_and_the_backups_turn_is_set() -> None:
    assert decide(ASKED_FIRST, minutes=5) == CommandDecision(
        STEP_ASK, SINCE + timedelta(minutes=10)
    )


def test_then_the_backup_is_named_and_that_is_all() -> None:
    watch = replace(ASKED_FIRST, step=STEP_BACKUP)
    assert decide(watch, minutes=10) == CommandDecision(STEP_BACKUP, None)


def test_after_an_absence_only_the_later_step_is_said() -> None:
    assert decide(ASKED_FIRST, minutes=45) == CommandDecision(STEP_BACKUP, None)


def test_without_a_backup_the_channel_is_asked_once_however_late() -> None:
    watch = replace(ASKED_FIRST, has_backup=False)
    assert decide(watch, minutes=45) == CommandDecision(STEP_ASK, None)


def test_a_backup_removed_meanwhile_leaves_nothing_to_say() -> None:
    watch = replace(ASKED_FIRST, step=STEP_BACKUP, has_backup=False)
    assert decide(watch, minutes=10) == CommandDecision(None, None)


@pytest.mark.parametrize("step", [STEP_ASK, STEP_BACKUP])
def test_with_somebody_in_command_nothing_is_said(step: int) -> None:
    watch = replace(ASKED_FIRST, step=step, needs_commander=False)
    assert decide(watch, minutes=60) == CommandDecision(None, None)
