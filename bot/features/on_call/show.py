"""Who is on call now for each service, severity and rotation, until when, and who is next."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final

from bot.features.escalation.asking_pagers import ask_pager
from bot.features.escalation.effects import attention_of, away_text
from bot.features.escalation.targets import target_named
from bot.framework.arguments import Arguments
from bot.framework.feature import Feature
from bot.framework.refusals import say
from bot.framework.requests import Reply, Request, Say
from bot.framework.slash_commands import Repeat
from bot.framework.verbs import Verb
from bot.slack import blocks, mentions
from incidents.core.errors import InvalidInput
from incidents.escalation.targets import ServiceTarget
from incidents.on_call.who import Duty, OnCall, OnDuty, Question, addresses_of, who_is_on_call
from incidents.policy.escalation import Service
from incidents.policy.policy import Action, Policy
from incidents.policy.references import ROTATION, RotationRef
from incidents.policy.waking.rotations import Rotation

# Slack is asked about this many people at most, two calls each, while somebody waits.
_MOST_ASKED: Final = 8
_MOST_SERVICES: Final = 40

_WHY_NOT: Final = MappingProxyType(
    {
        "unknown": "not known to me",
        "deactivated": "deactivated in Slack",
        "a_bot": "a bot",
        "a_stranger": "from another workspace",
    }
)


class Wanted(Arguments):
    """The service or the rotation to show; "" shows all, and the severities."""

    service: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """Who pagers say is on call: e-mails by address, and why there are none."""

    emails: Mapping[str, tuple[str, ...]]
    errors: Mapping[str, str]


async def show_on_call(request: Request, given: Wanted) -> Reply:
    """Show who is on call; it changes nothing, so nothing is recorded."""
    await request.permit(Action.VIEW)
    policy, typed = request.policy, given.service.strip(" ?.")
    named = find_named(policy, typed) if typed else None
    if typed and named is None:
        raise unknown_name(policy, typed)
    services, rotations = policy.services[:_MOST_SERVICES], _others(policy)
    if typed:
        services = (named,) if isinstance(named, Service) else ()
        rotations = (named,) if isinstance(named, Rotation) else ()
    told = await _ask_pagers(request, services)
    question = Question(
        services=services,
        severities=() if typed else policy.severities,
        rotations=rotations,
        with_fallback=not typed,
        told=told.emails,
    )
    async with request.services.database.reading() as session:
        found = await who_is_on_call(
            session,
            question,
            workspace_id=request.services.workspace.id,
            policy=policy,
            now=request.now,
        )
    away = await _away(request, found)
    hidden = 0 if typed else len(policy.services) - len(services)
    return Say(on_call_message(found, away, told.errors, slash=policy.command, hidden=hidden))


def find_named(policy: Policy, typed: str) -> Service | Rotation | None:
    """Return the service or the rotation that people mean, by key or name."""
    target = target_named(typed, policy)
    if isinstance(target, ServiceTarget):
        return policy.find_service(target.key)
    return policy.on_call.find_rotation(typed.casefold().removeprefix(f"{ROTATION}/"))


def unknown_name(policy: Policy, typed: str) -> InvalidInput:
    """Return the refusal of a name that is no service and no rotation, with the whole next line."""
    known = [one.key for one in policy.services[:_MOST_SERVICES]]
    known += [str(RotationRef(one.key)) for one in policy.on_call.rotations[:_MOST_SERVICES]]
    problem = f"{mentions.code(typed)} isn't in the policy. "
    problem += f"It has {', '.join(known)}" if known else "It has no services yet"
    example = f"`{policy.command} oncall {known[0]}`" if known else ""
    return InvalidInput("service", problem, example)


def _others(policy: Policy) -> tuple[Rotation, ...]:
    """Return the rotations that no service names, as those of second steps."""
    shown = {one.on_call for one in policy.services}
    return tuple(one for one in policy.on_call.rotations if RotationRef(one.key) not in shown)


async def _ask_pagers(request: Request, services: Sequence[Service]) -> Told:
    """Ask the pagers that say who is on call, as long as the person who asked can wait."""
    policy = request.policy
    emails: dict[str, tuple[str, ...]] = {}
    errors: dict[str, str] = {}

    async def ask(address: str) -> None:
        errors[address] = "it didn't answer in time"
        people, error = await ask_pager(request.services, policy, address)
        emails[address] = tuple(one.email for one in people if one.email)[:1]
        errors[address] = error

    with suppress(TimeoutError):
        async with asyncio.timeout(request.ask_seconds):
            await asyncio.gather(*(ask(str(one)) for one in addresses_of(policy, services)))
    instead = "" if policy.on_call.fallback is None else ", so the fallback is called"
    said = {address: f"{error}{instead}" for address, error in errors.items() if error}
    return Told(emails, said)


async def _away(request: Request, found: OnCall) -> Mapping[str, str]:
    """Return why people may not notice a call, by id, as far as Slack says so in time."""
    people = found.reachable
    away: dict[str, str] = {}
    if len(people) > _MOST_ASKED:
        return away

    async def ask(one: OnDuty) -> None:
        attention = await attention_of(request.services, one.external_id)
        present = request.policy.escalation.present_statuses
        away[one.external_id] = away_text(
            attention, zone=one.zone, now=request.now, present=present
        )

    with suppress(TimeoutError):
        async with asyncio.timeout(request.ask_seconds):
            await asyncio.gather(*(ask(one) for one in people))
    return away


def on_call_message(
    found: OnCall,
    away: Mapping[str, str],
    errors: Mapping[str, str] = MappingProxyType({}),
    *,
    slash: str,
    hidden: int = 0,
) -> blocks.Message:
    """Return who is on call, one line each; `errors` say why a pager didn't say, by address."""
    parts = [
        "\n".join((f"*{heading}*", *(_line(one, away, errors) for one in duties)))
        for heading, duties in (
            ("First called for a service", found.services),
            ("In rotations", found.rotations),
            (
                "Invited for a severity",
                tuple(one for one in found.severities if one.people),
            ),
        )
        if duties
    ]
    if found.fallback is not None:
        said = _line(replace(found.fallback, name="Where nobody else is on call"), away, errors)
        parts.append(said)
    if not parts:
        return say(
            "The policy names nobody on call. Add `on_call` to its services. Until then, "
            f"`{slash} escalate @someone` calls a person by name."
        )
    if hidden:
        parts.append(f"{hidden} more services: `{slash} oncall checkout`.")
    notes = [f"`{slash} escalate` calls them, with the facts."]
    if len(found.reachable) > _MOST_ASKED:
        notes.insert(0, f"To see do-not-disturb, name one service: `{slash} oncall checkout`.")
    elif any(one.external_id not in away for one in found.reachable):
        notes.insert(0, "Slack didn't tell me in time who has do-not-disturb on.")
    return blocks.Message(
        text="\n".join((*parts, *notes)),
        blocks=(
            *(block for part in parts for block in blocks.paragraphs(part)),
            blocks.context(" ".join(notes)),
        ),
    )


def _line(duty: Duty, away: Mapping[str, str], errors: Mapping[str, str]) -> str:
    name = mentions.escape_line(duty.name)
    people = ", ".join(_person(one, away) for one in duty.people) or "nobody"
    until = f" until {when(duty.until)}" if duty.until is not None else ""
    following = None if duty.following in duty.people else duty.following
    then = f", then {_person(following, {})}" if following is not None else ""
    details = (
        "its owner" if duty.is_owner else "",
        "the policy's fallback" if duty.is_fallback else "",
        "an override" if duty.is_override else "",
        mentions.code(duty.source) if duty.source else "",
        mentions.escape_line(errors.get(duty.source, "")),
    )
    shown = ", ".join(filter(None, details))
    return f"{name}: {people}{until}{then}" + (f" ({shown})" if shown else "")


def when(instant: datetime) -> str:
    """Return an instant in each reader's own zone."""
    return mentions.date(instant, "{date_short_pretty} {time}")


def _person(one: OnDuty, away: Mapping[str, str]) -> str:
    shown = mentions.mention(one.external_id) if one.external_id else mentions.escape_line(one.name)
    why = _WHY_NOT.get(one.why_not) or away.get(one.external_id, "")
    if one.absent_until is not None:
        why = f"absent until {one.absent_until:%-d %B}"
    through = mentions.escape_line(one.group)
    details = ", ".join(filter(None, (through, mentions.escape_line(why))))
    return f"{shown} ({details})" if details else shown


FEATURE = Feature(
    name="on_call",
    verbs=(
        Verb(
            Wanted,
            usage="oncall [service|rotation]",
            summary="Who is on call, until when and who is next, and who can be reached.",
            aliases=("on-call",),
            examples=("oncall", "oncall checkout"),
            repeat=Repeat.HARMLESS,
            words=("service",),
            perform=show_on_call,
        ),
    ),
)
