"""Drills with a scenario: choosing one, looking, acting, stopping, and the private messages."""

from functools import partial

from bot.features.drills import forms, messages
from bot.features.drills.scorecard import results_message, scorecard_message
from bot.framework.effect_context import Done, Dropped, EffectContext, Settlement, post_once
from bot.framework.feature import Command, Feature, Flag
from bot.framework.refusals import invalid_text, say
from bot.framework.replies import FieldErrors, Reply, Say
from bot.framework.requests import Request
from bot.slack import blocks, mentions
from incidents.core.errors import InvalidInput
from incidents.core.people import Person
from incidents.drills.effects import SendMentorNotes, SendScorecard
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
from incidents.incident.incident import IncidentRef
from incidents.scenarios.scenario import Scenario

# -- starting and stopping --------------------------------------------------------------------


async def drill_command(request: Request) -> Reply:
    """List the scenarios, start one, stop the one of this channel, or show one's own results."""
    words = request.words
    if words.has("stop"):
        outcome = await request.transact(partial(stop_run, ref=request.incident_ref()))
        return Say(stopped_message(outcome))
    if words.has("results"):
        return Say(await _results(request))
    if not words.text.strip():
        scenarios = request.services.scenarios
        return Say(messages.scenario_list(scenarios, slash=request.policy.command))
    name, mentor = _take_apart(words.text)
    scenario = _get_scenario(request, name)
    return Say(await _start(request, scenario, mentor, is_alone=words.has("alone")))


async def open_start_form(request: Request) -> Reply:
    """Open the form that starts a drill."""
    await request.open_view(forms.start_form(request.services.scenarios))
    return None


async def start_submitted(request: Request) -> Reply:
    """Start the drill of the form."""
    form = request.form
    try:
        scenario = _get_scenario(request, form.choice("scenario") or "")
        return Say(await _start(request, scenario, form.user("mentor")))
    except InvalidInput as error:
        # The domain speaks of a person; the form has one field for that.
        field = {"person": "mentor"}.get(error.field, error.field)
        return FieldErrors({field: invalid_text(field, error.problem, error.example)})


async def stop_pressed(request: Request) -> Reply:
    """Stop the drill."""
    outcome = await request.transact(partial(stop_run, ref=request.incident_of_value()))
    return Say(stopped_message(outcome))


def started_message(outcome: Outcome, *, slash: str) -> blocks.Message:
    """Return what the person is told who started a drill, or is in the middle of one."""
    reference, name = outcome.data["reference"], mentions.escape_line(outcome.data["name"])
    if outcome.kind == "drill_running":
        channel = outcome.data["channel_id"]
        where = f" in {mentions.channel_link(channel)}" if channel else ""
        return say(
            f"You are in the middle of *{reference}* ({name}){where}. Finish it first, or stop it "
            f"with `{slash} {reference} drill --stop`."
        )
    return say(
        f"*{reference}* begins: {name}. Its private channel is opening and you are invited; what "
        "happens comes there by itself. Nobody outside it is called."
    )


def stopped_message(outcome: Outcome) -> blocks.Message:
    """Return what the person is told who stopped a drill."""
    reference = outcome.data["reference"]
    return say(f"*{reference}* is stopped. Its scorecard comes by direct message.")


async def _start(
    request: Request, scenario: Scenario, mentor: str | None, *, is_alone: bool = False
) -> blocks.Message:
    wanted = DrillRequest(scenario, mentor_named(mentor), is_alone=is_alone)
    outcome = await request.transact(partial(start_run, request=wanted))
    return started_message(outcome, slash=request.policy.command)


def _take_apart(text: str) -> tuple[str, str | None]:
    """Return the scenario's name and the mentor's id, whichever comes first.

    Raises: InvalidInput for a name that Slack didn't turn into a person, and for two.
    """
    words = text.split()
    if any(word.startswith("@") for word in words):
        raise InvalidInput("mentor", "not_a_person", "drill bad-deploy @someone")
    mentors = [user for user in map(mentions.parse_user, words) if user is not None]
    if len(mentors) > 1:
        raise InvalidInput("mentor", "one_at_a_time", "drill bad-deploy @someone")
    name = " ".join(word for word in words if mentions.parse_user(word) is None)
    return name, mentors[0] if mentors else None


def _get_scenario(request: Request, name: str) -> Scenario:
    """Return the scenario with this key or name. Raises: InvalidInput with those there are."""
    wanted = name.casefold()
    for scenario in request.services.scenarios:
        if wanted in {scenario.key, scenario.key.replace("-", " "), scenario.name.casefold()}:
            return scenario
    known = ", ".join(scenario.key for scenario in request.services.scenarios)
    raise InvalidInput("scenario", "unknown", known)


async def _results(request: Request) -> blocks.Message:
    async with request.services.database.reading() as session:
        views = await list_own_results(
            session, request.actor, workspace_id=request.services.workspace.id
        )
    return results_message(views, slash=request.policy.command)


# -- looking and acting -----------------------------------------------------------------------


async def take_on_pressed(request: Request) -> Reply:
    """Note that somebody is on it."""
    outcome = await request.transact(partial(take_on, ref=request.incident_of_value()))
    if not outcome.data["is_first"]:
        return Say(say("That was noted before. Carry on."))
    return Say(say("Noted. Next: look at something with *Check…*, and take command if you lead."))


async def check_command(request: Request) -> Reply:
    """Look at something by name, or open the form that shows what there is."""
    ref, word = request.incident_ref(), mentions.plain(request.words.text).strip()
    if not word:
        return await _open_check_form(request, ref)
    outcome = await request.transact(partial(run_check, ref=ref, word=word))
    return Say(done_message(outcome))


async def open_check_form(request: Request) -> Reply:
    """Open the form from a button."""
    return await _open_check_form(request, request.incident_of_value())


async def check_submitted(request: Request) -> Reply:
    """Look at what was chosen."""
    word = request.form.choice("check") or ""
    await request.transact(partial(run_check, ref=request.incident_of_metadata(), word=word))
    return None


async def act_command(request: Request) -> Reply:
    """Act by name, or open the form that shows what there is."""
    ref, word = request.incident_ref(), mentions.plain(request.words.text).strip()
    if not word:
        return await _open_act_form(request, ref)
    outcome = await request.transact(partial(take_action, ref=ref, word=word))
    return Say(done_message(outcome))


async def open_act_form(request: Request) -> Reply:
    """Open the form from a button."""
    return await _open_act_form(request, request.incident_of_value())


async def act_submitted(request: Request) -> Reply:
    """Do what was chosen."""
    word = request.form.choice("action") or ""
    await request.transact(partial(take_action, ref=request.incident_of_metadata(), word=word))
    return None


def done_message(outcome: Outcome) -> blocks.Message:
    """Return what the person is told who looked or acted."""
    name = mentions.escape_line(outcome.data["name"])
    return say(f"*{name}*: what came of it is in the drill's channel, and on its timeline.")


async def _open_check_form(request: Request, ref: IncidentRef) -> Reply:
    await request.open_view(forms.check_form(await _running(request, ref)))
    return None


async def _open_act_form(request: Request, ref: IncidentRef) -> Reply:
    await request.open_view(forms.act_form(await _running(request, ref)))
    return None


async def _running(request: Request, ref: IncidentRef) -> DrillView:
    async with request.services.database.reading() as session:
        return await get_running_view(
            session, ref, workspace_id=request.services.workspace.id, viewer=request.actor
        )


# -- the private messages ---------------------------------------------------------------------


async def send_mentor_notes(context: EffectContext) -> Settlement:
    """Send the mentor what the scenario is about."""
    effect = context.get(SendMentorNotes)
    view, person = await _load(context, effect)
    if person is None or not person.is_active:
        return Dropped("person not active")
    if view.scorecard is not None:
        return Dropped("the drill is over")
    await post_once(context, channel_id=person.external_id, message=messages.mentor_notes(view))
    return Done()


async def send_scorecard(context: EffectContext) -> Settlement:
    """Send one of the two how it went."""
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
    commands=(
        Command(
            name="drill",
            usage="drill [scenario] [@mentor]",
            summary="Practise on an incident that unfolds by itself; alone, lists the scenarios.",
            handler=drill_command,
            aliases=("practice", "practise"),
            flags=(
                Flag("alone", "without your own mentor"),
                Flag("stop", "end the drill of this channel"),
                Flag("results", "your own latest drills, shown to you alone"),
            ),
            examples=("drill bad-deploy @alice",),
            is_once_a_minute=True,
        ),
        Command(
            name="check",
            usage="check [name]",
            summary="In a drill: look at something; without a name, shows what there is.",
            handler=check_command,
            examples=("check logs",),
        ),
        Command(
            name="act",
            usage="act [name]",
            summary="In a drill: do something; without a name, shows what there is.",
            handler=act_command,
            examples=("act roll-back",),
        ),
    ),
    actions={
        "drill_open": open_start_form,
        "drill_take_on": take_on_pressed,
        "drill_check_open": open_check_form,
        "drill_act_open": open_act_form,
        "drill_stop": stop_pressed,
    },
    views={
        "drill_submit": start_submitted,
        "drill_check_submit": check_submitted,
        "drill_act_submit": act_submitted,
    },
    effects={SendMentorNotes: send_mentor_notes, SendScorecard: send_scorecard},
    entries={
        "drill_started": messages.started_entry,
        "drill_signal": messages.signal_entry,
        "drill_checked": messages.checked_entry,
        "drill_acted": messages.acted_entry,
        "drill_ended": messages.ended_entry,
    },
    endings=dict.fromkeys(
        ("drill_started", "drill_signal", "drill_checked", "drill_acted"), messages.drill_ending
    ),
)
