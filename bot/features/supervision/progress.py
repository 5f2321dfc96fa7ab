"""Progress: shown to the person, their mentors and whom the policy names; signing off; exporting."""

import uuid
from functools import partial

from bot.features.supervision import progress_messages, stage_messages
from bot.framework.effect_context import Done, Dropped, EffectContext, Settlement
from bot.framework.feature import Feature
from bot.framework.reading import person_in
from bot.framework.refusals import invalid_text, say
from bot.framework.replies import FieldErrors, Reply, Say
from bot.framework.requests import Request
from bot.framework.slash_commands import Command, Flag
from bot.slack import mentions
from bot.slack.errors import SlackPermanent
from incidents.core.errors import InvalidInput, NotPermitted, Superseded
from incidents.core.people import Person, actor_of, find_person
from incidents.exports import ExportFormat, find_format
from incidents.people.assignable import Named
from incidents.policy.policy import Action
from incidents.rights.decide import permit
from incidents.rights.stages import Scope, Stage
from incidents.supervision.effects import UploadProgress
from incidents.supervision.progress import ProgressView, find_progress
from incidents.supervision.progress_file import export_progress, request_progress_export
from incidents.supervision.stage_changes import SignOff, sign_off

_EXAMPLE = "progress @someone"


# -- showing ----------------------------------------------------------------------------------


async def progress_command(request: Request) -> Reply:
    """Show one's own progress, or somebody's; with `--export` send one's own as files."""
    text = request.words.text.strip()
    if request.words.has("export"):
        return await _export(request, find_format(text or "json"))
    if not text:
        return await progress_reply(request, None)
    named = person_in(text.split()[0])
    if named is None:
        raise InvalidInput("person", "not_a_person", _EXAMPLE)
    return await progress_reply(request, named)


async def progress_reply(request: Request, named: Named | None) -> Reply:
    """Return somebody's progress (None: one's own), or the one answer for those it is none of."""
    services = request.services
    workspace_id = services.workspace.id
    async with services.database.reading() as session:
        person_id = request.actor.person_id
        if named is not None:
            person = await find_person(
                session, workspace_id=workspace_id, external_id=named.external_id
            )
            person_id = person.id if person else None
    view = await _view(request, person_id) if person_id else None
    if view is None:
        return Say(say(stage_messages.HIDDEN))
    return Say(
        progress_messages.progress_message(
            view,
            request.policy,
            can_sign_off=await _may(request, Action.SIGN_OFF, view),
            can_set=await _may(request, Action.SET_STAGE, view),
        )
    )


async def _view(request: Request, person_id: uuid.UUID) -> ProgressView | None:
    services = request.services
    async with services.database.reading() as session:
        return await find_progress(
            session,
            person_id,
            workspace_id=services.workspace.id,
            viewer=request.actor,
            policy=request.policy,
            now=request.now,
        )


async def _may(request: Request, action: Action, view: ProgressView) -> bool:
    if view.is_own:
        return False
    services = request.services
    try:
        async with services.database.reading() as session:
            await permit(
                session,
                request.actor,
                action,
                incident=None,
                policy=request.policy,
                workspace_id=services.workspace.id,
                subject_id=view.person_id,
            )
    except NotPermitted:
        return False
    return True


# -- signing off ------------------------------------------------------------------------------


async def open_sign_off(request: Request) -> Reply:
    """Open the form in which a mentor signs off; its value is whom."""
    view = await _view(request, _person_of(request.value))
    if view is None:
        return Say(say(stage_messages.HIDDEN))
    if not await _may(request, Action.SIGN_OFF, view):
        raise NotPermitted(action=Action.SIGN_OFF, needs="mentor")
    lines = [(line.scope, line.following) for line in progress_messages.signable(view)]
    if not lines:
        raise Superseded("stage")
    form = stage_messages.sign_off_form(view.name, str(view.person_id), lines, request.policy)
    await request.open_view(form)
    return None


async def sign_off_submitted(request: Request) -> Reply:
    """Sign off from the form; a missing note is said in its field."""
    role_key, service_key, stage, *_ = [
        *(request.form.choice("line") or "").split("|"),
        *("", "", ""),
    ]
    try:
        if stage not in set(Stage):
            raise InvalidInput("line", "empty")
        wanted = SignOff(
            person_id=_person_of(str(request.metadata.get("person_id", ""))),
            stage=Stage(stage),
            scope=Scope(role_key, service_key),
            note=request.form.text("note"),
        )
        outcome = await request.transact(partial(sign_off, wanted=wanted))
    except InvalidInput as error:
        text = invalid_text(error.field, error.problem, error.example)
        return FieldErrors({error.field: text})
    name = mentions.escape_line(outcome.data["name"])
    line = stage_messages.stage_text(wanted.stage, wanted.scope, request.policy)
    return Say(say(f"Signed off: {name} is now {line}. They are told directly, with your note."))


def _person_of(value: str) -> uuid.UUID:
    try:
        return uuid.UUID(value)
    except ValueError:
        raise Superseded("progress") from None


# -- exporting --------------------------------------------------------------------------------


async def export_pressed(request: Request) -> Reply:
    """Send one's own progress as files, from the button."""
    return await _export(request, ExportFormat.JSON)


async def _export(request: Request, fmt: ExportFormat | None) -> Reply:
    if fmt is None or fmt is ExportFormat.MARKDOWN:
        text = "I can export as `json` or `csv`; a readable text comes with either."
        return Say(say(f"{text} For example: `{request.policy.command} progress --export csv`"))
    await request.transact(partial(request_progress_export, fmt=fmt))
    return Say(
        say(
            "Your progress is on its way to you by direct message: a text to read, and "
            f"{fmt.value.upper()}. Nobody else gets it."
        )
    )


async def upload_progress(context: EffectContext) -> Settlement:
    """Make the file from what is known now, and upload it to the person's own messages."""
    effect, services = context.get(UploadProgress), context.services
    async with services.database.reading() as session:
        person = await session.get(Person, effect.person_id)
        view = None
        if person is not None and person.is_active:
            view = await find_progress(
                session,
                person.id,
                workspace_id=services.workspace.id,
                viewer=actor_of(person),
                policy=services.policy,
                now=context.created_at,
            )
    if person is None or view is None:
        return Dropped("not theirs to know")
    file = export_progress(view, fmt=ExportFormat(effect.format), now=context.created_at)
    try:
        place = await services.gateway.open_direct(person.external_id)
        if context.is_uncertain:
            found = await services.gateway.find_file(
                place, name=file.name, oldest=context.created_at
            )
            if found is not None:
                return Done()
        await services.gateway.upload_file(
            place,
            filename=file.name,
            content=file.content,
            title=file.name,
            comment="Your progress, as you asked. It was sent to you alone.",
        )
    except SlackPermanent as error:
        # Theirs alone: nobody else hears that it failed, and they can ask again.
        return Dropped(error.error)
    return Done()


FEATURE = Feature(
    name="progress",
    commands=(
        Command(
            name="progress",
            usage="progress [@someone]",
            summary="Your way to working alone, and what is missing; seen by you and your mentors.",
            handler=progress_command,
            flags=(Flag("export", "Send yours to you as a file (json, or csv)."),),
            examples=("progress", _EXAMPLE, "progress --export csv"),
        ),
    ),
    actions={"sign_off_open": open_sign_off, "progress_export": export_pressed},
    views={"sign_off_submit": sign_off_submitted},
    effects={UploadProgress: upload_progress},
)
