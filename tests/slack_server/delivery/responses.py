"""Answers that come in a command's ack or through a response_url."""

import json
from http import HTTPStatus

from aiohttp import web

from tests.slack_server.backend import Backend
from tests.slack_server.delivery.gate import RESPONSE_URL, Gate
from tests.slack_server.interaction import message_actions
from tests.slack_server.interaction.message_actions import Draft
from tests.slack_server.journal import ApiCall
from tests.slack_server.render import Json
from tests.slack_server.state import Channel, Message, SlackError, User
from tests.slack_server.validation import check_message


class Responses:
    """Shows people what the app answers."""

    def __init__(self, backend: Backend, gate: Gate) -> None:
        self._backend = backend
        self._gate = gate
        self._ws = backend.ws

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Take one use of a response_url."""
        body = json.loads(await request.text())
        token = request.match_info["token"]

        def run(entry: ApiCall) -> web.Response:
            try:
                found = self._backend.response_urls.use(token)
                self.show(body, person=found.user, channel=found.channel, source=found.source)
            except SlackError as error:
                entry.error = error.code
                gone = error.code in ("invalid_url", "expired_url", "used_url")
                status = HTTPStatus.NOT_FOUND if gone else HTTPStatus.BAD_REQUEST
                return _refusal({"ok": False, "error": error.code, **error.extra}, status=status)
            entry.ok = entry.took_effect = True
            return web.Response(text="ok")

        return await self._gate.let_through(
            request, method=RESPONSE_URL, args=body, run=run, fail=_refusal
        )

    def show(
        self, body: Json, *, person: User, channel: Channel, source: Message | None = None
    ) -> Message | None:
        """Show an answer to those it is for; return the new message, if there is one.

        Raises: SlackError if it can't be shown as asked.
        """
        text, blocks = str(body.get("text") or ""), body.get("blocks") or []
        if body.get("delete_original"):
            self._delete(source)
            return None
        if not text and not blocks:
            raise SlackError("no_text")
        self._ws.reject(check_message(text, blocks, []), about=f"response {text[:40]!r}")
        if body.get("replace_original") and source:
            changes = {"text": text, "blocks": blocks}
            message_actions.edit(self._ws, source, changes, mark=not source.ephemeral_to)
            return None
        draft = Draft(text=text, blocks=blocks, thread_ts=str(body.get("thread_ts") or ""))
        if body.get("response_type") == "in_channel":
            return message_actions.post(self._ws, channel, self._ws.bot, draft)
        return message_actions.show_ephemeral(self._ws, channel, person, draft)

    def _delete(self, source: Message | None) -> None:
        if source is None or source.deleted:
            raise SlackError("message_not_found")
        message_actions.delete(self._ws, source)


def _refusal(answer: Json, *, status: int, retry_after: int = 0) -> web.Response:
    headers = {"Retry-After": str(retry_after)} if retry_after else {}
    return web.json_response(answer, status=429 if retry_after else status, headers=headers)
