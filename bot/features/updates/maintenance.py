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
from bot.features.updates import maintenance_news
from bot.features.updates.maintenance_news import when
from bot.features.updates.subscribe import Following
from bot.framework.arguments import Arguments, to_value
from bot.framework.effect_context import Record
from bot.framework.feature import Feature
from bot.framework.live_messages import InChannel, LiveMessage, Showing, to_person
from bot.framework.refusals import say
from bot.framework.requests import Request, Say, Services
from bot.framework.verbs import Form, Verb
from bot.slack import blocks, mentions
from incidents.core.errors import AlreadySo, NotPermitted, Superseded
from incidents.core.ids import derived_id
from incidents.core.people import Person, PersonKind
from incidents.engine.unit_of_work import Outcome
from incidents.policy.policy import Action, Policy
from incidents.updates.effects import ShowMaintenance, TellMaintenance
from incidents.updates.entries import NoAnnouncement
from incidents.updates.maintenance import (
    MAX_TEXT,
    Maintenance,
    MaintenanceNews,
    MaintenanceStatus,
    MaintenanceView,
    edit_maintenance,
    get_maintenance_view,
    move_maintenance,
    note_unposted,
    plan_maintenance,
)
from incidents.updates.subscriptions import Follows

# No maintenance has this id: a form always remembers its own.
NIL = uuid.UUID(int=0)


class Planning(Arguments):
    """A maintenance to announce."""

    what: str = ""
    affected: str = ""
    contact: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    services: tuple[str, ...] = ()


class Change(Planning, gone="maintenance"):
    """A maintenance, and what its notice shall say."""

    maintenance_id: uuid.UUID = NIL


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
    return _form(Planning(), request.policy, submit="Announce")


async def open_edit(request: Request, given: Change) -> Form[Change] | Say:
    """Return the form with what the notice says now. Raises: Superseded; AlreadySo; NotPermitted."""
    async with request.services.database.reading() as session:
        row = await session.get(Maintenance, given.maintenance_id)
        if row is None or row.workspace_id != request.services.workspace.id:
            raise Superseded("maintenance")
        view = await get_maintenance_view(session, row.id)
    if request.actor.person_id != view.author.id:
        await request.permit(Action.EDIT_MAINTENANCE)
    if view.is_over:
        raise AlreadySo("the maintenance", view.status)
    shown = Change(
        what=view.what,
        affected=view.affected,
        contact=view.contact,
        starts_at=view.starts_at,
        ends_at=view.ends_at,
        services=view.services,
        maintenance_id=view.id,
    )
    is_begun = view.status is MaintenanceStatus.RUNNING
    return Form(_form(shown, request.policy, submit="Save", is_begun=is_begun), shown)


def _form(given: Planning, policy: Policy, *, submit: str, is_begun: bool = False) -> blocks.View:
    """Return the form, filled in; what has begun keeps its start."""
    named = ((key, policy.find_service(key)) for key in given.services)
    chosen = [blocks.option(one.name if one else key, value=key[:150]) for key, one in named]
    start = blocks.datetime_input("starts_at", label="From", initial=given.starts_at)
    services = blocks.multi_external_select(
        "services", label="Affected services", initial=chosen, optional=True
    )
    return blocks.modal(
        "Planned maintenance",
        blocks=[
            blocks.text_input(
                "what",
                label="What happens?",
                initial=given.what,
                max_length=150,
                placeholder="Database upgrade",
            ),
            *(() if is_begun else (start,)),
            blocks.datetime_input("ends_at", label="To", initial=given.ends_at),
            blocks.text_input(
                "affected",
                label="Who is affected, and how?",
                initial=given.affected,
                multiline=True,
                max_length=MAX_TEXT,
                placeholder="Nobody can log in for about 10 minutes.",
            ),
            *((services,) if policy.services else ()),
            blocks.text_input(
                "contact",
                label="Who to ask",
                initial=given.contact,
                optional=True,
                max_length=150,
                hint="A person, a team or a channel. Empty: its author.",
            ),
        ],
        submit=submit,
    )


def edited_text(_: Request, outcome: Outcome) -> str:
    """Return the reply to who changed it."""
    if outcome.data["has_moved"]:
        return "I'm changing the notice, and I say under it that the times are new."
    return "I'm changing the notice."


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
    if buttons:
        follow = to_value(Following(Follows.MAINTENANCE, str(view.id)))
        buttons += (blocks.button("Follow", action_id="follow_incident", value=follow),)
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
    begin, end = when(view.starts_at), when(view.ends_at)
    match view.status:
        case MaintenanceStatus.PLANNED:
            return f"*Planned* from {begin} to {end}."
        case MaintenanceStatus.RUNNING:
            since = when(view.started_at or view.starts_at)
            if now < view.ends_at:
                return f"*Under way* since {since}, planned until {end}."
            name = mentions.escape_line(view.author.name)
            return f"*Should be done* since {end}. {name} hasn't confirmed it yet."
        case MaintenanceStatus.DONE:
            return f"*Done* at {when(view.settled_at or view.ends_at)}."
        case MaintenanceStatus.CANCELLED if view.started_at is not None:
            return f"*Stopped* at {when(view.settled_at or view.ends_at)}, before it was done."
    return f"*Cancelled.* It was planned from {begin} to {end}."


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
            "Edit…",
            action_id="maintenance_edit_open",
            value=to_value(Change(maintenance_id=view.id)),
        ),
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
            text = (
                f"*{what}* begins now; its notice says so. It's planned until {when(view.ends_at)}."
            )
        case MaintenanceNews.ENDS:
            text = f"*{what}* should be done by now. Is it? The notice says that you haven't confirmed it."
        case MaintenanceNews.UNSAID:
            return say(
                f"I couldn't say under the notice of *{what}* what is new "
                f"({_problem(effect.problem)}). Tell people yourself."
            )
        case _:
            return say(
                f"I couldn't post the notice of *{what}* in the announcement channel "
                f"({_problem(effect.problem)}). Tell people yourself. I try again when it changes "
                "or begins."
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
    is_unsaid = effect.news == MaintenanceNews.UNSAID
    unless = "over before they were told" if view.is_over and not is_unsaid else ""
    return Showing(told(view, effect), to_person(person, unless=unless))


NOTICE = LiveMessage(
    effect=ShowMaintenance,
    purpose=maintenance_news.NOTICE,
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
        Verb(
            Change,
            form="maintenance_edit_submit",
            opened_by=("maintenance_edit_open",),
            open=open_edit,
            use_case=edit_maintenance,
            tell=edited_text,
        ),
    ),
    live_messages=(NOTICE, NEWS),
    effects=maintenance_news.EFFECTS,
)
