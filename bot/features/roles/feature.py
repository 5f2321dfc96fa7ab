"""Roles: `role`, `roles`, their buttons and form, and what a role's holder is told."""

from functools import partial

from bot.features.roles import messages
from bot.framework.effect_context import Done, Dropped, EffectContext, Settlement, post_once
from bot.framework.feature import Command, Feature
from bot.framework.incident_forms import remember, view_for_form
from bot.framework.reading import person_in
from bot.framework.refusals import invalid_text, say
from bot.framework.replies import FieldErrors, Reply, Say
from bot.framework.requests import Request
from bot.slack import blocks
from incidents.core.errors import InvalidInput
from incidents.core.people import Person, system_actor
from incidents.engine.unit_of_work import Outcome
from incidents.incident.incident import ById, IncidentRef
from incidents.incident.timeline import EntryKind
from incidents.incident.views import get_entry_view, get_incident_view
from incidents.people.assignable import Named
from incidents.policy.policy import Action
from incidents.roles.assign import assign_role, claim_role, get_role, release_role
from incidents.roles.command import take_command
from incidents.roles.effects import TellRoleHolder

_ROLE_EXAMPLE = "role scribe @alice"
_NOBODY = frozenset({"none", "nobody"})
_SELF = frozenset({"me", "myself"})


# -- commands -------------------------------------------------------------------------------


async def role_command(request: Request) -> Reply:
    """Give, take or release a role: `role commander [@someone|me|none]`; alone, show them all."""
    words = request.words.text.split()
    if not words:
        return await roles_command(request)
    named, role = words_of_role(words, own=own_name(request))
    _refuse_bare_name(request, words, role)
    ref = request.incident_ref()
    if named is None:
        return await _release(request, ref, role)
    outcome = await request.transact(partial(assign_role, ref=ref, role=role, person=named))
    return _told(request, outcome)


async def roles_command(request: Request) -> Reply:
    """Show who holds which role."""
    return Say(await _roles(request, request.incident_ref()))


def words_of_role(words: list[str], *, own: Named) -> tuple[Named | None, str]:
    """Return who is meant (None: nobody) and the words that name the role.

    Raises: InvalidInput for a name that Slack didn't turn into a person, and for two.
    """
    last = words[-1]
    person = person_in(last)
    if person is not None:
        if any(person_in(word) for word in words[:-1]):
            raise InvalidInput("person", "one_at_a_time", _ROLE_EXAMPLE)
        return person, " ".join(words[:-1])
    if last.startswith("@"):
        raise InvalidInput("person", "not_a_person", _ROLE_EXAMPLE)
    if last.casefold() in _NOBODY:
        return None, " ".join(words[:-1])
    if last.casefold() in _SELF:
        return own, " ".join(words[:-1])
    return own, " ".join(words)


def _refuse_bare_name(request: Request, words: list[str], role: str) -> None:
    """Refuse `commander bob`: a role that there is, and a name that Slack made no mention of."""
    policy = request.policy
    if policy.find_role(role) is None and any(
        policy.find_role(" ".join(words[:count])) for count in range(1, len(words))
    ):
        raise InvalidInput("person", "not_a_person", _ROLE_EXAMPLE)


def own_name(request: Request) -> Named:
    """Return the person who makes the request."""
    return Named(request.actor.external_id or "", request.actor.name)


# -- buttons and forms ----------------------------------------------------------------------


async def take_command_pressed(request: Request) -> Reply:
    """Take command from a message that asks for somebody."""
    outcome = await request.transact(partial(take_command, ref=request.incident_of_value()))
    return _told(request, outcome)


async def claim_pressed(request: Request) -> Reply:
    """Take a role that the list showed to be free."""
    ref, role = request.incident_of_value(), _role_of_value(request)
    outcome = await request.transact(partial(claim_role, ref=ref, role=role))
    return await _listed(request, ref, outcome)


async def release_pressed(request: Request) -> Reply:
    """Give up one's own role."""
    ref, role = request.incident_of_value(), _role_of_value(request)
    outcome = await request.transact(partial(release_role, ref=ref, role=role))
    return await _listed(request, ref, outcome)


async def open_assign_form(request: Request) -> Reply:
    """Open the form that gives somebody a role."""
    ref = request.incident_of_value()
    view = await view_for_form(request, ref, action=Action.VIEW)
    form = messages.assign_form(view, request.policy, metadata=remember(view))
    await request.open_view(form)
    return None


async def assign_submitted(request: Request) -> Reply:
    """Give somebody a role from the form; wrong input is answered in its field."""
    ref, form = request.incident_of_metadata(), request.form
    person, role = form.user("person"), form.choice("role")
    try:
        if person is None:
            raise InvalidInput("person", "not_a_person")
        use_case = partial(assign_role, ref=ref, role=role or "", person=Named(person))
        outcome = await request.transact(use_case)
    except InvalidInput as error:
        return FieldErrors({error.field: invalid_text(error.field, error.problem, error.example)})
    return _told(request, outcome)


def _role_of_value(request: Request) -> str:
    parts = request.value.split("|")
    return parts[1] if len(parts) > 1 else ""


async def _release(request: Request, ref: IncidentRef, role: str) -> Reply:
    wanted = get_role(request.policy, role).key
    return _told(request, await request.transact(partial(release_role, ref=ref, role=wanted)))


def _told(request: Request, outcome: Outcome) -> Reply:
    text = messages.outcome_text(
        outcome, external_id=request.actor.external_id, slash=request.policy.command
    )
    return Say(say(text))


async def _listed(request: Request, ref: ById, outcome: Outcome) -> Reply:
    """Answer with the list as it is now; in place of the one pressed, if only they see that."""
    lead = messages.outcome_text(
        outcome, external_id=request.actor.external_id, slash=request.policy.command
    )
    container = request.payload.get("container") or {}
    is_theirs_alone = bool(container.get("is_ephemeral"))
    return Say(await _roles(request, ref, lead=lead), replaces=is_theirs_alone)


async def _roles(request: Request, ref: IncidentRef, *, lead: str = "") -> blocks.Message:
    async with request.services.database.reading() as session:
        view = await get_incident_view(
            session, ref, workspace_id=request.services.workspace.id, viewer=request.actor
        )
    return messages.roles_message(
        view, request.policy, viewer_id=request.actor.person_id, lead=lead
    )


# -- effects --------------------------------------------------------------------------------


async def tell_role_holder(context: EffectContext) -> Settlement:
    """Tell a role's new holder which role it is, with its duties and its checklist."""
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
    if person is None or not person.is_active:
        return Dropped("person not active")
    if all(held.id != effect.person_id for held in view.holders(effect.role_key)):
        return Dropped("no longer in the role")
    role = services.policy.find_role(effect.role_key)
    message = messages.holder_message(entry, view, role=role, slash=services.policy.command)
    await post_once(context, channel_id=person.external_id, message=message)
    return Done()


FEATURE = Feature(
    name="roles",
    commands=(
        Command(
            name="role",
            usage="role commander [@someone|me|none]",
            summary="Take a role, give it to somebody, or release it; any role of the policy.",
            handler=role_command,
            examples=("role commander me", _ROLE_EXAMPLE, "role communications lead none"),
        ),
        Command(
            name="roles",
            usage="roles",
            summary="Who holds which role, with buttons to take, assign or give one up.",
            handler=roles_command,
        ),
    ),
    actions={
        "role_take_command": take_command_pressed,
        "role_claim": claim_pressed,
        "role_release": release_pressed,
        "role_assign_open": open_assign_form,
    },
    views={messages.ASSIGN_FORM: assign_submitted},
    effects={TellRoleHolder: tell_role_holder},
    entries={
        EntryKind.ROLE_ASSIGNED: messages.assigned_entry,
        EntryKind.ROLE_ENDED: messages.ended_entry,
        EntryKind.COMMANDER_MISSING: messages.missing_entry,
        EntryKind.ACKNOWLEDGED: messages.acknowledged_entry,
    },
    direct_entries={
        EntryKind.ROLE_ASSIGNED: messages.replaced_directly,
        EntryKind.ROLE_ENDED: messages.ended_directly,
        EntryKind.COMMANDER_MISSING: messages.missing_directly,
    },
    endings={
        EntryKind.ROLE_ENDED: messages.command_ending,
        EntryKind.COMMANDER_MISSING: messages.command_ending,
    },
)
