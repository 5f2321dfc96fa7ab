"""Fetches marked messages and records them as plain text with their author's name."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import select

from bot.features.record.references import names_in
from bot.framework.acquaintance import facts_of
from bot.framework.effect_context import Done, Dropped, EffectContext, Settlement
from bot.framework.requests import Services
from bot.slack import mentions
from bot.slack.errors import SlackPermanent
from bot.slack.gateway.messages import SlackMessage
from bot.slack.ids import permalink, ts_to_instant
from incidents.core.people import Person, PersonFacts, save_person
from incidents.core.sentences import Who
from incidents.engine.effects import FetchMarkedMessage, SignMessage
from incidents.engine.unit_of_work import UnitOfWork
from incidents.record.captured_messages import CapturedMessage, CaptureStatus, Mark
from incidents.record.marks import MessageText, drop_message, record_message

# A passing refusal is tried again for so long: less than what is a dead letter by then.
SIGNED_WITHIN = timedelta(hours=12)


async def fetch_marked(context: EffectContext) -> Settlement:
    """Fetch a marked message and record it; drop it if it no longer exists."""
    effect = context.get(FetchMarkedMessage)
    services = context.services
    async with services.database.reading() as session:
        captured = await session.get(CapturedMessage, effect.message_id)
        markers = (await session.execute(_markers(effect))).scalars().all()
    if captured is None or captured.status != CaptureStatus.PENDING:
        return Dropped("mark removed")
    message = await services.gateway.fetch_message(captured.channel_id, captured.message_ts)
    if message is None:
        return Done(partial(drop_message, captured_id=captured.id, reason="message gone"))
    if is_own({"user": message.user_id, "bot_id": message.bot_id}, services):
        return Done(partial(drop_message, captured_id=captured.id, reason="Sitrep's own message"))
    learned = await _learn(services, {message.user_id or "", *markers})
    names = {facts.external_id: facts.name for facts in learned if facts.name}
    content = await content_of(
        services, message, now=services.clock.now(), names=names, within=None
    )

    async def record(uow: UnitOfWork) -> None:
        # Save the markers first: `record_message` ignores marks by guests.
        for facts in learned:
            await save_person(
                uow.session, facts, workspace_id=uow.workspace_id, refreshed_at=uow.now
            )
        await record_message(uow, captured_id=captured.id, content=content)

    return Done(record)


async def sign_message(context: EffectContext) -> Settlement:
    """Put our sign on a message that is on the timeline, or take it off; a refusal is only counted.

    The sign is another emoji than people's, so that nobody takes it for somebody's mark.
    """
    services = context.services
    wanted = CapturedMessage.entry_id == context.get(SignMessage).entry_id
    async with services.database.reading() as session:
        captured = (await session.execute(select(CapturedMessage).where(wanted))).scalar()
    if captured is None or services.clock.now() - context.created_at > SIGNED_WITHIN:
        return Dropped("too late for a sign")
    gateway = services.gateway
    is_kept = captured.status == CaptureStatus.RECORDED
    emoji = sign_beside(services.policy.timeline.marker_emoji)
    try:
        await (gateway.add_reaction if is_kept else gateway.remove_reaction)(
            captured.channel_id, captured.message_ts, emoji
        )
    except SlackPermanent as error:
        return Dropped(error.error)
    return Done()


def sign_beside(marker: str) -> str:
    """Return the emoji of the bot's sign, given people's own."""
    return "memo" if marker != "memo" else "page_facing_up"


def _markers(effect: FetchMarkedMessage) -> Any:
    return (
        select(Person.external_id)
        .join(Mark, Mark.person_id == Person.id)
        .where(Mark.captured_message_id == effect.message_id)
    )


async def _learn(services: Services, user_ids: Iterable[str]) -> tuple[PersonFacts, ...]:
    """Look up the people whose details we have never fetched."""
    wanted = {user_id for user_id in user_ids if user_id}
    query = select(Person.external_id).where(
        Person.workspace_id == services.workspace.id,
        Person.external_id.in_(wanted),
        Person.refreshed_at.is_not(None),
    )
    async with services.database.reading() as session:
        known = set((await session.execute(query)).scalars())
    learned: list[PersonFacts] = []
    for user_id in sorted(wanted - known):
        try:
            learned.append(facts_of(await services.gateway.user(user_id)))
        except SlackPermanent:  # somebody in another workspace; we can't look them up
            continue
    return tuple(learned)


async def content_of(
    services: Services,
    message: SlackMessage,
    *,
    now: datetime,
    within: float | None,
    names: Mapping[str, str] | None = None,
) -> MessageText:
    """Return a message as plain text; `names` (by user id) take precedence over the directory's.

    `within` and Raises: see `names_in`.
    """
    author_id = message.user_id or ""
    # With a label, Slack isn't asked about the author.
    referring = f"<@{author_id}|{author_id}>{message.text}"
    known = await names_in(services, referring, within=within, known=names or {})
    author = message.posted_as or known.get(author_id) or author_id
    text = mentions.plain(message.text, name_of=known.get)
    files = ", ".join(file.name for file in message.files)
    return MessageText(
        text=text or (f"[{files}]" if files else "[no text]"),
        author=Who(author or "an integration", external_id="" if message.posted_as else author_id),
        permalink=permalink(
            services.workspace.url,
            channel_id=message.channel,
            ts=message.ts,
            thread_ts=message.thread_ts,
        ),
        sent_at=sent_at_of(message.ts, fallback=now),
    )


def is_own(raw: Mapping[str, Any], services: Services) -> bool:
    """Tell whether Sitrep posted the message; its own messages are never captured."""
    workspace = services.workspace
    if raw.get("user") and raw.get("user") == workspace.bot_external_id:
        return True
    return bool(workspace.bot_id) and raw.get("bot_id") == workspace.bot_id


def sent_at_of(ts: str, *, fallback: datetime) -> datetime:
    """Return when a message was sent, or `fallback` if `ts` isn't a timestamp."""
    try:
        return ts_to_instant(ts)
    except ValueError:
        return fallback
