"""Names for what texts refer to by id alone: people, groups and channels.

The record keeps names: ids mean nothing to the reader of an export. Private channels stay
unnamed, as in Slack.
"""

import asyncio
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from sqlalchemy import false, select

from bot.slack import mentions
from bot.slack.errors import SlackFailure, SlackTemporary
from incidents.core.people import PeopleGroup, Person
from incidents.incident.incident import Incident

if TYPE_CHECKING:
    from bot.framework.requests import Services

_PRIVATE: Final = "private-channel"
_REFERENCE: Final = re.compile(r"<(@|#|!subteam\^)([UWCGDS][A-Z0-9]+)(?:\|([^>]*))?>")


async def plain_text(services: "Services", text: str, *, within: float | None) -> str:
    """Return a message's mrkdwn as readers see it, with names; see `names_in`."""
    names = await names_in(services, text, within=within)
    return mentions.plain(text, name_of=names.get)


async def labelled(services: "Services", text: str, *, within: float) -> str:
    """Return a command's text in which each reference carries a name, as far as one is known.

    The names have no spaces: a command's words are told apart by them.
    """
    bare = {found[2] for found in _REFERENCE.finditer(text) if not found[3]}
    if not bare:
        return text
    names = await names_in(services, text, within=within)

    def label(found: re.Match[str]) -> str:
        name = re.sub(r"\s+", ".", re.sub(r"[<>|]", "", names.get(found[2], "")).strip())
        return f"<{found[1]}{found[2]}|{name}>" if name and not found[3] else found[0]

    return _REFERENCE.sub(label, text)


async def names_in(
    services: "Services",
    text: str,
    *,
    within: float | None,
    known: Mapping[str, str] = MappingProxyType({}),
) -> Mapping[str, str]:
    """Return the names of people, groups and channels in a text, by id, with those `known`.

    Slack is asked for those that we don't know, for at most `within` seconds; without a limit, it
    has to answer.

    Raises: SlackTemporary, without a limit.
    """
    wanted = {found[2]: found[3] for found in _REFERENCE.finditer(text)}
    names = {**await _known(services, set(wanted)), **known}
    unknown = [one for one, label in wanted.items() if one not in names and not label]
    try:
        async with asyncio.timeout(within):
            for one in unknown:
                names |= await _ask(services, one)
    except (SlackTemporary, TimeoutError):
        if within is None:
            raise
    return names


async def _known(services: "Services", ids: set[str]) -> dict[str, str]:
    if not ids:
        return {}
    us = services.workspace.id
    people = select(Person.external_id, Person.name).where(
        Person.workspace_id == us, Person.external_id.in_(ids), Person.name != Person.external_id
    )
    groups = select(PeopleGroup.external_id, PeopleGroup.handle).where(
        PeopleGroup.workspace_id == us, PeopleGroup.external_id.in_(ids)
    )
    channels = select(Incident.channel_id, Incident.channel_name).where(
        Incident.workspace_id == us,
        Incident.channel_id.in_(ids),
        Incident.is_private == false(),
        Incident.is_channel_private == false(),
    )
    async with services.database.reading() as session:
        rows = [row for query in (people, groups, channels) for row in await session.execute(query)]
    return {str(identifier): str(name) for identifier, name in rows if name}


async def _ask(services: "Services", identifier: str) -> dict[str, str]:
    """Ask Slack for one name; it may not know, or not tell us."""
    gateway = services.gateway
    try:
        if identifier.startswith(("U", "W")):
            return {identifier: (await gateway.user(identifier)).name}
        if identifier.startswith("S"):
            return {group.id: group.handle for group in await gateway.groups()}
        channel = await gateway.find_channel(identifier)
    except SlackTemporary:
        raise
    except SlackFailure:
        return {}
    is_open = channel is not None and not channel.is_private
    return {identifier: channel.name if channel is not None and is_open else _PRIVATE}
