"""The postmortem: its command, its buttons and forms, and its file in the incident channel."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from types import MappingProxyType

from bot.features.postmortem import messages
from bot.framework.effect_context import Done, Dropped, EffectContext, Settlement
from bot.framework.feature import Command, Feature
from bot.framework.incident_forms import view_for_form
from bot.framework.reading import read_incident
from bot.framework.refusals import invalid_text, say
from bot.framework.replies import FieldErrors, Reply, Say, ShowView
from bot.framework.requests import Request
from bot.slack import blocks, mentions
from config.template_files import read_template
from incidents.core.errors import InformationMissing, InvalidInput
from incidents.core.people import system_actor
from incidents.engine.unit_of_work import Outcome, UseCase
from incidents.incident.incident import ById, IncidentRef
from incidents.incident.timeline import EntryKind
from incidents.incident.views import IncidentView, PersonView, get_incident_view, people_views
from incidents.people.assignable import Named
from incidents.policy.policy import Action
from incidents.postmortem.effects import UploadPostmortem
from incidents.postmortem.file import build_postmortem
from incidents.postmortem.postmortem import (
    PostmortemView,
    claim_postmortem,
    find_postmortem_view,
    publish_postmortem,
    set_postmortem_owner,
    write_postmortem,
)


async def postmortem_command(request: Request) -> Reply:
    """Show the postmortem, or do what the first word says."""
    word, _, rest = request.words.text.strip().partition(" ")
    handler = _WORDS.get(word.casefold() or "show")
    if handler is None:
        known = ", ".join(_WORDS)
        raise InvalidInput("word", f"isn't one of {known}", "postmortem owner @someone")
    return await handler(request, rest.strip())


async def _show(request: Request, _rest: str) -> Reply:
    incident, view, owner = await _load(request, request.incident_ref())
    return Say(messages.shown(incident, view, owner=owner, policy=request.policy))


async def _owner(request: Request, rest: str) -> Reply:
    if rest.casefold() in {"", "me"}:
        return await _change(request, partial(claim_postmortem, ref=request.incident_ref()), _owned)
    user_id = mentions.parse_user(rest)
    if user_id is None:
        raise InvalidInput("owner", "not_a_person")
    use_case = partial(set_postmortem_owner, ref=request.incident_ref(), owner=Named(user_id))
    return await _change(request, use_case, _owned)


async def _write(request: Request, _rest: str) -> Reply:
    return await _open_write_form(request, request.incident_ref())


async def _publish(request: Request, _rest: str) -> Reply:
    use_case = partial(publish_postmortem, ref=request.incident_ref())
    return await _change(request, use_case, _published)


async def _done(request: Request, rest: str) -> Reply:
    link = mentions.plain(rest)
    if link and not mentions.is_web_address(link):
        raise InvalidInput("link", "isn't a web address", "https://wiki.example.com/postmortem-12")
    use_case = partial(publish_postmortem, ref=request.incident_ref(), link=link)
    return await _change(request, use_case, _published)


_Word = Callable[[Request, str], Awaitable[Reply]]

_WORDS: Mapping[str, _Word] = MappingProxyType(
    {
        "show": _show,
        "owner": _owner,
        "write": _write,
        "publish": _publish,
        "done": _done,
    }
)


async def claim_pressed(request: Request) -> Reply:
    """Take the postmortem on oneself."""
    version = request.value.partition("|")[2]
    use_case = partial(
        claim_postmortem,
        ref=request.incident_of_value(),
        version=int(version) if version.isdecimal() else None,
    )
    return await _change(request, use_case, _owned)


async def owner_pressed(request: Request) -> Reply:
    """Open the form that names the owner."""
    incident, _, owner = await _load(request, request.incident_of_value())
    initial = owner.external_id if owner else request.actor.external_id
    await request.open_view(messages.owner_form(incident, initial=initial))
    return None


async def owner_submitted(request: Request) -> Reply:
    """Name the owner from the form; wrong input is answered in its field."""
    chosen = request.form.user("owner")
    if chosen is None:
        return FieldErrors({"owner": "Choose somebody."})
    use_case = partial(
        set_postmortem_owner, ref=request.incident_of_metadata(), owner=Named(chosen)
    )
    try:
        return await _change(request, use_case, _owned)
    except InvalidInput as error:
        return FieldErrors({"owner": invalid_text("owner", error.problem, error.example)})


async def write_pressed(request: Request) -> Reply:
    """Open the form to write in."""
    return await _open_write_form(request, request.incident_of_value())


async def write_submitted(request: Request) -> Reply:
    """Save what was written; sections that others changed meanwhile are shown with theirs."""
    ref = request.incident_of_metadata()
    edits = messages.read_write_form(request.form, request.metadata, policy=request.policy)
    try:
        outcome = await request.transact(partial(write_postmortem, ref=ref, edits=edits))
    except InvalidInput as error:
        return FieldErrors({error.field: invalid_text(error.field, error.problem, error.example)})
    clashing = outcome.data["conflicts"]
    if not clashing:
        return None
    incident, view, _ = await _load(request, ref)
    typed = {key: edit.text for key, edit in edits.items()}
    form = messages.write_form(
        incident, view, policy=request.policy, typed=typed, clashing=clashing
    )
    return ShowView(form)


async def publish_pressed(request: Request) -> Reply:
    """Publish the postmortem, or say what it still needs."""
    use_case = partial(publish_postmortem, ref=request.incident_of_value())
    return await _change(request, use_case, _published)


async def upload(context: EffectContext) -> Settlement:
    """Upload the postmortem as it is now to the incident channel, unless a newer one follows."""
    effect = context.get(UploadPostmortem)
    services = context.services
    async with services.database.reading() as session:
        incident = await read_incident(session, effect, services)
        if incident.channel_id is None or incident.is_channel_archived:
            return Dropped("no channel to show it in")
        newest = await find_postmortem_view(session, incident.id)
        if newest is None or newest.id != effect.postmortem_id:
            return Dropped("there is a newer version")
        file = await build_postmortem(
            session,
            ById(incident.id),
            workspace_id=services.workspace.id,
            viewer=system_actor(),
            template=read_template(services.policy.postmortem.template),
            policy=services.policy,
            now=services.clock.now(),
        )
    if context.is_uncertain and await services.gateway.has_file(
        incident.channel_id, filename=file.name, since=context.created_at
    ):
        return Done()
    await services.gateway.upload_file(
        incident.channel_id, filename=file.name, content=file.content, title=file.name
    )
    return Done()


async def _open_write_form(request: Request, ref: IncidentRef) -> Reply:
    await view_for_form(request, ref, action=Action.MANAGE_POSTMORTEM)
    incident, view, _ = await _load(request, ref)
    await request.open_view(messages.write_form(incident, view, policy=request.policy))
    return None


async def _change(
    request: Request, use_case: UseCase, tell: Callable[[Outcome], blocks.Message]
) -> Reply:
    try:
        outcome = await request.transact(use_case)
    except InformationMissing as error:
        slash = request.policy.command
        return Say(say(messages.missing_text(error.fields, policy=request.policy, slash=slash)))
    return Say(tell(outcome))


async def _load(
    request: Request, ref: IncidentRef
) -> tuple[IncidentView, PostmortemView, PersonView | None]:
    """Return the incident and its postmortem. Raises: IncidentNotFound; InvalidInput."""
    async with request.services.database.reading() as session:
        incident = await get_incident_view(
            session, ref, workspace_id=request.services.workspace.id, viewer=request.actor
        )
        view = await find_postmortem_view(session, incident.id)
        if view is None:
            raise InvalidInput("postmortem", "is made when the incident is resolved")
        owners = await people_views(session, {view.owner_id} if view.owner_id else ())
    return incident, view, owners.get(view.owner_id) if view.owner_id else None


def _owned(outcome: Outcome) -> blocks.Message:
    data = outcome.data
    due = messages.day_text(data["due_on"])
    owner = mentions.escape_line(data["owner"])
    return say(f"{owner} writes the postmortem of {data['reference']}, due {due}.")


def _published(outcome: Outcome) -> blocks.Message:
    return say(f"The postmortem of {outcome.data['reference']} is published.")


FEATURE = Feature(
    name="postmortem",
    commands=(
        Command(
            name="postmortem",
            usage="postmortem [owner @someone | write | show | publish | done [link]]",
            summary="How far the postmortem is; who writes it; write in it; publish it.",
            handler=postmortem_command,
            aliases=("pm",),
            examples=("postmortem owner @someone", "postmortem write"),
        ),
    ),
    actions={
        "postmortem_claim": claim_pressed,
        "postmortem_owner_open": owner_pressed,
        "postmortem_write_open": write_pressed,
        "postmortem_publish": publish_pressed,
    },
    views={
        "postmortem_owner_submit": owner_submitted,
        "postmortem_write_submit": write_submitted,
    },
    effects={UploadPostmortem: upload},
    entries={
        EntryKind.POSTMORTEM_DRAFTED: messages.drafted,
        EntryKind.POSTMORTEM_OWNER_SET: messages.owner_set,
        EntryKind.POSTMORTEM_EDITED: messages.edited,
        EntryKind.POSTMORTEM_PUBLISHED: messages.published,
        EntryKind.POSTMORTEM_REMINDED: messages.reminded,
    },
    direct_entries={
        EntryKind.POSTMORTEM_OWNER_SET: messages.owner_told,
        EntryKind.POSTMORTEM_REMINDED: messages.owner_reminded,
    },
    endings={
        EntryKind.POSTMORTEM_DRAFTED: messages.postmortem_ending,
        EntryKind.POSTMORTEM_OWNER_SET: messages.postmortem_ending,
        EntryKind.POSTMORTEM_REMINDED: messages.postmortem_ending,
    },
)
