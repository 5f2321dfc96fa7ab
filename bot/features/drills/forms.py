"""Forms of a drill: choose a scenario, a check, or an action."""

from collections.abc import Sequence

from bot.features.drills.messages import scenario_line
from bot.slack import blocks, mentions
from incidents.drills.views import DrillView
from incidents.scenarios.scenario import Scenario


def start_form(scenarios: Sequence[Scenario]) -> blocks.View:
    """Return the form to start a drill: the scenarios with a description each, and a mentor."""
    options = [
        blocks.option(f"{scenario.name} ({scenario.level.value})", value=scenario.key)
        for scenario in scenarios
    ]
    return blocks.modal(
        "Start a drill",
        blocks=[
            *blocks.paragraphs("\n".join(scenario_line(scenario) for scenario in scenarios)),
            blocks.select("scenario", label="Scenario", options=options, initial=scenarios[0].key),
            blocks.user_select(
                "mentor",
                label="Mentor",
                optional=True,
                hint="Watches and gets notes. Empty: your own mentor, or nobody if you have none.",
            ),
            blocks.context("I open a private channel for the two of you, and call nobody else."),
        ],
        submit="Start",
    )


def check_form(view: DrillView) -> blocks.View:
    """Return the form to choose a check."""
    options = [blocks.option(check.name, value=check.key) for check in view.scenario.checks]
    return blocks.modal(
        "Check something",
        blocks=[
            blocks.context(_what(view)),
            blocks.radio("check", label="What do you want to look at?", options=options),
        ],
        submit="Check",
    )


def act_form(view: DrillView) -> blocks.View:
    """Return the form to choose an action, each with its risk and how to undo it."""
    actions = view.scenario.actions
    described = "\n".join(
        f"• *{mentions.escape_line(action.name)}*\n  Risk: {mentions.escape_line(action.risk)}\n"
        f"  Undo: {mentions.escape_line(action.undo)}"
        for action in actions
    )
    options = [blocks.option(action.name, value=action.key) for action in actions]
    return blocks.modal(
        "Do something",
        blocks=[
            blocks.context(_what(view)),
            *blocks.paragraphs(described),
            blocks.radio("action", label="What do you want to do?", options=options),
        ],
        submit="Do it",
    )


def _what(view: DrillView) -> str:
    return f"Drill {view.incident.reference}, {mentions.escape_line(view.scenario.name)}: practice only."
