"""Back after an absence: reads what happened in an incident's channel, and handles it as events.

What people marked, shared and changed there is turned into the events that Slack would have sent,
and goes the same way as those: handlers that had one already change nothing. Each page and each
thread is a step of its own, so a process that dies goes on where it was. Newest come first, and
the oldest of a long channel are left out: Slack grants few such calls, and messages need them too.
"""

import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final

from bot.features.channel.watch import look_at_channel
from bot.features.record.missed_events import Knowledge, Missed, of_life
from bot.framework.effect_context import Done, Dropped, EffectContext, Settlement
from bot.framework.feature import Feature
from bot.framework.requests import Services
from bot.slack.errors import SlackPermanent
from bot.slack.gateway.channels import Channel
from bot.slack.ids import instant_to_ts
from incidents.channel.membership import find_present
from incidents.core.errors import IncidentNotFound
from incidents.core.people import system_actor
from incidents.engine.effects import CatchUp
from incidents.engine.presence import Absence, note_absence
from incidents.incident.incident import Incident, Sharing
from incidents.record.captured_messages import marks_in

MOST_PAGES: Final = 5
MOST_THREADS: Final = 20
# Slack's clock and ours may differ.
_MARGIN: Final = timedelta(minutes=1)

Hear = Callable[[Mapping[str, Any]], Awaitable[None]]


def feature(hear: Hear) -> Feature:
    """Return the feature; `hear` handles an event's body as if Slack delivered it now."""
    return Feature(name="catch_up", effects={CatchUp: partial(catch_up, hear=hear)})


async def catch_up(context: EffectContext, *, hear: Hear) -> Settlement:
    """Read what was missed in the channel; then it is recorded how long Sitrep was away."""
    effect, services = context.get(CatchUp), context.services
    async with services.database.reading() as session:
        incident = await session.get(Incident, effect.incident_id)
        absence = await session.get(Absence, effect.absence_id)
    if incident is None or incident.channel_id is None or absence is None:
        return Dropped("nothing to catch up with")
    reading = _Reading(context=context, hear=hear, absence=absence, channel_id=incident.channel_id)
    error = ""
    try:
        await reading.read(incident)
    except SlackPermanent as refusal:
        error = refusal.error
    note = partial(
        note_absence,
        incident_id=incident.id,
        absence_id=absence.id,
        is_complete=not context.progress.get("is_cut"),
        error=error,
    )
    return Done(note)


@dataclass(slots=True, kw_only=True)
class _Reading:
    """One attempt at reading a channel; the effect's progress says how far earlier ones came."""

    context: EffectContext
    hear: Hear
    absence: Absence
    channel_id: str

    @property
    def _services(self) -> Services:
        return self.context.services

    @property
    def _progress(self) -> dict[str, Any]:
        return self.context.progress

    async def read(self, incident: Incident) -> None:
        """Read the channel's life, messages, threads, pins and members."""
        channel = await self._services.gateway.find_channel(self.channel_id)
        if channel is None or not channel.is_member:
            await self._look()
            return
        if not self._progress:
            await self._follow_life(channel, incident)
        knowledge = await self._knowledge(channel)
        while not self._progress.get("is_read"):
            await self._read_page(knowledge)
        while self._progress.get("threads"):
            await self._read_thread(knowledge)
        await self._read_pins(knowledge)
        await self._find_departed(knowledge, incident)

    async def _knowledge(self, channel: Channel) -> Knowledge:
        workspace_id = self._services.workspace.id
        async with self._services.database.reading() as session:
            marks = await marks_in(session, self.channel_id, workspace_id=workspace_id)
        return Knowledge(
            channel_id=self.channel_id,
            us=self._services.workspace.bot_external_id,
            is_private=channel.is_private,
            is_shared=channel.has_strangers,
            since=instant_to_ts(self.absence.from_at - _MARGIN),
            back_at=instant_to_ts(self.absence.until_at - _MARGIN),
            marker=self._services.policy.timeline.marker_emoji,
            marks=marks,
        )

    async def _follow_life(self, channel: Channel, incident: Incident) -> None:
        """Let the record follow the channel first: that decides who gets in by joining it."""
        page, _ = await self._services.gateway.history_page(self.channel_id, before=None)
        us = self._services.workspace.bot_external_id
        is_shared = incident.channel_sharing != Sharing.NONE
        await self._hear_all(of_life(page, channel, incident, us=us), is_shared=is_shared)
        await self._look()

    async def _look(self) -> None:
        with contextlib.suppress(IncidentNotFound):  # it left the channel meanwhile
            await look_at_channel(self._services, self.channel_id, actor=system_actor())

    async def _read_page(self, knowledge: Knowledge) -> None:
        progress = self._progress
        page, has_older = await self._services.gateway.history_page(
            self.channel_id, before=progress.get("before")
        )
        for raw in reversed(page):
            await self._hear_all(knowledge.of_message(raw), is_shared=knowledge.is_shared)
        threads = [
            (str(raw.get("latest_reply") or ""), str(raw["ts"]))
            for raw in page
            if raw.get("reply_count")
        ]
        known = [(latest, ts) for latest, ts in progress.get("threads") or ()]
        pages = progress.get("pages", 0) + 1
        is_last = not page or not has_older or pages >= MOST_PAGES
        # Of the rest, only the time that we missed counts as missing.
        newest_left_out = str(page[-1]["ts"]) if page and has_older and is_last else ""
        progress |= {
            "pages": pages,
            "before": str(page[-1]["ts"]) if page else "",
            "is_read": is_last,
            "is_cut": newest_left_out >= knowledge.since,
            "threads": sorted(known + threads, reverse=True),
        }
        if is_last:
            self._leave_out_threads(knowledge)
        await self.context.save_progress(progress)

    def _leave_out_threads(self, knowledge: Knowledge) -> None:
        progress = self._progress
        threads = progress["threads"]
        left_out = threads[MOST_THREADS:]
        progress["is_cut"] |= any(latest >= knowledge.since for latest, _ in left_out)
        progress["threads"] = threads[:MOST_THREADS]

    async def _read_thread(self, knowledge: Knowledge) -> None:
        (_, ts), *others = self._progress["threads"]
        for raw in await self._services.gateway.thread(self.channel_id, ts):
            await self._hear_all(knowledge.of_message(raw), is_shared=knowledge.is_shared)
        self._progress["threads"] = others
        await self.context.save_progress(self._progress)

    async def _read_pins(self, knowledge: Knowledge) -> None:
        if not self._services.policy.timeline.capture_pins:
            return
        for item in await self._services.gateway.pins(self.channel_id):
            await self._hear_all(knowledge.of_pin(item), is_shared=knowledge.is_shared)

    async def _find_departed(self, knowledge: Knowledge, incident: Incident) -> None:
        """Follow those who left without a line: people removed, accounts deactivated."""
        at = instant_to_ts(self._services.clock.now())
        async with self._services.database.reading() as session:
            present = {one.external_id for one in await find_present(session, incident.id)}
        departed = present - set(await self._services.gateway.members(self.channel_id))
        left = [knowledge.of_departed(person, at=at) for person in sorted(departed)]
        await self._hear_all(left, is_shared=knowledge.is_shared)

    async def _hear_all(self, missed: Iterable[Missed], *, is_shared: bool) -> None:
        for one in missed:
            await self.hear(
                {
                    "type": "event_callback",
                    "team_id": self._services.workspace.external_id,
                    "event_id": f"missed:{self.absence.id}:{self.channel_id}:{one.name}",
                    "is_ext_shared_channel": is_shared,
                    "event": one.event,
                }
            )
