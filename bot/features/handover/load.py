"""The load of being on call: `oncall mine` for oneself, `oncall report` for managers."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Final

from bot.features.on_call.show import find_named, unknown_name
from bot.framework.arguments import Arguments
from bot.framework.refusals import say
from bot.framework.requests import Reply, Request, Say
from bot.framework.slash_commands import Repeat
from bot.framework.verbs import Verb
from bot.slack import blocks, mentions
from incidents.core.errors import InvalidInput
from incidents.core.people import Person
from incidents.handover.load import Load, OwnLoad, Scope, load_report, own_load, permit_report
from incidents.people.directory import find_group_members
from incidents.policy.escalation import Service
from incidents.policy.policy import Action

_MOST_PEOPLE: Final = 50
_MOST_INCIDENTS: Final = 20


class Own(Arguments):
    """The actor's own load: nothing to name."""


class Reporting(Arguments):
    """The group, service or rotation to report on; "" for everybody."""

    about: str = ""


async def show_own(request: Request, _: Own) -> Reply:
    """Show the actor their own load; it changes nothing, so nothing is recorded."""
    await request.permit(Action.VIEW)
    async with request.services.database.reading() as session:
        person = await session.get_one(Person, request.actor.person_id)
        own = await own_load(
            session, person, viewer=request.actor, policy=request.policy, now=request.now
        )
    return Say(own_message(own))


async def report(request: Request, given: Reporting) -> Reply:
    """Show a manager the load per person; the audit log says so first."""
    scope = await _scope(request, given.about.strip(" ?."))
    await request.transact(partial(permit_report, scope=scope))
    async with request.services.database.reading() as session:
        loads = await load_report(
            session, scope, viewer=request.actor, policy=request.policy, now=request.now
        )
    return Say(report_message(loads, scope))


async def _scope(request: Request, typed: str) -> Scope:
    """Return what is meant. Raises: InvalidInput for what is no group, service or rotation."""
    if not typed:
        return Scope()
    group = mentions.parse_group(typed)
    if group is not None or typed.startswith("@"):
        shown = typed if group is None else mentions.plain(typed)
        async with request.services.database.reading() as session:
            workspace_id = request.services.workspace.id
            known = await find_group_members(session, (group or typed,), workspace_id=workspace_id)
        if not known:
            problem = f"{mentions.code(shown)} isn't one that I know; the policy has to name it"
            raise InvalidInput("group", problem, f"`{request.policy.command} oncall report`")
        return Scope(name=shown, group=group or typed)
    named = find_named(request.policy, typed)
    if named is None:
        raise unknown_name(request.policy, typed)
    if isinstance(named, Service):
        return Scope(name=named.name, service=named)
    return Scope(name=f"rotation/{named.key}", rotation=named)


def own_message(own: OwnLoad) -> blocks.Message:
    """Return a person's own load, line by line."""
    load = own.load
    since = mentions.date(own.since, "{date_long}")
    lines = [
        f"*Your on-call load in the last 4 weeks*, since {since}",
        f"• {_count(load.calls, 'call')} and {_count(load.pages, 'page')}, drills left out",
        f"• {_count(load.nights, 'night')} with one between 22:00 and 6:00, your time",
    ]
    if load.on_call:
        lines.append(f"• {_hours(load.on_call)} on call in rotations, by today's policy")
    lines.append(f"• {_helped(own)}")
    lines.append("Only you see this.")
    return say("\n".join(lines))


def report_message(loads: Sequence[Load], scope: Scope) -> blocks.Message:
    """Return the load per person, by name and not by size."""
    whose = f" for {mentions.escape_line(scope.name)}" if scope.name else ""
    head = f"*On call in the last 4 weeks{whose}*, to share the load fairly"
    notes = (
        "By name. Drills, and private incidents that you can't see, are left out. Nights are from "
        "22:00 to 6:00 where the person lives. Only you see this; the audit log records that you looked."
    )
    lines = [f"• {_line(one)}" for one in loads[:_MOST_PEOPLE]]
    if len(loads) > _MOST_PEOPLE:
        lines.append(f"• and {len(loads) - _MOST_PEOPLE} more: name a group, service or rotation")
    body = "\n".join([head, *(lines or ["Nobody was called, paged or on call in a rotation."])])
    return blocks.Message(
        text=f"{body}\n{notes}", blocks=(*blocks.paragraphs(body), blocks.context(notes))
    )


def _line(load: Load) -> str:
    parts = [
        _count(load.calls, "call"),
        _count(load.pages, "page"),
        _count(load.nights, "night"),
    ]
    if load.on_call:
        parts.append(f"{_hours(load.on_call)} on call")
    return f"{mentions.escape_line(load.name)}: {', '.join(parts)}"


def _helped(own: OwnLoad) -> str:
    total = len(own.helped) + own.helped_unseen
    if not total:
        return "You took part in no incident"
    shown = list(own.helped[-_MOST_INCIDENTS:])
    if len(own.helped) > _MOST_INCIDENTS:
        shown.append(f"{len(own.helped) - _MOST_INCIDENTS} earlier")
    if own.helped_unseen:
        shown.append(f"{own.helped_unseen} private")
    return f"You helped in {_count(total, 'incident')}: {', '.join(shown)}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _hours(lasted: timedelta) -> str:
    return _count(round(lasted / timedelta(hours=1)), "hour")


MINE = Verb(
    Own,
    usage="oncall-mine",
    family="oncall",
    when=r"mine\W*(?P<rest>)",
    inside="oncall mine",
    summary="Your calls, pages, nights and hours in the last 4 weeks; only you see it.",
    repeat=Repeat.HARMLESS,
    perform=show_own,
)
REPORT = Verb(
    Reporting,
    usage="oncall-report [@group|service|rotation]",
    family="oncall",
    when=r"report(?:\s+(?P<rest>.*))?",
    inside="oncall report [@group|service|rotation]",
    summary="Calls, pages, nights and hours per person, for managers; to share the load fairly.",
    examples=("oncall report", "oncall report checkout"),
    words=("about",),
    perform=report,
)
