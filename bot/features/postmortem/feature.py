"""The postmortem: its command, buttons and forms, and its file in the incident channel."""

from collections.abc import Callable
from datetime import date
from functools import partial

from bot.features.postmortem import messages
from bot.features.postmortem.messages import OnPostmortem, Writing
from bot.framework.arguments import OnIncident, Words
from bot.framework.effect_context import Done, Dropped, EffectContext, Settlement, upload_once
from bot.framework.entry_messages import ends, shown
from bot.framework.feature import Feature
from bot.framework.reading import read_incident
from bot.framework.refusals import say
from bot.framework.requests import FieldErrors, Reply, Request, Say, ShowView
from bot.framework.verbs import Form, Verb, as_typed, view_for_form
from bot.slack import blocks, mentions
from config.template_files import read_template
from incidents.core.errors import InformationMissing, InvalidInput
from incidents.core.people import system_actor
from incidents.core.times import day_text
from incidents.engine.posted_messages import STATUS_CARD, find_posted
from incidents.engine.unit_of_work import Outcome, UseCase
from incidents.incident.incident import ById, IncidentRef
from incidents.incident.views import IncidentView, PersonView, get_incident_view, people_views
from incidents.people.assignable import Named
from incidents.policy.policy import Action
from incidents.postmortem.effects import UploadPostmortem
from incidents.postmortem.entries import (
    PostmortemDrafted,
    PostmortemOwnerSet,
    PostmortemPublished,
    PostmortemReminded,
)
from incidents.postmortem.file import build_postmortem
from incidents.postmortem.postmortem import (
    PostmortemView,
    claim_postmortem,
    find_postmortem_view,
    publish_postmortem,
    set_postmortem_owner,
    write_postmortem,
)
from incidents.registry.entries import ENTRY_TYPES


class Owning(OnIncident):
    """The postmortem's new owner."""

    owner: Named | None = None


async def postmortem(request: Request, given: Words) -> Reply:
    """Show the postmortem, or run the subcommand named by the first word."""
    word, _, rest = given.text.strip().partition(" ")
    ref, rest = given.ref, rest.strip()
    match word.casefold():
        case "" | "show":
            incident, view, owner = await _load(request, ref)
            return Say(messages.shown(incident, view, owner=owner, policy=request.policy))
        case "owner" if rest.casefold() in {"", "me"}:
            return await claim(request, OnPostmortem(ref))
        case "owner":
            user_id = mentions.parse_user(rest)
            if user_id is None:
                raise InvalidInput("owner", "not_a_person")
            return await name_owner(request, Owning(ref, owner=Named(user_id)))
        case "write":
            return await WRITE.ask(request, Writing(ref))
        case "publish":
            return await publish(request, Words(ref))
        case "done":
            return await publish(request, Words(ref, text=_link(rest)))
    known = "show, owner, write, publish, done"
    raise InvalidInput("step", "unknown", known, word)


def _link(typed: str) -> str:
    link = mentions.plain(typed)
    if link and not mentions.is_web_address(link):
        raise InvalidInput("link", "isn't a web address", "https://wiki.example.com/postmortem-12")
    return link


async def claim(request: Request, given: OnPostmortem) -> Reply:
    """Make the person the postmortem's owner."""
    use_case = partial(claim_postmortem, ref=given.ref, version=given.version)
    return await _change(request, use_case, _owned)


async def open_owner(request: Request, given: Owning) -> Form[Owning]:
    """Return the form that names the owner."""
    incident, _, owner = await _load(request, given.ref)
    initial = owner.external_id if owner else request.actor.external_id
    return Form(messages.owner_form(incident, initial=initial), Owning(ById(incident.id)))


async def name_owner(request: Request, given: Owning) -> Reply:
    """Name the owner."""
    if given.owner is None:
        return FieldErrors({"owner": "Choose somebody."})
    use_case = partial(set_postmortem_owner, ref=given.ref, owner=given.owner)
    return await _change(request, use_case, _owned)


async def open_write(request: Request, given: Writing) -> Form[Writing]:
    """Return the form to write the postmortem."""
    await view_for_form(request, given.ref, action=Action.MANAGE_POSTMORTEM)
    incident, view, _ = await _load(request, given.ref)
    return messages.write_form(incident, view, policy=request.policy)


async def write(request: Request, given: Writing) -> Reply:
    """Save what was written; for sections that others changed meanwhile, show both texts."""
    edits = messages.read_write_form(request.form, given.revisions, policy=request.policy)
    outcome = await request.transact(partial(write_postmortem, ref=given.ref, edits=edits))
    clashing = outcome.data["conflicts"]
    if not clashing:
        return None
    incident, view, _ = await _load(request, given.ref)
    typed = {key: edit.text for key, edit in edits.items()}
    form = messages.write_form(
        incident, view, policy=request.policy, typed=typed, clashing=clashing
    )
    return ShowView(WRITE.named(form))


async def publish(request: Request, given: Words) -> Reply:
    """Publish the postmortem, or list what it still needs."""
    use_case = partial(publish_postmortem, ref=given.ref, link=given.text)
    return await _change(request, use_case, _published)


async def upload(context: EffectContext) -> Settlement:
    """Upload the current postmortem to the incident channel, unless a newer version exists."""
    effect = context.get(UploadPostmortem)
    services = context.services
    async with services.database.reading() as session:
        incident = await read_incident(session, effect, services)
        if incident.channel_id is None or incident.is_channel_archived:
            return Dropped("no channel to show it in")
        newest = await find_postmortem_view(session, incident.id)
        if newest is None or newest.id != effect.postmortem_id:
            return Dropped("there is a newer version")
        card = await find_posted(session, purpose=STATUS_CARD, subject_id=incident.id)
        file = await build_postmortem(
            session,
            ById(incident.id),
            workspace_id=services.workspace.id,
            viewer=system_actor(),
            template=read_template(services.policy.postmortem.template),
            policy=services.policy,
            entry_types=ENTRY_TYPES,
            now=services.clock.now(),
            signer=services.signer,
        )
    is_here = card is not None and card.channel_id == incident.channel_id
    await upload_once(
        context,
        channel_id=incident.channel_id,
        filename=file.name,
        content=file.content,
        reply_to=card.message_ts if card is not None and is_here else None,
    )
    return Done()


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
    due = day_text(date.fromisoformat(data["due_on"]))
    owner = mentions.escape_line(data["owner"])
    return say(f"{owner} writes the postmortem of {data['reference']}, due {due}.")


def _published(outcome: Outcome) -> blocks.Message:
    return say(f"The postmortem of {outcome.data['reference']} is published.")


WRITE = Verb(
    Writing,
    form="postmortem_write_submit",
    opened_by=("postmortem_write_open",),
    open=open_write,
    perform=write,
)

FEATURE = Feature(
    name="postmortem",
    verbs=(
        Verb(
            Words,
            usage="postmortem [owner @someone | write | show | publish | done [link]]",
            summary="How far the postmortem is; who writes it; write in it; publish it.",
            aliases=("pm",),
            examples=("postmortem owner @someone", "postmortem write"),
            typed=as_typed,
            perform=postmortem,
        ),
        Verb(OnPostmortem, buttons=("postmortem_claim",), perform=claim),
        Verb(
            Owning,
            form="postmortem_owner_submit",
            opened_by=("postmortem_owner_open",),
            open=open_owner,
            perform=name_owner,
            inputs={"person": "owner"},
        ),
        WRITE,
        Verb(Words, buttons=("postmortem_publish",), perform=publish),
    ),
    effects={UploadPostmortem: upload},
    entries=(
        shown(PostmortemDrafted, messages.drafted),
        shown(PostmortemOwnerSet, messages.owner_set),
        shown(PostmortemPublished, messages.published),
        shown(PostmortemReminded, messages.reminded),
    ),
    direct_entries=(
        shown(PostmortemOwnerSet, messages.owner_told),
        shown(PostmortemReminded, messages.owner_reminded),
    ),
    endings=(
        ends(PostmortemDrafted, messages.postmortem_ending),
        ends(PostmortemOwnerSet, messages.postmortem_ending),
        ends(PostmortemReminded, messages.postmortem_ending),
    ),
)
