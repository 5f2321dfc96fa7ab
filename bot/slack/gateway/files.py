"""File uploads, which take three steps in Slack."""

from bot.slack.gateway.calls import SlackCalls
from bot.slack.mentions import tidy_line


class FileCalls(SlackCalls):
    """Calls about files."""

    async def upload_file(
        self,
        channel: str,
        *,
        filename: str,
        content: bytes,
        comment: str | None = None,
    ) -> None:
        """Upload a file and share it in a channel, with its name as title; `comment` is mrkdwn."""
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
            },
        )
