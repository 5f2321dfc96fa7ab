"""Wraps every handler: sets its deadline and request key, and answers with refusals.

Bolt runs with `process_before_response=True`: it sends the ack when the listener ends. So `ack()`
is the last statement, after the commit.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.features.record.references import labelled
from bot.framework import meant_verbs, refusals
from bot.framework.acquaintance import Acting
from bot.framework.feature import Feature
from bot.framework.proposal_offer import offer_approval, offer_proposal
from bot.framework.requests import (
    ASK_SECONDS,
    NO_WORDS,
    CommandWords,
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
from bot.framework.slack_refusals import failure_text
from bot.framework.slash_commands import CommandRefused, Grammar
from bot.inbound.opening import agreed_in_form, as_before, ask_first, handler_of, in_place
from bot.inbound.request_keys import command_key, event_key, form_key, press_key, trigger_key
from bot.inbound.unclear import refusal_if_unclear, refusal_of_actor
from bot.slack.blocks import Message, View, modal
from bot.slack.errors import SlackFailure
from incidents.core.errors import Busy, DomainError, NeedsApproval, OpensPrivate
from incidents.engine.transactions import Progress, RequestKey

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
        self.deadline_seconds = DEADLINE_SECONDS
        verbs = [verb for item in self.features for verb in item.commands]
        self.grammar = Grammar(verbs)
        self._by_command = {verb.name: verb.by_command for verb in verbs}
        self.running: set[asyncio.Task[Any]] = set()

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
        typed = await labelled(self.services, body.get("text") or "", within=ASK_SECONDS)
        try:
            command, words = self.grammar.parse(typed)
        except CommandRefused as error:
            message = meant_verbs.grammar_message(error, slash=self.slash)
            typed = str(body.get("text") or "")
            await _ack_message(ack, meant_verbs.with_words(message, typed, slash=self.slash))
            return
        command = command or self.grammar.find("help")
        if command is None:
            await ack()
            return
        key = command_key(command, words, body)
        request = self._request(body, context, key=key, words=words)
        reply = await self._run(self._by_command[command.name], request)
        match reply:
            case Say(message=message):
                await _ack_message(ack, message)
            case _:
                await ack()

    async def _on_action(
        self, handler: Handler, ack: AsyncAck, body: dict[str, Any], context: dict[str, Any]
    ) -> None:
        request = self._request(body, context, key=press_key(body))
        reply = await self._run(handler, request)
        if isinstance(reply, DoAgain):
            handler = handler_of(reply, self.grammar, self._by_command, self._table("actions"))
            reply = in_place(await self._run(handler, as_before(request, reply)))
        if isinstance(reply, Say):
            self._later(self._answer(request, reply.message, replaces=reply.replaces))
        await ack()

    async def _on_view(
        self, handler: Handler, ack: AsyncAck, body: dict[str, Any], context: dict[str, Any]
    ) -> None:
        agreed = agreed_in_form(body["view"])
        request = replace(self._request(body, context, key=form_key(body)), may_open_to=agreed)
        reply = await self._run(handler, request)
        match reply:
            case FieldErrors(errors=errors):
                await ack(response_action="errors", errors=dict(errors))
            case ShowView(view=view):
                await ack(response_action="update", view=view)
            case Say(message=message):
                await ack(response_action="update", view=_told(message))
            case _:
                await ack()

    async def _on_options(
        self, handler: Handler, ack: AsyncAck, body: dict[str, Any], context: dict[str, Any]
    ) -> None:
        reply = await self._run(handler, self._request(body, context))
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
        reply = await self._run(handler, request)
        if isinstance(reply, Say):
            self._later(self._answer(request, reply.message, replaces=False))
        await ack()

    async def _on_event(
        self,
        handlers: list[tuple[str, Handler]],
        ack: AsyncAck,
        body: dict[str, Any],
        context: dict[str, Any],
    ) -> None:
        first = await self._request(body, context).introduced()
        if not first.actor.is_active and _event_type(body) not in _OF_LEAVING:
            handlers = []
        for name, handler in handlers:
            key = event_key(body, first.actor.external_id, handler=name)
            request = replace(first, key=key, progress=Progress())
            # Failures are raised: Slack redelivers the event, and handlers that succeeded skip it.
            await self._run_event(handler, request)
        await ack()

    def _request(
        self,
        body: dict[str, Any],
        context: dict[str, Any],
        *,
        key: RequestKey | None = None,
        words: CommandWords = NO_WORDS,
    ) -> Request:
        acting: Acting = context["acting"]
        return Request(
            services=self.services,
            actor=acting.actor,
            acts_here=acting.acts_here,
            is_doubtful=acting.is_doubtful,
            ask_seconds=self.deadline_seconds * ASK_SECONDS / DEADLINE_SECONDS,
            payload=body,
            channel_id=_channel_of(body),
            trigger_id=body.get("trigger_id"),
            response_url=body.get("response_url"),
            key=key,
            words=words,
        )

    # -- the wrapper ------------------------------------------------------------------------

    async def _run(self, handler: Handler, request: Request) -> Reply:
        """Run a handler under the deadline; refusals and failures become its reply."""
        task = asyncio.ensure_future(self._reply_of(handler, request))
        done, _ = await asyncio.wait({task}, timeout=self.deadline_seconds)
        if done:
            return task.result()
        if not request.progress.is_committing:
            task.cancel()
            await asyncio.wait({task})
            if not request.progress.is_committing:
                log.warning("deadline_missed", recorded=False)
                return Say(refusals.say(refusals.NOT_RECORDED))
        log.warning("deadline_missed", recorded=None)
        self._later(self._tell_outcome(task, request))
        return Say(refusals.say(refusals.STILL_RECORDING))

    async def _reply_of(self, handler: Handler, request: Request) -> Reply:
        try:
            request = await request.introduced()
            refusal = refusal_of_actor(request)
            if refusal is not None:
                return refusal
            try:
                return await handler(request)
            except NeedsApproval as needed:
                return await offer_approval(request, needed)
            except OpensPrivate as opening:
                return ask_first(request, opening)
        except Busy as error:
            log.warning("conflict_retries_exhausted", cause=type(error.__cause__).__name__)
            return Say(refusals.refusal_message(error, slash=self.slash))
        except DomainError as error:
            unclear = refusal_if_unclear(request, error)
            if unclear is not None:
                return unclear
            typed = str(request.payload.get("text") or "") if "command" in request.payload else ""
            message = refusals.refusal_message(error, slash=self.slash, typed=typed)
            told = meant_verbs.with_words(message, typed, slash=self.slash)
            return Say(offer_proposal(request, error, told))
        except CommandRefused as error:
            return Say(meant_verbs.grammar_message(error, slash=self.slash))
        except SlackFailure as error:
            log.warning("slack_failed_in_request", method=error.method, error=error.error)
            return Say(refusals.say(failure_text(error)))
        except Exception:
            log.exception("handler_failed")
            # The failure may have come during the commit or after it.
            is_certain = not request.progress.is_committing
            return Say(
                refusals.say(refusals.WENT_WRONG if is_certain else refusals.MAY_BE_RECORDED)
            )

    async def _run_event(self, handler: Handler, request: Request) -> None:
        try:
            async with asyncio.timeout(self.deadline_seconds):
                await handler(request)
        except DomainError as error:
            log.info("event_refused", refusal=type(error).__name__)

    async def _tell_outcome(self, task: "asyncio.Task[Reply]", request: Request) -> None:
        reply = await task
        if isinstance(reply, Say):
            await self._answer(request, reply.message, replaces=False)

    async def _answer(self, request: Request, message: Message, *, replaces: bool) -> None:
        """Answer only this person, at most once: the record shows the same."""
        try:
            if request.response_url:
                await self.services.gateway.respond(
                    request.response_url, message, replace_original=replaces
                )
            elif request.actor.external_id:
                await self._whisper(request, message)
        except SlackFailure as error:
            log.info("answer_not_delivered", error=error.error)

    async def _whisper(self, request: Request, message: Message) -> None:
        person = request.actor.external_id or ""
        if request.channel_id:
            await self.services.gateway.post_ephemeral(request.channel_id, person, message)
        else:
            await self.services.gateway.post(person, message, effect_id="answer")

    def _later(self, work: Awaitable[None]) -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self.running.add(task)
        task.add_done_callback(self.running.discard)


def _listener(
    method: Callable[..., Awaitable[None]],
    handlers: Mapping[str, object],
    key_of: Callable[[Mapping[str, Any]], str],
    *,
    otherwise: Callable[[AsyncAck], Awaitable[None]] | None = None,
) -> Callable[..., Any]:
    """Return a listener that looks the handler up; a request without one is acked, never a 404."""

    async def listen(ack: AsyncAck, body: dict[str, Any], context: dict[str, Any]) -> None:
        handler = handlers.get(key_of(body))
        if handler is None:
            await (otherwise or _accept)(ack)
            return
        await method(handler, ack, body, context)

    return listen


def _action_id(body: Mapping[str, Any]) -> str:
    return str((body.get("actions") or [{}])[0].get("action_id") or "")


def _callback_id(body: Mapping[str, Any]) -> str:
    return str((body.get("view") or body).get("callback_id") or "")


def _option_id(body: Mapping[str, Any]) -> str:
    return str(body.get("action_id") or "")


def _event_type(body: Mapping[str, Any]) -> str:
    return str((body.get("event") or {}).get("type") or "")


def _told(message: Message) -> View:
    return modal("Sitrep", blocks=message.blocks, callback_id="told", close="Close")


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
