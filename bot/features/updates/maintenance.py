"""Planned maintenance in Slack: the form, the notice in the announcement channel, its buttons."""

import uuid
from datetime import datetime
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.channel.announcement import (
    NOT_ANNOUNCED,
    find_announcement_channel,
    known_channel,
)
from bot.framework.arguments import Arguments, to_value
from bot.framework.effect_context import Record
from bot.framework.feature import Feature
from bot.framework.live_messages import InChannel, LiveMessage, Showing, to_person
from bot.framework.refusals import say
from bot.framework.requests import Request, Say, Services
from bot.framework.verbs import Verb
from bot.slack import blocks, mentions
from incidents.core.errors import NotPermitted
from incidents.core.ids import derived_id
from incidents.core.people import Person, PersonKind
from incidents.engine.unit_of_work import Outcome
from incidents.policy.policy import Action
from incidents.updates.effects import ShowMaintenance, TellMaintenance
from incidents.updates.entries import NoAnnouncement
from incidents.updates.maintenance import (
    MAX_TEXT,
    MaintenanceNews,
    MaintenanceStatus,
    MaintenanceView,
    get_maintenance_view,
    move_maintenance,
    note_unposted,
    plan_maintenance,
)


class Planning(Arguments):
    """A maintenance to announce."""

    what: str = ""
    affected: str = ""
    contact: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None


class Move(Arguments, gone="maintenance"):
    """A maintenance, and what becomes of it."""

    maintenance_id: uuid.UUID
    to: MaintenanceStatus


async def open_form(request: Request, _: Planning) -> blocks.View | Say:
    """Return the form, to those who may post updates. Raises: NotPermitted."""
    await request.permit(Action.POST_UPDATE)
    if request.actor.person_kind is not PersonKind.MEMBER:
        raise NotPermitted(Action.POST_UPDATE, needs="member")
    if not request.policy.announcement.enabled:
        return Say(
            say("There is no announcement channel. The policy names it: `announcement.channel`")
        )
    return blocks.modal(
        "Planned maintenance",
        blocks=[
            blocks.text_input(
                "what", label="What happens?", max_length=150, placeholder="Database upgrade"
            ),
            blocks.datetime_input("starts_at", label="From"),
            blocks.datetime_input("ends_at", label="To"),
            blocks.text_input(
                "affected",
                label="Who is affected, and how?",
                multiline=True,
                max_length=MAX_TEXT,
                placeholder="Nobody can log in for about 10 minutes.",
            ),
            blocks.text_input(
                "contact",
                label="Who to ask",
                optional=True,
                max_length=150,
                hint="A person, a team or a channel. Empty: you.",
            ),
        ],
        submit="Announce",
    )


def planned_text(request: Request, _: Outcome) -> str:
    """Return the reply to the author."""
    channel = request.policy.announcement.channel
    where = mentions.escape_line(channel) if channel[0] == "#" else mentions.channel_link(channel)
    return (
        f"I'm posting your maintenance in {where}, and I'll write to you when it begins and when "
        "it should be done."
    )


def notice(view: MaintenanceView, *, now: datetime) -> blocks.Message:
    """Return the notice as it stands at this instant."""
    what, state = mentions.escape_line(view.what), _state(view, now=now)
    ask = mentions.escape_line(view.contact) or mentions.mention(view.author.external_id)
    affected = mentions.escape(view.affected)
    buttons = _buttons(view)
    return blocks.Message(
        text=f"Planned maintenance: {what}. {state} Affected: {affected}".replace("*", ""),
        blocks=(
            blocks.header(f"Planned maintenance: {view.what}"),
            blocks.section(state),
            *blocks.paragraphs(f"*Affected* {affected}"),
            blocks.section(f"*Questions to* {ask}"),
            blocks.context(f"Announced by {mentions.escape_line(view.author.name)}"),
            *((blocks.actions(*buttons),) if buttons else ()),
        ),
    )


def _state(view: MaintenanceView, *, now: datetime) -> str:
    begin, end = _when(view.starts_at), _when(view.ends_at)
    match view.status:
        case MaintenanceStatus.PLANNED:
            return f"*Planned* from {begin} to {end}."
        case MaintenanceStatus.RUNNING:
            since = _when(view.started_at or view.starts_at)
            if now < view.ends_at:
                return f"*Under way* since {since}, planned until {end}."
            name = mentions.escape_line(view.author.name)
            return f"*Should be done* since {end}. {name} hasn't confirmed it yet."
        case MaintenanceStatus.DONE:
            return f"*Done* at {_when(view.settled_at or view.ends_at)}."
        case MaintenanceStatus.CANCELLED if view.started_at is not None:
            return f"*Stopped* at {_when(view.settled_at or view.ends_at)}, before it was done."
    return f"*Cancelled.* It was planned from {begin} to {end}."


def _when(instant: datetime) -> str:
    return mentions.date(instant, "{date_short_pretty} {time}")


def _buttons(view: MaintenanceView) -> tuple[blocks.ButtonElement, ...]:
    if view.is_over:
        return ()
    is_planned = view.status is MaintenanceStatus.PLANNED
    label, action_id, to = (
        ("Start now", "maintenance_start", MaintenanceStatus.RUNNING)
        if is_planned
        else ("Done", "maintenance_done", MaintenanceStatus.DONE)
    )
    asked = (
        "The notice will say that it doesn't take place."
        if is_planned
        else ("The notice will say that it was stopped before it was done.")
    )
    return (
        blocks.button(label, action_id=action_id, value=to_value(Move(view.id, to))),
        blocks.button(
            "Cancel",
            action_id="maintenance_cancel",
            value=to_value(Move(view.id, MaintenanceStatus.CANCELLED)),
            confirm=blocks.confirm(
                "Cancel the maintenance?", text=asked, yes="Cancel it", no="Keep it"
            ),
        ),
    )


def told(view: MaintenanceView, effect: TellMaintenance) -> blocks.Message:
    """Return what the author gets by direct message."""
    what = mentions.escape_line(view.what)
    match effect.news:
        case MaintenanceNews.STARTED:
            text = f"*{what}* begins now; its notice says so. It's planned until {_when(view.ends_at)}."
        case MaintenanceNews.ENDS:
            text = f"*{what}* should be done by now. Is it? The notice says that you haven't confirmed it."
        case _:
            return say(
                f"I couldn't post the notice of *{what}* in the announcement channel "
                f"({_problem(effect.problem)}). Tell people yourself. I try again when it begins."
            )
    return say(text, *_buttons(view))


def _problem(problem: str) -> str:
    match problem:
        case NoAnnouncement.MISSING:
            return "there is no such channel, or it is private and I'm not in it"
        case NoAnnouncement.ARCHIVED | "is_archived" | "is_inactive":
            return "it is archived"
    return mentions.escape_line(problem)


# -- effects --------------------------------------------------------------------------------


async def _look(session: AsyncSession, effect: ShowMaintenance, services: Services) -> Showing:
    view = await get_maintenance_view(session, effect.maintenance_id)
    over = "over before it was announced" if view.is_over else ""

    def unposted(reason: str) -> Record | None:
        if view.is_over or reason == NOT_ANNOUNCED:
            return None
        return partial(note_unposted, maintenance_id=view.id, problem=reason)

    place = InChannel(await known_channel(session, services), unless=over, stays=True)
    return Showing(notice(view, now=services.clock.now()), place, on_dropped=unposted)


async def _look_at_news(
    session: AsyncSession, effect: TellMaintenance, _services: Services
) -> Showing:
    view = await get_maintenance_view(session, effect.maintenance_id)
    person = await session.get_one(Person, effect.person_id)
    unless = "over before they were told" if view.is_over else ""
    return Showing(told(view, effect), to_person(person, unless=unless))


NOTICE = LiveMessage(
    effect=ShowMaintenance,
    purpose="maintenance",
    subject=lambda effect: effect.maintenance_id,
    look=_look,
    reach=find_announcement_channel,
)

NEWS = LiveMessage(
    effect=TellMaintenance,
    purpose="maintenance_news",
    subject=lambda effect: derived_id(effect.maintenance_id, effect.news),
    look=_look_at_news,
)

FEATURE = Feature(
    name="maintenance",
    verbs=(
        Verb(
            Planning,
            usage="maintenance",
            family="update",
            when=r"maintenance(?P<rest>)",  # more words are an update
            summary="Announce planned maintenance, without an incident.",
            examples=("maintenance",),
            form="maintenance_submit",
            opened_by=("maintenance_open",),
            open=open_form,
            use_case=plan_maintenance,
            tell=planned_text,
        ),
        Verb(
            Move,
            buttons=("maintenance_start", "maintenance_done", "maintenance_cancel"),
            use_case=move_maintenance,
        ),
    ),
    live_messages=(NOTICE, NEWS),
)
