"""Assigns an action item to somebody: `action 2 @someone`, and the form behind the list."""

import re
from collections.abc import Sequence
from functools import partial

from bot.framework.arguments import NOBODY, OnIncident
from bot.framework.refusals import say
from bot.framework.requests import Reply, Request, Say
from bot.framework.verbs import Form, Verb, view_for_form
from bot.slack import blocks, mentions
from incidents.core.errors import InvalidInput
from incidents.incident.incident import ById, IncidentRef
from incidents.incident.views import IncidentView
from incidents.people.assignable import Named
from incidents.policy.policy import Action
from incidents.postmortem.action_items import ActionItemView, action_items_of, assign_action_item

MOST_OFFERED = 100

_GIVING = re.compile(r"#?(\d{1,4})\s+(?:to\s+)?(\S+)")


class Giving(OnIncident):
    """An action item and its new owner."""

    item: str = ""
    owner: Named = NOBODY


def find_giving(ref: IncidentRef, text: str, *, me: Named | None) -> Giving | None:
    """Parse `2 @someone` or `2 me`; None for anything else."""
    typed = _GIVING.fullmatch(text.strip())
    if typed is None:
        return None
    user_id = mentions.parse_user(typed[2])
    owner = Named(user_id) if user_id else me if typed[2].casefold() == "me" else None
    return Giving(ref, item=typed[1], owner=owner) if owner else None


async def give(request: Request, given: Giving) -> Reply:
    """Assign the action item to its new owner."""
    if not given.item.isdecimal():
        raise InvalidInput("action_item", "unknown")
    use_case = partial(assign_action_item, ref=given.ref, number=int(given.item), owner=given.owner)
    data = (await request.transact(use_case)).data
    text = (
        f"Action item {data['number']} of {data['reference']} is now with "
        f"{mentions.mention(given.owner.external_id)}: {mentions.escape_line(data['text'])}"
    )
    return Say(say(text))


async def open_giving(request: Request, given: Giving) -> Form[Giving] | Say:
    """Return the form that assigns an open action item, or a reply if all are done."""
    incident = await view_for_form(request, given.ref, action=Action.MANAGE_ACTION_ITEMS)
    async with request.services.database.reading() as session:
        items = [item for item in await action_items_of(session, incident.id) if not item.is_done]
    if not items:
        return Say(say(f"All action items of {incident.reference} are done."))
    return Form(giving_form(incident, items), Giving(ById(incident.id)))


def giving_form(incident: IncidentView, items: Sequence[ActionItemView]) -> blocks.View:
    """Return the form that assigns one of these action items."""
    return blocks.modal(
        "Change the owner",
        blocks=[
            blocks.context(mentions.escape_line(f"{incident.reference} {incident.title}")),
            blocks.select(
                "item",
                label="Action item",
                options=[
                    blocks.option(f"{item.number}. {item.text}", value=str(item.number))
                    for item in items[:MOST_OFFERED]
                ],
            ),
            blocks.user_select("owner", label="New owner"),
        ],
        submit="Give",
    )


GIVE = Verb(
    Giving,
    form="action_item_give_submit",
    opened_by=("action_item_give_open",),
    open=open_giving,
    perform=give,
    inputs={"action_item": "item", "": "owner"},
    is_quiet=True,
)
