"""Renders the status card: readable at a glance at 3 a.m., then buttons for the next step."""

from bot.framework.arguments import on_incident
from bot.slack import blocks, mentions
from incidents.incident.lifecycle import IncidentStatus
from incidents.incident.views import IncidentView
from incidents.policy.policy import COMMANDER, Policy


def status_card(view: IncidentView, *, policy: Policy) -> blocks.Message:
    """Return the status card of an incident, with the buttons that its status allows."""
    return blocks.Message(
        text=card_text(view, slash=policy.command),
        blocks=(
            blocks.header(heading(view)),
            *marks(view),
            blocks.fields(facts(view)),
            *details(view, policy=policy),
            blocks.context(" · ".join(times(view))),
            *button_rows(view),
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


def facts(view: IncidentView) -> list[str]:
    """Return severity, status, commander, and when the next update is due."""
    lines = [
        f"*Severity*\n{mentions.escape_line(view.severity_name)}",
        f"*Status*\n{view.status.capitalize()}",
        f"*Commander*\n{people(view, COMMANDER) or 'Nobody yet'}",
    ]
    if view.next_update_due_at is not None:
        lines.append(f"*Next update due*\n{mentions.date(view.next_update_due_at, '{time}')}")
    return lines


def people(view: IncidentView, role_key: str) -> str:
    """Return who holds the role, as mentions."""
    return ", ".join(mentions.mention(person.external_id) for person in view.holders(role_key))


def details(view: IncidentView, *, policy: Policy) -> list[blocks.Block]:
    """Return what is known of impact, services, other roles, last update and resolution."""
    body: list[blocks.Block] = []
    if view.impact:
        body += blocks.paragraphs(f"*Impact* {mentions.escape(view.impact)}")
    lines = []
    if view.services:
        named = ", ".join(mentions.escape_line(_service(key, policy)) for key in view.services)
        lines.append(f"*Services* {named}")
    others = other_roles(view)
    if others:
        lines.append(f"*Roles* {others}")
    update = view.latest_update
    if update is not None and update.headline:
        when = mentions.date(update.posted_at, "{date_short_pretty} {time}")
        lines.append(f"*Last update* ({when}) {mentions.escape(update.headline)}")
    if view.status in {IncidentStatus.RESOLVED, IncidentStatus.CLOSED} and view.resolution:
        lines.append(f"*What fixed it* {mentions.escape(view.resolution)}")
    if lines:
        body += blocks.paragraphs("\n".join(lines))
    return body


def _service(key: str, policy: Policy) -> str:
    """Return the service's name, or its key if the policy no longer lists it."""
    service = policy.find_service(key)
    return service.name if service is not None else key


def other_roles(view: IncidentView) -> str:
    """Return role holders by role, without the commander."""
    names: dict[str, list[str]] = {}
    for role in view.roles:
        if role.role_key != COMMANDER:
            names.setdefault(role.role_name, []).append(mentions.mention(role.person.external_id))
    return " · ".join(f"{role}: {', '.join(held)}" for role, held in names.items())


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


def card_text(view: IncidentView, *, slash: str) -> str:
    """Return the whole card as text, for screen readers and notifications."""
    lines = [f"{mentions.escape_line(heading(view))}: {view.severity_name}, {view.status}."]
    if view.is_drill:
        lines.append("This is a drill.")
    if view.is_private:
        lines.append("Private.")
    lines.append(f"Commander: {people(view, COMMANDER) or 'nobody yet'}.")
    if view.impact:
        lines.append(f"Impact: {ended(mentions.escape_line(view.impact))}")
    update = view.latest_update
    if update is not None and update.headline:
        lines.append(f"Last update: {ended(mentions.escape_line(update.headline))}")
    if view.status in {IncidentStatus.RESOLVED, IncidentStatus.CLOSED} and view.resolution:
        lines.append(f"What fixed it: {ended(mentions.escape_line(view.resolution))}")
    if view.next_update_due_at is not None:
        lines.append(f"Next update due {mentions.date(view.next_update_due_at, '{time}')}.")
    lines.append(f"What you can do here: {slash} help.")
    return " ".join(lines)


def ended(text: str) -> str:
    """Return people's text as a sentence: add a full stop unless it has end punctuation."""
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def button_rows(view: IncidentView) -> tuple[blocks.Block, ...]:
    """Return the buttons for the incident's status; each carries the incident's version."""
    value = on_incident(view)
    if view.is_open:
        return _open_rows(view, value)
    if view.status is IncidentStatus.CANCELLED:
        return (blocks.actions(_button("Timeline", "timeline_open", value)),)
    last = (
        _button("Close", "close_incident", value)
        if view.status is IncidentStatus.RESOLVED
        else _button("Timeline", "timeline_open", value)
    )
    return (
        blocks.actions(
            blocks.button(
                "Postmortem", action_id="postmortem_write_open", value=value, style="primary"
            ),
            _button("Action item", "action_item_open", value),
            _button("Correct times", "milestones_open", value),
            _button("Reopen", "reopen_open", value),
            last,
        ),
    )


def _open_rows(view: IncidentView, value: str) -> tuple[blocks.Block, ...]:
    # One primary button, for what is needed first: without a commander, *Take command*.
    is_led = bool(view.holders(COMMANDER))
    first = (
        blocks.button("Post update", action_id="update_open", value=value, style="primary")
        if is_led
        else blocks.button(
            "Take command", action_id="role_take_command", value=value, style="primary"
        )
    )
    second = (
        _button("Hand off", "handoff_offer_open", value)
        if is_led
        else _button("Post update", "update_open", value)
    )
    return (
        blocks.actions(
            first,
            second,
            _button("Escalate", "escalate_open", value),
            _button("Change status", "status_change", value),
            _button("Resolve", "resolve_open", value),
        ),
        blocks.actions(
            _button("Change severity", "severity_change", value),
            _button("Roles", "role_assign_open", value),
            _button("Check in", "checkin_open", value),
            _button("Propose", "proposal_propose_open", value),
            _button("Add note", "note_open", value),
        ),
        blocks.actions(
            _button("Edit", "edit_open", value),
            _button("Timeline", "timeline_open", value),
            _button("Action item", "action_item_open", value),
            _button("Correct times", "milestones_open", value),
        ),
        blocks.actions(
            _button("Cancel incident", "cancel_open", value),
            *([] if view.is_private else [_button("Move to private", "private_open", value)]),
        ),
    )


def _button(label: str, action_id: str, value: str) -> blocks.ButtonElement:
    return blocks.button(label, action_id=action_id, value=value)
