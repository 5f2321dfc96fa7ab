"""The wrapper around every handler: its deadline, and what people are told if it fails.

The deadline covers all of a request, from its arrival: finding the actor, reading, deciding, the
commit. What isn't being committed by then is rolled back and never carried out; a commit under way
is seen through, and its outcome told.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Any

import structlog

from bot.framework import meant_verbs, refusals
from bot.framework.feature import Feature
from bot.framework.proposal_offer import offer_approval, offer_proposal
from bot.framework.requests import Handler, Reply, Request, Say, Services
from bot.framework.slack_refusals import failure_text
from bot.framework.slash_commands import CommandRefused
from bot.inbound.kept_words import above_form
from bot.inbound.not_recorded import (
    OUR_FAULT,
    RECORDED,
    TOO_LONG,
    not_recorded,
    perhaps_recorded,
    recorded_but_not_shown,
    still_recording,
)
from bot.inbound.opening import ask_first
from bot.inbound.unclear import refusal_if_unclear, refusal_of_actor
from bot.slack.blocks import Message, answered
from bot.slack.errors import SlackFailure
from incidents.core.errors import Busy, DomainError, NeedsApproval, OpensPrivate
from incidents.storage.availability import why_unusable
from incidents.storage.deadline import TooLate, bound_by

ByHand = Callable[[Request], str]

log = structlog.get_logger(__name__)


class Wrapper:
    """Runs handlers under their request's deadline; refusals and failures become replies."""

    def __init__(self, services: Services, features: Iterable[Feature]) -> None:
        """Store the services, and what features say that people can do by hand."""
        self.services = services
        # What goes on after its request was answered.
        self.running: set[asyncio.Task[Any]] = set()
        self._by_hand = {
            name: feature.by_hand
            for feature in features
            if feature.by_hand is not None
            for name in _names_of(feature)
        }

    @property
    def slash(self) -> str:
        """Return the name of the slash command."""
        return self.services.policy.command

    async def run(self, handler: Handler, request: Request) -> Reply:
        """Return the handler's reply, or what to tell the person if there is none in time."""
        task = asyncio.ensure_future(self._reply_of(handler, request))
        if await self._ends_in_time(task, request):
            return task.result()
        by_hand = self._without_me(request)
        why = self._why_late(request)
        if not request.progress.is_committing:
            return not_recorded(request, why, by_hand=by_hand)
        self.later(self._tell_outcome(task, request))
        return still_recording(request, by_hand=by_hand)

    async def run_event(
        self, handle: Callable[[Request], Awaitable[None]], request: Request
    ) -> bool:
        """Handle an event; return False if Slack has to deliver it again."""

        async def handled() -> bool:
            with bound_by(request.deadline):
                try:
                    await handle(await request.introduced())
                except Exception as error:
                    if self.services.watch.failed(error) is None:
                        raise
                    return False
            return True

        task = asyncio.ensure_future(handled())
        if await self._ends_in_time(task, request):
            return task.result()
        self._why_late(request)
        return False

    async def _ends_in_time(self, task: "asyncio.Task[Any]", request: Request) -> bool:
        """Wait until the deadline; then cancel the task, unless it is committing."""
        await asyncio.wait({task}, timeout=request.deadline.seconds)
        if task.done():
            return True
        if request.progress.is_committing:
            request.deadline.lift()
        else:
            # It can't come to its commit any more. Undoing what it did waits for the database,
            # which may be silent for long, so nobody waits for that.
            task.cancel()
        self.running.add(task)
        task.add_done_callback(self._forget)
        return False

    def _why_late(self, request: Request) -> str:
        """Return what took too long, and say so in the log: the database not each time."""
        if not request.deadline.is_in_database:
            log.warning("deadline_missed", kind=str(request.payload.get("type") or "command"))
            return TOO_LONG
        return self.services.watch.failed(TooLate()) or TOO_LONG

    def _forget(self, task: "asyncio.Task[Any]") -> None:
        self.running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.info("failed_after_its_answer", error=type(error).__name__)

    async def _reply_of(self, handler: Handler, request: Request) -> Reply:
        with bound_by(request.deadline):
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
            except (DomainError, CommandRefused) as error:
                return self._refusal(request, error)
            except SlackFailure as error:
                log.warning("slack_failed_in_request", method=error.method, error=error.error)
                if request.progress.is_recorded:
                    return recorded_but_not_shown("Slack didn't answer")
                return above_form(request, failure_text(error))
            except Exception as error:
                why = self.services.watch.failed(error)
                if why is None:
                    log.exception("handler_failed")
                return self._failure(request, why or OUR_FAULT)

    def _refusal(self, request: Request, error: DomainError | CommandRefused) -> Reply:
        if isinstance(error, CommandRefused):
            return Say(meant_verbs.grammar_message(error, slash=self.slash))
        if isinstance(error, Busy):
            return self._busy(request, error)
        unclear = refusal_if_unclear(request, error)
        if unclear is not None:
            return unclear
        typed = request.typed
        message = refusals.refusal_message(error, slash=self.slash, typed=typed)
        told = meant_verbs.with_words(message, typed, slash=self.slash)
        return Say(offer_proposal(request, error, told))

    def _busy(self, request: Request, error: Busy) -> Reply:
        log.warning("conflict_retries_exhausted", cause=type(error.__cause__).__name__)
        why = why_unusable(error.__cause__) if error.__cause__ is not None else None
        if why is not None:
            return not_recorded(request, why, by_hand=self._without_me(request))
        return above_form(request, refusals.refusal_text(error, slash=self.slash))

    def _failure(self, request: Request, why: str) -> Reply:
        """Return what became of a request that failed."""
        if request.progress.is_recorded:
            return recorded_but_not_shown(why)
        by_hand = self._without_me(request)
        # The failure may have come during the commit.
        told = perhaps_recorded if request.progress.is_committing else not_recorded
        return told(request, why, by_hand=by_hand)

    def _without_me(self, request: Request) -> str:
        asked = (
            request.words.verb,
            request.action.get("action_id"),
            request.view.get("callback_id") or request.payload.get("callback_id"),
        )
        found = next((self._by_hand[name] for name in asked if name in self._by_hand), None)
        return found(request) if found is not None else ""

    # -- answers beside the ack ---------------------------------------------------------------

    async def _tell_outcome(self, task: "asyncio.Task[Reply]", request: Request) -> None:
        reply = await task
        if isinstance(reply, Say):
            await self.answer(request, reply.message, replaces=False)
        elif reply is None and not request.is_form:
            await self.answer(request, refusals.say(RECORDED), replaces=False)

    async def answer(self, request: Request, message: Message, *, replaces: bool) -> None:
        """Answer only this person, at most once: the record shows the same."""
        try:
            if request.menu_id:
                await self.services.gateway.update_view(
                    view_id=request.menu_id, view=answered(message)
                )
            elif request.response_url:
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

    def later(self, work: Awaitable[None]) -> None:
        """Do this after the request is answered."""
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self.running.add(task)
        task.add_done_callback(self.running.discard)


def _names_of(feature: Feature) -> Collection[str]:
    typed = (verb.name for verb in feature.commands)
    return {*typed, *feature.actions, *feature.views, *feature.shortcuts}
