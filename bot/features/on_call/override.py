"""`oncall override`: somebody stands in for a while, and I tell the people concerned."""

import re
from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.on_call.show import find_named, unknown_name, when
from bot.framework.arguments import NOBODY, Arguments
from bot.framework.feature import Feature
from bot.framework.live_messages import LiveMessage, Showing, to_person
from bot.framework.phrases import instant_of
from bot.framework.reading import person_in
from bot.framework.refusals import say
from bot.framework.requests import Reply, Request, Say, Services
from bot.framework.slash_commands import split_first
from bot.framework.verbs import Verb
from bot.slack import blocks, mentions
from incidents.core.coming import split_coming
from incidents.core.errors import InvalidInput
from incidents.core.ids import derived_id
from incidents.core.people import Person
from incidents.on_call.effects import TellOfOverride
from incidents.on_call.override import (
    Subject,
    find_subject,
    make_override,
    stop_override,
    subject_of,
)
from incidents.on_call.tables import OnCallOverride
from incidents.people.assignable import Named

_STOP: Final = frozenset({"stop", "end", "off"})
_UNTIL: Final = re.compile(r"(?:^|\s)(?:until|till|for)\s+", re.IGNORECASE)
# A line to copy, where nobody was named yet.
_LINE: Final = "oncall override @ben until 18:00"


class StandIn(Arguments):
    """Who stands in, until when, and where; `is_stop`: nobody any more."""

    person: Named = NOBODY
    until: datetime | None = None
    subject: str = ""
    is_stop: bool = False


def typed_override(request: Request) -> StandIn:
    """Parse `override @ben until 18:00 [rotation or service]`, or `override stop [where]`."""
    first, rest = request.words.split_person()
    if first.casefold().strip(".") in _STOP:
        return StandIn(subject=rest, is_stop=True)
    line = f"`{request.policy.command} {_LINE}`"
    named = person_in(first)
    if first.casefold() == "me":
        named = Named(request.actor.external_id or "")
    if named is None:
        problem = f"has to be a person, not {mentions.code(first)}" if first else "is missing"
        raise InvalidInput("stand_in", problem, line)
    if mentions.begins_with_a_person(rest):
        raise InvalidInput("stand_in", "one_at_a_time", line)
    found = _UNTIL.search(rest)
    before, after = (rest[: found.start()], rest[found.end() :]) if found else ("", rest)
    after = mentions.plain(after).strip()
    if not after:
        raise InvalidInput("override_until", "is missing", line)
    try:
        until, where = split_coming(after, now=request.now, zone=request.actor.zone)
    except InvalidInput as error:
        why = "isn't clear" if error.problem == "not_a_time" else error.problem
        problem = f"{mentions.code(after)} {why}"
        raise InvalidInput("override_until", problem, line) from None
    return StandIn(person=named, until=until, subject=f"{before} {where}".strip(" ."))


async def override(request: Request, given: StandIn) -> Reply:
    """Put somebody on call, or end that. Raises: InvalidInput; AlreadySo; NotPermitted."""
    subject = _subject(request, given.subject)
    use_case = (
        partial(stop_override, subject=subject)
        if given.is_stop or given.until is None
        else partial(make_override, person=given.person, until=given.until, subject=subject)
    )
    try:
        outcome = await request.transact(use_case)
    except InvalidInput as error:
        if error.field != "on_call_subject":
            raise
        first, _ = split_first(error.example.replace(",", " "))
        line = "oncall override stop" if given.is_stop else _LINE
        example = f"`{request.policy.command} {line} {first or 'checkout'}`"
        what = f"has to be named. There are {error.example}" if first else "isn't in the policy yet"
        raise InvalidInput("on_call_subject", what, example) from None
    return Say(say(_told_text(outcome.kind, outcome.data, slash=request.policy.command)))


def _subject(request: Request, typed: str) -> Subject | None:
    name = typed.strip(" ?.`")
    for word in ("for ", "in ", "of "):
        name = name.removeprefix(word)
    if not name:
        return None
    found = find_named(request.policy, name)
    if found is None:
        raise unknown_name(request.policy, name)
    return subject_of(request.policy, found)


def _told_text(kind: str, data: object, *, slash: str) -> str:
    told = data if isinstance(data, dict) else {}
    subject = mentions.code(str(told["subject"]))
    if kind == "on_call_override_stopped":
        now = mentions.escape_line(str(told["person"])) or "Nobody"
        return f"The override for {subject} has ended. {now} is on call."
    who = mentions.mention(str(told["person_id"]))
    until = instant_of(told["until"])
    instead = (
        f", instead of {mentions.escape_line(str(told['instead']))}" if told["instead"] else ""
    )
    end = f" until {when(until)}" if until is not None else ""
    return (
        f"{who} is on call for {subject}{end}{instead}. Calls already made don't change. "
        f"To end it sooner: `{slash} oncall override stop {told['subject']}`"
    )


# -- telling the people concerned -----------------------------------------------------------


async def _look(session: AsyncSession, effect: TellOfOverride, services: Services) -> Showing:
    row = await session.get_one(OnCallOverride, effect.override_id)
    person = await session.get_one(Person, effect.person_id)
    stand_in = await session.get_one(Person, row.person_id)
    made_by = await session.get(Person, row.made_by_id) if row.made_by_id else None
    is_over = row.until_at <= services.clock.now()
    return Showing(
        override_message(
            services,
            row,
            stand_in=stand_in,
            is_stand_in=person.id == stand_in.id,
            by=made_by.name if made_by is not None else "",
            is_stop=effect.is_stop,
        ),
        to_person(person, unless="over before they were told" if is_over != effect.is_stop else ""),
    )


def override_message(
    services: Services,
    row: OnCallOverride,
    *,
    stand_in: Person,
    is_stand_in: bool,
    by: str,
    is_stop: bool,
) -> blocks.Message:
    """Return the message about an override, made or stopped, to one of the people concerned."""
    about = find_subject(services.policy, row.subject)
    name = about.name if about is not None else row.subject
    subject, slash = mentions.code(name), services.policy.command
    if is_stop:
        who = "You" if is_stand_in else mentions.escape_line(stand_in.name)
        no_longer = "no longer stand in" if is_stand_in else "no longer stands in"
        return say(
            f"{who} {no_longer} for {subject}. To see who is on call: `{slash} oncall {name}`"
        )
    who = "You're" if is_stand_in else f"{mentions.mention(stand_in.external_id)} is"
    instead = "" if is_stand_in else " instead of you"
    arranged = f" {mentions.escape_line(by)} arranged it." if by else ""
    return say(
        f"{who} on call for {subject} until {when(row.until_at)}{instead}.{arranged} "
        f"To end it sooner: `{slash} oncall override stop {name}`"
    )


TOLD = LiveMessage(
    effect=TellOfOverride,
    purpose="on_call_override",
    subject=lambda effect: derived_id(
        effect.override_id, f"{effect.person_id}:{'stop' if effect.is_stop else 'begin'}"
    ),
    look=_look,
)

FEATURE = Feature(
    name="on_call_override",
    verbs=(
        Verb(
            StandIn,
            usage="override @someone until 18:00 [rotation|service], or: override stop",
            family="oncall",
            summary="Put somebody on call for a while, instead of the person whose turn it is.",
            examples=("oncall override @ben until 18:00", "oncall override stop"),
            typed=typed_override,
            perform=override,
        ),
    ),
    live_messages=(TOLD,),
)
