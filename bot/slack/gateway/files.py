"""File uploads, which take three steps in Slack."""

import math
from datetime import datetime

from bot.slack.gateway.calls import SlackCalls
from bot.slack.mentions import tidy_line
from bot.slack.message_content import SharedFile, file_of


class FileCalls(SlackCalls):
    """Calls about files."""

    async def upload_file(
        self,
        channel: str,
        *,
        filename: str,
        content: bytes,
        comment: str | None = None,
        reply_to: str | None = None,
    ) -> None:
        """Upload a file and share it in a channel, with its name as title; `comment` is mrkdwn.

        `reply_to` is the first message of the thread that it goes in.
        """
        # Slack refuses an empty file.
        body = content or b"\n"
        ticket = await self._call(
            "files.getUploadURLExternal", {"filename": filename, "length": len(body)}
        )
        file_id = str(ticket["file_id"])
        await self._post_http("files.upload", str(ticket["upload_url"]), data=body)
        await self._call(
            "files.completeUploadExternal",
            {
                "files": [{"id": file_id, "title": tidy_line(filename) or filename}],
                "channel_id": channel,
                "initial_comment": comment,
                "thread_ts": reply_to,
            },
        )

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

    async def file(self, file_id: str) -> SharedFile:
        """Return a file's name and link. Raises: SlackPermanent `file_not_found` and others."""
        answer = await self._call("files.info", {"file": file_id})
        return file_of({**answer["file"], "id": file_id})

    async def delete_file(self, file_id: str) -> None:
        """Delete one of our files, unless it is gone already."""
        done = frozenset({"file_not_found", "file_deleted"})
        await self._call("files.delete", {"file": file_id}, done=done)
