"""Shadowing: `shadow`, its form and list, bringing shadows in, and the questions at decisions."""

import re
import uuid
from datetime import datetime, time, timedelta
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.learning import shadow_messages as messages
from bot.framework.effect_context import Done, Dropped, EffectContext, Settlement
from bot.framework.feature import Command, Feature, Flag
from bot.framework.live_messages import LiveMessage, Showing, to_person
from bot.framework.phrases import followed, hidden_message
from bot.framework.reading import find_day, person_in, read_incident
from bot.framework.refusals import invalid_text, say
from bot.framework.replies import FieldErrors, Reply, Say
from bot.framework.requests import Request, Services
from bot.slack import blocks, mentions
from bot.slack.errors import SlackPermanent
from incidents.core.errors import AlreadySo, InvalidInput, Superseded
from incidents.core.ids import derived_id
from incidents.core.people import Person, PersonFacts
from incidents.core.times import zone_of
from incidents.engine.prompts import Prompt, PromptKind, PromptView, answer, prompt_view
from incidents.engine.unit_of_work import UnitOfWork
from incidents.incident.incident import ById
from incidents.incident.views import IncidentView, find_incident_view, person_view
from incidents.learning.effects import FollowLearners, InviteShadow, SendShadowBrief, ShowShadowing
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
# Later than this a brief is no help any more: the shadow has read the channel, or it is over.
BRIEF_TOO_LATE = timedelta(hours=1)

_WEEKS = re.compile(r"(\d{1,3})\s*(?:w|weeks?)", re.IGNORECASE)
_STOP = frozenset({"stop", "end", "none"})


# -- the command and its form ---------------------------------------------------------------


async def shadow_command(request: Request) -> Reply:
    """Begin, list or stop: `/incident shadow @mentor|role|service|list|stop [--until 2w]`."""
    first, rest = request.words.split_first()
    if not first:
        await request.open_view(messages.shadow_form(request.policy))
        return None
    if first.casefold() == "list":
        return Say(await _list(request))
    if first.casefold() in _STOP:
        return await _stop(request, rest)
    typed = request.words.flags.get("until", "")
    until = parse_until(typed, now=request.now, zone=request.actor.zone)
    return await _start(request, _target(request, request.words.text), until)


async def open_form(request: Request) -> Reply:
    """Open the form; from a read-in the commander is chosen already."""
    mentor = request.value if mentions.parse_user(f"<@{request.value}>") else None
    if mentor == request.actor.external_id:
        mentor = None
    await request.open_view(messages.shadow_form(request.policy, mentor=mentor))
    return None


async def submitted(request: Request) -> Reply:
    """Begin from the form; wrong input is answered in its field."""
    form = request.form
    mentor, role, service = form.user("mentor"), form.choice("role"), form.choice("service")
    if sum(one is not None for one in (mentor, role, service)) != 1:
        return FieldErrors({"mentor": "Choose one: a mentor, a role or a service."})
    target = ShadowTarget(
        mentor=Named(mentor) if mentor else None, role_key=role, service_key=service
    )
    try:
        until = parse_until(form.text("until"), now=request.now, zone=request.actor.zone)
        return await _start(request, target, until)
    except InvalidInput as error:
        field = "until" if error.field == "until" else "mentor"
        return FieldErrors({field: invalid_text(error.field, error.problem, error.example)})


def parse_until(text: str, *, now: datetime, zone: str) -> datetime | None:
    """Return the end of the day that the text names (`2026-12-01`, `10d`, `2w`); None for "".

    Raises: InvalidInput.
    """
    written = text.strip()
    if not written:
        return None
    weeks = _WEEKS.fullmatch(written)
    day = find_day(f"{int(weeks[1]) * 7}d" if weeks else written, now=now, zone=zone)
    if day is None:
        raise InvalidInput("until", "isn't a date we can read", DAY_EXAMPLE)
    return datetime.combine(day + timedelta(days=1), time(0), tzinfo=zone_of(zone))


def _target(request: Request, words: str) -> ShadowTarget:
    named = person_in(words.split(maxsplit=1)[0])
    if named is not None:
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


async def _stop(request: Request, whom: str) -> Reply:
    shadowing_id = await _own_id(request, whom) if whom else None
    outcome = await request.transact(partial(stop_shadowing, shadowing_id=shadowing_id))
    return Say(messages.stopped(int(outcome.data["count"])))


async def _own_id(request: Request, whom: str) -> uuid.UUID:
    """Return the shadowing of one's own that the words name. Raises: AlreadySo; InvalidInput."""
    target = _target(request, whom)
    role = request.policy.find_role(target.role_key) if target.role_key else None
    service = request.policy.find_service(target.service_key) if target.service_key else None
    for one in (await _own(request)).own:
        mentor = one.mentor.external_id if one.mentor else ""
        if target.mentor is not None and target.mentor.external_id == mentor:
            return one.id
        if (role and one.role_name == role.name) or (service and one.service_name == service.name):
            return one.id
    raise AlreadySo("this shadowing", "over")


async def _list(request: Request) -> blocks.Message:
    return messages.own_list(await _own(request), slash=request.policy.command)


async def _own(request: Request) -> OwnShadowings:
    person_id = request.actor.person_id
    if person_id is None:
        return OwnShadowings(own=(), of_me=(), watched=())
    async with request.services.database.reading() as session:
        return await own_shadowings(session, person_id, policy=request.policy, now=request.now)


# -- buttons --------------------------------------------------------------------------------


async def stop_pressed(request: Request) -> Reply:
    """End one shadowing, as its shadow or its mentor."""
    shadowing_id = _id_of(request.value)
    outcome = await request.transact(partial(stop_shadowing, shadowing_id=shadowing_id))
    return Say(messages.stopped(int(outcome.data["count"])))


async def stop_watching_pressed(request: Request) -> Reply:
    """Stop being asked about one incident."""
    await request.transact(partial(stop_watching, observation_id=_id_of(request.value)))
    return Say(say("You aren't asked about this incident any more. The channel stays open to you."))


async def open_decision(request: Request) -> Reply:
    """Open the form for an answer to the question at a decision."""
    prompt, incident = await _own_prompt(request)
    await request.open_view(messages.decision_form(prompt, incident))
    return None


async def decision_submitted(request: Request) -> Reply:
    """Keep what the shadow would do now, with its time."""
    prompt_id = _id_of(str(request.metadata.get("prompt_id", "")))
    text = request.form.text("text")
    if not text:
        return FieldErrors({"text": invalid_text("text", "empty", "")})
    await request.transact(partial(answer, prompt_id=prompt_id, answer=ANSWERED, text=text))
    return None


async def skip_decision(request: Request) -> Reply:
    """Leave the question open; nobody minds."""
    prompt_id = _id_of(request.value)
    await request.transact(partial(answer, prompt_id=prompt_id, answer=SKIPPED))
    return None


async def _own_prompt(request: Request) -> tuple[PromptView, IncidentView]:
    async with request.services.database.reading() as session:
        prompt = await session.get(Prompt, _id_of(request.value))
        if prompt is None or prompt.person_id != request.actor.person_id:
            raise Superseded("prompt")
        if prompt.kind != PromptKind.DECISION or not prompt.is_open:
            raise Superseded("prompt")
        incident = await find_incident_view(
            session,
            ById(prompt.incident_id),
            workspace_id=request.services.workspace.id,
            viewer=request.actor,
        )
    if incident is None:
        raise Superseded("prompt")
    return prompt_view(prompt), incident


def _id_of(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise Superseded("shadowing") from None


# -- effects --------------------------------------------------------------------------------


async def follow(context: EffectContext) -> Settlement:
    """See what an entry means for those who learn; who the schedule names is looked up first."""
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
        if ref.user_id:
            found.append(PersonFacts(ref.user_id))
            continue
        try:
            user = await services.gateway.lookup_email(ref.email or "")
        except SlackPermanent:  # nobody has this address: the others come all the same
            continue
        if user is not None:
            found.append(PersonFacts(user.id, email=ref.email))
    return tuple(found)


async def invite_shadow(context: EffectContext) -> Settlement:
    """Invite a shadow; an incident that is private by now never has them."""
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
    if incident.is_private:  # shadows are never brought into one
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
    commands=(
        Command(
            name="shadow",
            usage="shadow [@mentor|role|service|list|stop] [--until 2w]",
            summary="Learn by watching: be brought into a mentor's incidents; alone, opens the form.",
            handler=shadow_command,
            flags=(Flag("until", "The last day, as a date or from today: 10d, 2w.", "DATE"),),
            examples=(EXAMPLE, "shadow commander", "shadow stop"),
        ),
    ),
    actions={
        "shadow_open": open_form,
        "shadow_stop": stop_pressed,
        "shadow_watch_stop": stop_watching_pressed,
        "decision_open": open_decision,
        "decision_skip": skip_decision,
    },
    views={messages.SHADOW_FORM: submitted, messages.DECISION_FORM: decision_submitted},
    effects={
        FollowLearners: follow,
        InviteShadow: invite_shadow,
    },
    live_messages=(BRIEF, SHADOWING),
)
