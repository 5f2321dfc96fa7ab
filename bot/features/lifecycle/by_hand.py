"""What to do without Sitrep when an incident can't be recorded: who to call, which channel to open.

It comes from the policy in memory and from what was typed. Nothing is read, and nothing is created.
"""

from collections.abc import Iterator
from datetime import datetime

from bot.features.lifecycle.severity_words import said_severity
from bot.framework.arguments import from_value
from bot.framework.requests import Request
from bot.slack import mentions
from bot.slack.ids import channel_name
from incidents.lifecycle.declare import Declaration
from incidents.on_call.shifts import shift_at
from incidents.policy.escalation import Service
from incidents.policy.policy import Policy
from incidents.policy.references import GroupRef, PersonRef, RotationRef

_MOST_CONTACTS = 6


def declare_by_hand(request: Request) -> str:
    """Return how to go on with the incident that couldn't be declared."""
    title, severity, services = _wanted(request)
    listed = contacts(request.policy, title, now=request.now, severity=severity, services=services)
    called = "; ".join(listed)
    call = f" Call these people yourself: {called}." if called else ""
    return (
        f"*Don't wait for me.* Open a channel by hand, for example `#{_channel(request, title)}`."
        f"{call} Declare it here once I'm back."
    )


def call_by_hand(request: Request) -> str:
    """Return who to call for an escalation that couldn't be recorded."""
    called = "; ".join(contacts(request.policy, request.words.text, now=request.now))
    return f"*Don't wait for me.* Call these people yourself: {called}." if called else ""


def contacts(
    policy: Policy,
    words: str,
    *,
    now: datetime,
    severity: str | None = None,
    services: tuple[str, ...] = (),
) -> tuple[str, ...]:
    """Return who the policy names, and for what: first for the services meant, then as backup.

    If no service is named, those of the best tier count. Of a rotation, it is whose turn it is by
    the policy alone; an address of a pager is left out.
    """
    best = min((one.tier for one in policy.services), default=0)
    meant = [one for one in policy.services if one.key in services or _is_named(one, words)]
    meant = meant or [one for one in policy.services if one.tier == best]
    listed = [*(pair for one in meant for pair in _of_service(one, policy, now))]
    found = policy.find_severity(severity or policy.default_severity)
    backup = policy.backup_for(found.key, [one.key for one in meant]) if found else None
    if found is not None and backup is not None:
        listed.append((f"backup commander for {found.name}", backup))
    if policy.escalation.manager is not None:
        listed.append(("manager", policy.escalation.manager))
    named: dict[PersonRef | GroupRef, str] = {}
    for what, who in listed:
        named.setdefault(who, what)
    texts = [f"{_shown(who)} ({mentions.escape_line(what)})" for who, what in named.items()]
    return tuple(texts[:_MOST_CONTACTS])


def _wanted(request: Request) -> tuple[str, str | None, tuple[str, ...]]:
    """Return the title, the severity's key and the services that were typed or chosen."""
    if request.is_form:
        form = request.form
        return form.text("title"), form.choice("severity"), form.choices("services")
    if request.is_button:
        given = from_value(Declaration, request.value)
        return given.title, given.severity_key, given.services
    said = said_severity(request.words.text, request.policy)
    return mentions.plain(said.rest), said.severity.key if said.severity else None, ()


def _channel(request: Request, title: str) -> str:
    """Return a name like the ones that I give, without a number: only I count them."""
    pattern = request.policy.channels.name.replace("{number}", "")
    name = channel_name(pattern, number=0, title=title)
    return "incident" if name == "incident-0" else name


def _is_named(service: Service, words: str) -> bool:
    return any(name.casefold() in words.casefold() for name in (service.key, service.name))


def _of_service(
    service: Service, policy: Policy, now: datetime
) -> Iterator[tuple[str, PersonRef | GroupRef]]:
    on_call = service.on_call
    if isinstance(on_call, RotationRef):
        rotation = policy.on_call.find_rotation(on_call.key)
        on_call = shift_at(rotation, now).person if rotation is not None else None
    if isinstance(on_call, PersonRef | GroupRef):
        yield f"on call for {service.name}", on_call
    if service.owner is not None:
        yield f"owner of {service.name}", service.owner


def _shown(who: PersonRef | GroupRef) -> str:
    if isinstance(who, PersonRef):
        return mentions.mention(who.user_id) if who.user_id else mentions.escape_line(str(who))
    return f"<!subteam^{who.group_id}>" if who.group_id else mentions.escape_line(str(who))
