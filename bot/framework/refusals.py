"""The wording of refusals by the domain: what was refused, and what to do next."""

import re
from collections.abc import Sequence
from difflib import get_close_matches

from bot.framework.phrases import ALREADY, DEEDS, FIELDS, HOLDERS, PROBLEMS, SUPERSEDED
from bot.framework.slash_commands import reference_first
from bot.slack.blocks import ButtonElement, Message, actions, section
from bot.slack.ids import is_user_id
from bot.slack.mentions import code, date, escape, escape_line, mention, plain
from bot.slack.truncation import shorten
from incidents.core.errors import (
    AlreadySo,
    Busy,
    DomainError,
    EditClash,
    IncidentNotFound,
    IncidentOver,
    InformationMissing,
    InvalidInput,
    MayAgree,
    MayNotAnswer,
    NothingToUndo,
    NotPermitted,
    Superseded,
    TransitionRefused,
)
from incidents.core.ids import parse_reference

# An example repeats this much of the typed command, to show where the reference goes.
_LONGEST_EXAMPLE = 60
# A status as people say it; anything else is compared letter by letter.
_MEANT_BY = dict.fromkeys(("fixed", "solved", "done", "over", "recovered"), "resolved")


def say(text: str, *buttons: ButtonElement) -> Message:
    """Return a message of one section, with buttons below; the text is its own fallback."""
    return Message(text=text, blocks=(section(text), *((actions(*buttons),) if buttons else ())))


def refusal_message(error: DomainError, *, slash: str, typed: str = "") -> Message:
    """Return the domain's refusal as a message; `typed` is the text of a refused command."""
    return say(refusal_text(error, slash=slash, typed=typed))


def refusal_text(error: DomainError, *, slash: str, typed: str = "") -> str:
    """Return the refusal as text: nothing was changed, and what would help."""
    match error:
        case IncidentNotFound(reference=None):
            return _not_here(" ".join(plain(typed).split()), slash=slash)
        case IncidentNotFound(reference=reference):
            return (
                f"There is no incident {escape(reference or '')}. See the open ones: `{slash} list`"
            )
        case NotPermitted(action=action, needs=needs):
            return _not_permitted(action, needs, slash=slash)
        case MayNotAnswer() | MayAgree():
            return _answering(error, slash=slash)
        case TransitionRefused():
            return _transition(error, slash=slash)
        case InformationMissing(fields=fields):
            return f"First add: {', '.join(_words(name) for name in fields)}."
        case InvalidInput():
            return _invalid(error, typed, slash=slash)
        case AlreadySo() | Superseded() | IncidentOver():
            return _as_it_is(error, slash=slash)
        case EditClash(fields=fields):
            listed = ", ".join(_words(name) for name in fields)
            return f"Somebody else changed this while you were editing ({listed}). Look again, then edit."
        case NothingToUndo():
            return "You have no note or mark left to withdraw here."
        case Busy():
            return "Too many people are changing this at once. I recorded nothing; try again."
    return "This isn't possible now. Nothing changed."


def _not_here(typed: str, *, slash: str) -> str:
    ready = reference_first(typed)
    if ready:
        line = code(f"{slash} {ready}")
        return f"An incident's number comes first, so nothing was done. To send: {line}"
    line = code(f"{slash} INC-12 {shorten(typed, _LONGEST_EXAMPLE) or 'show'}")
    return (
        f"This channel doesn't belong to an incident. Name one, for example {line}, or "
        f"find it with `{slash} list`"
    )


def _as_it_is(error: AlreadySo | Superseded | IncidentOver, *, slash: str) -> str:
    match error:
        case AlreadySo(what="the incident", detail="resolved" | "closed" as detail):
            return (
                f"The incident is already {escape(detail)}. Not over? "
                f"`{slash} reopen what is wrong`"
            )
        case AlreadySo(what="incident", detail="private"):
            return (
                f"The incident is already private. To bring somebody in: `{slash} invite @someone`"
            )
        case AlreadySo(what="the incident", detail="cancelled") | IncidentOver(status="cancelled"):
            return (
                "A cancelled incident stays cancelled. Not over? Declare a new one: "
                f"`{slash} declare`"
            )
        case AlreadySo(what=what, detail=detail):
            return ALREADY.get(what, "Nothing to change: {what} is already {detail}.").format(
                what=_words(what), detail=escape(detail) or "so"
            )
        case IncidentOver(status=status):
            return (
                f"The incident is {status}, so its roles can't change. Reopen it first: "
                f"`{slash} reopen what is wrong`"
            )
        case Superseded(what=what, by=by) if what in SUPERSEDED:
            return SUPERSEDED[what].format(by=_person(by) or "Somebody", slash=slash)
    who = escape(error.by) if error.by else "Somebody"
    return f"{who} has changed this meanwhile, so nothing was done. Here is how it is now."


def _person(name: str) -> str:
    """Return a name, escaped; a user id becomes a mention, since we don't know the name yet."""
    return mention(name) if is_user_id(name) else escape_line(name)


def _words(name: str) -> str:
    return name.removesuffix("_at").replace("_", " ")


def _not_permitted(action: str, needs: str, *, slash: str) -> str:
    what = DEEDS.get(action, _words(action))
    if needs == "member":
        return (
            f"Guests and people from other workspaces can't {what} here. "
            "Ask a member of the workspace to do it."
        )
    if action == "override_on_call":
        return (
            f"Only the people in {code(needs)}, its owners and its managers can {what} there. Ask "
            f"the one who is on call: `{slash} oncall {needs}`"
        )
    if action == "take_over" and "responder" in needs:
        return (
            "Only responders and seniors can take over command. Join the incident channel, or "
            f"take a role with `{slash} role`. Then press *Take over…*, or type "
            f"`{slash} takeover why`"
        )
    if "responder" in needs:
        return (
            f"Only responders can {what}. Join the incident channel, or take a role: "
            f"`{slash} role scribe me`"
        )
    if action == "see_load":
        return (
            "Only managers whom the policy names can see other people's load. "
            f"Yours: `{slash} oncall mine`"
        )
    who = any_of([_grantee(name) for name in needs.split(", ")])
    if action == "sign_off":
        return (
            f"Only {who or 'nobody'} can {what}. Nothing changed. Ask the person who that is: "
            f"`{slash} progress` shows it to them."
        )
    if action == "set_stage":
        return (
            f"Only {who or 'nobody'} can {what}. Nothing changed. Ask one of them: "
            f"`{slash} progress` shows who mentors you."
        )
    if action == "test_pager":
        return (
            f"Only {who or 'nobody'} can {what}. Nobody was paged. "
            f"They test their own: `{slash} pager test`"
        )
    return f"Only {who or 'a member'} can {what}. Ask in the incident channel."


def _answering(error: MayNotAnswer | MayAgree, *, slash: str) -> str:
    if isinstance(error, MayAgree):
        return (
            "You can approve this yourself, which is as quick: press *Approve* on its card, or type "
            f"`{slash} proposal {error.number} approve`. Nothing was done yet."
        )
    named = ", ".join(_person(name) for name in error.who)
    granted = any_of([_grantee(name) for name in error.needs.split(", ") if name] or [""])
    who = named or granted or "nobody, by the policy"
    if error.is_own:
        return f"You proposed this, so somebody else has to decide: {who}. I've asked already."
    return f"This isn't yours to decide here. Ask {who}."


def _grantee(name: str) -> str:
    """Return the holder of a right as text: a person, or a role or group by its key."""
    if name in HOLDERS:
        return HOLDERS[name]
    return _person(name) if is_user_id(name) else escape_line(name.replace("_", " "))


def _transition(error: TransitionRefused, *, slash: str) -> str:
    current = f"The incident is {error.current}{_since(error)}"
    if error.current == error.target:
        return f"The incident is already {error.current}{_since(error)}."
    if not error.possible:
        return f"{current} and stays so. Not over? Declare a new one: `{slash} declare`"
    if error.target == "reopened":
        return "The incident is still open."
    refused = f"{current}, so it can't be {error.target} yet."
    if error.target == "closed" and "resolved" in error.possible:
        return f"{refused} Resolve it first: `{slash} resolve`"
    return f"{refused} Possible now: {any_of(error.possible)}."


def _since(error: TransitionRefused) -> str:
    """Return who changed the status and when, for the person who came second."""
    if not error.by or error.at is None:
        return ""
    return f" ({escape_line(error.by)}, {date(error.at)})"


def _whole_line(example: str, typed: str, *, slash: str) -> str:
    """Return the example; if it begins with the typed verb, as the whole line to type."""
    before, words = slash, typed.split()
    if words and parse_reference(words[0]) is not None:
        before, words = f"{slash} {words[0].upper()}", words[1:]
    named, _, bare = example.partition(" ")
    shown = bare if parse_reference(named) is not None else example
    if shown.partition(" ")[0] not in {one.casefold() for one in words[:2]}:  # `update snooze`
        return example
    return f"`{before} {shown}`"


def invalid_text(field: str, problem: str, example: str) -> str:
    """Return what is wrong with a value, for a command's answer or a form's field."""
    name = _field(field)
    text = f"{name[:1].upper()}{name[1:]} {PROBLEMS.get(problem, problem)}."
    if problem == "unknown" and choices_in(example):
        return f"{text} Use {any_of(choices_in(example))}."
    return f"{text} For example: {escape(example)}" if example else text


def _field(name: str) -> str:
    """Return a value's name with its article."""
    return FIELDS.get(name) or f"the {_words(name)}"


def choices_in(example: str) -> tuple[str, ...]:
    """Return the values that an example lists; none if it isn't a list."""
    is_list = re.fullmatch(r"[\w.&' -]+(?:, [\w.&' -]+)+", example)
    return tuple(escape(one) for one in example.split(", ")) if is_list else ()


def any_of(choices: Sequence[str]) -> str:
    """Return the choices as `a, b or c`."""
    *others, last = choices
    return f"{', '.join(others)} or {last}" if others else last


def _invalid(error: InvalidInput, typed: str, *, slash: str) -> str:
    """Return what is wrong, naming a value that doesn't exist, and the whole line to type."""
    named, choices = error.value, choices_in(error.example)
    if error.field == "service" and re.fullmatch(r"[\w.-]+", error.example):
        choices = (error.example,)  # the only one
    if error.problem != "unknown" or not named or not choices:
        line = _whole_line(error.example, typed, slash=slash)
        return invalid_text(error.field, error.problem, line)
    meant = _MEANT_BY.get(named.casefold(), named.casefold())
    nearest = next(iter(get_close_matches(meant, choices, n=1)), choices[0])
    line = " ".join(plain(typed).split())
    noun = _field(error.field).partition(" ")[2]
    text = f"There's no {noun} {code(named)}. Use {any_of(choices)}"
    if named not in line.split(" "):
        return f"{text}."
    return f"{text}: {code(f'{slash} {line.replace(named, nearest, 1)}')}"
