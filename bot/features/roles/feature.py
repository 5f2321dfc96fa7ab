"""Roles: `role`, `roles`, their buttons and form, and the message to a new role holder."""

from functools import partial
from typing import Final

from bot.features.roles import messages
from bot.features.roles.messages import OneRole
from bot.framework.arguments import NOBODY, OnIncident
from bot.framework.effect_context import Done, Dropped, EffectContext, Settlement, post_once
from bot.framework.entry_messages import shown
from bot.framework.feature import Feature
from bot.framework.reading import person_in
from bot.framework.refusals import say
from bot.framework.requests import Reply, Request, Say
from bot.framework.slash_commands import Repeat
from bot.framework.verbs import Verb
from bot.slack import blocks
from incidents.core.errors import InvalidInput
from incidents.core.people import Person, system_actor
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.guidance.guidance import will_welcome
from incidents.incident.incident import ById, IncidentRef
from incidents.incident.role_entries import RoleAssigned, RoleEnded
from incidents.incident.views import get_entry_view, get_incident_view
from incidents.people.assignable import Named
from incidents.policy.policy import COMMANDER
from incidents.roles.assign import assign_role, claim_role, get_role, release_role
from incidents.roles.command import take_command
from incidents.roles.effects import TellRoleHolder
from incidents.roles.entries import CommanderAsked, CommanderMissing

_ROLE_EXAMPLE = "role scribe @alice"
NOBODY_WORDS: Final = frozenset({"none", "nobody"})
_SELF = frozenset({"me", "myself"})


# -- roles by words and buttons -------------------------------------------------------------


def typed_role(request: Request) -> OneRole:
    """Parse `role commander [@someone|me|none]`."""
    words = request.words.text.split()
    person, role = words_of_role(words, own=own_name(request))
    _refuse_bare_name(request, words, role)
    if not role:
        raise InvalidInput("role", "is missing", "role commander me")
    return OneRole(request.incident_ref(), role=role, person=person)


def words_of_role(words: list[str], *, own: Named) -> tuple[Named, str]:
    """Split the words into the person (perhaps NOBODY) and the role's name.

    Raises: InvalidInput: a name that Slack didn't turn into a mention, or two people.
    """
    if len(words) > 1 and person_in(words[0]) and not person_in(words[-1]):
        words = [*words[1:], words[0]]  # `role @alice scribe`
    last = words[-1]
    person = person_in(last)
    if person is not None:
        if len(words) > 2 and words[-2].casefold() in {"to", "for", "is"}:  # noqa: PLR2004
            words = [*words[:-2], last]  # `role scribe to @alice`
        if any(person_in(word) for word in words[:-1]):
            raise InvalidInput("person", "one_at_a_time", _ROLE_EXAMPLE)
        return person, " ".join(words[:-1])
    if last.startswith("@"):
        raise InvalidInput("person", "not_a_person", _ROLE_EXAMPLE)
    if last.casefold() in NOBODY_WORDS:
        return NOBODY, " ".join(words[:-1])
    if last.casefold() in _SELF:
        return own, " ".join(words[:-1])
    return own, " ".join(words)


def _refuse_bare_name(request: Request, words: list[str], role: str) -> None:
    """Refuse `commander bob`: a role with a name that isn't a mention. Raises: InvalidInput."""
    policy = request.policy
    if policy.find_role(role) is None and any(
        policy.find_role(" ".join(words[:count])) for count in range(1, len(words))
    ):
        raise InvalidInput("person", "not_a_person", _ROLE_EXAMPLE)


def own_name(request: Request) -> Named:
    """Return the person who made the request."""
    return Named(request.actor.external_id or "", request.actor.name)


async def give_role(uow: UnitOfWork, given: OneRole) -> Outcome:
    """Assign the role to somebody, or release it."""
    if given.person == NOBODY:
        return await release_role(uow, ref=given.ref, role=get_role(uow.policy, given.role).key)
    return await assign_role(uow, ref=given.ref, role=given.role, person=given.person)


def told(request: Request, outcome: Outcome) -> str:
    """Return the reply to the person who changed or requested a role."""
    return messages.outcome_text(
        outcome, external_id=request.actor.external_id, slash=request.policy.command
    )


def answered(request: Request, outcome: Outcome) -> Say:
    """Return the reply; it isn't needed where the channel says who commands, or a message changes."""
    is_commander = outcome.data.get("role_key") == COMMANDER
    is_seen = outcome.kind == "assigned" and (is_commander or request.is_press)
    return Say(say(told(request, outcome)), is_needed=not is_seen)


async def show_roles(request: Request, given: OnIncident) -> Reply:
    """Show who holds which role."""
    return Say(await _roles(request, given.ref))


async def show_duties(request: Request, given: OnIncident) -> Reply:
    """Show what their own roles ask of somebody."""
    view = await request.read(get_incident_view, given.ref)
    return Say(messages.duties_message(view, request.policy, viewer_id=request.actor.person_id))


async def claim(request: Request, given: OneRole) -> Reply:
    """Take a role that the list showed as free."""
    use_case = partial(claim_role, ref=given.ref, role=given.role)
    return await _listed(request, given.ref, await request.transact(use_case))


async def release(request: Request, given: OneRole) -> Reply:
    """Release a role from the list."""
    use_case = partial(release_role, ref=given.ref, role=given.role)
    return await _listed(request, given.ref, await request.transact(use_case))


async def _listed(request: Request, ref: IncidentRef, outcome: Outcome) -> Reply:
    """Answer with the current list; replace the pressed message if only this person sees it."""
    container = request.payload.get("container") or {}
    is_theirs_alone = bool(container.get("is_ephemeral"))
    return Say(await _roles(request, ref, lead=told(request, outcome)), replaces=is_theirs_alone)


async def _roles(request: Request, ref: IncidentRef, *, lead: str = "") -> blocks.Message:
    view = await request.read(get_incident_view, ref)
    return messages.roles_message(
        view, request.policy, viewer_id=request.actor.person_id, lead=lead
    )


# -- effects --------------------------------------------------------------------------------


async def tell_role_holder(context: EffectContext) -> Settlement:
    """Tell a new role holder which role they have, with its duties and checklist."""
    effect = context.get(TellRoleHolder)
    services = context.services
    if effect.incident_id is None:
        return Dropped("no incident")
    async with services.database.reading() as session:
        person = await session.get(Person, effect.person_id)
        entry = await get_entry_view(session, effect.entry_id)
        view = await get_incident_view(
            session,
            ById(effect.incident_id),
            workspace_id=services.workspace.id,
            viewer=system_actor(),
        )
        is_guided = await will_welcome(
            session,
            view,
            person_id=effect.person_id,
            since=entry.recorded_at,
            policy=services.policy,
            workspace_id=services.workspace.id,
        )
    if person is None or not person.is_active:
        return Dropped("person not active")
    if all(held.id != effect.person_id for held in view.holders(effect.role_key)):
        return Dropped("no longer in the role")
    if is_guided:
        return Dropped("the first step of their first minutes says it")
    role = services.policy.find_role(effect.role_key)
    message = messages.holder_message(entry, view, role=role, slash=services.policy.command)
    await post_once(context, channel_id=person.external_id, message=message)
    return Done()


FEATURE = Feature(
    name="roles",
    verbs=(
        Verb(
            OneRole,
            usage="role commander [@someone|me|none]",
            summary="Take a role, give it to somebody, or release it; alone, opens the form.",
            examples=("role commander me", _ROLE_EXAMPLE, "role communications lead none"),
            typed=typed_role,
            form="role_assign",
            opened_by=("role_assign_open",),
            show=lambda request, view, _: messages.assign_form(view, request.policy),
            do=give_role,
            tell=answered,
            is_quiet=True,
            is_echoed=True,
        ),
        Verb(
            OnIncident,
            usage="roles",
            family="role",
            when=r"(?:roles|list)(?P<rest>)",
            inside="role list",
            repeat=Repeat.HARMLESS,
            summary="Who holds which role, with buttons to take, assign or give one up.",
            perform=show_roles,
        ),
        Verb(OnIncident, buttons=("role_duties",), perform=show_duties),
        Verb(OneRole, buttons=("role_claim",), perform=claim),
        Verb(OneRole, buttons=("role_release",), perform=release),
        Verb(
            OnIncident,
            buttons=("role_take_command",),
            use_case=take_command,
            tell=answered,
            is_quiet=True,
        ),
    ),
    effects={TellRoleHolder: tell_role_holder},
    entries=(
        shown(RoleEnded, messages.ended_entry),
        shown(CommanderMissing, messages.missing_entry),
    ),
    direct_entries=(
        shown(RoleAssigned, messages.replaced_directly),
        shown(RoleEnded, messages.ended_directly),
        shown(CommanderMissing, messages.missing_directly),
        shown(CommanderAsked, messages.asked_directly),
    ),
    endings=tuple(
        (one.kind, messages.command_ending) for one in (RoleEnded, CommanderMissing, CommanderAsked)
    ),
)
