"""How the status card looks: one glance at 3 a.m., then what can be done about it."""

from bot.slack import blocks as b
from bot.slack import mentions as m
from incidents.incident.lifecycle import IncidentStatus
from incidents.incident.views import IncidentView
from incidents.policy.policy import COMMANDER, Policy


def status_card(view: IncidentView, *, policy: Policy) -> b.Message:
    """Return the status card of an incident, with buttons for what is possible now."""
    return b.Message(
        text=card_text(view, slash=policy.command),
        blocks=(
            b.header(heading(view)),
            *marks(view),
            b.fields(facts(view)),
            *details(view, policy=policy),
            b.context(" · ".join(times(view))),
            *button_rows(view),
        ),
    )


def heading(view: IncidentView) -> str:
    """Return the reference and the title, as plain text."""
    return f"{view.reference} {view.title}"


def marks(view: IncidentView) -> tuple[b.Block, ...]:
    """Return what sets a drill or a private incident apart, before anything else is read."""
    lines = []
    if view.is_drill:
        lines.append("*This is a drill.* Practice only; nothing is broken.")
    if view.is_private:
        lines.append("*Private.* Only people invited here can see it; please keep it here.")
    return tuple(b.section(line) for line in lines)


def facts(view: IncidentView) -> list[str]:
    """Return severity, status, who is in command, and when the next update is due."""
    lines = [
        f"*Severity*\n{m.escape_line(view.severity_name)}",
        f"*Status*\n{view.status.capitalize()}",
        f"*Commander*\n{people(view, COMMANDER) or 'Nobody yet'}",
    ]
    if view.next_update_due_at is not None:
        lines.append(f"*Next update due*\n{m.date(view.next_update_due_at, '{time}')}")
    return lines


def people(view: IncidentView, role_key: str) -> str:
    """Return who holds the role, as mentions."""
    return ", ".join(m.mention(person.external_id) for person in view.holders(role_key))


def details(view: IncidentView, *, policy: Policy) -> list[b.Block]:
    """Return impact, services, other roles and the last stakeholder update, as far as known."""
    blocks: list[b.Block] = []
    if view.impact:
        blocks += b.paragraphs(f"*Impact* {m.escape(view.impact)}")
    lines = []
    if view.services:
        named = ", ".join(m.escape_line(_service(key, policy)) for key in view.services)
        lines.append(f"*Services* {named}")
    others = other_roles(view)
    if others:
        lines.append(f"*Roles* {others}")
    update = view.latest_update
    if update is not None and update.headline:
        when = m.date(update.posted_at, "{date_short_pretty} {time}")
        lines.append(f"*Last update* ({when}) {m.escape(update.headline)}")
    if view.status in {IncidentStatus.RESOLVED, IncidentStatus.CLOSED} and view.resolution:
        lines.append(f"*What fixed it* {m.escape(view.resolution)}")
    if lines:
        blocks += b.paragraphs("\n".join(lines))
    return blocks


def _service(key: str, policy: Policy) -> str:
    """Return the service's name; one that the policy no longer has keeps its key."""
    service = policy.find_service(key)
    return service.name if service is not None else key


def other_roles(view: IncidentView) -> str:
    """Return everybody with a role but the commander, role by role."""
    names: dict[str, list[str]] = {}
    for role in view.roles:
        if role.role_key != COMMANDER:
            names.setdefault(role.role_name, []).append(m.mention(role.person.external_id))
    return " · ".join(f"{role}: {', '.join(held)}" for role, held in names.items())


def times(view: IncidentView) -> list[str]:
    """Return the moments that tell how far the incident is."""
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
    return [f"{what} {m.date(at, stamp)}" for what, at in moments]


def card_text(view: IncidentView, *, slash: str) -> str:
    """Return the whole card in words: all that a screen reader or a notification gets."""
    lines = [f"{m.escape_line(heading(view))}: {view.severity_name}, {view.status}."]
    if view.is_drill:
        lines.append("This is a drill.")
    if view.is_private:
        lines.append("Private.")
    lines.append(f"Commander: {people(view, COMMANDER) or 'nobody yet'}.")
    if view.impact:
        lines.append(f"Impact: {ended(m.escape_line(view.impact))}")
    update = view.latest_update
    if update is not None and update.headline:
        lines.append(f"Last update: {ended(m.escape_line(update.headline))}")
    if view.status in {IncidentStatus.RESOLVED, IncidentStatus.CLOSED} and view.resolution:
        lines.append(f"What fixed it: {ended(m.escape_line(view.resolution))}")
    if view.next_update_due_at is not None:
        lines.append(f"Next update due {m.date(view.next_update_due_at, '{time}')}.")
    lines.append(f"What you can do here: {slash} help.")
    return " ".join(lines)


def ended(text: str) -> str:
    """Return people's text as a sentence: with a full stop, unless it has an end of its own."""
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def button_rows(view: IncidentView) -> tuple[b.Block, ...]:
    """Return the buttons that fit the incident's status; each carries the version it was made for."""
    value = f"{view.id}|{view.version}"
    if view.is_open:
        return _open_rows(view, value)
    if view.status is IncidentStatus.CANCELLED:
        return (b.actions(_button("Timeline", "timeline_open", value)),)
    last = (
        _button("Close", "close_incident", value)
        if view.status is IncidentStatus.RESOLVED
        else _button("Timeline", "timeline_open", value)
    )
    return (
        b.actions(
            b.button("Postmortem", action_id="postmortem_write_open", value=value, style="primary"),
            _button("Action item", "action_item_open", value),
            _button("Correct times", "milestones_open", value),
            _button("Reopen", "reopen_open", value),
            last,
        ),
    )


def _open_rows(view: IncidentView, value: str) -> tuple[b.Block, ...]:
    # One primary button: what is needed first. Without a commander that is somebody in command.
    is_led = bool(view.holders(COMMANDER))
    first = (
        b.button("Post update", action_id="update_open", value=value, style="primary")
        if is_led
        else b.button("Take command", action_id="role_take_command", value=value, style="primary")
    )
    second = (
        _button("Hand off", "handoff_offer_open", value)
        if is_led
        else _button("Post update", "update_open", value)
    )
    return (
        b.actions(
            first,
            second,
            _button("Escalate", "escalate_open", value),
            _button("Change status", "status_change", value),
            _button("Resolve", "resolve_open", value),
        ),
        b.actions(
            _button("Change severity", "severity_change", value),
            _button("Roles", "role_assign_open", value),
            _button("Check in", "checkin_open", value),
            _button("Propose", "approval_propose_open", value),
            _button("Add note", "note_open", value),
        ),
        b.actions(
            _button("Edit", "edit_open", value),
            _button("Timeline", "timeline_open", value),
            _button("Action item", "action_item_open", value),
            _button("Correct times", "milestones_open", value),
        ),
        b.actions(
            _button("Cancel incident", "cancel_open", value),
            *([] if view.is_private else [_button("Move to private", "private_open", value)]),
        ),
    )


def _button(label: str, action_id: str, value: str) -> b.ButtonElement:
    return b.button(label, action_id=action_id, value=value)
