"""Verbs: what people can do, by command, button or form."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from functools import cache, partial
from inspect import signature
from types import MappingProxyType
from typing import Any, Generic, cast

from bot.framework.arguments import A, OnIncident, Words, from_value, from_view, to_metadata
from bot.framework.refusals import invalid_text, say
from bot.framework.requests import FieldErrors, Reply, Request, Say, ShowView
from bot.framework.slack_refusals import with_silence
from bot.framework.slash_commands import Command, split_first
from bot.slack import blocks, mentions
from incidents.core.errors import DomainError, IncidentNotFound, InvalidInput, NeedsApproval
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import ById, ByReference, IncidentRef, find_incident
from incidents.incident.lifecycle import IncidentStatus
from incidents.incident.views import IncidentView, view_of
from incidents.lifecycle.status import allow_move, allow_reopening
from incidents.policy.policy import Action
from incidents.rights.decide import permit

Explain = Callable[[Request, DomainError], Mapping[str, str] | None]


@dataclass(frozen=True, slots=True)
class AskFirst(Generic[A]):
    """Arguments from a command that opens the form to ask for the rest."""

    given: A


@dataclass(frozen=True, slots=True)
class Form(Generic[A]):
    """A form, and the arguments it remembers, if they aren't those it was opened with."""

    view: blocks.View
    given: A


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb(Command, Generic[A]):
    """One thing that people can do: how it is triggered, what it does, and what it answers.

    The arguments are the same, whether they come from a command's words, a button's value, or a
    form's metadata and inputs.
    """

    arguments: type[A] = field(kw_only=False)

    # `use_case` is called with the arguments that it takes; `tell` words the answer. For several
    # use cases or none: `do` in place of `use_case`, or `perform` in place of both.
    use_case: Callable[..., Awaitable[Outcome]] | None = None
    do: Callable[[UnitOfWork, A], Awaitable[Outcome]] | None = None
    tell: Callable[[Request, Outcome], blocks.Message | str | Say | None] | None = None
    perform: Callable[[Request, A], Awaitable[Reply]] | None = None

    # By command, as in `usage`. The words fill these arguments in order, one word each, and the
    # last takes the rest; or `typed` parses them. Without words or flags: `alone`, else the form,
    # if there is one.
    words: tuple[str, ...] = ()
    typed: Callable[[Request], A | AskFirst[A]] | None = None
    alone: Callable[[Request], Awaitable[Reply]] | None = None

    # By button: the action ids that run the verb at once.
    buttons: tuple[str, ...] = ()

    # By form: its callback id, and the action ids that open it. `show` builds a form about an
    # incident, once the incident is found and the person's right is checked, so that nobody fills in
    # a form that is then refused. `open` does its own lookups, or answers why there is no form.
    form: str = ""
    opened_by: tuple[str, ...] = ()
    needs: Action = Action.VIEW
    target: IncidentStatus | None = None
    show: Callable[[Request, IncidentView, A], blocks.View | Form[A]] | None = None
    open: Callable[[Request, A], Awaitable[blocks.View | Form[A] | Say]] | None = None
    # Converts inputs that don't map to arguments one to one.
    read: Callable[[Request, A], A] | None = None
    # Maps a refused argument to its input, if their names differ; "" maps all others. The error
    # text names the input. `explain` may word any error itself, and is asked first.
    inputs: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    explain: Explain | None = None
    # The channel shows the result; if it can't, the answer says so.
    is_posted: bool = False
    # In addition, the form closes without an answer, and so does a press: its message changes.
    is_quiet: bool = False
    # The channel's line says what the answer would: a command that is typed there gets none.
    is_echoed: bool = False

    async def by_command(self, request: Request) -> Reply:
        """Run the verb with a command's words, or open the form to ask for the rest."""
        if not (request.words.text or request.words.flags):
            if self.alone is not None:
                return await self.alone(request)
            if self.form:
                return await self.ask(request, self._worded(request))
        given = self._worded(request) if self.typed is None else self.typed(request)
        if isinstance(given, AskFirst):
            return await self.ask(request, given.given)
        reply = await self.carry_out(request, given)
        is_heard = self.is_echoed and isinstance(reply, Say) and reply.is_shown
        return None if is_heard else reply

    async def by_button(self, request: Request) -> Reply:
        """Run the verb with the arguments in a button's value."""
        reply = await self.carry_out(request, from_value(self.arguments, request.value))
        return self._unless_quiet(reply)

    async def by_opener(self, request: Request) -> Reply:
        """Open the form with the arguments in a button's value."""
        return await self.ask(request, from_value(self.arguments, request.value))

    async def by_form(self, request: Request) -> Reply:
        """Run the verb with the form's arguments; refused values are explained at their inputs."""
        try:
            given = from_view(self.arguments, request.view)
            if self.read is not None:
                given = self.read(request, given)
            reply = await self.carry_out(request, given)
        except DomainError as error:
            told = self._in_inputs(request, error)
            if told is None:
                raise
            return FieldErrors(told)
        return self._unless_quiet(reply)

    def _unless_quiet(self, reply: Reply) -> Reply:
        is_shown = self.is_quiet and isinstance(reply, Say) and not reply.is_needed
        return None if is_shown else reply

    async def ask(self, request: Request, given: A) -> Reply:
        """Open the form; if another was just submitted, replace that one."""
        shown = await self._shown(request, given)
        if isinstance(shown, Say):
            return shown
        view = self.named(shown)
        if request.is_form:
            return ShowView(view)
        await request.open_view(view)
        return None

    async def show_again(self, request: Request, form: Form[A]) -> None:
        """Show the open form again with new content, unless somebody closed or changed it meanwhile."""
        await request.services.gateway.update_view(
            view_id=str(request.view.get("id") or ""),
            view=self.named(form),
            if_hash=str(request.view.get("hash") or "") or None,
        )

    def named(self, form: Form[A]) -> blocks.View:
        """Return the form's view with its callback id and metadata set."""
        view = form.view
        entered = {str(one.block_id) for one in view.blocks or () if one.type == "input"}
        view.callback_id = self.form
        view.private_metadata = to_metadata(form.given, entered=entered)
        return view

    async def carry_out(self, request: Request, given: A) -> Reply:
        """Run the verb, and return the answer."""
        if self.perform is not None:
            return await self.perform(request, given)
        outcome = await request.transact(partial(self._act, given=given))
        told = self.tell(request, outcome) if self.tell is not None else None
        if told is None:
            return None
        answer = (
            told if isinstance(told, Say) else Say(say(told) if isinstance(told, str) else told)
        )
        if self.is_quiet or self.is_posted or self.is_echoed:
            return await with_silence(request, answer, outcome)
        return answer

    async def _act(self, uow: UnitOfWork, *, given: A) -> Outcome:
        if self.do is not None:
            return await self.do(uow, given)
        if self.use_case is None:
            raise TypeError(f"{self} does nothing")
        taken = _parameters(self.use_case)
        values = {one.name: getattr(given, one.name) for one in fields(given) if one.name in taken}
        return await self.use_case(uow, **values)

    def _worded(self, request: Request) -> A:
        given: dict[str, Any] = {}
        if any(one.name == "ref" for one in fields(self.arguments)):
            given["ref"] = request.incident_ref()
        rest = request.words.text
        for name in self.words[:-1]:
            given[name], rest = split_first(rest)
        if self.words:
            given[self.words[-1]] = mentions.plain(rest)
        return self.arguments(**given)

    async def _shown(self, request: Request, given: A) -> Form[A] | Say:
        shown: blocks.View | Form[A] | Say
        if self.open is not None:
            shown = await self.open(request, given)
        elif self.show is not None:
            ref = cast("OnIncident", given).ref
            incident = await view_for_form(request, ref, action=self.needs, target=self.target)
            given = replace(given, ref=ById(incident.id))
            shown = self.show(request, incident, given)
        else:
            raise TypeError(f"{self} has no form")
        return shown if isinstance(shown, Form | Say) else Form(shown, given)

    def _in_inputs(self, request: Request, error: DomainError) -> Mapping[str, str] | None:
        """Return the error text for each input concerned; None if the error concerns no input."""
        told = self.explain(request, error) if self.explain is not None else None
        if told is not None or not isinstance(error, InvalidInput):
            return told
        entered = request.form.values
        called = self.inputs.get(error.field, error.field)
        name = called if called in entered else self.inputs.get("", called)
        text = invalid_text(called, error.problem, error.example)
        return {name: text} if name in entered else None


def as_typed(request: Request) -> Words:
    """Return a command's words, with mentions left as Slack sent them."""
    return Words(request.incident_ref(), text=request.words.text)


@cache
def _parameters(use_case: Callable[..., Awaitable[Outcome]]) -> Collection[str]:
    return signature(use_case).parameters


async def view_for_form(
    request: Request,
    ref: IncidentRef,
    *,
    action: Action,
    target: IncidentStatus | None = None,
) -> IncidentView:
    """Return a form's incident, if the person's rights and the status allow the action.

    The check runs before the form opens, so that nobody fills in a form that is then refused, and
    again on submit.

    Raises: IncidentNotFound; NotPermitted; TransitionRefused.
    """
    workspace_id = request.services.workspace.id
    async with request.services.database.reading() as session:
        incident = await find_incident(
            session, ref, workspace_id=workspace_id, viewer=request.actor
        )
        if incident is None:
            raise IncidentNotFound(str(ref.reference) if isinstance(ref, ByReference) else None)
        # If the action needs approval, the form opens all the same: it becomes the proposal.
        with suppress(NeedsApproval):
            await permit(
                session,
                request.actor,
                action,
                incident=incident,
                policy=request.policy,
                workspace_id=workspace_id,
            )
        if action is Action.REOPEN:
            await allow_reopening(session, incident)
        elif target is not None:
            await allow_move(session, incident, target)
        return await view_of(session, incident)
