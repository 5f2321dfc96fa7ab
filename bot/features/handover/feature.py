"""The on-call handoff: `handover`, the note drafted from the record, accepting it, asking about it."""

import uuid
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.handover import messages
from bot.framework.effect_context import Dropped, Record
from bot.framework.feature import Command, Feature
from bot.framework.live_messages import LiveMessage, Showing, to_person
from bot.framework.reading import person_in
from bot.framework.refusals import invalid_text, say
from bot.framework.replies import FieldErrors, Reply, Say, ShowView
from bot.framework.requests import Request, Services
from bot.slack import blocks, mentions
from incidents.core.errors import InvalidInput, NotPermitted, Superseded
from incidents.core.ids import derived_id
from incidents.core.people import Person, actor_of
from incidents.handover.draft import Readers, draft_handover
from incidents.handover.hand_over import (
    EXAMPLE,
    accept_handover,
    answer_question,
    ask_about_handover,
    mark_undelivered,
    name_successor,
    offer_handover,
    withdraw_handover,
)
from incidents.handover.tables import Handover, HandoverView, get_handover_view
from incidents.incident.views import person_view
from incidents.learning.effects import ShowHandover, TellOfHandover
from incidents.people.assignable import Named
from incidents.policy.policy import Action


async def handover_command(request: Request) -> Reply:
    """Draft the note for `@someone`; alone, ask first who is next."""
    who = request.words.text.split(maxsplit=1)
    if not who:
        await request.open_view(messages.next_form())
        return None
    named = person_in(who[0])
    if named is None:
        raise InvalidInput("next_person", "not_a_person", EXAMPLE)
    await request.open_view(await _draft(request, named))
    return None


async def open_next_form(request: Request) -> Reply:
    """Ask who is next, from a button."""
    await request.open_view(messages.next_form())
    return None


async def next_submitted(request: Request) -> Reply:
    """Draft the note for whoever was chosen, in place of the first form."""
    chosen = request.form.user("next_person")
    try:
        if chosen is None:
            raise InvalidInput("next_person", "not_a_person")
        return ShowView(await _draft(request, Named(chosen)))
    except InvalidInput as error:
        return FieldErrors({"next_person": invalid_text(error.field, error.problem, "")})


async def _draft(request: Request, named: Named) -> blocks.View:
    outcome = await request.transact(partial(name_successor, named=named), once=False)
    services = request.services
    async with services.database.reading() as session:
        successor = await session.get_one(Person, uuid.UUID(outcome.data["person_id"]))
        readers = Readers(
            workspace_id=services.workspace.id,
            author=request.actor,
            successor=actor_of(successor),
        )
        draft = await draft_handover(session, readers, policy=request.policy, now=request.now)
    sections = messages.sections_of(draft, now=request.now)
    return messages.note_form(sections, successor=person_view(successor))


async def note_submitted(request: Request) -> Reply:
    """Put the note, as it was edited, to the next person."""
    form = request.form
    sections = {key: form.text(key) for key in messages.SECTIONS}
    named = Named(str(request.metadata.get("external_id", "")))
    try:
        outcome = await request.transact(partial(offer_handover, named=named, sections=sections))
    except InvalidInput as error:
        return FieldErrors({"words": invalid_text(error.field, error.problem, "")})
    name = mentions.escape_line(outcome.data["to"])
    return Say(say(f"Put to {name} by direct message. You hear of it when they accept or ask."))


async def accept_pressed(request: Request) -> Reply:
    """Accept the note."""
    handover_id = _id_of(request.value)
    outcome = await request.transact(partial(accept_handover, handover_id=handover_id))
    name = mentions.escape_line(outcome.data["from"])
    return Say(say(f"Accepted: the shift is yours. {name} is told."))


async def withdraw_pressed(request: Request) -> Reply:
    """Take the note back."""
    await request.transact(partial(withdraw_handover, handover_id=_id_of(request.value)))
    return Say(say("Withdrawn: the shift stays yours."))


async def open_ask_form(request: Request) -> Reply:
    """Open the form for a question; only the next person can."""
    view = await _own_view(request, _id_of(request.value))
    if view.to_person.id != request.actor.person_id:
        raise NotPermitted(Action.HAND_OVER_SHIFT, needs=view.to_person.name)
    await request.open_view(messages.ask_form(view))
    return None


async def asked(request: Request) -> Reply:
    """Put the question to the author."""
    handover_id = _id_of(str(request.metadata.get("id", "")))
    text = request.form.text("text")
    try:
        await request.transact(partial(ask_about_handover, handover_id=handover_id, text=text))
    except InvalidInput as error:
        return FieldErrors({"text": invalid_text(error.field, error.problem, "")})
    return None


async def open_answer_form(request: Request) -> Reply:
    """Open the form for an answer; only the author can."""
    handover_id, _, question_id = request.value.partition("|")
    view = await _own_view(request, _id_of(handover_id))
    if view.from_person.id != request.actor.person_id:
        raise NotPermitted(Action.HAND_OVER_SHIFT, needs=view.from_person.name)
    wanted = _id_of(question_id)
    question = next((one for one in view.questions if one.id == wanted), None)
    if question is None:
        raise Superseded("handover_withdrawn")
    await request.open_view(messages.answer_form(view, question))
    return None


async def answered(request: Request) -> Reply:
    """Answer the question."""
    question_id = _id_of(str(request.metadata.get("id", "")))
    text = request.form.text("text")
    try:
        await request.transact(partial(answer_question, question_id=question_id, text=text))
    except InvalidInput as error:
        return FieldErrors({"text": invalid_text(error.field, error.problem, "")})
    return None


async def _own_view(request: Request, handover_id: uuid.UUID) -> HandoverView:
    """Return the note to one of its two people. Raises: Superseded for all others."""
    async with request.services.database.reading() as session:
        return await _view_for(session, handover_id, person_id=request.actor.person_id)


async def _view_for(
    session: AsyncSession, handover_id: uuid.UUID, *, person_id: uuid.UUID | None
) -> HandoverView:
    row = await session.get(Handover, handover_id)
    if row is None or person_id not in {row.from_person_id, row.to_person_id}:
        raise Superseded("handover_withdrawn")
    return await get_handover_view(session, handover_id)


def _id_of(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise Superseded("handover_withdrawn") from None


# -- effects --------------------------------------------------------------------------------


async def _look_at_note(
    session: AsyncSession, effect: ShowHandover, _services: Services
) -> Showing | Dropped:
    view = await get_handover_view(session, effect.handover_id)
    person = await session.get_one(Person, effect.person_id)
    if person.id not in {view.from_person.id, view.to_person.id} or not person.is_active:
        return Dropped("nobody to show it to")
    is_author = person.id == view.from_person.id

    def undelivered(reason: str) -> Record | None:
        if is_author or not view.is_pending:
            return None
        return partial(mark_undelivered, handover_id=view.id, error=reason)

    return Showing(
        messages.note_message(view, is_author=is_author),
        to_person(person, unless="" if view.is_pending else "over before it was shown"),
        on_dropped=undelivered,
    )


NOTE = LiveMessage(
    effect=ShowHandover,
    purpose="handover",
    subject=lambda effect: derived_id(effect.handover_id, str(effect.person_id)),
    look=_look_at_note,
)


async def _look_at_news(
    session: AsyncSession, effect: TellOfHandover, _services: Services
) -> Showing:
    view = await get_handover_view(session, effect.handover_id)
    person = await session.get_one(Person, effect.person_id)
    question = next((one for one in view.questions if one.id == effect.question_id), None)
    is_asking = effect.what in {"reminder", "unaccepted", "undelivered"}
    return Showing(
        messages.told_message(view, effect.what, question),
        to_person(person, unless="settled meanwhile" if is_asking and not view.is_pending else ""),
    )


NEWS = LiveMessage(
    effect=TellOfHandover,
    purpose="handover_news",
    subject=lambda effect: derived_id(
        effect.handover_id, f"{effect.what}:{effect.question_id}:{effect.person_id}"
    ),
    look=_look_at_news,
)

FEATURE = Feature(
    name="handover",
    commands=(
        Command(
            name="handover",
            usage="handover [@someone]",
            summary="Hand your shift over: a note drafted from the record, accepted by the next.",
            handler=handover_command,
            examples=(EXAMPLE,),
        ),
    ),
    actions={
        "handover_open": open_next_form,
        "handover_accept": accept_pressed,
        "handover_withdraw": withdraw_pressed,
        "handover_ask_open": open_ask_form,
        "handover_answer_open": open_answer_form,
    },
    views={
        messages.NEXT_FORM: next_submitted,
        messages.NOTE_FORM: note_submitted,
        messages.ASK_FORM: asked,
        messages.ANSWER_FORM: answered,
    },
    live_messages=(NOTE, NEWS),
)
