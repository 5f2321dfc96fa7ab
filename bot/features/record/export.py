"""Exports the timeline: the command, the button, and the upload to the incident's channel."""

from datetime import timedelta
from functools import partial

from bot.framework.arguments import Words
from bot.framework.effect_context import Done, Dropped, EffectContext, Settlement, upload_once
from bot.framework.feature import Feature
from bot.framework.reading import read_incident
from bot.framework.refusals import say
from bot.framework.requests import Reply, Request, Say
from bot.framework.verbs import Verb
from bot.slack import mentions
from incidents.core.people import system_actor
from incidents.engine.effects import UploadExport
from incidents.exports.export import ExportFormat, export_incident, find_format, request_export
from incidents.incident.incident import ById
from incidents.incident.views import get_entry_view
from incidents.registry.entries import ENTRY_TYPES

NAMES = {
    ExportFormat.MARKDOWN: "Markdown, for reading",
    ExportFormat.CSV: "CSV, for a spreadsheet",
    ExportFormat.JSON: "JSON, for machines and for proof",
}


async def export(request: Request, given: Words) -> Reply:
    """Request an upload of the timeline to the incident's channel."""
    fmt = find_format(given.text)
    if fmt is None:
        text = (
            f"I can export as `md`, `csv` or `json`, not as {mentions.code(given.text)}. "
            f"Nothing was exported. For example: `{request.policy.command} export csv`"
        )
        return Say(say(text))
    outcome = await request.transact(partial(request_export, ref=given.ref, fmt=fmt))
    channel_id = outcome.data["channel_id"]
    where = mentions.channel_link(channel_id) if channel_id else "its channel, once that is open"
    reference = outcome.data["reference"]
    return Say(say(f"I'm uploading the timeline of *{reference}* ({NAMES[fmt]}) to {where}."))


async def upload_export(context: EffectContext) -> Settlement:
    """Build the file from the current record and upload it to the incident's channel."""
    effect = context.get(UploadExport)
    services = context.services
    async with services.database.reading() as session:
        view = await read_incident(session, effect, services)
        if view.channel_id is None:
            return Dropped("no channel")
        entry = await get_entry_view(session, effect.entry_id)
        file = await export_incident(
            session,
            ById(view.id),
            workspace_id=services.workspace.id,
            viewer=system_actor(),
            fmt=ExportFormat(effect.format),
            signer=services.signer,
            # A retry gets the same file name, so that it finds an earlier upload.
            sequence=entry.sequence,
            entry_types=ENTRY_TYPES,
        )
    marks = "".join(
        f" *{mark}.*"
        for mark, applies in (("Drill", view.is_drill), ("Private", view.is_private))
        if applies
    )
    who = mentions.escape_line(entry.actor_name)
    await upload_once(
        context,
        channel_id=view.channel_id,
        filename=file.name,
        content=file.content,
        comment=f"Timeline of {view.reference}, exported by {who}.{marks}",
        oldest=context.created_at - timedelta(minutes=1),
    )
    return Done()


FEATURE = Feature(
    name="export",
    verbs=(
        Verb(
            Words,
            usage="export [md|csv|json]",
            family="postmortem",
            summary="Upload the timeline as a file to the incident's channel.",
            examples=("export", "export csv"),
            words=("text",),
            buttons=("export_start",),
            perform=export,
        ),
    ),
    effects={UploadExport: upload_export},
)
