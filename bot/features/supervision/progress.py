"""Progress: show it to the people who may see it, sign off, and export."""

import uuid
from functools import partial

from bot.features.supervision import progress_messages, stage_messages
from bot.framework.arguments import Arguments, from_value
from bot.framework.effect_context import Dropped, EffectContext, Settlement, upload_directly
from bot.framework.feature import Feature
from bot.framework.reading import person_in
from bot.framework.refusals import say
from bot.framework.requests import Reply, Request, Say
from bot.framework.slash_commands import Flag
from bot.framework.verbs import Verb
from bot.slack import blocks, mentions
from incidents.core.errors import InvalidInput, NotPermitted, Superseded
from incidents.core.people import Person, actor_of, find_person
from incidents.exports.export import ExportFormat, find_format
from incidents.people.assignable import Named
from incidents.policy.policy import Action
from incidents.rights.stages import Scope
from incidents.supervision.effects import UploadProgress
from incidents.supervision.progress import ProgressView, find_progress
from incidents.supervision.progress_file import export_progress, request_progress_export
from incidents.supervision.stage_changes import SignOff, sign_off

_EXAMPLE = "progress @someone"


# -- showing ----------------------------------------------------------------------------------


class Looking(Arguments):
    """Whose progress to show (None: the actor's own), or the format to export their own in."""

    person: Named | None = None
    export: str = ""


def typed_looking(request: Request) -> Looking:
    """Parse `progress [@someone] [--export]`."""
    text = request.words.text.strip()
    if request.words.has("export"):
        return Looking(export=text or ExportFormat.JSON)
    named = person_in(text.split()[0]) if text else None
    if text and named is None:
        raise InvalidInput("person", "not_a_person", _EXAMPLE)
    return Looking(named)


async def progress(request: Request, given: Looking) -> Reply:
    """Show a person's progress, or send the actor's own as files."""
    if given.export:
        return await export(request, find_format(given.export))
    return await progress_reply(request, given.person)


async def progress_reply(request: Request, named: Named | None) -> Reply:
    """Return a person's progress (None: the actor's own), or `HIDDEN` without access."""
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
    return await request.read(find_progress, person_id, policy=request.policy, now=request.now)


async def _may(request: Request, action: Action, view: ProgressView) -> bool:
    if view.is_own:
        return False
    try:
        await request.permit(action, subject_id=view.person_id)
    except NotPermitted:
        return False
    return True


# -- signing off ------------------------------------------------------------------------------


class SigningOff(Arguments, gone="progress"):
    """The person to sign off, the stage and scope (`line`), and the note."""

    person_id: uuid.UUID
    line: str = ""
    note: str = ""


async def open_sign_off(request: Request, given: SigningOff) -> blocks.View | Say:
    """Return the form to sign off."""
    view = await _view(request, given.person_id)
    if view is None:
        return Say(say(stage_messages.HIDDEN))
    if not await _may(request, Action.SIGN_OFF, view):
        raise NotPermitted(action=Action.SIGN_OFF, needs="mentor")
    lines = progress_messages.signable(view)
    if not lines:
        raise Superseded("stage")
    return stage_messages.sign_off_form(view.name, lines, request.policy)


async def sign(request: Request, given: SigningOff) -> Reply:
    """Sign off the chosen stage."""
    if not given.line:
        raise InvalidInput("line", "empty")
    line = from_value(stage_messages.Line, given.line)
    scope = Scope(line.role_key, line.service_key)
    wanted = SignOff(
        person_id=given.person_id,
        stage=line.stage,
        scope=scope,
        up_to=line.up_to,
        note=given.note,
    )
    outcome = await request.transact(partial(sign_off, wanted=wanted))
    name = mentions.escape_line(outcome.data["name"])
    said = stage_messages.stage_text(line.stage, scope, request.policy, up_to=line.up_to)
    return Say(say(f"Signed off: {name} is now {said}. I'm sending {name} your note."))


# -- exporting --------------------------------------------------------------------------------


async def export(request: Request, fmt: ExportFormat | None) -> Reply:
    """Send the actor's own progress as files."""
    if fmt is None or fmt is ExportFormat.MARKDOWN:
        text = "I can export as `json` or `csv`, each with a text to read."
        return Say(say(f"{text} For example: `{request.policy.command} progress --export csv`"))
    await request.transact(partial(request_progress_export, fmt=fmt))
    return Say(
        say(
            "I'm sending you your progress by direct message: a text to read, and "
            f"{fmt.value.upper()}. Nobody else gets it."
        )
    )


async def upload_progress(context: EffectContext) -> Settlement:
    """Upload the progress file to the person's direct messages with the bot."""
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
    return await upload_directly(
        context,
        person.external_id,
        filename=file.name,
        content=file.content,
        comment="Your progress, as you asked. Only you get this file.",
    )


FEATURE = Feature(
    name="progress",
    verbs=(
        Verb(
            Looking,
            usage="progress [@someone]",
            family="learn",
            aliases=("learn",),
            summary="Your way to working alone, and what is missing; seen by you and your mentors.",
            flags=(Flag("export", "Send yours to you as a file (json, or csv)."),),
            examples=("progress", _EXAMPLE, "progress --export csv"),
            typed=typed_looking,
            perform=progress,
        ),
        Verb(
            SigningOff,
            form="sign_off_submit",
            opened_by=("sign_off_open",),
            open=open_sign_off,
            perform=sign,
        ),
        Verb(
            SigningOff,
            buttons=("progress_export",),
            perform=lambda request, _: export(request, ExportFormat.JSON),
        ),
    ),
    effects={UploadProgress: upload_progress},
)
