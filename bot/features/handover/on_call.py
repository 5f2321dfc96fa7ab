"""On call: who the policy calls first for each service and severity, and who can be reached."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Final

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
from incidents.handover.on_call import Duty, OnCall, OnDuty, who_is_on_call
from incidents.policy.policy import Action

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
    """The service to show; "" shows all, and the severities."""

    service: str = ""


async def show_on_call(request: Request, given: Wanted) -> Reply:
    """Show who is on call; a fact about the policy and the directory, so nothing is recorded."""
    await request.permit(Action.VIEW)
    policy, slash, typed = request.policy, request.policy.command, given.service.strip(" ?.")
    target = target_named(typed, policy) if typed else None
    if typed and not isinstance(target, ServiceTarget):
        known = ", ".join(one.key for one in policy.services[:_MOST_SERVICES])
        problem = f"{mentions.code(typed)} isn't in the policy. "
        problem += f"It has {known}" if known else "It has no services yet"
        example = f"`{slash} oncall {policy.services[0].key}`" if policy.services else ""
        raise InvalidInput("service", problem, example)
    services = policy.services
    if isinstance(target, ServiceTarget):
        services = tuple(one for one in services if one.key == target.key)
    async with request.services.database.reading() as session:
        found = await who_is_on_call(
            session,
            workspace_id=request.services.workspace.id,
            policy=policy,
            now=request.now,
            services=services[:_MOST_SERVICES],
            severities=() if target else policy.severities,
        )
    return Say(
        on_call_message(found, await _away(request, found), slash=slash, all_of=len(services))
    )


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
    found: OnCall, away: Mapping[str, str], *, slash: str, all_of: int
) -> blocks.Message:
    """Return who is on call, one line for each service and severity."""
    parts = [
        "\n".join((f"*{heading}*", *(_line(one, away) for one in duties)))
        for heading, duties in (
            ("First called for a service", found.services),
            (
                "Invited for a severity",
                tuple(one for one in found.severities if one.people),
            ),
        )
        if duties
    ]
    if not parts:
        return say(
            "The policy names nobody who is on call. Its `services` say who is called for what, with "
            f"`on_call`. Until then, `{slash} escalate @someone` calls a person by name."
        )
    if all_of > len(found.services):
        parts.append(f"{all_of - len(found.services)} more services: `{slash} oncall checkout`.")
    notes = [f"`{slash} escalate` calls them, with the facts."]
    if len(found.reachable) > _MOST_ASKED:
        notes.insert(0, f"Do-not-disturb is shown for one service: `{slash} oncall checkout`.")
    elif any(one.external_id not in away for one in found.reachable):
        notes.insert(0, "Slack didn't say in time who has do-not-disturb.")
    return blocks.Message(
        text="\n".join((*parts, *notes)),
        blocks=(
            *(block for part in parts for block in blocks.paragraphs(part)),
            blocks.context(" ".join(notes)),
        ),
    )


def _line(duty: Duty, away: Mapping[str, str]) -> str:
    name = mentions.escape_line(duty.name)
    if not duty.people:
        return f"{name}: nobody"
    owner = " (its owner)" if duty.is_owner else ""
    return f"{name}: {', '.join(_person(one, away) for one in duty.people)}{owner}"


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
            usage="oncall [service]",
            summary="Who is on call for each service and severity, and who can be reached.",
            aliases=("on-call",),
            examples=("oncall", "oncall checkout"),
            repeat=Repeat.HARMLESS,
            words=("service",),
            perform=show_on_call,
        ),
    ),
)
