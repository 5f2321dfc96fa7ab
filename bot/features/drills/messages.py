"""Wording of a drill: its start, signals, checks, actions and end."""

from collections.abc import Sequence
from types import MappingProxyType

from sqlalchemy.ext.asyncio import AsyncSession

from bot.framework.arguments import on_incident
from bot.framework.entry_messages import Ending
from bot.slack import blocks, mentions
from incidents.core.sentences import Who
from incidents.core.times import spoken_duration
from incidents.drills.entries import (
    DrillActed,
    DrillChecked,
    DrillEnded,
    DrillSignal,
    DrillStarted,
)
from incidents.drills.views import DrillView
from incidents.incident.views import EntryView, IncidentView
from incidents.scenarios.runs import find_run
from incidents.scenarios.scenario import Scenario

_ENDS = MappingProxyType(
    {
        "solved": "You fixed it and resolved it.",
        "unsolved": "You resolved it before it was fixed.",
        "timed_out": "The time is up.",
        "abandoned": "Somebody stopped it.",
    }
)


def started_entry(
    started: DrillStarted, _entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Return the start of a drill: what it is, the briefing, and the buttons to work with."""
    limit = spoken_duration(started.limit)
    company = f" {_mention(started.mentor)} watches, and you can ask." if started.mentor else ""
    lead = (
        f"*Drill: {mentions.escape_line(started.name)}.* Practice only; nothing is broken, and "
        f"nobody outside this channel is called. {_mention(started.junior)}, it's yours: "
        f"work on it as if it were real, for up to {limit}.{company}"
    )
    how = (
        "Press *Check…* to look at something and *Do…* to act; I post the result here. "
        "Command, updates, escalating and resolving work as usual."
    )
    briefing = mentions.escape(started.briefing)
    listed = f"To check: {_listed(started.checks)}. To do: {_listed(started.actions)}."
    value = str(incident.id)
    return blocks.Message(
        text=f"{lead}\n{briefing}\n{how} {listed}",
        blocks=(
            blocks.section(lead),
            *blocks.paragraphs(briefing),
            blocks.context(how),
            blocks.actions(
                blocks.button("I'm on it", action_id="drill_take_on", value=value, style="primary"),
                *_work_buttons(incident),
                blocks.button(
                    "Stop the drill",
                    action_id="drill_stop",
                    value=value,
                    confirm=blocks.confirm(
                        "Stop the drill?",
                        text="It ends here. I send the results by direct message.",
                        yes="Stop",
                    ),
                ),
            ),
        ),
    )


def signal_entry(signal: DrillSignal, _entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return a scripted signal; one that asks for news also has the *Post update* button."""
    source = mentions.escape_line(signal.source)
    lead = f"*Drill · {source}{' asks' if signal.is_question else ''}*"
    text = f"{lead}\n{mentions.escape(signal.text)}"
    buttons = list(_work_buttons(incident))
    if signal.is_question:
        value = on_incident(incident)
        buttons.insert(0, blocks.button("Post update", action_id="update_open", value=value))
    return blocks.Message(text=text, blocks=(*blocks.paragraphs(text), blocks.actions(*buttons)))


def shown_entry(
    shown: DrillChecked | DrillActed, entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Return the output of a check or an action."""
    who, name = mentions.escape_line(entry.actor_name), mentions.escape_line(shown.name)
    verb = "looked at" if isinstance(shown, DrillChecked) else "did"
    text = f"*Drill* · {who} {verb}: *{name}*\n```\n{mentions.escape(shown.output)}\n```"
    return blocks.Message(
        text=text, blocks=(*blocks.paragraphs(text), blocks.actions(*_work_buttons(incident)))
    )


def ended_entry(ended: DrillEnded, _entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return the end without the scorecard, which only junior and mentor get."""
    text = (
        f"*The drill {mentions.escape_line(ended.name)} is over.* {_ENDS.get(ended.how, '')} "
        "I send the results by direct message to the people of this drill, and to nobody else."
    )
    return blocks.Message(text=f"{incident.reference}: {text}", blocks=(blocks.section(text),))


async def drill_ending(
    session: AsyncSession, _entry: EntryView, incident: IncidentView
) -> Ending | None:
    """Return that the drill is over, once it is."""
    run = await find_run(session, incident.id)
    if incident.is_open and run is not None and run.is_running:
        return None
    return Ending("The drill is over.")


def scenario_list(scenarios: Sequence[Scenario], *, slash: str) -> blocks.Message:
    """Return the scenarios to choose from."""
    lead = (
        "*Practise on an incident that unfolds by itself.* Choose a scenario, and a mentor if you "
        "like, who watches and gets notes. I call nobody else."
    )
    lines = [lead]
    lines += [scenario_line(scenario) for scenario in scenarios]
    lines.append(f"Press the button, or type `{slash} drill bad-deploy @mentor`")
    text = "\n".join(lines)
    start = blocks.button("Start a drill…", action_id="drill_open", style="primary")
    return blocks.Message(text=text, blocks=(*blocks.paragraphs(text), blocks.actions(start)))


def scenario_line(scenario: Scenario) -> str:
    """Return one scenario as a bullet: name, key, level, time limit and summary."""
    limit = spoken_duration(scenario.time_limit)
    return (
        f"• *{mentions.escape_line(scenario.name)}* (`{scenario.key}`), {scenario.level.value}, up to "
        f"{limit}. {mentions.escape_line(scenario.summary)}"
    )


def mentor_notes(view: DrillView) -> blocks.Message:
    """Return the notes that only the mentor gets, at the start."""
    notes = view.scenario.mentor
    where = (
        f" in {mentions.channel_link(view.incident.channel_id)}" if view.incident.channel_id else ""
    )
    questions = "\n".join(f"• {mentions.escape_line(question)}" for question in notes.questions)
    call = view.scenario.escalation
    lead = (
        f"*Drill {view.incident.reference}: {mentions.escape_line(view.scenario.name)}*{where}, with "
        f"{mentions.mention(view.junior.external_id)}. These notes are for you alone: let them find it, "
        "ask rather than tell, and step in only when asked."
    )
    parts = [
        lead,
        f"*What is going on*\n{mentions.escape(notes.story)}",
        f"*A good first move*\n{mentions.escape(notes.first_move)}",
        f"*The wrong trail*\n{mentions.escape(notes.wrong_trail)}",
        f"*What makes it worse*\n{mentions.escape(notes.makes_worse)}",
    ]
    if call is not None:
        parts.append(
            f"*Expect an escalation* within {spoken_duration(call.within)}, to "
            f"{mentions.escape_line(call.to)}: {mentions.escape_line(call.why)} You may play that part."
        )
    parts.append(f"*To talk about afterwards*\n{questions}")
    text = "\n\n".join(parts)
    body = [block for part in parts for block in blocks.paragraphs(part)]
    return blocks.Message(text=text, blocks=tuple(body))


def _work_buttons(incident: IncidentView) -> tuple[blocks.ButtonElement, ...]:
    value = str(incident.id)
    return (
        blocks.button("Check…", action_id="drill_check_open", value=value),
        blocks.button("Do…", action_id="drill_act_open", value=value),
    )


def _mention(person: Who | None) -> str:
    return mentions.mention(person.external_id) if person else ""


def _listed(names: Sequence[str]) -> str:
    return ", ".join(mentions.escape_line(name) for name in names)
