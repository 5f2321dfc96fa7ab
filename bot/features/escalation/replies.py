"""Private replies about an escalation: who was called, and what is still missing."""

import uuid
from collections.abc import Iterator, Sequence
from typing import Literal

from bot.features.escalation.card import OnEscalation, next_line, private_offer
from bot.features.escalation.forms import Escalating
from bot.features.escalation.packet import names_of
from bot.features.escalation.targets import Meant, Near, text_of
from bot.framework.arguments import find_value, to_value
from bot.framework.refusals import say
from bot.framework.requests import Request
from bot.framework.verbs import view_for_form
from bot.slack import blocks, mentions
from incidents.core.errors import Superseded
from incidents.engine.unit_of_work import Outcome
from incidents.escalation.packet import most_useful
from incidents.escalation.tables import CallStatus, Escalation, EscalationStatus, escalations_of
from incidents.escalation.targets import RoleTarget, ServiceTarget
from incidents.escalation.views import EscalationView, get_escalation_view
from incidents.incident.incident import ById, IncidentRef
from incidents.incident.views import IncidentView
from incidents.people.directory import find_people_named
from incidents.policy.escalation import EscalationTemplate
from incidents.policy.policy import Action, Policy


def sent_message(
    outcome: Outcome,
    incident: IncidentView,
    template: EscalationTemplate,
    *,
    view: EscalationView,
    slash: str,
) -> blocks.Message:
    """Return the private reply to the author after escalating: who is called, what would help."""
    data = outcome.data
    called = [mentions.escape_line(str(name)) for name in data.get("called") or ()]
    parts = [f"*{data['reference']}* escalated ({data['number']}). {_called(called, view)}"]
    missing = data.get("missing") or ()
    parts.append(useful_text(missing, template))
    if missing and view.is_urgent:
        parts.append(
            "I'll ask you for it by direct message, one thing at a time. Skip what you like."
        )
    if data.get("is_exhausted"):
        again = f"`{slash} {data['reference']} escalate @someone What you need`"
        parts.append(f"Name somebody: {again}, or phone somebody.")
    offer = private_offer(incident, template)
    if offer:
        parts.append("Better handled by a few? *Move to private…* says what stays readable.")
    text = "\n".join(part for part in parts if part)
    escalation_id = uuid.UUID(data["escalation_id"])
    value = to_value(OnEscalation(ById(incident.id), escalation_id))
    add = blocks.button("Add details", action_id="escalation_add_open", value=value)
    withdraw = blocks.button("Withdraw…", action_id="escalation_withdraw_open", value=value)
    return say(text, add, withdraw, *offer)


def _called(called: Sequence[str], view: EscalationView) -> str:
    if called:
        return f"Calling {', '.join(called)}. {next_line(view)}".rstrip()
    if view.status is EscalationStatus.EXHAUSTED:
        return "*There was nobody to call.*"
    return "Looking up who to call; the card in the channel shows it."


def useful_text(missing: Sequence[str], template: EscalationTemplate) -> str:
    """Return the three most useful things to add; only the packet's author may see this."""
    if not missing:
        return "They have what they need to start."
    return f"Useful to add: {mentions.escape_line(names_of(most_useful(missing), template))}."


def completed_message(
    outcome: Outcome, template: EscalationTemplate, *, is_author: bool
) -> blocks.Message:
    """Return the reply after adding to a packet; only its author sees what would help more."""
    data = outcome.data
    lead = (
        f"Added to escalation {data['number']} of *{data['reference']}*: version {data['version']}."
    )
    more = useful_text(data.get("missing") or (), template)
    text = f"{lead}\n{more}" if is_author else lead
    return say(text)


def answered_text(request: Request, outcome: Outcome) -> str:
    """Return the reply to a person who answered or changed an escalation."""
    data = outcome.data
    which = f"escalation {data['number']} of *{data['reference']}*"
    called = ", ".join(mentions.escape_line(str(name)) for name in data.get("called") or ())
    is_at_end = data.get("status") == EscalationStatus.EXHAUSTED
    match outcome.kind:
        case "escalation_taken":
            return f"You're on {which}. I've told the author and stopped calling."
        case "escalation_questioned":
            return f"I've asked about {which}. I'll tell you when the answer comes."
        case "escalation_declined" if is_at_end:
            return (
                f"Noted for {which}. I have nobody left to call, and say so in the channel. If you "
                "know who could help, write it there."
            )
        case "escalation_declined":
            return f"Noted for {which}. I'm calling others. Thank you for saying so."
        case "escalation_redirected" if is_at_end:
            return (
                f"I can't call them, and have nobody left to call for {which}. I say so in the "
                "channel. Phone somebody, or escalate to somebody else."
            )
        case "escalation_redirected":
            return f"Passed on: {called or 'being looked up'}, with all of {which}."
        case "escalation_step_called":
            lead = f"Calling {called} now" if called else "I could call nobody of that step"
            return f"{lead}, for {which}. The card in the channel shows it."
        case "escalation_withdrawn":
            return f"I've withdrawn {which}. The people I called see that in their messages."
    return f"Done, for {which}. `{request.policy.command} escalation` shows where it stands."


def example_line(request: Request, words: str) -> str:
    """Return a whole command in backticks, as the example in a refusal."""
    return f"`{typed_line(request, words)}`"


def typed_line(request: Request, words: str) -> str:
    """Return a command line as the person would type it, with the reference if they gave one."""
    reference = request.words.reference
    return " ".join([request.policy.command, *([str(reference)] if reference else []), words])


async def shown_escalation(
    request: Request, escalation_id: uuid.UUID, *, action: Action = Action.VIEW
) -> tuple[EscalationView, IncidentView]:
    """Return an escalation and its incident, if the person may see it and do this.

    Raises: Superseded; IncidentNotFound; NotPermitted.
    """
    async with request.services.database.reading() as session:
        row = await session.get(Escalation, escalation_id)
    if row is None or row.workspace_id != request.services.workspace.id:
        raise Superseded("escalation_withdrawn")
    incident = await view_for_form(request, ById(row.incident_id), action=action)
    async with request.services.database.reading() as session:
        view = await get_escalation_view(
            session, escalation_id, policy=request.policy, now=request.now
        )
    return view, incident


async def names_in_steps(request: Request, view: EscalationView) -> dict[str, str]:
    """Return how people read the names of the steps that wait, by how the policy has them."""
    wanted = [name for step in view.waiting_steps for name in step.reach]
    async with request.services.database.reading() as session:
        people = await find_people_named(
            session, wanted, workspace_id=request.services.workspace.id
        )
    return {name: people[name].name if name in people else name for name in wanted}


async def escalations_shown(
    request: Request, ref: IncidentRef
) -> tuple[tuple[EscalationView, ...], IncidentView]:
    """Return every escalation of an incident that the person may see, newest first.

    Raises: IncidentNotFound; NotPermitted.
    """
    incident = await view_for_form(request, ref, action=Action.VIEW)
    async with request.services.database.reading() as session:
        rows = await escalations_of(session, incident.id)
        views = [
            await get_escalation_view(session, row.id, policy=request.policy, now=request.now)
            for row in reversed(rows)
        ]
    return tuple(views), incident


def find_meant(
    views: tuple[EscalationView, ...], number: int | None, *, viewer_id: uuid.UUID | None = None
) -> EscalationView | None:
    """Return the escalation with this number, else the newest unanswered, else the newest.

    Among the unanswered, those that call the viewer come first, then those that the viewer sent.
    """
    if number is not None:
        return next((view for view in views if view.number == number), None)
    waiting = [view for view in views if view.is_unanswered]
    calling = [view for view in waiting if _calls(view, viewer_id)]
    sent = [view for view in waiting if view.author is not None and view.author.id == viewer_id]
    return next(iter((*calling, *sent, *waiting, *views)), None)


def _calls(view: EscalationView, person_id: uuid.UUID | None) -> bool:
    return any(
        call.person.id == person_id and call.status is CallStatus.OPEN for call in view.calls
    )


# -- when the target isn't clear -------------------------------------------------------------


def near_message(
    request: Request,
    near: Sequence[Near],
    *,
    before: str,
    incident: IncidentView,
    words: str,
    typed: str,
) -> blocks.Message:
    """Ask which of the names is meant; `before` is the command up to the name, `typed` the name."""
    text = "\n".join(_lines(request, near, before=before, typed=typed))
    return say(text, *words_button(incident, words, "No, open the form with my text"))


def words_button(incident: IncidentView, words: str, label: str) -> list[blocks.ButtonElement]:
    """Return the button that opens the form with the text as the ask; none if it doesn't fit."""
    asked = Escalating(ById(incident.id), incident.version, mentions.plain(words))
    return _button(label, asked, action_id="escalate_words_open")


def _button(
    label: str,
    given: Escalating,
    *,
    action_id: str,
    style: Literal["primary"] | None = None,
) -> list[blocks.ButtonElement]:
    value = find_value(given)
    if value is None:
        return []
    return [blocks.button(label, action_id=action_id, value=value, style=style)]


def is_it_a_target(
    request: Request, meant: Meant, *, incident: IncidentView, words: str
) -> blocks.Message:
    """Ask whether the name that the text begins with is a target or part of the text."""
    name, typed = _name_of(meant, request.policy), mentions.plain(words)
    key = text_of(meant).partition(":")[2]
    line = mentions.code(typed_line(request, f"escalate --to {key} {typed}"))
    text = (
        f"Nobody was called yet: is *{mentions.escape_line(name)}* who to call, or part of your "
        f"text? To call them: {line}"
    )
    calling = Escalating(ById(incident.id), incident.version, typed, to=text_of(meant))
    return say(
        text,
        *_button(f"Call {name}", calling, action_id="escalate_now", style="primary"),
        *words_button(incident, words, "It's text: open the form"),
    )


def unknown_target(meant: Meant, *, incident: IncidentView) -> blocks.Message:
    """Say that nobody has that name, or that two were named; the text is kept."""
    if meant.second:
        why = "I call one person or group at a time, and you named two"
    else:
        why = f"I know nobody called {mentions.code(mentions.plain(meant.unknown))}"
    text = f"Nobody was called yet: {why}. Choose in the form who to call; your text is in it."
    return say(text, *words_button(incident, meant.rest, "Open the form with my text"))


def _name_of(meant: Meant, policy: Policy) -> str:
    match meant.target:
        case ServiceTarget(key=key):
            service = policy.find_service(key)
            return service.name if service is not None else key
        case RoleTarget(key=key):
            role = policy.find_role(key)
            return role.name if role is not None else key
    return meant.template.name if meant.template is not None else ""


def near_text(request: Request, near: Sequence[Near], *, before: str, words: str) -> str:
    """Ask which of the names is meant, where no form can follow."""
    return "\n".join(_lines(request, near, before=before, typed=words.split(maxsplit=1)[0]))


def _lines(request: Request, near: Sequence[Near], *, before: str, typed: str) -> Iterator[str]:
    name = mentions.code(mentions.plain(typed))
    yield f"Nobody was called yet: I know nobody called {name}. Did you mean:"
    for one in near:
        line = f"{before} {one.typed} {mentions.plain(one.rest)}".rstrip()
        yield mentions.code(typed_line(request, line))
    if any(one.typed.startswith("@") for one in near):
        yield "For a person or a group, type `@` and choose the name from the list."
