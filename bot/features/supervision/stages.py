"""Stages: setting them and naming mentors, and who hears of it. Every answer is private."""

import uuid
from dataclasses import dataclass
from functools import partial

from bot.features.supervision import stage_messages as messages
from bot.features.supervision.progress import progress_reply
from bot.framework.effect_context import Done, Dropped, EffectContext, Settlement, post_once
from bot.framework.feature import Feature
from bot.framework.reading import person_in
from bot.framework.refusals import invalid_text, say
from bot.framework.replies import FieldErrors, Reply, Say
from bot.framework.requests import Request, Services
from bot.framework.slash_commands import Command, Flag
from bot.slack import blocks, mentions
from bot.slack.errors import SlackPermanent
from incidents.core.errors import InvalidInput
from incidents.core.people import Person, actor_of
from incidents.people.assignable import Named
from incidents.policy.policy import Action, Policy
from incidents.rights.decide import permit
from incidents.rights.stages import Mentorship, Scope, Stage, StageRecord, may_see_progress
from incidents.supervision.effects import TellMentorship, TellRenewal, TellStage
from incidents.supervision.stage_changes import StageChange, change_stage

_EXAMPLE = "stage @someone assist --role commander --service checkout"


async def stage_command(request: Request) -> Reply:
    """Set or show: `stage [@someone] [stage] [--role …] [--service …] [--mentor …] [note…]`."""
    who, rest = request.words.split_first()
    if not who and not request.words.flags:
        return await progress_reply(request, None)
    person = person_in(who)
    if person is None:
        raise InvalidInput("person", "not_a_person", _EXAMPLE)
    change = typed_change(request, person, rest)
    if change is None:
        return await progress_reply(request, person)
    await request.transact(partial(change_stage, change=change))
    return Say(_changed(change, request.policy))


def typed_change(request: Request, person: Named, rest: str) -> StageChange | None:
    """Return what is to be changed, or None if nothing is and somebody only wants to look.

    Raises: InvalidInput for an unknown stage, role or service, or a mentor who is no person.
    """
    flags = request.words.flags
    word, _, note = rest.strip().partition(" ")
    stage = _stage(word) if word else None
    mentor, former = _mentor(flags.get("mentor")), _mentor(flags.get("no-mentor"))
    if stage is None and mentor is None and former is None:
        if flags:
            raise InvalidInput("stage", "empty", _EXAMPLE)
        return None
    return StageChange(
        person=person,
        stage=stage,
        scope=_scope(request.policy, role=flags.get("role"), service=flags.get("service")),
        note=mentions.plain(note),
        mentor=mentor,
        former_mentor=former,
    )


async def open_stage_form(request: Request) -> Reply:
    """Open the form; the button's value is whom it is about (an id of the chat service) or ""."""
    services = request.services
    async with services.database.reading() as session:
        await permit(
            session,
            request.actor,
            Action.SET_STAGE,
            incident=None,
            policy=request.policy,
            workspace_id=services.workspace.id,
        )
    form = messages.stage_form(request.policy, person=request.value or None)
    await request.open_view(form)
    return None


async def stage_submitted(request: Request) -> Reply:
    """Set it from the form; wrong input is answered in its field."""
    form = request.form
    stage, mentor = form.choice("stage"), form.user("mentor")
    try:
        if not form.user("person"):
            raise InvalidInput("person", "not_a_person")
        if not stage and not mentor:
            raise InvalidInput("stage", "empty")
        change = StageChange(
            person=Named(form.user("person") or ""),
            stage=Stage(stage) if stage else None,
            scope=Scope(
                messages.chosen(form.choice("role")), messages.chosen(form.choice("service"))
            ),
            note=form.text("note"),
            mentor=Named(mentor) if mentor else None,
        )
        await request.transact(partial(change_stage, change=change))
    except InvalidInput as error:
        text = invalid_text(error.field, error.problem, error.example)
        return FieldErrors({error.field: text})
    return Say(_changed(change, request.policy))


def _changed(change: StageChange, policy: Policy) -> blocks.Message:
    who = mentions.mention(change.person.external_id)
    said = []
    if change.stage is not None:
        said.append(f"{who} is now {messages.stage_text(change.stage, change.scope, policy)}.")
    if change.mentor is not None:
        said.append(f"{mentions.mention(change.mentor.external_id)} is a mentor of {who}.")
    if change.former_mentor is not None:
        said.append(
            f"{mentions.mention(change.former_mentor.external_id)} is no mentor of {who} now."
        )
    # Only what was just set: what else there is, is the person's and their mentors'.
    return say(" ".join((*said, "They and their mentors are told directly, nobody else.")))


def _stage(word: str) -> Stage:
    key = word.casefold()
    if key not in set(Stage):
        raise InvalidInput("stage", f"is one of {', '.join(Stage)}", _EXAMPLE)
    return Stage(key)


def _mentor(text: str | None) -> Named | None:
    if text is None:
        return None
    named = person_in(text)
    if named is None:
        raise InvalidInput("mentor", "not_a_person", "--mentor @someone")
    return named


def _scope(policy: Policy, *, role: str | None, service: str | None) -> Scope:
    found_role = policy.find_role(role) if role else None
    if role and found_role is None:
        raise InvalidInput("role", "unknown", ", ".join(one.key for one in policy.roles))
    found_service = policy.find_service(service) if service else None
    if service and found_service is None:
        known = ", ".join(one.key for one in policy.services[:10])
        raise InvalidInput("service", "unknown", known)
    return Scope(found_role.key if found_role else "", found_service.key if found_service else "")


# -- what people are told ---------------------------------------------------------------------


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
    """Tell the person and the mentor that they belong together now, or no longer."""
    effect, services = context.get(TellMentorship), context.services
    async with services.database.reading() as session:
        row = await session.get(Mentorship, effect.mentorship_id)
        if row is None or effect.person_id not in {row.person_id, row.mentor_id}:
            return Dropped("not theirs to know")
        learner = await session.get_one(Person, row.person_id)
        mentor = await session.get_one(Person, row.mentor_id)
    reader = learner if effect.person_id == learner.id else mentor
    if not reader.is_active:
        return Dropped("person not active")
    slash, is_ended = services.policy.command, row.ended_at is not None
    message = (
        messages.mentorship_to_person(mentor.external_id, is_ended=is_ended, slash=slash)
        if reader.id == learner.id
        else messages.mentorship_to_mentor(learner.external_id, is_ended=is_ended, slash=slash)
    )
    return await _tell(context, reader, message)


async def tell_renewal(context: EffectContext) -> Settlement:
    """Tell the person or a mentor that a sign-off is to be renewed."""
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
    """A stage that was set, whose it is, and who is told of it."""

    record: StageRecord
    learner: Person
    reader: Person

    @property
    def is_own(self) -> bool:
        return self.reader.id == self.learner.id


async def _find_told(
    services: Services, record_id: uuid.UUID, reader_id: uuid.UUID
) -> _Told | None:
    """Return what is to be told, if the reader is still there and it is still theirs to know."""
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
        # It is theirs alone, and they can look it up: nobody else hears that it failed.
        return Dropped(error.error)
    return Done()


FEATURE = Feature(
    name="stages",
    commands=(
        Command(
            name="stage",
            usage="stage [@someone] [observe|assist|lead|solo] [note…]",
            summary="Show or set how far somebody works on their own, and who is their mentor.",
            handler=stage_command,
            flags=(
                Flag("role", "Only in this role.", "commander"),
                Flag("service", "Only for this service.", "checkout"),
                Flag("mentor", "Name a mentor.", "@someone"),
                Flag("no-mentor", "This person is no longer their mentor.", "@someone"),
            ),
            examples=("stage", _EXAMPLE, "stage @someone observe --mentor @mentor"),
        ),
    ),
    actions={"stage_open": open_stage_form},
    views={"stage_submit": stage_submitted},
    effects={
        TellStage: tell_stage,
        TellMentorship: tell_mentorship,
        TellRenewal: tell_renewal,
    },
)
