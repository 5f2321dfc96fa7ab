"""Giving an action item to somebody else: `action 2 @someone`, and the form behind the list."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from bot.framework.incident_forms import remember, view_for_form
from bot.framework.refusals import invalid_text, say
from bot.framework.replies import FieldErrors, Reply, Say
from bot.framework.requests import Request
from bot.slack import blocks, mentions
from incidents.core.errors import InvalidInput
from incidents.engine.unit_of_work import Outcome
from incidents.incident.views import IncidentView
from incidents.people.assignable import Named
from incidents.policy.policy import Action
from incidents.postmortem.action_items import ActionItemView, action_items_of, assign_action_item

MOST_OFFERED = 100

_GIVING = re.compile(r"#?(\d{1,4})\s+(?:to\s+)?(\S+)")


@dataclass(frozen=True, slots=True)
class Giving:
    """An action item and whoever is to have it, as typed after the command."""

    number: int
    owner: Named


def find_giving(text: str, *, me: Named | None) -> Giving | None:
    """Return what `2 @someone` or `2 me` asks for; None if it is anything else."""
    typed = _GIVING.fullmatch(text.strip())
    if typed is None:
        return None
    user_id = mentions.parse_user(typed[2])
    owner = Named(user_id) if user_id else me if typed[2].casefold() == "me" else None
    return Giving(int(typed[1]), owner) if owner else None


async def give(request: Request, giving: Giving) -> Reply:
    """Give the action item of the incident in question to somebody."""
    outcome = await request.transact(
        partial(
            assign_action_item,
            ref=request.incident_ref(),
            number=giving.number,
            owner=giving.owner,
        )
    )
    return Say(given(outcome, giving.owner))


async def give_pressed(request: Request) -> Reply:
    """Open the form that gives one of the open action items to somebody."""
    incident = await view_for_form(
        request, request.incident_of_value(), action=Action.MANAGE_ACTION_ITEMS
    )
    async with request.services.database.reading() as session:
        items = [item for item in await action_items_of(session, incident.id) if not item.is_done]
    if not items:
        return Say(say(f"All action items of {incident.reference} are done."))
    await request.open_view(giving_form(incident, items))
    return None


async def give_submitted(request: Request) -> Reply:
    """Give the chosen action item to the chosen person; wrong input is answered in its field."""
    form = request.form
    owner, number = form.user("owner"), form.choice("item") or ""
    if not number.isdecimal() or owner is None:
        raise InvalidInput("action_item", "unknown")
    use_case = partial(
        assign_action_item,
        ref=request.incident_of_metadata(),
        number=int(number),
        owner=Named(owner),
    )
    try:
        await request.transact(use_case)
    except InvalidInput as error:
        text = invalid_text(error.field, error.problem, error.example)
        return FieldErrors({"item" if error.field == "action_item" else "owner": text})
    return None


def giving_form(incident: IncidentView, items: Sequence[ActionItemView]) -> blocks.View:
    """Return the form that gives one of the open action items to somebody."""
    return blocks.modal(
        "Give it to somebody",
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
            blocks.user_select("owner", label="Owner from now on"),
        ],
        callback_id="action_item_give_submit",
        submit="Give",
        private_metadata=remember(incident),
    )


def given(outcome: Outcome, owner: Named) -> blocks.Message:
    """Return what whoever gave an action item to somebody is told."""
    data = outcome.data
    return say(
        f"Action item {data['number']} of {data['reference']} is now with "
        f"{mentions.mention(owner.external_id)}: {mentions.escape_line(data['text'])}"
    )
