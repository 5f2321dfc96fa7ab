"""Routes every request to its handler behind the wrapper, with its key and deadline, and acks.

Bolt runs with `process_before_response=True`: it sends the ack when the listener ends. So `ack()`
is the last statement, after the commit.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.response import BoltResponse

from bot.features.record.references import labelled
from bot.framework import meant_verbs
from bot.framework.acquaintance import Acting
from bot.framework.feature import Feature
from bot.framework.requests import (
    ASK_SECONDS,
    DoAgain,
    FieldErrors,
    Handler,
    Options,
    Reply,
    Request,
    Say,
    Services,
    ShowView,
)
from bot.framework.slash_commands import NO_WORDS, CommandRefused, CommandWords, Grammar
from bot.inbound.intake import ARRIVED_AT
from bot.inbound.opening import agreed_in_form, as_before, handler_of, in_place
from bot.inbound.request_keys import command_key, event_key, form_key, press_key, trigger_key
from bot.inbound.wrapper import Wrapper
from bot.slack.blocks import Message, answered
from incidents.core.errors import DomainError
from incidents.engine.transactions import RequestKey
from incidents.storage.deadline import Deadline

DEADLINE_SECONDS = 2.5
_ANY = re.compile(".*")
# Slack reports these of people whose account is deactivated.
_OF_LEAVING = frozenset({"member_left_channel"})

log = structlog.get_logger(__name__)


class Listeners:
    """Registers every feature's handlers with Bolt, each behind the wrapper."""

    def __init__(self, services: Services, features: Iterable[Feature]) -> None:
        """Collect the features and the grammar of their commands."""
        self.services = services
        self.features = tuple(features)
        self.wrapper = Wrapper(services, self.features)
        self.deadline_seconds = DEADLINE_SECONDS
        verbs = [verb for item in self.features for verb in item.commands]
        self.grammar = Grammar(verbs)
        self._by_command = {verb.name: _with_names(verb.by_command) for verb in verbs}

    @property
    def running(self) -> set[asyncio.Task[Any]]:
        """Return what goes on after its request was answered."""
        return self.wrapper.running

    @property
    def slash(self) -> str:
        """Return the name of the slash command."""
        return self.services.policy.command

    def register(self, app: AsyncApp) -> None:
        """Register a listener for each kind of request; Slack never sees a 404."""
        # One listener per kind looks the handler up. With many, Bolt would try one after the
        # other, and build all arguments of each before it checks for a match.
        app.command(_ANY)(self._on_command)
        app.action(_ANY)(_listener(self._on_action, self._table("actions"), _action_id))
        app.view(_ANY)(_listener(self._on_view, self._table("views"), _callback_id))
        app.shortcut(_ANY)(_listener(self._on_shortcut, self._table("shortcuts"), _callback_id))
        app.options(_ANY)(
            _listener(self._on_options, self._table("options"), _option_id, otherwise=_no_options)
        )
        app.event(_ANY)(_listener(self._on_event, self._event_handlers(), _event_type))
        app.view_closed(_ANY)(_accept)

    def _table(self, name: str) -> Mapping[str, Handler]:
        tables: list[Mapping[str, Handler]] = [getattr(item, name) for item in self.features]
        return {key: handler for table in tables for key, handler in table.items()}

    def _event_handlers(self) -> Mapping[str, list[tuple[str, Handler]]]:
        handlers: dict[str, list[tuple[str, Handler]]] = {}
        for feature in self.features:
            for event_type, handler in feature.events.items():
                handlers.setdefault(event_type, []).append((feature.name, handler))
        return handlers

    # -- the kinds of request -----------------------------------------------------------------

    async def _on_command(
        self, ack: AsyncAck, body: dict[str, Any], context: dict[str, Any]
    ) -> None:
        if body.get("command") != self.slash:
            await ack()
            return
        typed = str(body.get("text") or "")
        try:
            command, words = self.grammar.parse(typed)
        except CommandRefused as error:
            message = meant_verbs.grammar_message(error, slash=self.slash)
            await _ack_message(ack, meant_verbs.with_words(message, typed, slash=self.slash))
            return
        command = command or self.grammar.find("help")
        if command is None:
            await ack()
            return
        key = command_key(command, words, body)
        request = self._request(body, context, key=key, words=words)
        reply = await self.wrapper.run(self._by_command[command.name], request)
        match reply:
            case Say(message=message):
                await _ack_message(ack, message)
            case _:
                await ack()

    async def _on_action(
        self, handler: Handler, ack: AsyncAck, body: dict[str, Any], context: dict[str, Any]
    ) -> None:
        request = self._request(body, context, key=press_key(body))
        _keep_view(self.services, request.menu_id)
        reply = await self.wrapper.run(handler, request)
        if isinstance(reply, DoAgain):
            handler = handler_of(reply, self.grammar, self._by_command, self._table("actions"))
            reply = in_place(await self.wrapper.run(handler, as_before(request, reply)))
        if isinstance(reply, Say):
            self.wrapper.later(self.wrapper.answer(request, reply.message, replaces=reply.replaces))
        await ack()

    async def _on_view(
        self, handler: Handler, ack: AsyncAck, body: dict[str, Any], context: dict[str, Any]
    ) -> None:
        agreed = agreed_in_form(body["view"])
        request = replace(self._request(body, context, key=form_key(body)), may_open_to=agreed)
        reply = await self.wrapper.run(handler, request)
        match reply:
            case FieldErrors(errors=errors):
                await ack(response_action="errors", errors=dict(errors))
            case ShowView(view=view):
                await ack(response_action="update", view=view)
            case Say(message=message):
                await ack(response_action="update", view=answered(message))
            case _:
                await ack()

    async def _on_options(
        self, handler: Handler, ack: AsyncAck, body: dict[str, Any], context: dict[str, Any]
    ) -> None:
        reply = await self.wrapper.run(handler, self._request(body, context))
        match reply:
            case Options(groups=groups) if groups:
                await ack(option_groups=[group.to_dict() for group in groups])
            case Options(options=options):
                await ack(options=[option.to_dict() for option in options])
            case _:
                await ack(options=[])

    async def _on_shortcut(
        self, handler: Handler, ack: AsyncAck, body: dict[str, Any], context: dict[str, Any]
    ) -> None:
        request = self._request(body, context, key=trigger_key(body))
        reply = await self.wrapper.run(handler, request)
        if isinstance(reply, Say):
            self.wrapper.later(self.wrapper.answer(request, reply.message, replaces=False))
        await ack()

    async def _on_event(
        self,
        handlers: list[tuple[str, Handler]],
        ack: AsyncAck,
        body: dict[str, Any],
        context: dict[str, Any],
    ) -> BoltResponse | None:
        async def handle(request: Request) -> None:
            if not request.actor.is_active and _event_type(body) not in _OF_LEAVING:
                return
            for name, handler in handlers:
                key = event_key(body, request.actor.external_id, handler=name)
                request.progress.is_committing = False
                try:
                    await handler(replace(request, key=key))
                except DomainError as error:
                    log.info("event_refused", refusal=type(error).__name__)

        # Unless all succeed, Slack delivers it again, and handlers that succeeded skip it.
        if not await self.wrapper.run_event(handle, self._request(body, context)):
            return BoltResponse(status=HTTPStatus.SERVICE_UNAVAILABLE, body="")
        await ack()
        return None

    def _request(
        self,
        body: dict[str, Any],
        context: dict[str, Any],
        *,
        key: RequestKey | None = None,
        words: CommandWords = NO_WORDS,
    ) -> Request:
        acting: Acting = context["acting"]
        arrived_at = context.get(ARRIVED_AT, time.monotonic())
        return Request(
            services=self.services.pinned(),
            actor=acting.actor,
            acts_here=acting.acts_here,
            is_doubtful=acting.is_doubtful,
            identify=context["identify"],
            deadline=Deadline(arrived_at + self.deadline_seconds),
            ask_seconds=self.deadline_seconds * ASK_SECONDS / DEADLINE_SECONDS,
            payload=body,
            channel_id=_channel_of(body),
            trigger_id=body.get("trigger_id"),
            response_url=body.get("response_url"),
            key=key,
            words=words,
        )


def _listener(
    method: Callable[..., Awaitable[BoltResponse | None]],
    handlers: Mapping[str, object],
    key_of: Callable[[Mapping[str, Any]], str],
    *,
    otherwise: Callable[[AsyncAck], Awaitable[None]] | None = None,
) -> Callable[..., Any]:
    """Return a listener that looks the handler up; a request without one is acked, never a 404."""

    async def listen(
        ack: AsyncAck, body: dict[str, Any], context: dict[str, Any]
    ) -> BoltResponse | None:
        handler = handlers.get(key_of(body))
        if handler is None:
            await (otherwise or _accept)(ack)
            return None
        return await method(handler, ack, body, context)

    return listen


def _with_names(handler: Handler) -> Handler:
    """Return a command's handler for words whose references carry names, as far as one is known.

    Finding them reads the database and asks Slack, so it belongs behind the wrapper.
    """

    async def handle(request: Request) -> Reply:
        words, within = request.words, request.ask_seconds
        text = await labelled(request.services, words.text, within=within)
        return await handler(replace(request, words=replace(words, text=text)))

    return handle


def _keep_view(services: Services, view_id: str) -> None:
    """Let no late answer replace a view in which the person moves on; "" is none."""
    if not view_id:
        return
    for incident_id in [key for key, (kept, _) in services.waiting.items() if kept == view_id]:
        del services.waiting[incident_id]


def _action_id(body: Mapping[str, Any]) -> str:
    return str((body.get("actions") or [{}])[0].get("action_id") or "")


def _callback_id(body: Mapping[str, Any]) -> str:
    return str((body.get("view") or body).get("callback_id") or "")


def _option_id(body: Mapping[str, Any]) -> str:
    return str(body.get("action_id") or "")


def _event_type(body: Mapping[str, Any]) -> str:
    return str((body.get("event") or {}).get("type") or "")


async def _ack_message(ack: AsyncAck, message: Message) -> None:
    payload = message.payload()
    await ack(text=payload["text"], blocks=payload["blocks"], response_type="ephemeral")


async def _accept(ack: AsyncAck) -> None:
    await ack()


async def _no_options(ack: AsyncAck) -> None:
    await ack(options=[])


def _channel_of(body: Mapping[str, Any]) -> str | None:
    """Return the channel of a command, a press or an event, if any."""
    event, container = body.get("event") or {}, body.get("container") or {}
    channel = (
        body.get("channel") or event.get("channel") or (event.get("item") or {}).get("channel")
    )
    if isinstance(channel, Mapping):
        channel = channel.get("id")
    found = channel or event.get("channel_id") or body.get("channel_id")
    return found or container.get("channel_id")
