"""Drills: choose a scenario, check, act, stop, and the private messages."""

from functools import partial

from bot.features.drills import forms, messages
from bot.features.drills.scorecard import results_message, scorecard_message
from bot.features.guidance.messages import checklist_message
from bot.framework.arguments import Arguments, OnIncident
from bot.framework.effect_context import Done, Dropped, EffectContext, Settlement, post_once
from bot.framework.entry_messages import shown
from bot.framework.feature import Feature
from bot.framework.refusals import say
from bot.framework.requests import Reply, Request, Say
from bot.framework.slash_commands import Flag, Repeat
from bot.framework.verbs import Form, Verb, view_for_form
from bot.slack import blocks, mentions
from incidents.core.errors import InvalidInput
from incidents.core.people import Person
from incidents.drills.effects import SendMentorNotes, SendScorecard
from incidents.drills.entries import (
    DrillActed,
    DrillChecked,
    DrillEnded,
    DrillSignal,
    DrillStarted,
)
from incidents.drills.start import (
    DrillRequest,
    mentor_named,
    run_check,
    start_run,
    stop_run,
    take_action,
    take_on,
)
from incidents.drills.views import (
    DrillView,
    get_drill_view,
    get_running_view,
    list_own_results,
)
from incidents.engine.unit_of_work import Outcome
from incidents.incident.incident import ById, IncidentRef
from incidents.people.assignable import Named
from incidents.policy.policy import Action
from incidents.scenarios.scenario import Scenario

# -- starting and stopping --------------------------------------------------------------------


class Starting(Arguments):
    """The scenario to start, and the mentor."""

    scenario: str = ""
    mentor: Named | None = None
    is_alone: bool = False


class Choice(OnIncident):
    """The check or action chosen in a drill."""

    check: str = ""
    action: str = ""


def typed_start(request: Request) -> Starting:
    """Parse `drill scenario [@mentor]`, in either order.

    Raises: InvalidInput for a name that Slack didn't turn into a mention, and for two mentors.
    """
    words = request.words.text.split()
    if any(word.startswith("@") for word in words):
        raise InvalidInput("mentor", "not_a_person", "drill bad-deploy @someone")
    mentors = [user for user in map(mentions.parse_user, words) if user is not None]
    if len(mentors) > 1:
        raise InvalidInput("mentor", "one_at_a_time", "drill bad-deploy @someone")
    name = " ".join(word for word in words if mentions.parse_user(word) is None)
    mentor = Named(mentors[0]) if mentors else None
    return Starting(name, mentor, is_alone=request.words.has("alone"))


async def start(request: Request, given: Starting) -> Reply:
    """Start a drill, list the scenarios, stop this channel's drill, or show the actor's results."""
    words = request.words
    if words.has("stop"):
        outcome = await request.transact(partial(stop_run, ref=request.incident_ref()))
        return Say(say(stopped_text(outcome)))
    if words.has("results"):
        return Say(await _results(request))
    if not (words.text or request.is_form):
        return await list_scenarios(request)
    scenario = _get_scenario(request, given.scenario)
    mentor = mentor_named(given.mentor.external_id if given.mentor else None)
    wanted = DrillRequest(scenario, mentor, is_alone=given.is_alone)
    outcome = await request.transact(partial(start_run, request=wanted))
    return Say(started_message(outcome, slash=request.policy.command))


async def list_scenarios(request: Request) -> Reply:
    """List the scenarios."""
    scenarios = request.services.scenarios
    return Say(messages.scenario_list(scenarios, slash=request.policy.command))


async def open_start(request: Request, _: Starting) -> blocks.View:
    """Return the form that starts a drill."""
    return forms.start_form(request.services.scenarios)


def started_message(outcome: Outcome, *, slash: str) -> blocks.Message:
    """Return the reply to a person who started a drill or is still in another one."""
    reference, name = outcome.data["reference"], mentions.escape_line(outcome.data["name"])
    if outcome.kind == "drill_running":
        channel = outcome.data["channel_id"]
        where = f" in {mentions.channel_link(channel)}" if channel else ""
        return say(
            f"You're still in *{reference}* ({name}){where}. Finish it first, or stop it: "
            f"`{slash} {reference} drill --stop`"
        )
    return say(
        f"*{reference}* begins: {name}. I'm opening its private channel and inviting you. I post "
        "there what happens, and call nobody outside it."
    )


def stopped_text(outcome: Outcome) -> str:
    """Return the reply to a person who stopped a drill."""
    return f"*{outcome.data['reference']}* is stopped. I'm sending the scorecard by direct message."


def _get_scenario(request: Request, name: str) -> Scenario:
    """Return the scenario with this key or name. Raises: InvalidInput, which lists the keys."""
    wanted = name.casefold()
    for scenario in request.services.scenarios:
        if wanted in {scenario.key, scenario.key.replace("-", " "), scenario.name.casefold()}:
            return scenario
    known = ", ".join(scenario.key for scenario in request.services.scenarios)
    raise InvalidInput("scenario", "unknown", known, name)


async def _results(request: Request) -> blocks.Message:
    async with request.services.database.reading() as session:
        views = await list_own_results(
            session, request.actor, workspace_id=request.services.workspace.id
        )
    return results_message(views, slash=request.policy.command)


# -- checking and acting ----------------------------------------------------------------------


def taken_on_text(outcome: Outcome) -> str:
    """Return the reply to a person who pressed *I'm on it*."""
    if not outcome.data["is_first"]:
        return "I've already noted that. Carry on."
    return "Noted. Next: look at something with *Check…*, and take command if you lead."


async def open_check(request: Request, given: Choice) -> Form[Choice] | Say:
    """Return the form with the scenario's checks; outside a drill, the first minutes' list."""
    incident = await view_for_form(request, given.ref, action=Action.VIEW)
    if not incident.is_drill:
        return Say(checklist_message(incident, request.policy))
    view = await _running(request, given.ref)
    return Form(forms.check_form(view), Choice(ById(view.incident.id)))


async def open_act(request: Request, given: Choice) -> Form[Choice]:
    """Return the form with the scenario's actions."""
    view = await _running(request, given.ref)
    return Form(forms.act_form(view), Choice(ById(view.incident.id)))


def done_text(_: Request, outcome: Outcome) -> str:
    """Return the reply to a person who checked or acted."""
    name = mentions.escape_line(outcome.data["name"])
    return f"*{name}*: I posted the result in the drill's channel."


async def _running(request: Request, ref: IncidentRef) -> DrillView:
    return await request.read(get_running_view, ref)


# -- the private messages ---------------------------------------------------------------------


async def send_mentor_notes(context: EffectContext) -> Settlement:
    """Send the mentor the notes on the scenario, unless the drill is over."""
    effect = context.get(SendMentorNotes)
    view, person = await _load(context, effect)
    if person is None or not person.is_active:
        return Dropped("person not active")
    if view.scorecard is not None:
        return Dropped("the drill is over")
    await post_once(context, channel_id=person.external_id, message=messages.mentor_notes(view))
    return Done()


async def send_scorecard(context: EffectContext) -> Settlement:
    """Send the scorecard to the junior or the mentor."""
    effect = context.get(SendScorecard)
    view, person = await _load(context, effect)
    if person is None or not person.is_active:
        return Dropped("person not active")
    if view.scorecard is None:
        return Dropped("no scorecard")
    message = scorecard_message(view, view.scorecard)
    await post_once(context, channel_id=person.external_id, message=message)
    return Done()


async def _load(
    context: EffectContext, effect: SendMentorNotes | SendScorecard
) -> tuple[DrillView, Person | None]:
    services = context.services
    async with services.database.reading() as session:
        view = await get_drill_view(session, effect.run_id, workspace_id=services.workspace.id)
        person = await session.get(Person, effect.person_id)
    return view, person


FEATURE = Feature(
    name="drills",
    verbs=(
        Verb(
            Starting,
            usage="drill [scenario] [@mentor]",
            family="learn",
            summary="Practise on an incident that unfolds by itself; alone, lists the scenarios.",
            aliases=("practice", "practise"),
            flags=(
                Flag("alone", "without your own mentor"),
                Flag("stop", "end the drill of this channel"),
                Flag("results", "your own latest drills, shown to you alone"),
            ),
            examples=("drill bad-deploy @alice",),
            repeat=Repeat.WORDS,
            typed=typed_start,
            alone=list_scenarios,
            form="drill_submit",
            opened_by=("drill_open",),
            open=open_start,
            perform=start,
            inputs={"person": "mentor"},
        ),
        Verb(
            Choice,
            usage="check [name]",
            family="learn",
            summary="The first fifteen minutes' list; in a drill: look at something.",
            examples=("check logs",),
            words=("check",),
            form="drill_check_submit",
            opened_by=("drill_check_open",),
            open=open_check,
            do=lambda uow, given: run_check(uow, given.ref, word=given.check),
            tell=done_text,
            is_quiet=True,
        ),
        Verb(
            Choice,
            usage="act [name]",
            family="learn",
            summary="In a drill: do something; without a name, shows what there is.",
            examples=("act roll-back",),
            words=("action",),
            form="drill_act_submit",
            opened_by=("drill_act_open",),
            open=open_act,
            do=lambda uow, given: take_action(uow, given.ref, word=given.action),
            tell=done_text,
            is_quiet=True,
        ),
        Verb(
            OnIncident,
            buttons=("drill_take_on",),
            use_case=take_on,
            tell=lambda _, outcome: taken_on_text(outcome),
        ),
        Verb(
            OnIncident,
            buttons=("drill_stop",),
            use_case=stop_run,
            tell=lambda _, outcome: stopped_text(outcome),
        ),
    ),
    effects={SendMentorNotes: send_mentor_notes, SendScorecard: send_scorecard},
    entries=(
        shown(DrillStarted, messages.started_entry),
        shown(DrillSignal, messages.signal_entry),
        shown(DrillChecked, messages.shown_entry),
        shown(DrillActed, messages.shown_entry),
        shown(DrillEnded, messages.ended_entry),
    ),
    endings=tuple(
        (one.kind, messages.drill_ending)
        for one in (DrillStarted, DrillSignal, DrillChecked, DrillActed)
    ),
)
