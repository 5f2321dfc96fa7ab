"""Renders the status card: readable at a glance at 3 a.m., then buttons for the next step."""

from collections.abc import Iterable
from datetime import datetime

from bot.features.channel.feature import bookmarks_of
from bot.framework.arguments import on_incident
from bot.framework.phrases import severity_mark
from bot.slack import blocks, mentions
from bot.slack.truncation import shorten_mrkdwn
from incidents.core.sentences import capitalised
from incidents.core.times import spoken_duration
from incidents.incident.lifecycle import IncidentStatus
from incidents.incident.views import IncidentView
from incidents.policy.policy import COMMANDER, COMMUNICATIONS_LEAD, Policy

# The whole update is in the channel; the card shows what fits a glance.
_LONGEST_UPDATE = 600
_MOST_LINKS = 8


def status_card(view: IncidentView, *, policy: Policy) -> blocks.Message:
    """Return the status card of an incident, with the buttons that its status allows."""
    small = [*links(view, policy), *other_roles(view)]
    return blocks.Message(
        text=card_text(view, policy=policy),
        blocks=(
            blocks.header(
                f"{severity_mark(view.severity_rank)} {view.severity_name} · {heading(view)}"
            ),
            *marks(view),
            *blocks.paragraphs("\n".join(situation(view, policy=policy))),
            *last_update(view),
            *([blocks.context(" · ".join(small))] if small else []),
            buttons(view),
        ),
    )


def heading(view: IncidentView) -> str:
    """Return the reference and the title, as plain text."""
    return f"{view.reference} {view.title}"


def marks(view: IncidentView) -> tuple[blocks.Block, ...]:
    """Return the notices that mark a drill or a private incident; they come first."""
    lines = []
    if view.is_drill:
        lines.append("*This is a drill.* Practice only; nothing is broken.")
    if view.is_private:
        lines.append("*Private.* Only people invited here can see it; please keep it here.")
    return tuple(blocks.section(line) for line in lines)


def situation(view: IncidentView, *, policy: Policy) -> list[str]:
    """Return status, how long it is open, who leads, impact, services, and what fixed it."""
    lines = [f"*{view.status.capitalize()}* · {duration(view)}", " · ".join(_leads(view))]
    if view.impact:
        lines.append(f"*Impact* {mentions.escape(view.impact)}")
    if view.services:
        lines.append(f"*Services* {_services(view, policy)}")
    if view.status in {IncidentStatus.RESOLVED, IncidentStatus.CLOSED} and view.resolution:
        lines.append(f"*What fixed it* {mentions.escape(view.resolution)}")
    return lines


def duration(view: IncidentView) -> str:
    """Return since when it is open, as a token that stays true by itself, or how long it was."""
    ended = view.resolved_at or view.cancelled_at
    if view.is_open or ended is None:
        spare = f"since {view.declared_at:%Y-%m-%d %H:%M} UTC"
        since = mentions.date(view.declared_at, "since {date_short_pretty} {time} ({ago})", spare)
        return f"open {since}"
    return f"after {spoken_duration(ended - view.declared_at)}, {_at(ended)}"


def _leads(view: IncidentView) -> list[str]:
    shown = [f"*Commander* {people(view, COMMANDER) or 'nobody yet'}"]
    talks = people(view, COMMUNICATIONS_LEAD)
    return [*shown, f"*Communications* {talks}"] if talks else shown


def people(view: IncidentView, role_key: str) -> str:
    """Return who holds the role, as mentions."""
    return ", ".join(mentions.mention(person.external_id) for person in view.holders(role_key))


def last_update(view: IncidentView) -> tuple[blocks.Block, ...]:
    """Return the last update quoted, with who, when, and when the next one is due."""
    update, due = view.latest_update, view.next_update_due_at
    told = [] if due is None else [f"next update due {_at(due)}"]
    quoted = ""
    if update is not None and update.headline:
        told.insert(0, f"{mentions.escape_line(update.author_name)}, {_at(update.posted_at)}")
        said = shorten_mrkdwn(mentions.escape(update.headline), _LONGEST_UPDATE)
        quoted = "".join(f"> {line}\n" for line in said.splitlines())
    elif told:
        told.insert(0, "No update yet")
    return (blocks.section(quoted + " · ".join(told)),) if told else ()


def _at(instant: datetime) -> str:
    return mentions.date(instant, "at {time} {date_short_pretty}")


def links(view: IncidentView, policy: Policy) -> list[str]:
    """Return the links of the policy's bookmarks: runbook, dashboard, call bridge."""
    found = list(bookmarks_of(view, policy).items())[:_MOST_LINKS]
    return [mentions.link(address, title) for address, title in found]


def _services(view: IncidentView, policy: Policy) -> str:
    """Return the services' names; the key of one that the policy no longer lists."""
    found = ((policy.find_service(key), key) for key in view.services)
    return ", ".join(mentions.escape_line(one.name if one else key) for one, key in found)


def other_roles(view: IncidentView) -> Iterable[str]:
    """Return role holders by role, without the two that lead."""
    names: dict[str, list[str]] = {}
    for role in view.roles:
        if role.role_key not in {COMMANDER, COMMUNICATIONS_LEAD}:
            name = mentions.escape_line(role.role_name)
            names.setdefault(name, []).append(mentions.mention(role.person.external_id))
    return (f"{role}: {', '.join(held)}" for role, held in names.items())


def times(view: IncidentView) -> list[str]:
    """Return when the incident was declared, mitigated, resolved, and closed or cancelled."""
    stamp = "{date_short_pretty} {time}"
    moments = [("Declared", view.declared_at)]
    if view.mitigated_at is not None:
        moments.append(("mitigated", view.mitigated_at))
    if view.resolved_at is not None:
        moments.append(("resolved", view.resolved_at))
    if view.closed_at is not None:
        moments.append(("closed", view.closed_at))
    if view.cancelled_at is not None:
        moments.append(("cancelled", view.cancelled_at))
    return [f"{what} {mentions.date(at, stamp)}" for what, at in moments]


def card_text(view: IncidentView, *, policy: Policy) -> str:
    """Return the whole card as text, for screen readers and notifications."""
    lines = [f"{mentions.escape_line(heading(view))}: {view.severity_name}, {view.status}."]
    if view.is_drill:
        lines.append("This is a drill.")
    if view.is_private:
        lines.append("Private.")
    lines.append(f"{capitalised(duration(view))}.")
    lines.append(f"Commander: {people(view, COMMANDER) or 'nobody yet'}.")
    talks = people(view, COMMUNICATIONS_LEAD)
    lines += [f"Communications: {talks}."] if talks else []
    if view.impact:
        lines.append(f"Impact: {ended(mentions.escape_line(view.impact))}")
    lines += [f"Services: {_services(view, policy)}."] if view.services else []
    update = view.latest_update
    if update is not None and update.headline:
        by = f"{mentions.escape_line(update.author_name)}, {_at(update.posted_at)}"
        lines.append(f"Last update ({by}): {ended(mentions.escape_line(update.headline))}")
    if view.status in {IncidentStatus.RESOLVED, IncidentStatus.CLOSED} and view.resolution:
        lines.append(f"What fixed it: {ended(mentions.escape_line(view.resolution))}")
    if view.next_update_due_at is not None:
        lines.append(f"Next update due {_at(view.next_update_due_at)}.")
    small = [*links(view, policy), *other_roles(view)]
    lines += [f"{' · '.join(small)}."] if small else []
    lines.append(f"What you can do here: {policy.command} help.")
    return " ".join(lines)


def ended(text: str) -> str:
    """Return people's text as a sentence: add a full stop unless it has end punctuation."""
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


# -- buttons ----------------------------------------------------------------------------------


def buttons(view: IncidentView) -> blocks.Block:
    """Return the row of buttons for what is done most in this status; *More…* has the others."""
    value = on_incident(view)
    update = ("Post update", "update_open")
    if view.status is IncidentStatus.CANCELLED:
        return blocks.actions(_button("Timeline", "timeline_open", value))
    if not view.is_open:
        row = [
            ("Postmortem", "postmortem_write_open"),
            ("Action item", "action_item_open"),
            ("Reopen", "reopen_open"),
        ]
    elif view.holders(COMMANDER):
        row = [update, ("Escalate", "escalate_open"), _STATUS, ("Add note", "note_open")]
    else:
        row = [
            ("Take command", "role_take_command"),
            update,
            ("Escalate", "escalate_open"),
            _STATUS,
        ]
    (label, action_id), *others = row
    return blocks.actions(
        blocks.button(label, action_id=action_id, value=value, style="primary"),
        *(_button(*one, value) for one in (*others, ("More…", "more_open"))),
    )


_STATUS = ("Change status", "status_change")


def more_form(view: IncidentView) -> blocks.View:
    """Return the form with everything else that can be done; each button opens its own form."""
    value = on_incident(view)
    parts = _more_while_open(view) if view.is_open else _more_afterwards(view)
    shown: list[blocks.Block] = [blocks.context(mentions.escape_line(heading(view)))]
    for title, row in parts:
        shown += [
            blocks.section(f"*{title}*"),
            blocks.actions(*(_more(*one, value) for one in row)),
        ]
    return blocks.modal(f"More for {view.reference}", blocks=shown, close="Close")


_Part = tuple[str, list[tuple[str, str]]]


def _more_while_open(view: IncidentView) -> list[_Part]:
    led = bool(view.holders(COMMANDER))
    first = ("Hand off command", "handoff_offer_open") if led else ("Add note", "note_open")
    ends = [("Resolve", "resolve_open"), ("Cancel incident", "cancel_open")]
    if not view.is_private:
        ends.append(("Move to private", "private_open"))
    return [
        ("Lead", [first, ("Roles", "role_assign_open"), ("Check in", "checkin_open")]),
        (
            "Change",
            [
                ("Change severity", "severity_change"),
                ("Propose", "proposal_propose_open"),
                ("Edit", "edit_open"),
            ],
        ),
        ("Record", [*_RECORD, ("Action item", "action_item_open")]),
        ("End or hide", ends),
    ]


def _more_afterwards(view: IncidentView) -> list[_Part]:
    is_resolved = view.status is IncidentStatus.RESOLVED
    closing: list[_Part] = [("End", [("Close", "close_incident")])] if is_resolved else []
    return [("Record", _RECORD), *closing]


_RECORD = [("Timeline", "timeline_open"), ("Correct times", "milestones_open")]


def _more(label: str, action_id: str, value: str) -> blocks.ButtonElement:
    if action_id != "close_incident":  # the others ask in a form of their own
        return _button(label, action_id, value)
    sure = blocks.confirm(
        "Close it?", text="Nothing more to do here. It can be reopened with a reason.", yes="Close"
    )
    return blocks.button(label, action_id=action_id, value=value, confirm=sure)


def _button(label: str, action_id: str, value: str) -> blocks.ButtonElement:
    return blocks.button(label, action_id=action_id, value=value)
