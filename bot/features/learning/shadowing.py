"""Shadowing: `shadow`, its form and list, inviting shadows, and the questions at decisions."""

import uuid
from dataclasses import replace
from datetime import datetime, time, timedelta
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.learning import shadow_messages as messages
from bot.features.learning.call_copies import CALL_COPY
from bot.framework.acquaintance import facts_of
from bot.framework.arguments import Arguments, OnPrompt
from bot.framework.effect_context import Done, Dropped, EffectContext, Settlement
from bot.framework.feature import Feature
from bot.framework.live_messages import LiveMessage, Showing, to_person
from bot.framework.phrases import followed, hidden_message
from bot.framework.reading import (
    find_day,
    find_user,
    own_prompt,
    person_in,
    read_incident,
)
from bot.framework.requests import FieldErrors, Reply, Request, Say, Services
from bot.framework.slash_commands import Flag, split_first
from bot.framework.verbs import AskFirst, Verb
from bot.slack import blocks, mentions
from incidents.core.errors import AlreadySo, InvalidInput, Superseded
from incidents.core.ids import derived_id
from incidents.core.people import Person, PersonFacts
from incidents.core.times import zone_of
from incidents.engine.prompts import PromptKind, answer, prompt_view
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import ById
from incidents.incident.views import find_incident_view, person_view
from incidents.learning.effects import (
    FollowLearners,
    InviteShadow,
    SendShadowBrief,
    ShowShadowing,
)
from incidents.learning.follow import follow_learners
from incidents.learning.observing import scheduled_people, unknown_refs
from incidents.learning.shadowing import (
    EXAMPLE,
    OwnShadowings,
    ShadowTarget,
    own_shadowings,
    start_shadowing,
    stop_shadowing,
    stop_watching,
    target_of,
    view_of_shadowing,
)
from incidents.learning.tables import Observation, Shadowing
from incidents.people.assignable import Named

DAY_EXAMPLE = "2026-12-01, 10d or 2w"
SKIPPED, ANSWERED = "skipped", "answered"
# A brief that arrives later doesn't help: the shadow has read the channel, or the incident is over.
BRIEF_TOO_LATE = timedelta(hours=1)

_STOP = frozenset({"stop", "end", "none"})


# -- the command and its form ---------------------------------------------------------------


class Following(Arguments):
    """The mentor, role or service to follow, from the form or as typed, and the last day."""

    mentor: Named | None = None
    role: str = ""
    service: str = ""
    until: str = ""
    typed: str = ""


class OnShadowing(Arguments, gone="shadowing"):
    """One shadowing, to stop it."""

    shadowing_id: uuid.UUID


class OnObservation(Arguments, gone="shadowing"):
    """A shadow's observation of one incident."""

    observation_id: uuid.UUID


def typed_following(request: Request) -> Following | AskFirst[Following]:
    """Parse `shadow @mentor|role|service|list|stop [--until 2w]`; without words, open the form."""
    words = request.words
    given = Following(typed=words.text, until=words.flags.get("until", ""))
    return given if words.text else AskFirst(given)


async def shadow(request: Request, given: Following) -> Reply:
    """Start, list or stop shadowing."""
    if request.is_form:
        chosen = (given.mentor, given.role, given.service)
        if sum(bool(one) for one in chosen) != 1:
            return FieldErrors({"mentor": "Choose one: a mentor, a role or a service."})
    first, rest = split_first(given.typed)
    if first.casefold() == "list":
        return Say(messages.own_list(await _own(request), slash=request.policy.command))
    if first.casefold() in _STOP:
        return await _stop(request, rest)
    until = parse_until(given.until, now=request.now, zone=request.actor.zone)
    role, service = given.role or None, given.service or None
    target = ShadowTarget(mentor=given.mentor, role_key=role, service_key=service)
    return await _start(request, _target(request, given.typed) if given.typed else target, until)


async def open_form(request: Request, given: Following) -> blocks.View:
    """Return the form; opened from a read-in, it preselects the commander as mentor."""
    mentor = given.mentor.external_id if given.mentor is not None else ""
    if mentions.parse_user(f"<@{mentor}>") is None or mentor == request.actor.external_id:
        mentor = ""
    return messages.shadow_form(request.policy, mentor=mentor or None)


def parse_until(text: str, *, now: datetime, zone: str) -> datetime | None:
    """Return the end of the day that the text names (`2026-12-01`, `10d`, `2w`); None for "".

    Raises: InvalidInput for a text that names no day.
    """
    written = text.strip()
    if not written:
        return None
    day = find_day(written, now=now, zone=zone)
    if day is None:
        raise InvalidInput("until", "not_a_day", DAY_EXAMPLE)
    return datetime.combine(day + timedelta(days=1), time(0), tzinfo=zone_of(zone))


def _target(request: Request, words: str) -> ShadowTarget:
    first, rest = split_first(words)
    named = person_in(first)
    if named is not None:
        if rest:
            alone = "has to stand alone; the last day goes after `--until`"
            raise InvalidInput("person", alone, EXAMPLE)
        return ShadowTarget(mentor=named)
    if words.startswith("@"):
        raise InvalidInput("person", "not_a_person", EXAMPLE)
    return target_of(words, request.policy)


async def _start(request: Request, target: ShadowTarget, until: datetime | None) -> Reply:
    use_case = partial(start_shadowing, target=target, until_at=until)
    outcome = await request.transact(use_case)
    async with request.services.database.reading() as session:
        row = await session.get_one(Shadowing, uuid.UUID(outcome.data["shadowing_id"]))
        view = await view_of_shadowing(session, row, policy=request.policy)
    return Say(messages.started(view, brought_to=int(outcome.data["brought_to"])))


async def _stop(request: Request, words: str) -> Reply:
    shadowing_id = await _own_id(request, words) if words else None
    outcome = await request.transact(partial(stop_shadowing, shadowing_id=shadowing_id))
    return Say(messages.stopped(int(outcome.data["count"])))


async def _own_id(request: Request, words: str) -> uuid.UUID:
    """Return the actor's own shadowing that the words name. Raises: AlreadySo; InvalidInput."""
    target = _target(request, words)
    role = request.policy.find_role(target.role_key) if target.role_key else None
    service = request.policy.find_service(target.service_key) if target.service_key else None
    for one in (await _own(request)).own:
        mentor = one.mentor.external_id if one.mentor else ""
        if target.mentor is not None and target.mentor.external_id == mentor:
            return one.id
        if (role and one.role_name == role.name) or (service and one.service_name == service.name):
            return one.id
    raise AlreadySo("this shadowing", "over")


async def _own(request: Request) -> OwnShadowings:
    person_id = request.actor.person_id
    if person_id is None:
        return OwnShadowings(own=(), of_me=(), watched=())
    async with request.services.database.reading() as session:
        return await own_shadowings(session, person_id, policy=request.policy, now=request.now)


# -- the question at a decision -------------------------------------------------------------


async def open_decision(request: Request, given: OnPrompt) -> blocks.View:
    """Return the form to answer the question at a decision."""
    prompt = await own_prompt(request, given.prompt_id)
    incident = await request.read(find_incident_view, ById(prompt.incident_id))
    if prompt.kind != PromptKind.DECISION or not prompt.is_open or incident is None:
        raise Superseded("prompt")
    return messages.decision_form(prompt_view(prompt), incident)


async def keep_answer(uow: UnitOfWork, given: OnPrompt) -> Outcome:
    """Store what the shadow would do now, and when they answered."""
    if not given.text:
        raise InvalidInput("text", "empty")
    return await answer(uow, given.prompt_id, ANSWERED, text=given.text)


# -- effects --------------------------------------------------------------------------------


async def follow(context: EffectContext) -> Settlement:
    """Act on an entry for shadows and juniors, after looking up unknown people on schedules."""
    effect = context.get(FollowLearners)
    if effect.incident_id is None:
        return Dropped("no incident")
    found = await _look_up(context)
    return Done(
        partial(
            follow_learners,
            incident_id=effect.incident_id,
            entry_id=effect.entry_id,
            looked_up=found,
        )
    )


async def _look_up(context: EffectContext) -> tuple[PersonFacts, ...]:
    services = context.services
    refs = scheduled_people(services.policy, services.clock.now())
    if not refs:
        return ()
    async with services.database.reading() as session:
        unknown = await unknown_refs(session, refs, workspace_id=services.workspace.id)
    found: list[PersonFacts] = []
    for ref in unknown:
        user = await find_user(services, str(ref))
        if user is not None:
            found.append(replace(facts_of(user), email=ref.email or user.email))
    return tuple(found)


async def invite_shadow(context: EffectContext) -> Settlement:
    """Invite a shadow, unless the incident has become private."""
    effect = context.get(InviteShadow)
    async with context.services.database.reading() as session:
        view = await read_incident(session, effect, context.services)
        observation = await session.get(Observation, effect.observation_id)
        person = await session.get(Person, observation.person_id) if observation else None
    if view.is_private or view.channel_id is None or not view.is_open:
        return Dropped("not to be brought in")
    if observation is None or person is None or observation.ended_at is not None:
        return Dropped("no longer watching")
    outcomes = await context.services.gateway.invite(view.channel_id, [person.external_id])
    error = next((one.error for one in outcomes), None)

    async def keep(uow: UnitOfWork) -> None:
        row = await uow.session.get_one(Observation, observation.id)
        row.invite_error = error

    return Done(keep)


async def _look_at_brief(
    session: AsyncSession, effect: SendShadowBrief, services: Services
) -> Showing:
    observation = await session.get_one(Observation, effect.observation_id)
    person = await session.get_one(Person, observation.person_id)
    incident = await read_incident(session, effect, services)
    if incident.is_private:  # shadows never join a private incident
        return Showing(hidden_message(incident), to_person(person, unless="nothing to watch"))
    if observation.ended_at is not None or not incident.is_open:
        message = messages.brief_over(incident)
        return Showing(message, to_person(person, unless="no longer watching"))
    policy = services.policy
    mentor = await session.get(Person, observation.mentor_id) if observation.mentor_id else None
    role = policy.find_role(observation.role_key) if observation.role_key else None
    service = policy.find_service(observation.service_key) if observation.service_key else None
    message = messages.brief_message(
        incident,
        policy,
        followed=followed(
            person_view(mentor) if mentor else None,
            role_name=role.name if role else (observation.role_key or ""),
            service_name=service.name if service else (observation.service_key or ""),
        ),
        observation_id=str(observation.id),
    )
    is_late = services.clock.now() - observation.began_at > BRIEF_TOO_LATE
    return Showing(message, to_person(person, unless="no longer watching" if is_late else ""))


BRIEF = LiveMessage(
    effect=SendShadowBrief,
    purpose="shadow_brief",
    subject=lambda effect: effect.observation_id,
    look=_look_at_brief,
)


async def _look_at_shadowing(
    session: AsyncSession, effect: ShowShadowing, services: Services
) -> Showing | Dropped:
    row = await session.get_one(Shadowing, effect.shadowing_id)
    view = await view_of_shadowing(session, row, policy=services.policy)
    person = await session.get_one(Person, effect.person_id)
    if not person.is_active or person.id not in {row.person_id, row.mentor_id}:
        return Dropped("nobody to tell")
    if person.id != row.mentor_id:
        return Showing(messages.told_shadow(view), to_person(person))
    unless = "over before it was shown" if view.ended_at is not None else ""
    return Showing(messages.told_mentor(view), to_person(person, unless=unless))


SHADOWING = LiveMessage(
    effect=ShowShadowing,
    purpose="shadowing",
    subject=lambda effect: derived_id(effect.shadowing_id, str(effect.person_id)),
    look=_look_at_shadowing,
)


FEATURE = Feature(
    name="shadowing",
    verbs=(
        Verb(
            Following,
            usage="shadow [@mentor|role|service|list|stop] [--until 2w]",
            family="learn",
            summary="Learn by watching: be brought into a mentor's incidents; alone, opens the form.",
            flags=(Flag("until", "The last day, as a date or from today: 10d, 2w.", "DATE"),),
            examples=(EXAMPLE, "shadow commander", "shadow stop"),
            typed=typed_following,
            form="shadow_submit",
            opened_by=("shadow_open",),
            open=open_form,
            perform=shadow,
            inputs={"": "mentor"},
        ),
        Verb(
            OnShadowing,
            buttons=("shadow_stop",),
            use_case=stop_shadowing,
            tell=lambda _, outcome: messages.stopped(int(outcome.data["count"])),
        ),
        Verb(
            OnObservation,
            buttons=("shadow_watch_stop",),
            use_case=stop_watching,
            tell=lambda *_: (
                "I won't ask you about this incident any more. The channel stays open to you."
            ),
        ),
        Verb(
            OnPrompt,
            form="decision_submit",
            opened_by=("decision_open",),
            open=open_decision,
            do=keep_answer,
        ),
        Verb(
            OnPrompt,
            buttons=("decision_skip",),
            do=lambda uow, given: answer(uow, given.prompt_id, SKIPPED),
        ),
    ),
    effects={
        FollowLearners: follow,
        InviteShadow: invite_shadow,
    },
    live_messages=(BRIEF, SHADOWING, CALL_COPY),
)
