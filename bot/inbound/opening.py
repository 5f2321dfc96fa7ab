"""Before something opens a private incident to somebody, asks once, with all their names.

The question carries what the person wanted: a command's text or a press in its button, a form in
itself, so that nothing has to be written again.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from bot.framework.arguments import find_value
from bot.framework.meant_verbs import with_words
from bot.framework.requests import (
    DoAgain,
    FieldErrors,
    Handler,
    Reply,
    Request,
    Say,
    ShowView,
)
from bot.framework.slash_commands import Grammar
from bot.slack import blocks
from bot.slack.blocks.surfaces import MAX_PRIVATE_METADATA
from bot.slack.ids import is_user_id
from bot.slack.mentions import escape_line, mention
from bot.slack.truncation import width
from incidents.core.errors import Newcomer, OpensPrivate

_QUESTION: Final = "opens_private"
_CHOICE: Final = "opens_private_to"
_ALL, _FIRST = "all", "first"


def ask_first(request: Request, error: OpensPrivate) -> Reply:
    """Return the question whether to open the incident to these people."""
    if request.is_form:
        return _in_form(request, error)
    slash = request.policy.command
    is_command = "command" in request.payload
    typed = str(request.payload.get("text") or "") if is_command else ""
    question = _question(error, slash=slash)
    wanted = DoAgain(text=typed)
    if not is_command:
        pressed = str(request.action.get("action_id") or "")
        wanted = DoAgain(action_id=pressed, value=request.value)
    buttons = _buttons(wanted, error)
    if buttons is None:
        names = " ".join(f"@{escape_line(one.name)}" for one in error.now)
        question = (
            f"{question}\nYour text is too long for me to keep. Invite them first: "
            f"`{slash} {error.reference} invite {names}`, then send it again."
        )
    body = blocks.paragraphs(question)
    message = blocks.Message(question, (*body, blocks.actions(*buttons)) if buttons else body)
    return Say(with_words(message, typed, slash=slash))


def agreed_in_form(view: Mapping[str, Any]) -> frozenset[str] | None:
    """Return the people that this form lets into the incident by agreement; None if not asked."""
    asked = _metadata(view).get(_QUESTION)
    if not isinstance(asked, Mapping):
        return None
    is_for_all = blocks.state_of(view).choice(_CHOICE) != _FIRST
    return frozenset((*asked["now"], *(asked["later"] if is_for_all else ())))


def as_before(request: Request, wanted: DoAgain) -> Request:
    """Return the request that was asked about, made again with what the person agreed to."""
    payload: dict[str, Any] = dict(request.payload)
    if wanted.action_id:
        action = {"action_id": wanted.action_id, "value": wanted.value}
        payload["actions"] = [{**request.action, **action}]
    else:
        payload = {"command": request.policy.command, "text": wanted.text}
    return replace(request, payload=payload, may_open_to=frozenset(wanted.people))


def handler_of(
    wanted: DoAgain,
    grammar: Grammar,
    commands: Mapping[str, Handler],
    presses: Mapping[str, Handler],
) -> Handler:
    """Return the handler of what somebody wanted before they were asked."""
    if wanted.action_id:
        return presses[wanted.action_id]

    async def by_command(request: Request) -> Reply:
        command, words = grammar.parse(wanted.text)
        if command is None:
            return None
        return await commands[command.name](replace(request, words=words))

    return by_command


def in_place(reply: Reply) -> Reply:
    """Return the answer, to show in place of the question."""
    if reply is None:
        return Say(blocks.Message("Done.", (blocks.section("Done."),)), replaces=True)
    return replace(reply, replaces=True) if isinstance(reply, Say) else reply


def _question(error: OpensPrivate, *, slash: str) -> str:
    """Return who will see what; nothing was done yet."""
    later = ""
    if not error.now:
        lead = f"*If nobody answers, this opens all of {error.reference} to {_names(error.later)}:*"
    else:
        lead = f"*This opens all of {error.reference} to {_names(error.now)}:*"
        if error.later:
            later = f"If nobody answers, it opens to {_names(error.later)} as well. "
    return (
        f"{lead} its channel, timeline, notes and files, from the beginning. {later}"
        "Nothing was done yet. Do you want that? "
        f"`{slash} {error.reference} who` lists who can see it. `uninvite @someone` removes them "
        "again, but they keep what they have read."
    )


def _names(people: Sequence[Newcomer]) -> str:
    """Return all names, those of a group's members after the group's."""
    alone = [_name(one) for one in people if not one.through]
    groups = dict.fromkeys(one.through for one in people if one.through)
    through = [
        f"{escape_line(group)} ({', '.join(_name(one) for one in people if one.through == group)})"
        for group in groups
    ]
    *first, last = [*alone, *through]
    return f"{', '.join(first)} and {last}" if first else last


def _name(one: Newcomer) -> str:
    if one.is_group:
        return f"everybody in {escape_line(one.name)}"
    return mention(one.external_id) if is_user_id(one.external_id) else escape_line(one.name)


def _ids(people: Sequence[Newcomer]) -> tuple[str, ...]:
    return tuple(one.external_id for one in people)


def _buttons(wanted: DoAgain, error: OpensPrivate) -> tuple[blocks.ButtonElement, ...] | None:
    """Return the buttons that go on with it, or None if they can't carry it."""
    first = _ids(error.now)
    for_all = find_value(replace(wanted, people=(*first, *_ids(error.later))))
    for_first = find_value(replace(wanted, people=first))
    if for_all is None or for_first is None:
        return None
    label = "Open it to all of them" if len(error.now) + len(error.later) > 1 else "Open it"
    agree = blocks.button(label, action_id="open_private", value=for_all, style="primary")
    if not error.later:
        return (agree,)
    return agree, blocks.button(_only_first(error), action_id="open_private_first", value=for_first)


def _only_first(error: OpensPrivate) -> str:
    names = ", ".join(one.name for one in error.now)
    return f"Only to {names}" if names else "Call only people who see it already"


def _in_form(request: Request, error: OpensPrivate) -> Reply:
    """Show the form again with the question above; what was written in it stays."""
    question = _question(error, slash=request.policy.command)
    above: list[blocks.Block] = [blocks.section(question, block_id=_QUESTION)]
    if error.later:
        choices = [
            blocks.option("Open it to all of them", value=_ALL),
            blocks.option(_only_first(error), value=_FIRST),
        ]
        label = "Who may see it"
        above.append(blocks.radio(_CHOICE, label=label, options=choices, initial=_ALL))
    asked = {"now": _ids(error.now), "later": _ids(error.later)}
    metadata = json.dumps({**_metadata(request.view), _QUESTION: asked})
    if width(metadata) > MAX_PRIVATE_METADATA:
        first_input = next(iter(request.form.values), "")
        return FieldErrors({first_input: "This opens it to too many people at once. Name fewer."})
    view = blocks.shown_again(
        request.view, above=above, submit="Open it", private_metadata=metadata
    )
    return ShowView(view)


def _metadata(view: Mapping[str, Any]) -> dict[str, Any]:
    try:
        found = json.loads(view.get("private_metadata") or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
