"""Reading incidents: `show` for the status card, `list` for pages of incidents."""

from collections.abc import Sequence

from bot.features.channel.status_card_view import status_card
from bot.framework.arguments import Arguments, OnIncident, to_value
from bot.framework.feature import Feature
from bot.framework.refusals import say
from bot.framework.requests import Reply, Request, Say
from bot.framework.verbs import Verb
from bot.slack import blocks, mentions
from incidents.browse.lists import ListedIncident, ListPage, Scope, list_incidents
from incidents.core.errors import InvalidInput
from incidents.incident.views import get_incident_view
from incidents.policy.policy import Action


class Listing(Arguments):
    """Which incidents to list, and which page."""

    scope: str = ""
    page: int = 1


async def show(request: Request, given: OnIncident) -> Reply:
    """Show the incident's status card."""
    return Say(status_card(await request.read(get_incident_view, given.ref), policy=request.policy))


async def list_them(request: Request, given: Listing) -> Reply:
    """List incidents, open ones by default; turning the page replaces the message."""
    word = given.scope.strip().casefold() or Scope.OPEN
    if word not in list(Scope):
        raise InvalidInput("list", f"isn't one of {', '.join(Scope)}", "list open")
    return Say(await _page(request, Scope(word), page=given.page), replaces=request.is_button)


async def _page(request: Request, scope: Scope, *, page: int) -> blocks.Message:
    await request.permit(Action.VIEW)
    listed = await request.read(list_incidents, scope=scope, now=request.now, page=page)
    return list_message(listed, slash=request.policy.command)


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
        text = f"{title}: none. Declare one with `{slash} declare`."
        return say(text)
    lines = [incident_line(item) for item in page.items]
    heading = f"{title} ({page.total})"
    footer = [blocks.context(f"Page {page.page} of {page.pages}")] if page.pages > 1 else []
    return blocks.Message(
        text="\n".join([heading, *lines]),
        blocks=(
            blocks.header(heading),
            *blocks.paragraphs("\n".join(lines)),
            *footer,
            *_turning(page),
        ),
    )


def _turning(page: ListPage) -> Sequence[blocks.Block]:
    buttons = []
    if page.page > 1:
        value = to_value(Listing(page.scope, page.page - 1))
        buttons.append(blocks.button("Previous page", action_id="list_previous", value=value))
    if page.page < page.pages:
        value = to_value(Listing(page.scope, page.page + 1))
        buttons.append(blocks.button("Next page", action_id="list_next", value=value))
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
            summary="The status card, only for you.",
            aliases=("card",),
            perform=show,
        ),
        Verb(
            Listing,
            usage="list [open|all|mine|recent]",
            summary="Incidents, page by page.",
            aliases=("ls",),
            examples=("list mine",),
            words=("scope",),
            buttons=("list_previous", "list_next"),
            perform=list_them,
        ),
    ),
)
