"""The gauges that are measured when Prometheus scrapes."""

import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from bot.operations.telemetry import (
    BEAT_AGE,
    DEAD_LETTERS,
    DISK_FREE,
    OUTBOX_DEPTH,
    OUTBOX_OLDEST,
    READY,
    REMINDERS_LATE,
    Telemetry,
)
from incidents.registry.backlog import Backlog


def show_backlog(telemetry: Telemetry, backlog: Backlog, *, now: datetime) -> None:
    """Show how much waits, and for how long."""
    for status, count in backlog.depth.items():
        telemetry.set(OUTBOX_DEPTH, count, status=status.value)
    telemetry.forget(DEAD_LETTERS)
    for cause, count in backlog.dead.items():
        telemetry.set(DEAD_LETTERS, count, cause=cause)
    telemetry.set(OUTBOX_OLDEST, _seconds(backlog.oldest_effect_at, now=now))
    telemetry.set(REMINDERS_LATE, _seconds(backlog.oldest_reminder_due_at, now=now))


def show_parts(
    telemetry: Telemetry, *, works: Mapping[str, bool], beat_ages: Mapping[str, float]
) -> None:
    """Show which parts work, and how old the beats of those are that beat."""
    for check, does in works.items():
        telemetry.set(READY, does, check=check)
    for part, seconds in beat_ages.items():
        telemetry.set(BEAT_AGE, seconds, part=part)


def show_disk(telemetry: Telemetry, file: Path | None) -> None:
    """Show the free space for the SQLite file; forget it if that can't be seen."""
    telemetry.forget(DISK_FREE)
    if file is None:
        return
    try:
        free = shutil.disk_usage(file.parent).free
    except OSError:
        return
    telemetry.set(DISK_FREE, free, folder="database")


def _seconds(since: datetime | None, *, now: datetime) -> float:
    return max((now - since).total_seconds(), 0.0) if since is not None else 0.0
