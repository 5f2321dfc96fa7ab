"""The questions of `sitrep init`; each has an answer to accept with Enter."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import typer

from bot.operations.first_day.draft import Draft, Named, ServiceDraft
from bot.operations.first_day.workspace import NamesNobody, Workspace

T = TypeVar("T")

NOBODY = "-"
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the command line answers already; None: ask, or take the suggestion."""

    channel: str | None = None
    manager: str | None = None
    backup: str | None = None
    country: str | None = None
    services: Sequence[str] | None = None
    asks: bool = True


async def draft_of(given: Given, workspace: Workspace) -> Draft:
    """Return the answers, given or asked for. Raises: NamesNobody if a given one fits nobody."""
    asks = _Asking(given.asks)
    channel = await asks.for_one(
        "Channel where incidents are announced", given.channel, "#incidents", _channel
    )
    services = await _services(given, workspace, asks)
    manager = await asks.for_one(
        "Who to call when on-call doesn't answer (a manager or a group)",
        given.manager,
        NOBODY,
        lambda typed: _somebody(typed, workspace),
    )
    backup = await asks.for_one(
        "Who takes command of a SEV1 or SEV2 if nobody does (one person)",
        given.backup,
        NOBODY,
        lambda typed: _person(typed, workspace),
    )
    country = await asks.for_one(
        "Country whose public holidays aren't working days (a code such as DE)",
        given.country,
        workspace.country or NOBODY,
        _country,
    )
    return Draft(
        channel=channel, manager=manager, backup=backup, country=country, services=services
    )


@dataclass(frozen=True, slots=True)
class _Asking:
    asks: bool

    async def for_one(
        self,
        question: str,
        given: str | None,
        suggested: str,
        read: Callable[[str], Awaitable[T]],
    ) -> T:
        """Read what was given, else ask until the answer can be read."""
        if given is not None or not self.asks:
            return await read(suggested if given is None else given)
        while True:
            try:
                return await read(typer.prompt(question, default=suggested))
            except NamesNobody as refused:
                typer.echo(f"  {refused}")


async def _services(given: Given, workspace: Workspace, asks: _Asking) -> tuple[ServiceDraft, ...]:
    if given.services is not None:
        return tuple([await _service(typed, workspace) for typed in given.services])
    suggested = {service.name: service for service in workspace.services()}
    names = await asks.for_one(
        "Services, by name, with commas between them",
        None,
        ", ".join(suggested) or NOBODY,
        _names,
    )
    found = [suggested.get(name, ServiceDraft(name=name)) for name in names]
    if not asks.asks:
        return tuple(found)
    return tuple([await _with_people(service, workspace, asks) for service in found])


async def _with_people(service: ServiceDraft, workspace: Workspace, asks: _Asking) -> ServiceDraft:
    def suggestion(named: Named | None) -> str:
        return (named.name or named.value) if named else NOBODY

    async def read(typed: str) -> Named | None:
        return await _somebody(typed, workspace)

    on_call = await asks.for_one(
        f"  {service.name}: who is called first", None, suggestion(service.on_call), read
    )
    owner = await asks.for_one(
        f"  {service.name}: who owns it", None, suggestion(service.owner), read
    )
    return replace(service, on_call=on_call, owner=owner)


async def _service(typed: str, workspace: Workspace) -> ServiceDraft:
    """Read `Search=@search-oncall,@search-team`."""
    name, _, people = typed.partition("=")
    on_call, _, owner = people.partition(",")
    if not name.strip():
        raise NamesNobody(f"`{typed}` names no service: write Search=@search-oncall,@search-team.")
    return ServiceDraft(
        name=_fitting(name.strip()),
        on_call=await _somebody(on_call, workspace),
        owner=await _somebody(owner, workspace),
    )


async def _somebody(typed: str, workspace: Workspace) -> Named | None:
    return None if typed.strip() in {NOBODY, ""} else await workspace.find(typed)


async def _person(typed: str, workspace: Workspace) -> Named | None:
    found = await _somebody(typed, workspace)
    if found is not None and found.value.startswith(("@", "S")):
        raise NamesNobody(f"{typed.strip()} is a group: name one person by address or member id.")
    return found


async def _channel(typed: str) -> str:
    name = typed.strip().lstrip("#").lower()  # as in Slack
    if not re.fullmatch(r"[^\s#@,<>|&]{1,80}", name):
        raise NamesNobody(f"`{typed}` isn't a channel: write its name, such as #incidents.")
    return f"#{name}"


async def _country(typed: str) -> str:
    from holidays import list_supported_countries  # noqa: PLC0415 - heavy

    code = typed.strip().upper()
    if code in {NOBODY, ""}:
        return ""
    if code not in list_supported_countries():
        raise NamesNobody(
            f"`{code}` isn't a country code that we know holidays for: "
            "write one such as DE, or - for none."
        )
    return code


async def _names(typed: str) -> tuple[str, ...]:
    names = dict.fromkeys(name.strip() for name in typed.split(","))
    return tuple(_fitting(name) for name in names if name and name != NOBODY)


def _fitting(name: str) -> str:
    """Return a service's name. Raises: NamesNobody if it is too long to be shown."""
    if len(name) > _LONGEST_NAME:
        raise NamesNobody(f"`{name}` is longer than {_LONGEST_NAME} characters.")
    return name
