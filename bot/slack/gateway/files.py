"""File uploads, which take three steps in Slack."""

import math
from dataclasses import dataclass
from datetime import datetime

from bot.slack.gateway.calls import SlackCalls
from bot.slack.gateway.messages import SharedFile
from bot.slack.mentions import tidy_line


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadedFile:
    """An uploaded file."""

    id: str
    permalink: str | None = None


class FileCalls(SlackCalls):
    """Calls about files."""

    async def upload_file(
        self,
        channel: str,
        *,
        filename: str,
        content: bytes,
        title: str,
        comment: str | None = None,
        thread_ts: str | None = None,
    ) -> UploadedFile:
        """Upload a file and share it in a channel or thread; `comment` is mrkdwn."""
        # Slack refuses an empty file.
        body = content or b"\n"
        ticket = await self._call(
            "files.getUploadURLExternal", {"filename": filename, "length": len(body)}
        )
        file_id = str(ticket["file_id"])
        await self._post_http("files.upload", str(ticket["upload_url"]), data=body)
        answer = await self._call(
            "files.completeUploadExternal",
            {
                "files": [{"id": file_id, "title": tidy_line(title) or filename}],
                "channel_id": channel,
                "initial_comment": comment,
                "thread_ts": thread_ts,
            },
        )
        links = [entry.get("permalink") for entry in answer.get("files") or ()]
        return UploadedFile(id=file_id, permalink=next(iter(links), None))

    async def own_files(self, channel: str, *, user: str, until: datetime) -> list[SharedFile]:
        """Return the files that we (`user`) had shared in a channel by then, of all pages."""
        found: list[SharedFile] = []
        page, pages = 1, 1
        while page <= pages:
            answer = await self._call(
                "files.list",
                {
                    "channel": channel,
                    "user": user,
                    "ts_to": math.ceil(until.timestamp()),
                    "count": 100,
                    "page": page,
                },
            )
            found += [
                SharedFile(
                    id=str(entry["id"]),
                    name=str(entry.get("name") or ""),
                    permalink=str(entry.get("permalink") or ""),
                )
                for entry in answer.get("files") or ()
                if entry.get("user") == user
            ]
            page, pages = page + 1, int((answer.get("paging") or {}).get("pages") or 1)
        return found

    async def delete_file(self, file_id: str) -> None:
        """Delete one of our files, unless it is gone already."""
        done = frozenset({"file_not_found", "file_deleted"})
        await self._call("files.delete", {"file": file_id}, done=done)

    async def has_file(self, channel: str, *, filename: str, since: datetime) -> bool:
        """Tell whether a file with this name was shared in the channel since then."""
        answer = await self._call(
            "files.list", {"channel": channel, "ts_from": int(since.timestamp())}
        )
        oldest = int(since.timestamp())
        return any(
            entry.get("name") == filename and int(entry.get("created") or 0) >= oldest
            for entry in answer.get("files") or ()
        )
