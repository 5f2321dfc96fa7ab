"""The handover of an on-call shift: `handover`, the drafted note, accepting it, asking about it."""

import uuid
from collections.abc import Mapping
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.handover import messages
from bot.features.handover.load import MINE, REPORT
from bot.features.handover.messages import OnHandover, OnQuestion, OnRating
from bot.framework.arguments import NOBODY, Arguments
from bot.framework.effect_context import Dropped, Record
from bot.framework.feature import Feature
from bot.framework.live_messages import LiveMessage, Showing, to_person
from bot.framework.reading import person_in
from bot.framework.refusals import invalid_text, say
from bot.framework.requests import Reply, Request, Say, Services
from bot.framework.verbs import Verb
from bot.slack import blocks, mentions
from incidents.core.errors import DomainError, InvalidInput, NotPermitted, Superseded
from incidents.core.ids import derived_id
from incidents.core.people import Person, actor_of
from incidents.engine.unit_of_work import Outcome
from incidents.handover.draft import Readers, draft_handover
from incidents.handover.effects import ShowHandover, TellOfHandover
from incidents.handover.hand_over import (
    EXAMPLE,
    accept_handover,
    answer_question,
    ask_about_handover,
    mark_undelivered,
    name_successor,
    offer_handover,
    rate_handover,
    withdraw_handover,
)
from incidents.handover.tables import Handover, HandoverView, NoteRating, get_handover_view
from incidents.incident.views import person_view
from incidents.people.assignable import Named
from incidents.policy.policy import Action


class Successor(Arguments):
    """Who is next on call."""

    next_person: Named = NOBODY


def typed_successor(request: Request) -> Successor:
    """Parse `handover @someone`."""
    first, rest = request.words.split_person()
    named = person_in(first)
    if named is None:
        raise InvalidInput("next_person", "not_a_person", EXAMPLE)
    if mentions.begins_with_a_person(rest):
        raise InvalidInput("next_person", "one_at_a_time", EXAMPLE)
    if rest:
        raise InvalidInput("next_person", "has to stand alone. The note comes next", EXAMPLE)
    return Successor(named)


async def draft(request: Request, given: Successor) -> blocks.View:
    """Draft the note for the next person from the record; return it as a form."""
    use_case = partial(name_successor, named=given.next_person)
    outcome = await request.transact(use_case, once=False)
    services = request.services
    async with services.database.reading() as session:
        successor = await session.get_one(Person, uuid.UUID(outcome.data["person_id"]))
        readers = Readers(
            workspace_id=services.workspace.id,
            author=request.actor,
            successor=actor_of(successor),
        )
        drafted = await draft_handover(session, readers, policy=request.policy, now=request.now)
    sections = messages.sections_of(drafted, now=request.now)
    return messages.note_form(sections, successor=person_view(successor))


async def open_next(_: Request, __: Successor) -> blocks.View:
    """Return the form that asks who is next on call."""
    return messages.next_form()


async def offer(request: Request, given: Successor) -> Reply:
    """Offer the edited note to the next person."""
    sections = {key: request.form.text(key) for key in messages.SECTIONS}
    use_case = partial(offer_handover, named=given.next_person, sections=sections)
    name = mentions.escape_line((await request.transact(use_case)).data["to"])
    return Say(say(f"I've sent your note to {name}. I'll tell you when {name} accepts or asks."))


def accepted_text(_: Request, outcome: Outcome) -> str:
    """Return the reply to the person who accepted the note."""
    name = mentions.escape_line(outcome.data["from"])
    return f"The shift is yours. I've told {name}."


async def open_ask(request: Request, given: OnHandover) -> blocks.View:
    """Return the form for a question. Raises: NotPermitted for all but the next person."""
    view = await _own_view(request, given.handover_id)
    if view.to_person.id != request.actor.person_id:
        raise NotPermitted(Action.HAND_OVER_SHIFT, needs=view.to_person.name)
    return messages.ask_form(view)


async def open_answer(request: Request, given: OnQuestion) -> blocks.View:
    """Return the form for an answer. Raises: NotPermitted for all but the author."""
    view = await _own_view(request, given.handover_id)
    if view.from_person.id != request.actor.person_id:
        raise NotPermitted(Action.HAND_OVER_SHIFT, needs=view.from_person.name)
    question = next((one for one in view.questions if one.id == given.question_id), None)
    if question is None:
        raise Superseded("handover_withdrawn")
    return messages.answer_form(view, question)


def _in_its_input(request: Request, error: DomainError) -> Mapping[str, str] | None:
    """Return the error for the form's field, without the command's example."""
    if not isinstance(error, InvalidInput):
        return None
    name = error.field if error.field in request.form.values else "words"
    return {name: invalid_text(error.field, error.problem, "")}


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


SHOWN_NOTE = LiveMessage(
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


NOTE = Verb(
    Successor, form="handover_note_submit", open=draft, perform=offer, explain=_in_its_input
)

FEATURE = Feature(
    name="handover",
    verbs=(
        Verb(
            Successor,
            usage="handover [@someone]",
            family="oncall",
            summary="Hand your shift over: a note drafted from the record, accepted by the next.",
            examples=(EXAMPLE,),
            typed=typed_successor,
            form="handover_next_submit",
            opened_by=("handover_open",),
            open=open_next,
            perform=NOTE.ask,
            explain=_in_its_input,
        ),
        MINE,
        REPORT,
        NOTE,
        Verb(
            OnHandover, buttons=("handover_accept",), use_case=accept_handover, tell=accepted_text
        ),
        Verb(
            OnHandover,
            buttons=("handover_withdraw",),
            use_case=withdraw_handover,
            tell=lambda *_: "Withdrawn. The shift is still yours.",
        ),
        Verb(
            OnRating,
            buttons=tuple(f"handover_rate_{one}" for one in NoteRating),
            use_case=rate_handover,
            is_quiet=True,
            tell=lambda *_: "I've noted it. Only the author and their mentors see it.",
        ),
        Verb(
            OnHandover,
            form="handover_ask_submit",
            opened_by=("handover_ask_open",),
            open=open_ask,
            use_case=ask_about_handover,
        ),
        Verb(
            OnQuestion,
            form="handover_answer_submit",
            opened_by=("handover_answer_open",),
            open=open_answer,
            use_case=answer_question,
        ),
    ),
    live_messages=(SHOWN_NOTE, NEWS),
)
