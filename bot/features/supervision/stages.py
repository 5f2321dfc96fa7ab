"""Stages: set one, name a mentor, and tell those concerned. Every reply is private."""

import uuid
from dataclasses import dataclass
from functools import partial

from bot.features.supervision import stage_messages as messages
from bot.features.supervision.progress import progress_reply
from bot.framework.arguments import NOBODY, Arguments
from bot.framework.effect_context import Done, Dropped, EffectContext, Settlement, post_once
from bot.framework.feature import Feature
from bot.framework.reading import person_in
from bot.framework.refusals import say
from bot.framework.requests import Reply, Request, Say, Services, split_first
from bot.framework.slash_commands import Flag
from bot.framework.verbs import Verb
from bot.slack import blocks, mentions
from bot.slack.errors import SlackPermanent
from incidents.core.errors import InvalidInput
from incidents.core.people import Person, actor_of
from incidents.people.assignable import Named
from incidents.policy.policy import Action, Policy
from incidents.rights.stages import Mentorship, Scope, Stage, StageRecord, may_see_progress
from incidents.supervision.effects import TellMentorship, TellRenewal, TellStage
from incidents.supervision.stage_changes import StageChange, change_stage

_EXAMPLE = "stage @someone assist --role commander --service checkout"


class Setting(Arguments):
    """A stage to set for a person, with its scope, or a mentor to add or remove."""

    person: Named = NOBODY
    stage: str = ""
    role: str = ""
    service: str = ""
    note: str = ""
    mentor: Named | None = None
    former: Named | None = None


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
        note=mentions.plain(note),
        mentor=_mentor(flags.get("mentor")),
        former=_mentor(flags.get("no-mentor")),
    )


async def set_stage(request: Request, given: Setting) -> Reply:
    """Set the stage or mentor; a command that sets nothing shows the person's progress."""
    if not (given.stage or given.mentor or given.former):
        if request.is_form or request.words.flags:
            raise InvalidInput("stage", "empty", "" if request.is_form else _EXAMPLE)
        return await progress_reply(request, given.person)
    role, service = messages.chosen(given.role), messages.chosen(given.service)
    change = StageChange(
        person=given.person,
        stage=Stage(given.stage) if given.stage else None,
        scope=_scope(request.policy, role=role, service=service),
        note=given.note,
        mentor=given.mentor,
        former_mentor=given.former,
    )
    await request.transact(partial(change_stage, change=change))
    return Say(_changed(change, request.policy))


async def open_form(request: Request, given: Setting) -> blocks.View:
    """Return the form to set a stage. Raises: NotPermitted."""
    await request.permit(Action.SET_STAGE)
    return messages.stage_form(request.policy, person=given.person.external_id or None)


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
    # Only what was just set: the rest is private to the person and their mentors.
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


def _scope(policy: Policy, *, role: str, service: str) -> Scope:
    found_role = policy.find_role(role) if role else None
    if role and found_role is None:
        raise InvalidInput("role", "unknown", ", ".join(one.key for one in policy.roles))
    found_service = policy.find_service(service) if service else None
    if service and found_service is None:
        known = ", ".join(one.key for one in policy.services[:10])
        raise InvalidInput("service", "unknown", known)
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
    """Tell the person or the mentor that the mentorship began or ended."""
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
            summary="Show or set how far somebody works on their own, and who is their mentor.",
            flags=(
                Flag("role", "Only in this role.", "commander"),
                Flag("service", "Only for this service.", "checkout"),
                Flag("mentor", "Name a mentor.", "@someone"),
                Flag("no-mentor", "This person is no longer their mentor.", "@someone"),
            ),
            examples=("stage", _EXAMPLE, "stage @someone observe --mentor @mentor"),
            typed=typed_setting,
            alone=lambda request: progress_reply(request, None),
            form="stage_submit",
            opened_by=("stage_open",),
            open=open_form,
            perform=set_stage,
        ),
    ),
    effects={
        TellStage: tell_stage,
        TellMentorship: tell_mentorship,
        TellRenewal: tell_renewal,
    },
)
