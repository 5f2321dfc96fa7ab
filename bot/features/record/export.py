"""Exporting the timeline: the command, the button, and the upload to the incident's channel."""

from datetime import timedelta
from functools import partial

from bot.framework.effect_context import Done, Dropped, EffectContext, Settlement
from bot.framework.feature import Command, Feature
from bot.framework.reading import read_incident
from bot.framework.refusals import say
from bot.framework.replies import Reply, Say
from bot.framework.requests import Request
from bot.slack import mentions
from incidents.core.people import system_actor
from incidents.engine.effects import UploadExport
from incidents.exports import ExportFormat, export_incident, find_format, request_export
from incidents.incident.incident import ById, IncidentRef
from incidents.incident.views import get_entry_view

NAMES = {
    ExportFormat.MARKDOWN: "Markdown, for reading",
    ExportFormat.CSV: "CSV, for a spreadsheet",
    ExportFormat.JSON: "JSON, for machines and for proof",
}


async def export_command(request: Request) -> Reply:
    """Export from `/incident export [md|csv|json]`."""
    fmt = find_format(request.words.text)
    if fmt is None:
        text = (
            f"I can export as `md`, `csv` or `json`, not as {mentions.code(request.words.text)}. "
            f"Nothing was exported. For example: `{request.policy.command} export csv`"
        )
        return Say(say(text))
    return await _export(request, request.incident_ref(), fmt)


async def export_pressed(request: Request) -> Reply:
    """Export from a button; its value ends with the format."""
    fmt = find_format(request.value.rpartition("|")[2]) or ExportFormat.MARKDOWN
    return await _export(request, request.incident_of_value(), fmt)


async def _export(request: Request, ref: IncidentRef, fmt: ExportFormat) -> Reply:
    outcome = await request.transact(partial(request_export, ref=ref, fmt=fmt))
    channel_id = outcome.data["channel_id"]
    where = mentions.channel_link(channel_id) if channel_id else "its channel, once that is open"
    reference = outcome.data["reference"]
    return Say(say(f"The timeline of *{reference}* ({NAMES[fmt]}) is on its way to {where}."))


async def upload_export(context: EffectContext) -> Settlement:
    """Make the file from the record as it is now, and upload it to the incident's own channel."""
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
            now=services.clock.now(),
            # So the same attempt makes the same name, by which the file is found again.
            sequence=entry.sequence,
        )
    if context.is_uncertain:
        oldest = context.created_at - timedelta(minutes=1)
        found = await services.gateway.find_file(view.channel_id, name=file.name, oldest=oldest)
        if found is not None:
            return Done()
    marks = "".join(
        f" *{mark}.*"
        for mark, applies in (("Drill", view.is_drill), ("Private", view.is_private))
        if applies
    )
    who = mentions.escape_line(entry.actor_name)
    await services.gateway.upload_file(
        view.channel_id,
        filename=file.name,
        content=file.content,
        title=file.name,
        comment=f"Timeline of {view.reference}, exported by {who}.{marks}",
    )
    return Done()


FEATURE = Feature(
    name="export",
    commands=(
        Command(
            name="export",
            usage="export [md|csv|json]",
            summary="Upload the timeline as a file to the incident's channel.",
            handler=export_command,
            examples=("export", "export csv"),
        ),
    ),
    actions={"export_start": export_pressed},
    effects={UploadExport: upload_export},
)
