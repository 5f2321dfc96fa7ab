"""A request from Slack as handlers see it: who, where, what, and `transact`; and its replies."""

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import structlog

from bot.framework.acquaintance import Acting, get_acquainted, learn_groups
from bot.framework.arguments import Arguments
from bot.framework.slash_commands import NO_WORDS, CommandWords
from bot.operations.database_watch import DatabaseWatch
from bot.slack.blocks import FormState, Message, Option, OptionGroup, View, state_of
from bot.slack.gateway import SlackGateway
from incidents.browse.events import HomeOpened
from incidents.calling.arrivals import come
from incidents.core.clock import Clock
from incidents.core.errors import CannotAsk, IncidentNotFound, NotKnownYet, OpensPrivate
from incidents.core.people import Actor, PersonKind, actor_of, find_person
from incidents.core.signing import SigningKey
from incidents.engine.acknowledgement import acknowledge
from incidents.engine.transactions import Progress, RequestKey, Transactions
from incidents.engine.unit_of_work import Outcome, UnitOfWork, UseCase
from incidents.incident.incident import ByChannel, ByReference, Incident, IncidentRef
from incidents.paging.port import NoPagers, Pagers
from incidents.policy.policy import Action, Policy
from incidents.rights.decide import permit
from incidents.scenarios.scenario import Scenario
from incidents.storage.database import Database
from incidents.storage.deadline import Deadline

log = structlog.get_logger(__name__)

T = TypeVar("T")

# Twice this and a transaction fit in the time that Slack waits for an answer.
ASK_SECONDS = 0.8
# The most times a request asks for people: each time, it names all that it has found so far.
_MOST_ASKED = 5


@dataclass(frozen=True, slots=True)
class WorkspaceInfo:
    """The workspace that a request belongs to, from its stored row."""

    id: uuid.UUID
    external_id: str
    url: str
    bot_external_id: str
    bot_id: str = ""
    enterprise_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The collaborators of all handlers; built once in `app.py`."""

    transactions: Transactions
    database: Database
    gateway: SlackGateway
    clock: Clock
    workspace: WorkspaceInfo
    scenarios: tuple[Scenario, ...] = ()
    # The pagers of the policy, with their secrets.
    pagers: Pagers = field(default_factory=NoPagers)
    # Signs the heads of the record; None without a key.
    signer: SigningKey | None = None
    watch: DatabaseWatch = field(default_factory=DatabaseWatch)
    # Answers that wait for an incident's channel, and the view each replaces; lost at a restart.
    waiting: dict[uuid.UUID, tuple[str, Callable[[str], Awaitable[None]]]] = field(
        default_factory=dict
    )

    @property
    def policy(self) -> Policy:
        """Return the policy in force."""
        return self.transactions.policy

    def pinned(self) -> "Services":
        """Return these services with the policy of this moment, for work that a reload mustn't change."""
        return replace(self, transactions=copy(self.transactions))


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request: a command, a press, a submitted form, a shortcut, an event."""

    services: Services
    actor: Actor
    payload: Mapping[str, Any]
    channel_id: str | None = None
    trigger_id: str | None = None
    response_url: str | None = None
    key: RequestKey | None = None
    words: CommandWords = NO_WORDS
    progress: Progress = field(default_factory=Progress)
    # Finds the actor in the directory; until then `actor` is who the request says it is.
    identify: Callable[[], Awaitable[Acting]] | None = None
    # When the person is answered; what isn't being committed then is given up.
    deadline: Deadline = field(default_factory=Deadline)
    # See `Acting`.
    acts_here: bool = True
    is_doubtful: bool = False
    # Why Slack refuses to tell who they are; "" if it told us, or didn't answer.
    not_told: str = ""
    # How long Slack may take to say who somebody is.
    ask_seconds: float = ASK_SECONDS
    # The people they agreed to let into a private incident; None: they weren't asked.
    may_open_to: frozenset[str] | None = None

    @property
    def policy(self) -> Policy:
        """Return the policy that was in force when the request came."""
        return self.services.policy

    @property
    def now(self) -> datetime:
        """Return the current instant."""
        return self.services.clock.now()

    async def transact(self, use_case: UseCase, *, once: bool = True) -> Outcome:
        """Run this request's one use case; a repeated request gets the first outcome again.

        If it names somebody new, ask Slack who they are, and run it again. The first press or submitted form about an incident acknowledges it.
        """
        for _ in range(_MOST_ASKED):
            try:
                return await self._run(use_case, once=once)
            except NotKnownYet as error:
                await get_acquainted(self.services, error.external_ids, within=self.ask_seconds)
            except OpensPrivate as error:
                # The question names everybody, so a group that we don't know is looked up first.
                groups = {one.external_id for one in (*error.now, *error.later) if one.is_group}
                if not groups or not await learn_groups(
                    self.services, groups, within=self.ask_seconds
                ):
                    raise
        return await self._run(use_case, once=once)

    async def _run(self, use_case: UseCase, *, once: bool) -> Outcome:
        outcome = await self.services.transactions.run(
            partial(self._acted, use_case=use_case),
            actor=self.actor,
            workspace_id=self.services.workspace.id,
            request=self.key if once else None,
            progress=self.progress,
            may_open_to=self.may_open_to,
        )
        log.info(
            "recorded",
            outcome=outcome.kind,
            incident_id=outcome.incident_id and str(outcome.incident_id),
            person_id=self.actor.person_id and str(self.actor.person_id),
            is_repeat=outcome.is_repeat,
        )
        return outcome

    async def _acted(self, uow: UnitOfWork, *, use_case: UseCase) -> Outcome:
        """Acknowledge the incident, note that the person has come; at home, show what waits now."""
        outcome = await use_case(uow)
        self._show_at_home(uow, outcome)
        is_new = outcome.kind in {"declared", "similar", "drill_started"}
        if outcome.incident_id is None or is_new or not (self.is_press or self.is_command):
            return outcome
        incident = await uow.session.get(Incident, outcome.incident_id)
        if incident is not None and incident.is_open:
            if self.is_press:
                acknowledge(uow, incident)
            await come(uow, incident, is_answer=outcome.kind.startswith("escalation_"))
        return outcome

    def _show_at_home(self, uow: UnitOfWork, outcome: Outcome) -> None:
        is_at_home = self.view.get("type") == "home" and outcome.kind != "home_opened"
        if is_at_home and uow.actor.person_id is not None:
            uow.emit(HomeOpened(person_id=uow.actor.person_id))

    async def introduced(self) -> "Request":
        """Return the request with its actor from the directory, where Slack is asked if in doubt.

        If it doesn't answer, somebody new acts as `unknown` if from our own workspace, else as a
        stranger; for everybody else, what the directory says counts.
        """
        if self.identify is not None:
            acting = await self.identify()
            found = replace(
                self,
                actor=acting.actor,
                acts_here=acting.acts_here,
                is_doubtful=acting.is_doubtful,
                identify=None,
            )
            return await found.introduced()
        actor, external_id = self.actor, self.actor.external_id
        if not self.is_doubtful or external_id is None:
            return self
        try:
            await get_acquainted(
                self.services, [external_id], within=self.ask_seconds, acts_here=self.acts_here
            )
        except CannotAsk as error:
            is_stranger = actor.person_kind is PersonKind.UNKNOWN and not self.acts_here
            kind = PersonKind.EXTERNAL if is_stranger else actor.person_kind
            actor = replace(actor, person_kind=kind)
            return replace(self, actor=actor, is_doubtful=False, not_told=error.refusal)
        async with self.services.database.reading() as session:
            workspace_id = self.services.workspace.id
            person = await find_person(session, workspace_id=workspace_id, external_id=external_id)
        actor = actor if person is None else actor_of(person)
        return replace(self, actor=actor, is_doubtful=False)

    @property
    def menu_id(self) -> str:
        """Return the id of the form whose button was pressed, if nothing can be entered in it."""
        entered = any(block.get("type") == "input" for block in self.view.get("blocks") or ())
        is_menu = self.is_button and self.view.get("type") == "modal" and not entered
        return str(self.view.get("id") or "") if is_menu else ""

    async def open_view(self, view: View) -> None:
        """Open a form for the person, in place of the menu that they pressed a button in.

        The trigger works once, within three seconds.
        """
        if self.menu_id:
            await self.services.gateway.update_view(view_id=self.menu_id, view=view)
            return
        await self.services.gateway.open_view(trigger_id=self.trigger_id or "", view=view)

    async def read(self, query: Callable[..., Awaitable[T]], *given: object, **more: object) -> T:
        """Run a query with the person as its viewer, and return what they may see."""
        async with self.services.database.reading() as session:
            workspace_id = self.services.workspace.id
            return await query(
                session, *given, workspace_id=workspace_id, viewer=self.actor, **more
            )

    async def permit(self, action: Action, *, subject_id: uuid.UUID | None = None) -> None:
        """Check a right that isn't about an incident. Raises: NotPermitted."""
        async with self.services.database.reading() as session:
            await permit(
                session,
                self.actor,
                action,
                incident=None,
                policy=self.policy,
                workspace_id=self.services.workspace.id,
                subject_id=subject_id,
            )

    @property
    def is_press(self) -> bool:
        """Tell whether somebody pressed a button or submitted a form."""
        return self.is_button or self.is_form

    @property
    def is_form(self) -> bool:
        """Tell whether somebody submitted a form."""
        return self.payload.get("type") == "view_submission"

    @property
    def is_button(self) -> bool:
        """Tell whether somebody pressed a button, or chose from a menu."""
        return self.payload.get("type") == "block_actions"

    # -- what the request is about -----------------------------------------------------------

    @property
    def action(self) -> Mapping[str, Any]:
        """Return the pressed or chosen element of a block_actions payload, or {}."""
        found = self.payload.get("actions") or [{}]
        first: Mapping[str, Any] = found[0]
        return first

    @property
    def is_command(self) -> bool:
        """Tell whether somebody typed the slash command."""
        return "command" in self.payload

    @property
    def typed(self) -> str:
        """Return a command's whole line as typed, or ""."""
        return str(self.payload.get("text") or "") if self.is_command else ""

    @property
    def value(self) -> str:
        """Return the pressed button's value, or the value of the chosen option."""
        chosen = self.action.get("selected_option") or {}
        return str(self.action.get("value") or chosen.get("value") or "")

    @property
    def view(self) -> Mapping[str, Any]:
        """Return the submitted view, or {}."""
        return self.payload.get("view") or {}

    @property
    def form(self) -> FormState:
        """Return the typed values of the submitted view."""
        return state_of(self.view)

    @property
    def event(self) -> Mapping[str, Any]:
        """Return the inner event of an event delivery, or {}."""
        return self.payload.get("event") or {}

    @property
    def message(self) -> Mapping[str, Any]:
        """Return the message that a press or a message shortcut belongs to, or {}."""
        return self.payload.get("message") or {}

    def incident_ref(self) -> IncidentRef:
        """Return the incident by reference, else by channel. Raises: IncidentNotFound for neither."""
        if self.words.reference is not None:
            return ByReference(self.words.reference)
        if self.channel_id:
            return ByChannel(self.channel_id)
        raise IncidentNotFound(None)


# -- replies ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Say:
    """Answer only this person; `replaces` overwrites the message whose button they pressed.

    `is_needed`: also where the channel usually shows the result. `is_shown`: the channel in which a
    command was typed shows it.
    """

    message: Message
    replaces: bool = False
    is_needed: bool = False
    is_shown: bool = False


@dataclass(frozen=True, slots=True)
class FieldErrors:
    """Keep the form open and say in each field what to correct."""

    errors: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ShowView:
    """Replace the submitted form with another view."""

    view: View


@dataclass(frozen=True, slots=True)
class Options:
    """The choices of an external select."""

    options: Sequence[Option] = ()
    groups: Sequence[OptionGroup] = ()


class DoAgain(Arguments):
    """Do what they wanted before, now that they agreed to open a private incident to `people`.

    It was a command's `text`, or a press with this `action_id` and `value`.
    """

    people: tuple[str, ...] = ()
    text: str = ""
    action_id: str = ""
    value: str = ""


Reply = Say | FieldErrors | ShowView | Options | DoAgain | None

Handler = Callable[[Request], Awaitable[Reply]]
