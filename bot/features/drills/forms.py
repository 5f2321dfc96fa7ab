"""The forms of a drill: choosing a scenario, something to check, something to do."""

from collections.abc import Sequence

from bot.features.drills.messages import scenario_line
from bot.framework.incident_forms import remember
from bot.slack import blocks as b
from bot.slack import mentions as m
from incidents.drills.views import PracticeView
from incidents.scenarios.scenario import Scenario


def start_form(scenarios: Sequence[Scenario]) -> b.View:
    """Return the form that starts a drill: the scenarios with what they are about, a mentor."""
    options = [
        b.option(f"{scenario.name} ({scenario.level.value})", value=scenario.key)
        for scenario in scenarios
    ]
    return b.modal(
        "Start a drill",
        blocks=[
            *b.paragraphs("\n".join(scenario_line(scenario) for scenario in scenarios)),
            b.select("scenario", label="Scenario", options=options, initial=scenarios[0].key),
            b.user_select(
                "mentor",
                label="Mentor",
                optional=True,
                hint="Sees what you do and gets notes. Empty: your own mentor, else you alone.",
            ),
            b.context("A private channel opens for the two of you. Nobody else is called."),
        ],
        callback_id="drill_submit",
        submit="Start",
    )


def check_form(view: PracticeView) -> b.View:
    """Return the form to look at something."""
    options = [b.option(check.name, value=check.key) for check in view.scenario.checks]
    return b.modal(
        "Check something",
        blocks=[
            b.context(_what(view)),
            b.radio("check", label="What do you want to look at?", options=options),
        ],
        callback_id="drill_check_submit",
        submit="Check",
        private_metadata=remember(view.incident),
    )


def act_form(view: PracticeView) -> b.View:
    """Return the form to act: each choice with its risk and how to undo it."""
    actions = view.scenario.actions
    described = "\n".join(
        f"• *{m.escape_line(action.name)}*\n  Risk: {m.escape_line(action.risk)}\n"
        f"  Undo: {m.escape_line(action.undo)}"
        for action in actions
    )
    options = [b.option(action.name, value=action.key) for action in actions]
    return b.modal(
        "Do something",
        blocks=[
            b.context(_what(view)),
            *b.paragraphs(described),
            b.radio("action", label="What do you want to do?", options=options),
        ],
        callback_id="drill_act_submit",
        submit="Do it",
        private_metadata=remember(view.incident),
    )


def _what(view: PracticeView) -> str:
    return f"Drill {view.incident.reference}, {m.escape_line(view.scenario.name)}: practice only."
