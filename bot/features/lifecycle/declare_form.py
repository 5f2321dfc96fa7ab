"""Renders and reads the form that declares an incident."""

from collections.abc import Sequence
from dataclasses import replace

from bot.features.lifecycle.severity_words import said_severity, severity_meanings
from bot.framework.requests import Request
from bot.slack import blocks, mentions
from bot.slack.ids import is_user_id
from bot.slack.truncation import shorten
from incidents.core.errors import InvalidInput
from incidents.escalation.targets import called_at_once
from incidents.incident.incident import Incident
from incidents.lifecycle.declare import MAX_TITLE, Declaration
from incidents.policy.policy import Policy

_LONGEST_TEXT = 2_500


def declaration_form(
    policy: Policy,
    given: Declaration,
    *,
    similar: str | None = None,
    notice: str = "",
    alike: Sequence[Incident] = (),
) -> blocks.View:
    """Return the form, filled from `given`; `similar` describes what was just declared.

    `notice` explains why a typed command opened the form; `alike` are open incidents to look at
    first.
    """
    above = [blocks.section(text) for text in (similar, notice) if text]
    return blocks.modal(
        "Declare an incident",
        blocks=[*above, *_inputs(policy, given, alike)],
        submit="Declare anyway" if given.even_if_similar or similar else "Declare",
    )


def _inputs(policy: Policy, given: Declaration, alike: Sequence[Incident]) -> list[blocks.Block]:
    return [
        blocks.text_input(
            "title",
            label="What is happening?",
            initial=given.title,
            max_length=MAX_TITLE,
            placeholder="Checkout errors for some customers",
        ),
        *_severity(policy, given),
        blocks.text_input(
            "impact",
            label="Impact: who and what is affected?",
            initial=given.impact,
            multiline=True,
            optional=True,
            max_length=_LONGEST_TEXT,
        ),
        *_services(policy, given),
        *([blocks.section(alike_text(alike))] if alike else []),
        blocks.datetime_input(
            "detected_at",
            label="Detected at",
            initial=given.detected_at,
            optional=True,
            hint="Empty means now.",
        ),
        _kind(policy, given),
    ]


def _severity(policy: Policy, given: Declaration) -> tuple[blocks.Block, ...]:
    menu = blocks.select(
        "severity",
        label="Severity",
        options=[blocks.option(item.name, value=item.key) for item in policy.severities],
        initial=given.severity_key or policy.default_severity,
        hint="If unsure between two, take the worse one. It can be changed at any time.",
        dispatch=True,
    )
    return (menu, *severity_meanings(policy))


def _services(policy: Policy, given: Declaration) -> list[blocks.Block]:
    if not policy.services:
        return []
    chosen = [
        blocks.option(service.name, value=service.key)
        for service in policy.services
        if service.key in given.services
    ]
    return [
        blocks.multi_external_select(
            "services", label="Affected services", initial=chosen, optional=True, dispatch=True
        )
    ]


def _kind(policy: Policy, given: Declaration) -> blocks.Block:
    choices = {"private": given.is_private, "drill": given.is_drill, "quiet": given.no_call}
    called = called_text(policy, given)
    quiet = [blocks.option("Don't call", value="quiet", description=called)] if called else []
    if not called:
        del choices["quiet"]
    return blocks.checkboxes(
        "kind",
        label="Only if needed",
        options=[
            blocks.option(
                "Private", value="private", description="Only you and the people the policy names"
            ),
            blocks.option("Drill", value="drill", description="Practice: announced nowhere"),
            *quiet,
        ],
        initial=[name for name, is_on in choices.items() if is_on],
    )


def called_text(policy: Policy, given: Declaration) -> str:
    """Return who is called when this is declared, or "" if nobody is."""
    wanted = called_at_once(
        policy,
        severity_key=given.severity_key or policy.default_severity,
        services=given.services,
    )
    # People's ids say nothing to a reader.
    names = [one.name for one in wanted if not is_user_id(one.name)]
    unnamed = len(wanted) - len(names)
    if unnamed:
        names.append("1 person" if unnamed == 1 else f"{unnamed} people")
    return shorten(f"Otherwise I call {' and '.join(names)} now", 75) if names else ""


def read_form(request: Request, given: Declaration) -> Declaration:
    """Return the declaration with the fields whose form names differ.

    Raises: InvalidInput if the title names another severity than the one that is chosen.
    """
    form = request.form
    said = said_severity(given.title, request.policy)
    if said.severity and not said.is_word and said.severity.key != form.choice("severity"):
        problem = f"isn't {said.severity.name}, but the title begins with that: change one of them"
        raise InvalidInput("severity", problem)
    return filled_in(request, given)


def filled_in(request: Request, given: Declaration) -> Declaration:
    """Return the declaration with what is filled in under other names so far."""
    form = request.form
    return replace(
        given,
        severity_key=form.choice("severity"),
        is_private=form.checked("kind", "private"),
        is_drill=form.checked("kind", "drill"),
        no_call=form.checked("kind", "quiet"),
    )


def alike_text(alike: Sequence[Incident]) -> str:
    """Return the open incidents that may be the same, each with its channel."""
    lines = [
        f"• *{one.reference}* {mentions.escape_line(one.severity_name)} "
        f"{mentions.escape_line(one.title)}"
        + (f": {mentions.channel_link(one.channel_id)}" if one.channel_id else "")
        for one in alike
    ]
    return "\n".join(["*Open now. Is yours one of these? Then join it:*", *lines])


def similar_text(reference: str, title: str, channel_id: str | None) -> str:
    """Return the notice that a very similar incident was just declared."""
    where = f" Join {mentions.channel_link(channel_id)}." if channel_id else ""
    return (
        f"*Nothing new was declared.* {reference} was declared a moment ago and looks the same: "
        f"{mentions.escape_line(title)}.{where} If yours is something else, press *Declare anyway*."
    )


def flag_meant_text(word: str) -> str:
    """Return the notice that the title starts with a flag's word, so nothing is declared yet."""
    return (
        f"*Nothing is declared yet.* The title begins with `{word}`, so `{word}` is ticked below. "
        f"Leave it so or untick it, look at the title, and press *Declare*. (`--{word}` says it at once.)"
    )


def severity_meant_text(word: str, severity_name: str) -> str:
    """Return the notice that a word of the title may name the severity, so nothing is declared."""
    return (
        f"Not declared yet: {mentions.code(word)} can mean {mentions.escape_line(severity_name)}, so I've "
        "chosen that below. Your title is kept whole. Press *Declare*, or change either one."
    )
