"""Reading incidents: `show` for the status card, `list` and `find` for pages of incidents."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from bot.features.channel.status_card_view import status_card
from bot.framework.arguments import Arguments, OnIncident, to_value
from bot.framework.feature import Feature
from bot.framework.refusals import say
from bot.framework.requests import Reply, Request, Say
from bot.framework.slash_commands import Repeat
from bot.framework.verbs import Verb
from bot.slack import blocks, mentions
from bot.slack.truncation import shorten
from incidents.browse.find import Found, find_incidents
from incidents.browse.lists import (
    ListedIncident,
    ListPage,
    Scope,
    Stretch,
    list_all,
    list_incidents,
)
from incidents.core.errors import InvalidInput
from incidents.incident.views import get_incident_view
from incidents.policy.policy import Action

_LONGEST_SEARCH: Final = 100


class Listing(Arguments):
    """Which incidents to list, and which page."""

    scope: str = ""
    page: int = 1
    # In the list of all, which has no numbered pages.
    older_than: uuid.UUID | None = None
    newer_than: uuid.UUID | None = None


class Finding(Arguments):
    """The words to look for, and the incident after which the page goes on."""

    words: str = ""
    older_than: uuid.UUID | None = None


async def show(request: Request, given: OnIncident) -> Reply:
    """Show the incident's status card."""
    return Say(status_card(await request.read(get_incident_view, given.ref), policy=request.policy))


async def list_them(request: Request, given: Listing) -> Reply:
    """List incidents, open ones by default; turning the page replaces the message."""
    word = given.scope.strip().casefold() or Scope.OPEN
    if word not in list(Scope):
        raise InvalidInput("list", "unknown", ", ".join(Scope), word)
    await request.permit(Action.VIEW)
    return Say(await _page(request, Scope(word), given), replaces=request.is_button)


async def find_them(request: Request, given: Finding) -> Reply:
    """Find incidents by words; going on replaces the message."""
    words = shorten(given.words.strip(), _LONGEST_SEARCH)
    if not words:
        raise InvalidInput("search", "needs a word, or several that all occur", "find checkout")
    await request.permit(Action.VIEW)
    found = await request.read(
        find_incidents, words, policy=request.policy, older_than=given.older_than
    )
    message = found_message(found, replace(given, words=words), slash=request.policy.command)
    return Say(message, replaces=request.is_button)


def found_message(found: Found, given: Finding, *, slash: str) -> blocks.Message:
    """Return what was found, and the button that goes on."""
    asked = mentions.code(given.words)
    back_to = f" since {mentions.date(found.since, '{date}')}" if found.since else ""
    lines = [incident_line(item) for item in found.items]
    heading = f"Incidents with {asked}{back_to}{', newest first:' if lines else ': none.'}"
    if not lines and found.goes_on is None:
        heading += (
            f" I look at numbers, titles, summaries and services. `{slash} list all` shows all."
        )
    on = replace(given, older_than=found.goes_on) if found.goes_on else None
    back = replace(given, older_than=None) if given.older_than else None
    buttons = [
        blocks.button(label, action_id=action_id, value=to_value(there))
        for label, action_id, there in (
            ("Newest", "find_newest", back),
            ("Older", "find_older", on),
        )
        if there is not None
    ]
    text = "\n".join([heading, *lines])
    row = (blocks.actions(*buttons),) if buttons else ()
    return blocks.Message(text=text, blocks=(*blocks.paragraphs(text), *row))


async def _page(request: Request, scope: Scope, given: Listing) -> blocks.Message:
    slash = request.policy.command
    if scope is Scope.ALL:
        more = {"older_than": given.older_than, "newer_than": given.newer_than}
        return stretch_message(await request.read(list_all, **more), slash=slash)
    page = await request.read(list_incidents, scope=scope, now=request.now, page=given.page)
    return list_message(page, slash=slash)


_TITLES = {
    Scope.OPEN: "Open incidents",
    Scope.ALL: "All incidents",
    Scope.MINE: "Your open incidents",
    Scope.RECENT: "Resolved in the last seven days",
}


def list_message(page: ListPage, *, slash: str) -> blocks.Message:
    """Return a page of incidents as a message."""
    title = _TITLES[page.scope]
    if not page.items:
        return _nothing(title, slash=slash)
    footer = [blocks.context(f"Page {page.page} of {page.pages}")] if page.pages > 1 else []
    turning = (
        ("Previous page", Listing(page.scope, page.page - 1) if page.page > 1 else None),
        ("Next page", Listing(page.scope, page.page + 1) if page.page < page.pages else None),
    )
    return _message(f"{title} ({page.total})", page.items, *footer, *_turning(*turning))


def stretch_message(stretch: Stretch, *, slash: str) -> blocks.Message:
    """Return some of all incidents as a message."""
    title, items = _TITLES[Scope.ALL], stretch.items
    if not items:
        return _nothing(title, slash=slash)
    newer = Listing(Scope.ALL, newer_than=items[0].id) if stretch.has_newer else None
    older = Listing(Scope.ALL, older_than=items[-1].id) if stretch.has_older else None
    return _message(f"{title}, newest first", items, *_turning(("Newer", newer), ("Older", older)))


def _nothing(title: str, *, slash: str) -> blocks.Message:
    return say(f"{title}: none. To declare one: `{slash} declare`")


def _message(heading: str, items: Sequence[ListedIncident], *below: blocks.Block) -> blocks.Message:
    lines = [incident_line(item) for item in items]
    return blocks.Message(
        text="\n".join([heading, *lines]),
        blocks=(blocks.header(heading), *blocks.paragraphs("\n".join(lines)), *below),
    )


_Turn = tuple[str, Listing | None]


def _turning(back: _Turn, on: _Turn) -> Sequence[blocks.Block]:
    buttons = [
        blocks.button(label, action_id=action_id, value=to_value(there))
        for action_id, (label, there) in (("list_previous", back), ("list_next", on))
        if there is not None
    ]
    return [blocks.actions(*buttons)] if buttons else []


def incident_line(item: ListedIncident) -> str:
    """Return one incident on one line."""
    where = f" {mentions.channel_link(item.channel_id)}" if item.channel_id else ""
    mark = " (private)" if item.is_private else ""
    return (
        f"*{item.reference}* {mentions.escape_line(item.title)}{mark} · {item.severity_name} · "
        f"{item.status}{where}"
    )


FEATURE = Feature(
    name="listing",
    verbs=(
        Verb(
            OnIncident,
            usage="[INC-12] show",
            repeat=Repeat.HARMLESS,
            summary="The status card, only for you.",
            aliases=("card",),
            perform=show,
        ),
        Verb(
            Listing,
            usage="list [open|all|mine|recent]",
            family="show",
            repeat=Repeat.HARMLESS,
            summary="Incidents, page by page.",
            aliases=("ls",),
            examples=("list mine",),
            words=("scope",),
            buttons=("list_previous", "list_next"),
            perform=list_them,
        ),
        Verb(
            Finding,
            usage="find words",
            family="show",
            repeat=Repeat.HARMLESS,
            summary="Find incidents by number, title, summary or service; all words have to occur.",
            examples=("show find checkout timeout",),
            words=("words",),
            buttons=("find_newest", "find_older"),
            perform=find_them,
        ),
    ),
)
