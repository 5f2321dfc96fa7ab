"""Stages: set one, name a mentor, and tell those concerned. Every reply is private."""

import uuid
from dataclasses import dataclass
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.supervision import stage_messages as messages
from bot.features.supervision.progress import progress_reply
from bot.features.supervision.stage_messages import Setting
from bot.framework.arguments import NOBODY
from bot.framework.effect_context import Done, Dropped, EffectContext, Settlement, post_once
from bot.framework.feature import Feature
from bot.framework.live_messages import LiveMessage, Showing, to_person
from bot.framework.reading import person_in
from bot.framework.refusals import say
from bot.framework.requests import Reply, Request, Say, Services
from bot.framework.slash_commands import Flag, split_first
from bot.framework.verbs import Verb
from bot.slack import blocks, mentions
from bot.slack.errors import SlackPermanent
from incidents.core.errors import InvalidInput
from incidents.core.ids import derived_id
from incidents.core.people import Person, actor_of
from incidents.people.assignable import Named
from incidents.policy.policy import Action, Policy
from incidents.rights.stages import (
    Mentorship,
    Scope,
    Stage,
    StageRecord,
    may_see_progress,
    mentors_of,
)
from incidents.supervision.effects import (
    ShowMentorQuestion,
    TellMentorship,
    TellRenewal,
    TellStage,
)
from incidents.supervision.mentors import MentorAnswer, answer_mentor
from incidents.supervision.stage_changes import StageChange, change_stage

_EXAMPLE = "stage @someone assist --role commander --service checkout"


def typed_setting(request: Request) -> Setting:
    """Parse `stage @someone [stage] [--role …] [--service …] [--mentor …] [note…]`.

    Raises: InvalidInput.
    """
    who, rest = request.words.split_first()
    person, flags = person_in(who), request.words.flags
    if person is None:
        raise InvalidInput("person", "not_a_person", _EXAMPLE)
    word, note = split_first(rest)
    return Setting(
        person,
        stage=_stage(word) if word else "",
        role=flags.get("role", ""),
        service=flags.get("service", ""),
        up_to=flags.get("up-to", ""),
        note=mentions.plain(note),
        mentor=_mentor(flags.get("mentor")),
        former=_mentor(flags.get("no-mentor")),
        agreed=_mentor(flags.get("agree")),
        declined=_mentor(flags.get("decline")),
    )


async def set_stage(request: Request, given: Setting) -> Reply:
    """Set the stage or mentor; a command that sets nothing shows the person's progress."""
    if given.agreed or given.declined:
        return await _answer(request, given)
    if not (given.stage or given.mentor or given.former):
        if request.is_form or request.words.flags:
            raise InvalidInput("stage", "empty", "" if request.is_form else _EXAMPLE)
        return await progress_reply(request, given.person)
    role, service = messages.chosen(given.role), messages.chosen(given.service)
    change = StageChange(
        person=given.person,
        stage=_stage(given.stage) if given.stage else None,
        scope=_scope(request.policy, role=role, service=service),
        up_to=messages.chosen(given.up_to),
        note=given.note,
        mentor=given.mentor,
        former_mentor=given.former,
    )
    await request.transact(partial(change_stage, change=change))
    return Say(_changed(change, request.policy))


async def _answer(request: Request, given: Setting) -> Reply:
    """Agree to a mentor, or decline."""
    named = given.agreed or given.declined or NOBODY
    answer = MentorAnswer(person=given.person, mentor=named, agrees=given.agreed is not None)
    data = (await request.transact(partial(answer_mentor, answer=answer))).data
    mentor, person = (mentions.escape_line(data[key]) for key in ("mentor", "person"))
    if not answer.agrees:
        return Say(say(f"Declined. {mentor} won't be a mentor of {person}."))
    if data["is_settled"]:
        return Say(say(f"Agreed: {mentor} is now a mentor of {person}. I've told the others."))
    return Say(say(f"Agreed. {mentor} becomes a mentor of {person} once one more person agrees."))


async def open_form(request: Request, given: Setting) -> blocks.View:
    """Return the form to set a stage. Raises: NotPermitted."""
    await request.permit(Action.SET_STAGE)
    return messages.stage_form(request.policy, person=given.person.external_id or None)


def _changed(change: StageChange, policy: Policy) -> blocks.Message:
    who = mentions.mention(change.person.external_id)
    said = []
    if change.stage is not None:
        said.append(
            f"{who} is now {messages.stage_text(change.stage, change.scope, policy, up_to=change.up_to)}."
        )
    if change.mentor is not None:
        mentor = mentions.mention(change.mentor.external_id)
        # The same answer with or without other mentors: that is private.
        said.append(
            f"I'm asking {who}, and one of their mentors if there is one, to agree to {mentor}."
        )
    if change.former_mentor is not None:
        said.append(
            f"{mentions.mention(change.former_mentor.external_id)} is no longer a mentor of {who}."
        )
    # Only what was just set: the rest is private to the person and their mentors.
    return say(" ".join((*said, f"I'm telling {who} and their mentors, and nobody else.")))


def _stage(word: str) -> Stage:
    key = word.casefold()
    if key not in set(Stage):
        raise InvalidInput("stage", "unknown", ", ".join(Stage), word)
    return Stage(key)


def _mentor(text: str | None) -> Named | None:
    if text is None:
        return None
    named = person_in(text)
    if named is None:
        raise InvalidInput("mentor", "not_a_person", "--mentor @someone")
    return named


def _scope(policy: Policy, *, role: str, service: str) -> Scope:
    found_role = policy.find_role(role) if role else None
    if role and found_role is None:
        raise InvalidInput("role", "unknown", ", ".join(one.key for one in policy.roles), role)
    found_service = policy.find_service(service) if service else None
    if service and found_service is None:
        known = ", ".join(one.key for one in policy.services[:10])
        raise InvalidInput("service", "unknown", known, service)
    return Scope(found_role.key if found_role else "", found_service.key if found_service else "")


# -- direct messages --------------------------------------------------------------------------


async def tell_stage(context: EffectContext) -> Settlement:
    """Tell the person or a mentor that a stage was set."""
    effect, policy = context.get(TellStage), context.services.policy
    told = await _find_told(context.services, effect.record_id, effect.person_id)
    if told is None:
        return Dropped("not theirs to know")
    message = (
        messages.told_to_person(told.record, policy)
        if told.is_own
        else messages.told_to_mentor(told.learner.name, told.record, policy)
    )
    return await _tell(context, told.reader, message)


async def tell_mentorship(context: EffectContext) -> Settlement:
    """Tell somebody concerned that a mentorship began, was declined or ended."""
    effect, services = context.get(TellMentorship), context.services
    async with services.database.reading() as session:
        row = await session.get_one(Mentorship, effect.mentorship_id)
        learner = await session.get_one(Person, row.person_id)
        mentor = await session.get_one(Person, row.mentor_id)
        reader = await session.get_one(Person, effect.person_id)
    if not reader.is_active:
        return Dropped("person not active")
    slash, pair = services.policy.command, (learner.external_id, mentor.external_id)
    is_ended = not row.is_active
    if reader.id == learner.id:
        message = messages.mentorship_to_person(pair[1], is_ended=is_ended, slash=slash)
    elif reader.id == mentor.id:
        message = messages.mentorship_to_mentor(pair[0], is_ended=is_ended, slash=slash)
    else:
        message = messages.mentorship_to_others(*pair, row)
    return await _tell(context, reader, message)


async def _look_at_question(
    session: AsyncSession, effect: ShowMentorQuestion, services: Services
) -> Showing | Dropped:
    row = await session.get_one(Mentorship, effect.mentorship_id)
    learner = await session.get_one(Person, row.person_id)
    mentor = await session.get_one(Person, row.mentor_id)
    reader = await session.get_one(Person, effect.person_id)
    mentors = await mentors_of(
        session,
        workspace_id=services.workspace.id,
        person_id=learner.id,
        policy=services.policy,
    )
    is_theirs = reader.id in {learner.id, *mentors} and row.question_id == effect.question_id
    if not is_theirs:
        return Dropped("not theirs to know")
    has_agreed = row.learner_agreed_at if reader.id == learner.id else row.mentor_agreed_by_id
    waits = row.asked_at is not None and not has_agreed
    return Showing(
        messages.mentor_question(
            learner.external_id,
            mentor.external_id,
            is_own=reader.id == learner.id,
            waits=waits,
            ended=messages.how_it_ended(row),
        ),
        to_person(reader, unless="" if waits else "settled before it was asked"),
    )


QUESTION = LiveMessage(
    effect=ShowMentorQuestion,
    purpose="mentor_question",
    subject=lambda effect: derived_id(effect.question_id, str(effect.person_id)),
    look=_look_at_question,
)


async def tell_renewal(context: EffectContext) -> Settlement:
    """Tell the person or a mentor that a sign-off is due for renewal."""
    effect, policy = context.get(TellRenewal), context.services.policy
    told = await _find_told(context.services, effect.record_id, effect.person_id)
    if told is None:
        return Dropped("not theirs to know")
    message = (
        messages.renewal_to_person(told.record, policy)
        if told.is_own
        else messages.renewal_to_mentor(told.learner.external_id, told.record, policy)
    )
    return await _tell(context, told.reader, message)


@dataclass(frozen=True, slots=True)
class _Told:
    """A stage record, the learner it belongs to, and the reader of the message."""

    record: StageRecord
    learner: Person
    reader: Person

    @property
    def is_own(self) -> bool:
        return self.reader.id == self.learner.id


async def _find_told(
    services: Services, record_id: uuid.UUID, reader_id: uuid.UUID
) -> _Told | None:
    """Return the record and its people; None if the reader is inactive or may not see it."""
    async with services.database.reading() as session:
        record = await session.get(StageRecord, record_id)
        reader = await session.get(Person, reader_id)
        if record is None or reader is None or not reader.is_active:
            return None
        may_see = await may_see_progress(
            session,
            actor_of(reader),
            person_id=record.person_id,
            workspace_id=services.workspace.id,
            policy=services.policy,
        )
        if not may_see:
            return None
        return _Told(record, await session.get_one(Person, record.person_id), reader)


async def _tell(context: EffectContext, reader: Person, message: blocks.Message) -> Settlement:
    try:
        await post_once(context, channel_id=reader.external_id, message=message)
    except SlackPermanent as error:
        # Private to them: nobody else learns that it failed, and they can look it up.
        return Dropped(error.error)
    return Done()


FEATURE = Feature(
    name="stages",
    verbs=(
        Verb(
            Setting,
            usage="stage [@someone] [observe|assist|lead|solo] [note…]",
            family="learn",
            summary="Show or set how far somebody works on their own, and who is their mentor.",
            flags=(
                Flag("role", "Only in this role.", "commander"),
                Flag("service", "Only for this service.", "checkout"),
                Flag(
                    "up-to", "Only up to this severity; one stage lower in worse incidents.", "sev3"
                ),
                Flag("mentor", "Name a mentor.", "@someone"),
                Flag("no-mentor", "This person is no longer their mentor.", "@someone"),
                Flag("agree", "Agree to this mentor, for yourself or a mentee.", "@someone"),
                Flag("decline", "Decline this mentor.", "@someone"),
            ),
            examples=("stage", _EXAMPLE, "stage @someone observe --mentor @mentor"),
            typed=typed_setting,
            alone=lambda request: progress_reply(request, None),
            form="stage_submit",
            opened_by=("stage_open",),
            open=open_form,
            perform=set_stage,
        ),
        Verb(Setting, buttons=("mentor_agree", "mentor_decline"), perform=set_stage),
    ),
    live_messages=(QUESTION,),
    effects={
        TellStage: tell_stage,
        TellMentorship: tell_mentorship,
        TellRenewal: tell_renewal,
    },
)
