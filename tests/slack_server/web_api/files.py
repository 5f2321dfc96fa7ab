"""files.*: the upload in three steps, and looking at files."""

from tests.slack_server.delivery.wire import file_json
from tests.slack_server.interaction import message_actions
from tests.slack_server.interaction.message_actions import Draft
from tests.slack_server.render import Json
from tests.slack_server.state import SlackError, UploadedFile
from tests.slack_server.web_api.method import Call, method


@method(
    "files.getUploadURLExternal",
    tier=4,
    scopes=("files:write",),
    required=("filename", "length"),
)
def get_upload_url(call: Call) -> Json:
    """Step 1: announce a file."""
    length = call.text("length")
    if not length.isdigit() or int(length) == 0:
        raise SlackError("missing_argument")
    name = call.text("filename")
    file = UploadedFile(
        id=call.ws.ids.mint("F"),
        name=name,
        title=name,
        user_id=call.bot.id,
        length=int(length),
        created=call.ws.epoch,
    )
    call.ws.files[file.id] = file
    return {"upload_url": f"{call.backend.base_url}/upload/{file.id}", "file_id": file.id}


@method("files.completeUploadExternal", tier=4, scopes=("files:write",), required=("files",))
def complete_upload(call: Call) -> Json:
    """Step 3: complete files and share them in channels."""
    files = [_uploaded(call, str(entry.get("id"))) for entry in call.struct("files", default=[])]
    titles = [entry.get("title") for entry in call.struct("files", default=[])]
    ids = call.words("channels") or call.words("channel_id")
    channels = [call.seen_channel(channel_id) for channel_id in ids]
    for channel in channels:
        if call.bot.id not in channel.members:
            raise SlackError("not_in_channel")
        if channel.is_archived:
            raise SlackError("is_archived")
    for file, title in zip(files, titles, strict=True):
        file.complete, file.title = True, str(title or file.name)
    draft = Draft(text=call.text("initial_comment"), thread_ts=call.text("thread_ts"))
    for channel in channels:
        message_actions.share_files(call.ws, channel, call.bot, files, draft)
    return {"files": [file_json(file) for file in files]}


@method("files.info", tier=4, scopes=("files:read",), required=("file",))
def info(call: Call) -> Json:
    """Describe a file and where it was shared."""
    file = call.ws.files.get(call.text("file"))
    if file is None or not file.complete:
        raise SlackError("file_not_found")
    shares: dict[str, dict[str, list[Json]]] = {"public": {}, "private": {}}
    for channel_id, ts in file.shares:
        family = "private" if call.ws.channels[channel_id].is_private else "public"
        shares[family].setdefault(channel_id, []).append({"ts": ts})
    return {"file": {**file_json(file), "shares": shares}}


@method("files.list", tier=3, scopes=("files:read",))
def list_files(call: Call) -> Json:
    """List complete files, of one channel if given."""
    channel = call.text("channel")
    found = [
        file_json(file)
        for file in call.ws.files.values()
        if file.complete and (not channel or channel in file.channels)
    ]
    return {"files": found, "paging": {"count": 100, "total": len(found), "page": 1, "pages": 1}}


@method("files.delete", tier=3, scopes=("files:write",), required=("file",))
def delete(call: Call) -> Json:
    """Delete one of the bot's own files."""
    file = call.ws.files.get(call.text("file"))
    if file is None:
        raise SlackError("file_not_found")
    if file.user_id != call.bot.id:
        raise SlackError("cant_delete_file")
    del call.ws.files[file.id]
    return {}


def _uploaded(call: Call, file_id: str) -> UploadedFile:
    file = call.ws.files.get(file_id)
    if file is None or not file.content:
        raise SlackError("file_not_found")
    return file
