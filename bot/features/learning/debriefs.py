"""Debriefs: the shadow writes one after an incident, and the mentor gets it."""

import uuid
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from bot.framework.arguments import Arguments
from bot.framework.effect_context import Dropped
from bot.framework.feature import Feature
from bot.framework.live_messages import LiveMessage, Showing, to_person
from bot.framework.refusals import invalid_text, say
from bot.framework.requests import FieldErrors, Reply, Request, Services
from bot.framework.verbs import Verb
from bot.slack import blocks, mentions
from incidents.core.errors import InvalidInput
from incidents.core.ids import derived_id
from incidents.core.people import Person
from incidents.learning.debriefs import (
    MAX_ANSWER,
    DebriefView,
    find_own_debrief,
    get_debrief_view,
    questions_for,
    write_debrief,
)
from incidents.learning.effects import ShareDebrief, ShowDebrief
from incidents.policy.policy import Policy

# -- writing --------------------------------------------------------------------------------


class OnDebrief(Arguments, gone="debrief"):
    """A debrief, opened by its owner."""

    debrief_id: uuid.UUID


async def open_form(request: Request, given: OnDebrief) -> blocks.View:
    """Return the owner's form, prefilled with earlier answers."""
    return debrief_form(await _own(request, given), request.policy)


async def write(request: Request, given: OnDebrief) -> Reply:
    """Save the answers and share them with the mentor."""
    questions = questions_for(await _own(request, given), request.policy)
    answers = [(q, request.form.text(f"answer_{n}")) for n, q in enumerate(questions)]
    try:
        await request.transact(partial(write_debrief, debrief_id=given.debrief_id, answers=answers))
    except InvalidInput as error:
        return FieldErrors({"answer_0": invalid_text("answer", error.problem, "")})
    return None


async def _own(request: Request, given: OnDebrief) -> DebriefView:
    async with request.services.database.reading() as session:
        return await find_own_debrief(session, given.debrief_id, person_id=request.actor.person_id)


def debrief_form(view: DebriefView, policy: Policy) -> blocks.View:
    """Return the form: the policy's questions, or those answered before, with their answers."""
    written = dict(view.answers)
    questions = questions_for(view, policy)
    return blocks.modal(
        f"Debrief {view.reference}",
        blocks=[
            blocks.context(f"{view.reference} {mentions.escape_line(view.title)}"),
            *(
                blocks.text_input(
                    f"answer_{number}",
                    label=question,
                    initial=written.get(question),
                    multiline=True,
                    optional=True,
                    max_length=MAX_ANSWER,
                )
                for number, question in enumerate(questions)
            ),
            blocks.context(
                "A few honest lines are enough. Only you and your mentor can read this."
            ),
        ],
        submit="Share",
    )


# -- messages -------------------------------------------------------------------------------


def asked_message(view: DebriefView, policy: Policy, *, is_reminder: bool) -> blocks.Message:
    """Return the message to the owner: the request, its reminder, or a receipt."""
    what = f"*{view.reference}* {mentions.escape_line(view.title)}"
    if view.written_at is not None:
        names = ", ".join(mentions.escape_line(one.name) for one in view.shared_with)
        shared = (
            f"and shared with {names}"
            if names
            else "and kept for you: there is no mentor on record to share it with yet"
        )
        text = f"Your debrief of {what} is written {shared}. Thank you."
        label = "Change it"
    elif is_reminder:
        text = f"Your debrief of {what} isn't written yet. Five minutes now are worth it: " + _few(
            view, policy
        )
        label = "Write it"
    else:
        text = f"{what} is over. What do you take from it? Write it while it is fresh: " + _few(
            view, policy
        )
        label = "Write it"
    write = blocks.button(label, action_id="debrief_open", value=str(view.id))
    return say(text, write)


def _few(view: DebriefView, policy: Policy) -> str:
    count = len(questions_for(view, policy))
    questions = "one question" if count == 1 else f"{count} questions"
    return f"{questions}, for you and your mentor only."


def shared_message(view: DebriefView) -> blocks.Message:
    """Return the debrief for a mentor, with the owner's answers at decisions."""
    owner, what = mentions.escape_line(view.owner.name), mentions.escape_line(view.title)
    lines = [f"*Debrief of {owner}*: {view.reference} {what}. For you and {owner} only."]
    for question, answer in view.answers:
        lines.append(
            f"*{mentions.escape_line(question)}*\n{mentions.escape(answer) or '(left open)'}"
        )
    said = [one for one in view.decisions if one.text]
    if said:
        lines.append("*What they would have done at decisions*")
    for one in said:
        at = mentions.date(one.answered_at or one.asked_at, "{time}")
        to = mentions.escape_line(str(one.data.get("to") or one.data.get("decision") or ""))
        lines.append(f"{at} ({to}): {mentions.escape(one.text)}")
    text = "\n".join(lines)
    return blocks.Message(
        text=text, blocks=tuple(p for line in lines for p in blocks.paragraphs(line))
    )


# -- kept current -----------------------------------------------------------------------------


async def _look_at_request(
    session: AsyncSession, effect: ShowDebrief, services: Services
) -> Showing:
    view = await get_debrief_view(session, effect.debrief_id)
    owner = await session.get_one(Person, view.owner.id)
    if view.is_private_now:
        hidden = say(f"{view.reference} is handled privately now. No debrief is needed.")
        return Showing(hidden, to_person(owner, unless="not to be asked"))
    message = asked_message(view, services.policy, is_reminder=effect.is_reminder)
    is_late = effect.is_reminder and view.written_at is not None
    return Showing(message, to_person(owner, unless="written meanwhile" if is_late else ""))


REQUEST = LiveMessage(
    effect=ShowDebrief,
    purpose="debrief",
    subject=lambda effect: derived_id(
        effect.debrief_id, "reminder" if effect.is_reminder else "request"
    ),
    look=_look_at_request,
)


async def _look_at_shared(
    session: AsyncSession, effect: ShareDebrief, _services: Services
) -> Showing | Dropped:
    view = await get_debrief_view(session, effect.debrief_id)
    reader = await session.get_one(Person, effect.person_id)
    if view.written_at is None or not reader.is_active:
        return Dropped("nothing to share")
    if view.is_private_now:
        return Dropped("not theirs to see")
    if any(one.id == reader.id for one in view.shared_with):
        return Showing(shared_message(view), to_person(reader))
    # The reader is no longer one of the mentors: replace what they have.
    gone = say("This debrief is no longer shared with you.")
    return Showing(gone, to_person(reader, unless="not shared any more"))


SHARED = LiveMessage(
    effect=ShareDebrief,
    purpose="shared_debrief",
    subject=lambda effect: derived_id(effect.debrief_id, str(effect.person_id)),
    look=_look_at_shared,
)

FEATURE = Feature(
    name="debriefs",
    verbs=(
        Verb(
            OnDebrief,
            form="debrief_submit",
            opened_by=("debrief_open",),
            open=open_form,
            perform=write,
        ),
    ),
    live_messages=(REQUEST, SHARED),
)
